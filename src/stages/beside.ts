import type { Finding } from "../checks/run-check.ts";
import type { CheckComparison, MeasuredRecord } from "../compare/from-history.ts";
import type { CompareSettings } from "../config/compare-schema.ts";
import { count, percentOf } from "../lib/count.ts";
import type { Check } from "../model/report.ts";
import { reportCheck, type StageContext } from "./context.ts";
import { type SampledCheck, sampledIn, stageOf } from "./earlier-runs.ts";
import type { FinishedChecks } from "./run-checks.ts";

/** Compares each latency of this environment with the same one of another, by the runs that the history has of both. */

/** Runs that failed lie between those that count. */
const recordsPerRun = 4;
const comparedStages = ["preflight", "smoke"] as const;

/** @param found checks of the stage, all finished */
export async function compareWithOther(context: StageContext, found: FinishedChecks): Promise<Check[]> {
  const settings = stageOf(context)?.compare;
  if (!settings || settings.with === context.environment.name) return [];
  const sampled = sampledIn(found);
  const looking = lookAtBoth(context, settings, sampled);
  // Each comparison that awaits it reports the failure; without a sample, none does.
  looking.catch(() => undefined);
  return await Promise.all(
    sampled.map(({ check }) =>
      reportCheck(
        context,
        context.check(`compare.${check.id}`, `${check.title} beside ${settings.with}`, async () =>
          judge(check, await looking, context, settings),
        ),
      ),
    ),
  );
}

interface BothSides {
  /** By the recorded id of the check. */
  comparisons: ReadonlyMap<string, CheckComparison>;
  /** Whether the other environment has left any latency. */
  otherIsKnown: boolean;
  idOf: (check: Pick<Check, "id">) => string;
}

/** @throws Error if the history can't be read: without it, nothing is known of the other environment */
async function lookAtBoth(
  context: StageContext,
  settings: CompareSettings,
  sampled: readonly SampledCheck[],
): Promise<BothSides> {
  const [{ compareEnvironments }, { recordedName }, store] = await Promise.all([
    import("../compare/from-history.ts"),
    import("../history/record/of-report.ts"),
    context.history(),
  ]);
  if (!store)
    throw new Error(
      `The runs of ${settings.with} are not known, because history.store is none: name a place that all runs reach.`,
    );
  const here = context.environment.name;
  const most = settings.runs * recordsPerRun;
  const found = await Promise.all(
    [here, settings.with].flatMap((environment) => comparedStages.map((stage) => store.recent({ environment, stage }, most))),
  );
  const idOf = ({ id }: Pick<Check, "id">) => recordedName(context.secrets.redact(id));
  const project = context.project === undefined ? undefined : recordedName(context.secrets.redact(context.project));
  const records = found.flatMap((one) => one.records).filter((record) => record.project === project);
  const compared = compareEnvironments([...records, thisRun(context, sampled, idOf, project)], here, settings.with, {
    runs: settings.runs,
    settings: { least: Math.min(0.05, settings.latency), wanted: Math.max(settings.latency, 0.05) },
  });
  return {
    comparisons: new Map(compared.map((one) => [one.check, one])),
    otherIsKnown: records.some(
      ({ environment, checks }) => environment.name === settings.with && checks.some(({ latency }) => latency),
    ),
    idOf,
  };
}

/** The record that this run will leave has the same samples. */
function thisRun(
  { stage, runId, environment: { name, access } }: StageContext,
  sampled: readonly SampledCheck[],
  idOf: BothSides["idOf"],
  project: string | undefined,
): MeasuredRecord {
  return {
    ...(project === undefined ? {} : { project }),
    ...{ stage, runId, verdict: "passed", environment: { name, access }, origin: { kind: "terminal" } },
    finishedAt: new Date().toISOString(),
    checks: sampled.flatMap(({ check, samples: { values } }) =>
      check.latency ? [{ id: idOf(check), verdict: check.verdict, latency: { ...check.latency, samples: [...values] } }] : [],
    ),
  };
}

function judge(
  check: Pick<Check, "id" | "title">,
  { comparisons, otherIsKnown, idOf }: BothSides,
  { environment: { name } }: Pick<StageContext, "environment">,
  { with: other, latency: limit, verdict }: CompareSettings,
): Finding {
  const expected = `≤ +${percent(limit)} of ${other}`;
  const found = comparisons.get(idOf(check));
  if (!found) {
    if (otherIsKnown)
      return { verdict: "skipped", message: `No run of ${other} has measured it, so there is nothing to compare with.` };
    return {
      verdict: "degraded",
      expected,
      observed: `no run of ${other}`,
      message: `Too few samples: the history has no measured run of ${other}. Run smoke there, and keep the history in a place that both reach (history.store).`,
    };
  }
  const { word, ratio = 1, low, high, visible, runsA, runsB } = found;
  const bounds = low === undefined || high === undefined ? "" : ` (${factor(low)} to ${factor(high)})`;
  const observed = `${word}: ×${factor(ratio)}${bounds}, ${count(runsA, "run")} beside ${runsB} of ${other}`;
  if (word === "slower" && ratio > 1 + limit)
    return {
      verdict,
      observed,
      expected,
      message: `${check.title} is slower in ${name} than in ${other}, by about ${percent(ratio - 1)}.`,
    };
  if (word === "too few samples")
    return {
      verdict: "degraded",
      observed,
      expected,
      message: `Too few samples: ${visible === undefined ? "at least six runs of each are needed" : `only a difference of ${percent(visible)} would have been seen`}. It needs more runs of both; raise compare.runs or api.samples if runs differ much.`,
    };
  return { verdict: "passed", observed, expected };
}

function factor(value: number): string {
  return value.toFixed(2);
}

function percent(share: number): string {
  return `${Math.round(percentOf(share))} %`;
}
