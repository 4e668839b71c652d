import type { Samples } from "../checks/run-check.ts";
import type { Baseline } from "../config/baseline-schema.ts";
import { count } from "../lib/count.ts";
import { type Check, opensTheGate, worstVerdict } from "../model/report.ts";
import type { EarlierRuns } from "./baseline-runs.ts";
import { reportCheck, type StageContext } from "./context.ts";
import type { FinishedChecks } from "./run-checks.ts";
import { scoreChecks, withoutDryRun } from "./score.ts";

/** Compares latencies with those of the last passing runs, which the history has, and says which of them later runs may use. */

/**
 * Compares the sampled latencies with those of earlier runs and of another environment, as configured, and keeps them for later runs.
 * @param found checks of the stage, all finished
 * @returns a check for each comparison
 */
export async function compareLatencies(context: StageContext, found: FinishedChecks): Promise<Check[]> {
  const earlier = await compareWithEarlierRuns(context, found);
  if (!stageOf(context)?.compare) return earlier;
  return [...earlier, ...(await (await import("./beside.ts")).compareWithOther(context, found))];
}

/**
 * Compares each sampled latency with earlier runs, if configured. Then hands on the passed ones for later runs.
 * @param checks of the stage, all finished
 */
export async function compareWithEarlierRuns(context: StageContext, found: FinishedChecks): Promise<Check[]> {
  const settings = stageOf(context)?.baseline;
  const sampled = sampledIn(found);
  const { comparisons, slower } = settings ? await compareAll(context, sampled, settings) : { comparisons: [], slower: [] };
  if (passes(context, [...found.checks, ...comparisons])) keepForLaterRuns(context, sampled, slower);
  return comparisons;
}

async function compareAll(
  context: StageContext,
  sampled: readonly SampledCheck[],
  settings: Baseline,
): Promise<{ comparisons: Check[]; slower: string[] }> {
  const [{ compare }, { earlierRuns }] = await Promise.all([import("../checks/baseline.ts"), import("./baseline-runs.ts")]);
  const slower: string[] = [];
  const earlier = earlierRuns(context, settings.runs);
  // Each comparison that awaits it reports the failure; without a sample, none does.
  earlier.catch(() => undefined);
  const comparing = sampled.map(({ check, samples: { values, fixedCount } }) =>
    reportCheck(
      context,
      context.check(`baseline.${check.id}`, `${check.title} against earlier runs`, async () => {
        const known = await earlier;
        const limits = fixedCount ? atMost(values.length, settings) : settings;
        const samples = known.runs.flatMap((run) => [run.samplesOf(check.id) ?? []]).filter(({ length }) => length > 0);
        // With those that can't be read there might be enough, and then it might be slower.
        if (known.unreadable.length > 0 && samples.flat().length < limits.minimumSamples) throw new Error(unreadable(known));
        const { slower: isSlower, ...finding } = compare(check, values, samples, limits, known.cure);
        if (isSlower) slower.push(check.id);
        return finding;
      }),
    ),
  );
  return { comparisons: await Promise.all(comparing), slower };
}

function unreadable({ unreadable }: EarlierRuns): string {
  const [first] = unreadable;
  const which = `${first?.name} (${first?.why})${unreadable.length > 1 ? ` and ${unreadable.length - 1} more` : ""}`;
  return `${count(unreadable.length, "record")} of earlier runs can't be read: ${which}. Delete what is damaged; newer versions of env-actions read their own.`;
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

/** Only passed checks of a passing run, so that a slow run never becomes the reference. */
function keepForLaterRuns(context: StageContext, sampled: readonly SampledCheck[], slower: readonly string[]): void {
  if (context.signal.aborted) return;
  for (const { check, samples } of sampled)
    if (check.verdict === "passed" && !slower.includes(check.id))
      context.baseline.set(context.secrets.redact(check.id), samples.values);
}

export interface SampledCheck {
  check: Check;
  samples: Samples;
}

/** A single measurement, such as one connection, is not a sample. */
export function sampledIn({ checks, samples }: FinishedChecks): SampledCheck[] {
  return checks.flatMap((check) => {
    const measured = samples.get(check.id);
    return measured && measured.values.length > 1 ? [{ check, samples: measured }] : [];
  });
}

/** The settings of the stage; only these two sample latencies. */
export function stageOf({ stage, config }: StageContext) {
  return stage === "preflight" || stage === "smoke" ? config.stages[stage] : undefined;
}

/** If a check cannot take more samples, requiring more would make it degraded for ever. */
function atMost(samples: number, settings: Baseline): Baseline {
  return { ...settings, minimumSamples: Math.min(settings.minimumSamples, samples) };
}
