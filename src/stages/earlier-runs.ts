import { join } from "node:path";
import type { Samples } from "../checks/run-check.ts";
import type { Baseline } from "../config/baseline-schema.ts";
import { errorText } from "../lib/error-text.ts";
import { readOwn, writeOwn } from "../lib/plain-file.ts";
import { redacted } from "../lib/redaction/redactor.ts";
import { z } from "../lib/zod.ts";
import { type Check, opensTheGate, worstVerdict } from "../model/report.ts";
import { reportCheck, type StageContext, step } from "./context.ts";
import type { FinishedChecks } from "./run-checks.ts";
import { scoreChecks, withoutDryRun } from "./score.ts";

/**
 * Keeps the latencies of the last passing runs in the workspace, so that no external service is needed to know what is normal. On
 * a runner the folder has to be kept between runs, for example with actions/cache.
 */

/** More samples of a check in one run only add bytes. */
const mostSamples = 200;

const runSchema = () =>
  z.strictObject({
    runId: z.string(),
    stage: z.string(),
    finishedAt: z.string(),
    samples: z.record(z.string(), z.array(z.number().nonnegative()).min(1)),
  });
/** Built when a file is read, because that takes longer than to write one. */
const fileSchema = () => z.strictObject({ schemaVersion: z.literal(1), runs: z.array(runSchema()) });

type Run = z.output<ReturnType<typeof runSchema>>;

/**
 * Compares each sampled latency with earlier runs, if configured. Then stores the passed ones for later runs.
 * @param checks of the stage, all finished
 */
export async function compareWithEarlierRuns(context: StageContext, found: FinishedChecks): Promise<Check[]> {
  const settings = stageOf(context)?.baseline;
  const sampled = sampledIn(found);
  const { comparisons, slower } = settings ? await compareAll(context, sampled, settings) : { comparisons: [], slower: [] };
  if (passes(context, [...found.checks, ...comparisons])) await keepForLaterRuns(context, sampled, slower);
  return comparisons;
}

async function compareAll(
  context: StageContext,
  sampled: readonly SampledCheck[],
  settings: Baseline,
): Promise<{ comparisons: Check[]; slower: string[] }> {
  const { compare } = await import("../checks/baseline/compare.ts");
  const slower: string[] = [];
  const earlier = readRuns(context);
  // Each comparison that awaits it reports the failure; without a sample, none does.
  earlier.catch(() => undefined);
  const comparing = sampled.map(({ check, samples: { values, fixedCount } }) =>
    reportCheck(
      context,
      context.check(`baseline.${check.id}`, `${check.title} against earlier runs`, async () => {
        const runs = (await earlier).filter((run) => run.stage === context.stage).slice(-settings.runs);
        const earlierSamples = runs.flatMap((run) => samplesIn(run, check.id));
        const { slower: isSlower, ...finding } = compare(
          check,
          values,
          earlierSamples,
          fixedCount ? atMost(values.length, settings) : settings,
        );
        if (isSlower) slower.push(check.id);
        return finding;
      }),
    ),
  );
  return { comparisons: await Promise.all(comparing), slower };
}

function samplesIn(run: Run, id: string): number[][] {
  const samples = run.samples[id];
  return samples ? [samples] : [];
}

/**
 * Whether no check that counts failed, or the score is high enough. The first is sufficient: without enough earlier runs the
 * score may be low, and only storing this run helps.
 */
function passes(context: StageContext, checks: readonly Check[]): boolean {
  const score = stageOf(context)?.score;
  const deciding = withoutDryRun(checks, score?.weights ?? []);
  if (opensTheGate(worstVerdict(deciding.map(({ verdict }) => verdict)))) return true;
  return score !== undefined && opensTheGate(scoreChecks(checks, score).verdict);
}

/**
 * Stores the passed checks of a passing run, so that a slow run never becomes the reference. A file that cannot be written is
 * only reported.
 */
async function keepForLaterRuns(
  context: StageContext,
  sampled: readonly SampledCheck[],
  slower: readonly string[],
): Promise<void> {
  if (context.signal.aborted) return;
  const kept = sampled.filter(({ check }) => check.verdict === "passed" && !slower.includes(check.id));
  if (kept.length === 0) return;
  const run: Run = {
    runId: context.runId,
    stage: context.stage,
    finishedAt: new Date().toISOString(),
    samples: Object.fromEntries(kept.map(({ check, samples }) => [check.id, samples.values.slice(0, mostSamples).map(rounded)])),
  };
  try {
    await writeRuns(context, bounded([...(await readRuns(context)), run], stageOf(context)?.baseline?.runs ?? 10));
  } catch (error) {
    step(context, `latencies were not kept for later runs: ${errorText(error)}`);
  }
}

interface SampledCheck {
  check: Check;
  samples: Samples;
}

/** A single measurement, such as one connection, is not a sample. */
function sampledIn({ checks, samples }: FinishedChecks): SampledCheck[] {
  return checks.flatMap((check) => {
    const measured = samples.get(check.id);
    return measured && measured.values.length > 1 ? [{ check, samples: measured }] : [];
  });
}

/** The settings of the stage; only these two sample latencies. */
function stageOf({ stage, config }: StageContext) {
  return stage === "preflight" || stage === "smoke" ? config.stages[stage] : undefined;
}

/** If a check cannot take more samples, requiring more would make it degraded for ever. */
function atMost(samples: number, settings: Baseline): Baseline {
  return { ...settings, minimumSamples: Math.min(settings.minimumSamples, samples) };
}

/** The last runs of each stage. */
function bounded(runs: readonly Run[], most: number): Run[] {
  const ofStage = (stage: string) => runs.filter((run) => run.stage === stage).slice(-most);
  return [...new Set(runs.map((run) => run.stage))].flatMap(ofStage);
}

/** Microseconds are finer than any network. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function fileOf(context: StageContext): string {
  return join(context.records, "baseline", `${context.environment.name}.json`);
}

/** @throws Error for an invalid file: silently starting again would hide every slowdown */
async function readRuns(context: StageContext): Promise<Run[]> {
  const file = fileOf(context);
  let text: string;
  try {
    text = (await readOwn(file)).toString("utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  try {
    return fileSchema().parse(JSON.parse(text)).runs;
  } catch (error) {
    const cure = "Delete it to begin anew.";
    throw new Error(`.env-actions/baseline/${context.environment.name}.json is not what env-actions wrote. ${cure}`, {
      cause: error,
    });
  }
}

async function writeRuns(context: StageContext, runs: readonly Run[]): Promise<void> {
  await writeOwn(fileOf(context), `${JSON.stringify(redacted({ schemaVersion: 1, runs }, context.secrets.redact))}\n`);
}
