import { join } from "node:path";
import { compare } from "../checks/baseline/compare.ts";
import type { Samples } from "../checks/run-check.ts";
import type { Baseline } from "../config/baseline-schema.ts";
import { percentOf } from "../lib/count.ts";
import { errorText } from "../lib/error-text.ts";
import { type Glob, textGlob } from "../lib/pattern.ts";
import { readOwn, writeOwn } from "../lib/plain-file.ts";
import { redacted } from "../lib/redaction/redactor.ts";
import { z } from "../lib/zod.ts";
import {
  type Check,
  opensTheGate,
  type Score,
  type ScoredCheck,
  stageNames,
  type Verdict,
  withoutConsequences,
  worstVerdict,
} from "../model/report.ts";
import { reportCheck, type StageContext, step } from "./context.ts";
import { criticalOfKinds, type FinishedChecks } from "./run-checks.ts";

/** One line of `stages.<stage>.score.weights`. */
export interface Weight {
  /** Glob over the ids of checks. */
  check: string;
  weight: number;
  key: boolean;
  dryRun: boolean;
}

export interface ScoreSettings {
  /** Shares of the possible points, 0 to 1. */
  pass: number;
  warning: number;
  weights: readonly Weight[];
}

export interface Scoring {
  verdict: Verdict;
  /** One sentence with the reason. */
  reason: string;
  score: Score;
}

const points: Partial<Record<Verdict, number>> = { passed: 1, degraded: 0.5, failed: 0 };

/**
 * A score cannot outvote these, nor the critical checks of the kinds: tests that failed or did not run, test data that is left or
 * could not be deleted, and a stage that was refused or broke off. Their warnings stay warnings.
 */
const criticalOfStages = ["tests.*", "test-data.*", "auth.sign-ins", "sequence", "identity", ...stageNames];
const critical = [...criticalOfStages, ...criticalOfKinds].map((glob) => textGlob(glob));
const isCritical = (id: string) => critical.some((glob) => glob.test(id));

/** Weights may be fractions, whose sums are inexact. */
const tolerance = 1e-9;

/**
 * The verdict of all checks together, as in Keptn: passed has the full weight, degraded half, failed none. A check that could not
 * be done makes the whole an error, and a failed key check makes it failed. Skipped checks and those in dry run don't count; if
 * nothing counts, the whole is an error.
 */
export function scoreChecks(checks: readonly Check[], settings: ScoreSettings): Scoring {
  const rules = rulesOf(settings.weights);
  const scored = checks.map((check) => scoredCheck(check, rules));
  const counting = checks.filter((check, index) => counts(check, scored[index]));
  const possible = sum(scored.map((check, index) => (counts(checks[index], check) ? check.weight : 0)));
  const reached = sum(scored.map((check) => check.points));
  const missingKeys = settings.weights.filter(({ check, key }) => key && !counting.some(({ id }) => textGlob(check).test(id)));
  const score: Score = {
    percent: possible > 0 ? percentOf(reached / possible) : 0,
    pass: percentOf(settings.pass),
    warning: percentOf(settings.warning),
    reached,
    possible,
    checks: scored,
    unmatched: settings.weights.map(({ check }) => check).filter((glob) => !checks.some(({ id }) => textGlob(glob).test(id))),
  };
  const verdict = (word: Verdict, reason: string): Scoring => ({ verdict: word, reason, score });

  const unseen = counting.filter((check) => check.verdict === "error");
  if (unseen.length > 0) return verdict("error", summarise(unseen));
  if (missingKeys.length > 0)
    return verdict("error", `The key indicator ${missingKeys[0]?.check} did not run: no counted check has this id.`);
  if (possible === 0) return verdict("error", "no check that counts has run");
  const keys = counting.filter((check) => check.verdict === "failed" && scored.some(({ id, key }) => key && id === check.id));
  if (keys.length > 0) return verdict("failed", `Key indicator: ${summarise(keys)}`);
  const doubts = counting.filter(({ id, verdict }) => verdict === "degraded" && isCritical(id));
  const byPoints = wordFor(reached, possible, settings);
  const wanted = doubts.length > 0 && byPoints === "passed" ? "degraded" : byPoints;
  const total = `The score is ${score.percent} % of ${score.pass} % to pass`;
  const wrong = counting.filter((check) => check.verdict === "failed");
  const worst =
    byPoints !== wanted ? doubts : wrong.length > 0 ? wrong : counting.filter((check) => check.verdict === "degraded");
  return verdict(wanted, worst.length > 0 ? `${total}. ${summarise(worst)}` : total);
}

function wordFor(reached: number, possible: number, { pass, warning }: ScoreSettings): Verdict {
  if (reached >= pass * possible - tolerance) return "passed";
  return reached >= warning * possible - tolerance ? "degraded" : "failed";
}

type Rule = Weight & { means: Glob };

function rulesOf(weights: readonly Weight[]): Rule[] {
  return weights.map((weight) => ({ ...weight, means: textGlob(weight.check) }));
}

/** The last line that matches a check decides, as in CODEOWNERS. */
function scoredCheck({ id, verdict }: Check, rules: readonly Rule[]): ScoredCheck {
  const ruleOf = (meant: string) => rules.findLast(({ means }) => means.test(meant));
  const rule = ruleOf(id);
  const protectedCheck = isCritical(id);
  // A comparison with earlier runs is about a check's latency: if that check doesn't count, neither does the comparison.
  const compared = /^baseline\.(.+)$/.exec(id)?.[1];
  const dryRun = !protectedCheck && (rule ?? (compared === undefined ? undefined : ruleOf(compared)))?.dryRun === true;
  const weight = rule?.weight ?? 1;
  return {
    id,
    weight,
    key: protectedCheck || (rule?.key ?? false),
    dryRun,
    points: dryRun ? 0 : weight * (points[verdict] ?? 0),
  };
}

function counts(check: Check | undefined, scored: ScoredCheck | undefined): boolean {
  return check !== undefined && check.verdict !== "skipped" && scored !== undefined && !scored.dryRun;
}

/** Without checks in dry run, which don't decide anything. */
export function withoutDryRun(checks: readonly Check[], weights: readonly Weight[]): Check[] {
  const rules = rulesOf(weights);
  return checks.filter((check) => !scoredCheck(check, rules).dryRun);
}

/** The first check that decided the verdict, and how many more there are. What another of them explains is not counted. */
export function summarise(checks: readonly Check[]): string {
  const [first, ...others] = withoutConsequences(checks);
  if (!first) return "no check has run";
  const more = others.length > 0 ? ` (and ${others.length} more)` : "";
  return `${first.title}: ${first.message ?? first.observed ?? first.verdict}${more}`;
}

/** Checks for the report, with those that don't count marked. */
export function withDryRunMarks(checks: readonly Check[], { checks: scored }: Score): Check[] {
  return checks.map((check, index) => (scored[index]?.dryRun ? { ...check, dryRun: true } : check));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/**
 * Keeps the latencies of the last passing runs in the workspace, so that no external service is needed to know what is normal. On
 * a runner the folder has to be kept between runs, for example with actions/cache.
 */

/** More samples of a check in one run only add bytes. */
const mostSamples = 200;

const runSchema = z.strictObject({
  runId: z.string(),
  stage: z.string(),
  finishedAt: z.string(),
  samples: z.record(z.string(), z.array(z.number().nonnegative()).min(1)),
});
const fileSchema = z.strictObject({ schemaVersion: z.literal(1), runs: z.array(runSchema) });

type Run = z.output<typeof runSchema>;

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
    return fileSchema.parse(JSON.parse(text)).runs;
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
