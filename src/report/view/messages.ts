import { createHash } from "node:crypto";
import { type AlertEvent, type Check, opensTheGate, type StageReport, withoutConsequences } from "../../model/report.ts";
import type { CleanupResult } from "../../model/test-data.ts";
import type { TestCase } from "../../model/test-results.ts";
import {
  budgetUse,
  endWords,
  followsLine,
  headline,
  known,
  place,
  rollbackLine,
  shortSha,
  stageTitle,
  tally,
  touchedRest,
  touchedWords,
  urgentChecks,
} from "../words.ts";
import { stageBefore } from "./past.ts";
import { booksBrief, cleanupBrief } from "./test-data.ts";
import { testsBrief } from "./tests.ts";

/** The parts of a report that appear elsewhere: alerts, and the end of a stage in the terminal. */

function withPast(said: string, phrases: readonly string[]): string {
  return phrases.length === 0 ? said : [said.replace(/\.$/, ""), ...phrases].join("; ");
}

/** Events for people. Metrics are sent for every run. */
export type ToldEvent = Exclude<AlertEvent, "measured">;

export interface AlertSubject {
  event: ToldEvent;
  report: StageReport;
}

/** An alert about a verdict. `data` is for programs and is stable; everything else is for people. */
export interface AlertView {
  event: ToldEvent;
  /** `Smoke failed on production` */
  title: string;
  reason: string;
  facts: readonly { name: string; value: string }[];
  /** The checks that decided the verdict, each with its most useful text. */
  checks: readonly (Pick<Check, "id" | "title" | "verdict" | "observed" | "expected" | "message"> & { text: string })[];
  rollback?: string;
  /** The run's page for people; absent in a terminal. */
  url?: string;
  /** The same for each environment and stage, so that a recovery closes what a failure opened. */
  key: string;
  data: Pick<StageReport, "stage" | "verdict" | "rollback" | "finishedAt"> & {
    environment: string;
    run: string;
    commit: string;
    repository?: string;
    score?: number;
  };
}

const eventWords: Record<ToldEvent, string> = {
  failed: "failed",
  error: "ended with an error",
  degraded: "is degraded",
  recovered: "passed again",
};

export function alertView({ event, report }: AlertSubject, server?: string): AlertView {
  const { stage, verdict, environment, origin, runId, reason, rollback, finishedAt, score } = report;
  const commit = report.commit.headSha ?? report.commit.sha;
  const url = runUrl(report, server);
  return {
    event,
    title: `${stageTitle(stage)} ${eventWords[event]} on ${environment.name}`,
    reason,
    facts: [
      { name: "Environment", value: environment.name },
      { name: "Commit", value: shortSha(commit) },
      { name: "Run", value: runId },
    ],
    checks: decisiveChecks(report).map((check) => ({ ...check, text: check.message ?? check.observed ?? "" })),
    ...(rollback ? { rollback: rollbackLine(rollback) } : {}),
    ...(url ? { url } : {}),
    key: alertKey(report),
    data: {
      stage,
      verdict,
      environment: environment.name,
      run: runId,
      commit,
      finishedAt,
      ...(origin.repository ? { repository: origin.repository } : {}),
      ...(score ? { score: score.percent } : {}),
      ...(rollback ? { rollback } : {}),
    },
  };
}

function alertKey({ environment, stage, origin }: StageReport): string {
  const key = `env-actions/${origin.repository ?? "terminal"}/${environment.name}/${stage}`;
  // PagerDuty accepts 255 characters. Longer keys are hashed, because cutting could make two keys equal.
  return key.length <= 255 ? key : createHash("sha256").update(key).digest("hex");
}

function decisiveChecks({ checks, verdict }: StageReport): Check[] {
  const counting = checks.filter((check) => !check.dryRun);
  const same = counting.filter((check) => check.verdict === verdict);
  const decisive = same.length > 0 ? same : counting.filter(({ verdict: own }) => own === "failed" || own === "error");
  return [...withoutConsequences(decisive)];
}

/** Identifies what caused the verdict, without details that differ per run. Two reports with the same cause need one alert. */
export function causeOf(report: StageReport): string {
  const ids = [...new Set(decisiveChecks(report).map(({ id }) => id))].sort();
  return `${report.verdict}: ${ids.length > 0 ? ids.join(", ") : "problems"}`;
}

function runUrl({ origin }: StageReport, server = "https://github.com"): string | undefined {
  if (!origin.repository || !origin.workflowRun) return undefined;
  const url = `${server}/${origin.repository}/actions/runs/${origin.workflowRun}`;
  return URL.canParse(url) ? new URL(url).href : undefined;
}

/** The last lines of a stage in the terminal. */
export interface EndView {
  verdict: StageReport["verdict"];
  /** `integration failed` */
  title: string;
  /** The rest of the title's line, and the reason in few words, unless it follows elsewhere. */
  time: string;
  reason: string;
  /** Tests that failed and suites that could not be loaded, each with the first line of its message and its place. */
  failures: readonly string[];
  /** The same of those in quarantine, which do not count. */
  excused: readonly string[];
  /** What other checks explain; empty if nothing. */
  follows: string;
  /** The ends of the logs of servers and commands. */
  tails: readonly (readonly string[])[];
  problems: readonly string[];
}

export function endView(report: StageReport): EndView {
  const { verdict, stage, tests, servers, commands, checks } = report;
  const all = [
    ...(tests?.failures ?? []).map((test) => ({ until: test.quarantinedUntil, line: testLine(test) })),
    ...(tests?.crashedSuites ?? []).map(({ file, message, quarantinedUntil }) => ({
      until: quarantinedUntil,
      line: failureLine(`${file} could not be loaded`, message),
    })),
  ];
  const failures = all.flatMap(({ until, line }) => (until === undefined ? [line] : []));
  const excused = all.flatMap(({ until, line }) => (until === undefined ? [] : [`${line}, quarantined until ${until}`]));
  const opens = opensTheGate(verdict);
  // The failed tests say more than the end of the test runner's output.
  const explained = opens || all.length > 0;
  return {
    verdict,
    title: `${stage} ${verdict}`,
    time: ` on ${report.environment.name} in ${budgetUse(report)}`,
    reason: endReason(report),
    failures,
    excused,
    follows: followsLine(urgentChecks(report).consequences, checks),
    tails: explained ? [] : [...servers, ...commands].flatMap(({ tail }) => (tail ? [tail] : [])),
    problems: opens ? [] : report.problems,
  };
}

function testLine(test: TestCase): string {
  const how = endWords(test);
  return failureLine(how === "failed" ? test.name : `${test.name} ${how}`, test.message, place(test));
}

function failureLine(name: string, message: string | undefined, where?: string): string {
  const first = headline(message ?? "");
  return `${name}${first === "" ? "" : ` – ${first}`}${where === undefined ? "" : ` (${where})`}`;
}

/** The tally, and of a stage that opens the gate what it did: `11 checks passed; 63 passed; 75 rows and 239 keys deleted, 0 left`. */
export function endReason(report: StageReport): string {
  const { tests, cleanup, books, isolation, verdict } = report;
  if (!opensTheGate(verdict)) return withPast(tally(report), stageBefore(report));
  // Preflight looks for what earlier runs left; that there is nothing is one of its checks.
  const leftNothing = report.stage === "preflight" && cleanup?.plannedRows === 0 && cleanup.keys.planned === 0;
  const did = [
    ...(tests ? [`tests: ${testsBrief(tests)}`] : []),
    ...(cleanup && !leftNothing ? [cleanupBrief(cleanup)] : []),
    ...(books ? [booksBrief(books, isolation?.shared)] : []),
  ];
  return [tally(report).replace(/\.$/, ""), ...did].join("; ");
}

/** Lines in the terminal; the report lists all. */
const touchedShown = 20;

/** A cleanup's plan and result, as lines for the terminal. */
export function cleanupLines(cleanup: CleanupResult): { text: string; tone?: "bad" }[] {
  const { tables, touched = [], keys, problems, notes, dryRun, digest } = cleanup;
  const line = (place: string, amount: string, what: string, samples: readonly string[]) => ({
    text: `${place.padEnd(45)} ${amount.padStart(6)} ${what}  ${samples.slice(0, 2).join(", ")}`,
  });
  const deletedKeys = keys.deleted ?? keys.planned;
  const rest = touchedRest(cleanup, Math.min(touched.length, touchedShown), "cleanup");
  return [
    ...tables.map(({ table, planned, deleted, samples }) =>
      dryRun || deleted === planned
        ? line(table, String(planned), unit(planned, "row"), samples)
        : line(table, known(deleted), `of ${planned} planned rows`, samples),
    ),
    ...touched.slice(0, touchedShown).map((one) => {
      const { place, row, now, before } = touchedWords(one);
      return { text: `${place}, row ${row}: a test changed it to ${now}; before: ${before}`, tone: "bad" as const };
    }),
    ...(rest === "" ? [] : [{ text: rest, tone: "bad" as const }]),
    ...(keys.planned > 0 ? [line("Redis", String(deletedKeys), unit(deletedKeys, "key"), keys.samples)] : []),
    ...[...problems, ...notes].map((text) => ({ text })),
    { text: `Digest of the plan: ${digest}` },
  ];
}

/** Singular or plural, padded to align in a column of numbers. */
function unit(number: number, one: string): string {
  return number === 1 ? `${one} ` : `${one}s`;
}
