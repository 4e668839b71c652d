import type { CheckKind } from "../checks/kind.ts";
import * as registry from "../checks/registry.ts";
import { percentOf } from "../lib/count.ts";
import { type Glob, textGlob } from "../lib/pattern.ts";
import { type Check, type Score, type ScoredCheck, stageNames, type Verdict, withoutConsequences } from "../model/report.ts";

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
const criticalOfKinds = Object.values<CheckKind>(registry).flatMap(({ critical: ids }) => ids);
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
  // A comparison with other runs is about a check's latency: if that check doesn't count, neither does the comparison.
  const compared = /^(?:baseline|compare)\.(.+)$/.exec(id)?.[1];
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
