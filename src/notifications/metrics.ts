import { setTimeout as pause } from "node:timers/promises";
import { errorText } from "../lib/error-text.ts";
import { anyProxy } from "../lib/proxy/choice.ts";
import type { StageReport } from "../model/report.ts";
import { type Delivery, type DeliveryLimits, defaultLimits } from "./deliver.ts";

export interface MetricsTarget {
  url: string;
  headers: Readonly<Record<string, string>>;
  /** The version of env-actions. */
  version: string;
}

/**
 * Sends a report's measurements by OTLP/HTTP with OpenTelemetry's own exporter. The exporter retries temporary failures until the
 * time limit.
 */
export async function sendMetrics(
  report: StageReport,
  target: MetricsTarget,
  limits: DeliveryLimits = defaultLimits,
): Promise<Delivery> {
  const over = new AbortController();
  const late = pause(
    limits.totalMs,
    { attempts: 1, problem: `not accepted within ${limits.totalMs} ms` },
    { signal: over.signal },
  );
  // Prevents an unhandled rejection if the exporter finishes first.
  late.catch(() => undefined);
  try {
    return await Promise.race([exported(report, target, limits), late]);
  } catch (error) {
    return { attempts: 1, problem: `the metrics could not be sent: ${errorText(error)}` };
  } finally {
    over.abort();
  }
}

async function exported(report: StageReport, target: MetricsTarget, limits: DeliveryLimits): Promise<Delivery> {
  // Loaded lazily: 100 kB that a run without metrics does not need.
  const [{ OTLPMetricExporter }, { MeterProvider, MetricReader }, { resourceFromAttributes }] = await Promise.all([
    import("@opentelemetry/exporter-metrics-otlp-http"),
    import("@opentelemetry/sdk-metrics"),
    import("@opentelemetry/resources"),
  ]);

  /** Reads once, on demand: we need the exporter's result, and there is nothing to read later. */
  class OnceReader extends MetricReader {
    protected override async onShutdown(): Promise<void> {}
    protected override async onForceFlush(): Promise<void> {}
  }

  const reader = new OnceReader();
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ "service.name": "env-actions", "service.version": target.version }),
    readers: [reader],
  });
  const agent = anyProxy() ? (await import("../lib/proxy/agents.ts")).agentFor(target.url) : undefined;
  const exporter = new OTLPMetricExporter({
    url: target.url,
    headers: { ...target.headers },
    timeoutMillis: limits.totalMs,
    ...(agent ? { httpAgentOptions: () => agent } : {}),
  });
  try {
    const meter = provider.getMeter("env-actions", target.version);
    for (const { name, unit, description, value, attributes } of measurementsOf(report))
      meter.createGauge(name, { unit, description }).record(value, attributes);
    const { resourceMetrics, errors } = await reader.collect();
    if (errors.length > 0) throw new Error(String(errors[0]));
    const result = await new Promise<{ code: number; error?: Error }>((resolve) => exporter.export(resourceMetrics, resolve));
    // 0 is SUCCESS in the specification's ExportResultCode.
    return result.code === 0 ? { attempts: 1 } : { attempts: 1, problem: result.error?.message ?? "the exporter gave no reason" };
  } finally {
    await Promise.all([provider.shutdown(), exporter.shutdown()]);
  }
}

export interface Measurement {
  name: string;
  unit: string;
  description: string;
  value: number;
  attributes: Record<string, string>;
}

const stageVerdicts = ["passed", "degraded", "failed", "error"] as const;

/** The numbers of a report. The only text from others is the ids of checks. */
export function measurementsOf(report: StageReport): Measurement[] {
  const common = { "env_actions.environment": report.environment.name, "env_actions.stage": report.stage };
  const measured = (name: string, unit: string, description: string, value: number, attributes: Record<string, string> = {}) => ({
    name: `env_actions.${name}`,
    unit,
    description,
    value,
    attributes: { ...common, ...attributes },
  });
  return [
    // One series per verdict, so that dashboards can add and compare them.
    ...stageVerdicts.map((verdict) =>
      measured("stage.verdict", "1", "1 for the verdict of the stage, 0 for the others.", verdict === report.verdict ? 1 : 0, {
        "env_actions.verdict": verdict,
      }),
    ),
    measured("stage.duration", "s", "How long the stage took.", report.durationMs / 1000),
    ...(report.score ? [measured("stage.score", "%", "Score of the stage.", report.score.percent)] : []),
    ...stageVerdicts.map((verdict) =>
      measured(
        "stage.checks",
        "{check}",
        "Checks by verdict.",
        report.checks.filter((check) => check.verdict === verdict).length,
        {
          "env_actions.verdict": verdict,
        },
      ),
    ),
    ...report.checks.flatMap(({ id, latency }) =>
      latency
        ? [
            measured("check.latency.p95", "ms", "P95 of the samples of a check.", latency.p95, { "env_actions.check": id }),
            measured("check.latency.p50", "ms", "P50 of the samples of a check.", latency.p50, { "env_actions.check": id }),
          ]
        : [],
    ),
    ...(report.tests
      ? (["passed", "failed", "flaky", "skipped"] as const).map((status) =>
          measured("stage.tests", "{test}", "Tests by status.", report.tests?.[status] ?? 0, { "env_actions.status": status }),
        )
      : []),
  ];
}
