import type { Expiry, HistoryCheck, HistoryData, HistoryLatency, HistoryRecord, HistoryTest } from "../../src/model/history.ts";
import type { StageName, Verdict } from "../../src/model/report.ts";

/**
 * A history as months of runs leave it, made from a seed: the same options give the same records. It has environments that stages
 * run in for each commit, attempts that turned green, cells, slow days and an incident, flaky and quarantined tests, failing
 * stretches, test data that was made, deleted and left, refreshed copies, drift, and what expires.
 */

export interface World {
  seed?: number;
  /** How many records, exactly. */
  records?: number;
  /** When the last one ended, or little before. */
  until?: number;
  /** How long it goes back. By default as many days as make 60 records each, at least 30. */
  days?: number;
  /** `calm`: all is well. `failing`: most is not. */
  mood?: "usual" | "calm" | "failing";
}

export const worldEnd = Date.parse("2026-11-28T09:00:00Z");

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

export function worldOf(world: World = {}): HistoryRecord[] {
  const { records = 600, until = worldEnd, mood = "usual", seed = 1 } = world;
  const days = world.days ?? Math.max(30, Math.ceil(records / 60));
  // A commit has about six records, and each day a few more of its own.
  for (let commits = Math.ceil(records / 5); ; commits = Math.ceil(commits * 1.5)) {
    const all = new Story({ seed, until, days, mood, commits }).tell();
    if (all.length >= records) return all.slice(all.length - records);
  }
}

const environments = {
  sandbox: { name: "sandbox", access: "test-data" },
  staging: { name: "staging", access: "test-data" },
  production: { name: "production", access: "read-only" },
} as const;
type Environment = keyof typeof environments;

interface Settings {
  seed: number;
  until: number;
  days: number;
  mood: "usual" | "calm" | "failing";
  commits: number;
}

interface Test extends HistoryTest {
  /** How often it needs another attempt within the run. */
  flaky: number;
  /** How often it fails although nothing is wrong. */
  fails: number;
  durationMs: number;
  quarantined?: true;
}

const suites: Record<"integration" | "e2e", readonly Test[]> = {
  integration: [
    ...["creates a session and shows its code", "ends a session", "refuses a wrong code", "lists the sessions of a teacher"].map(
      (name, at) => of(`sessions › ${name}`, "tests/integration/sessions.test.ts", 300 + at * 150),
    ),
    ...["keeps the order of a group", "moves a student", "imports 30 students", "refuses two students of one name"].map(
      (name, at) => of(`roster › ${name}`, "tests/integration/roster.test.ts", 500 + at * 320),
    ),
    of("analytics › sums a session within a minute", "tests/integration/analytics.test.ts", 6_200, { fails: 0.015 }),
    of("mail › sends an invitation", "tests/integration/mail.test.ts", 900, { fails: 0.2, quarantined: true }),
  ],
  e2e: [
    of("a student joins with a code", "tests/e2e/join.spec.ts", 4_100, { flaky: 0.16, fails: 0.05 }),
    of("a teacher starts a session", "tests/e2e/teach.spec.ts", 5_300, { flaky: 0.03 }),
    of("the waveform is drawn live", "tests/e2e/live.spec.ts", 12_400, { flaky: 0.07, fails: 0.02 }),
    of("the report opens from the list", "tests/e2e/report.spec.ts", 3_000),
    of("a session survives a reload", "tests/e2e/reload.spec.ts", 7_800, { flaky: 0.01 }),
  ],
};

function of(name: string, file: string, durationMs: number, rest: Partial<Test> = {}): Test {
  return { name, file, durationMs, flaky: 0, fails: 0, ...rest };
}

/** Of a latency, without trouble, in milliseconds. */
const latencies: Record<string, { title: string; p50: number; limit: number }> = {
  "api.health": { title: "GET /health", p50: 42, limit: 300 },
  "api.sessions": { title: "GET /api/sessions", p50: 118, limit: 500 },
  "databricks.latency": { title: "Databricks SELECT", p50: 340, limit: 2_000 },
  "redis.latency": { title: "Redis PING", p50: 1.4, limit: 20 },
};
const slower: Record<Environment, number> = { sandbox: 1.3, staging: 1.25, production: 1 };

interface Commit {
  sha: string;
  at: number;
  branch: string;
  isDefaultBranch: boolean;
  workflowRun: string;
  /** Breaks this test, until the next commit of the branch. */
  breaks?: Test;
}

interface Run {
  commit: Commit;
  stage: StageName;
  environment: Environment;
  attempt: number;
  at: number;
  cell?: string;
}

class Story {
  readonly #settings: Settings;
  readonly #start: number;
  readonly #records: HistoryRecord[] = [];
  #random: number;
  #lastRefresh: HistoryRecord["copy"];

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#start = settings.until - settings.days * day;
    this.#random = settings.seed;
  }

  tell(): HistoryRecord[] {
    for (const commit of this.#commits()) this.#gate(commit);
    for (let at = this.#start + 2 * hour; at < this.#settings.until - hour; at += day) this.#night(at);
    return this.#records.sort((a, b) => (a.runId < b.runId ? -1 : a.runId > b.runId ? 1 : 0));
  }

  #commits(): Commit[] {
    const { commits, until, mood } = this.#settings;
    const span = until - this.#start - 2 * hour;
    let broken = 0;
    return Array.from({ length: commits }, (_, at) => {
      const isDefaultBranch = at % 3 === 2 || at === commits - 1;
      broken = broken > 0 ? broken - 1 : mood !== "calm" && this.#chance(0.02) ? 3 + this.#below(6) : 0;
      const isBroken = (broken > 0 && isDefaultBranch) || (mood === "failing" && at > commits * 0.9);
      return {
        sha: this.#hex(40),
        at: Math.round(this.#start + (span * (at + this.#next() * 0.8)) / commits),
        branch: isDefaultBranch ? "main" : `feature/${["live-waves", "roster-import", "report-mail", "faster-join"][at % 4]}`,
        isDefaultBranch,
        workflowRun: String(19_000_000_000 + at * 131),
        ...(isBroken ? { breaks: suites.integration[1] as Test } : {}),
      };
    });
  }

  /** The stages of a commit; one that fails is often started again. */
  #gate(commit: Commit): void {
    const place: Environment = commit.isDefaultBranch ? "staging" : "sandbox";
    let at = commit.at;
    for (const stage of ["preflight", "integration", "e2e", "smoke"] as const) {
      if (stage === "smoke" && !commit.isDefaultBranch) break;
      const environment = stage === "smoke" ? "production" : place;
      let verdict: Verdict = "failed";
      for (let attempt = 1; attempt <= 2; attempt++) {
        const cells = stage === "e2e" && commit.isDefaultBranch ? ["chrome", "firefox"] : [undefined];
        const made = cells.map((cell) => this.#run({ commit, stage, environment, attempt, at, ...(cell ? { cell } : {}) }));
        verdict = made.map((record) => record.verdict).find((one) => one === "failed" || one === "error") ?? "passed";
        at += Math.max(...made.map(({ durationMs }) => durationMs)) + minute;
        if (verdict === "passed" || !this.#chance(0.7)) break;
        at += 10 * minute;
      }
      if (verdict !== "passed") break;
    }
    if (this.#chance(0.3)) this.#run({ commit, stage: "cleanup", environment: place, attempt: 1, at });
  }

  /** What a schedule starts. */
  #night(at: number): void {
    const commit: Commit = {
      sha: this.#hex(40),
      at,
      branch: "main",
      isDefaultBranch: true,
      workflowRun: String(30_000_000_000 + Math.floor(at / day)),
    };
    const nth = Math.round((at - this.#start) / day);
    if (nth % 7 === 0) this.#run({ commit, stage: "refresh", environment: "staging", attempt: 1, at });
    this.#run({ commit, stage: "drift", environment: "staging", attempt: 1, at: at + hour });
    this.#run({ commit, stage: "cleanup", environment: "sandbox", attempt: 1, at: at + 2 * hour });
    if (nth % 2 === 0) this.#run({ commit, stage: "smoke", environment: "production", attempt: 1, at: at + 3 * hour });
  }

  #run(run: Run): HistoryRecord {
    const { commit, stage, environment, attempt, at, cell } = run;
    const checks = this.#checks(run);
    const tests = stage === "integration" || stage === "e2e" ? this.#tests(run, stage) : undefined;
    const data = this.#data(run);
    const copy = stage === "refresh" ? this.#refresh(at) : undefined;
    const drift = stage === "drift" ? this.#drift(at) : undefined;
    const bad = [
      ...checks.filter(({ verdict }) => verdict === "failed" || verdict === "error"),
      ...(tests?.failures.some(({ quarantined }) => !quarantined) ? [{ verdict: "failed" as const, id: "tests" }] : []),
      ...(stage === "cleanup" && data?.left === null ? [{ verdict: "error" as const, id: "cleanup.verified" }] : []),
      ...(stage === "cleanup" && (data?.left ?? 0) > 0 ? [{ verdict: "failed" as const, id: "cleanup.verified" }] : []),
      ...(copy && (copy.leaks ?? 0) > 0 ? [{ verdict: "failed" as const, id: "staging.leaks" }] : []),
      ...(drift && drift.verdict !== "equal" ? [{ verdict: "failed" as const, id: "staging.drift" }] : []),
    ];
    const warned = checks.some(({ verdict }) => verdict === "degraded") || (tests?.flaky ?? 0) > 0;
    const verdict = bad.find((one) => one.verdict === "failed")?.verdict ?? bad[0]?.verdict ?? (warned ? "degraded" : "passed");
    const durationMs = 20_000 + this.#below(60_000) + (tests?.durationMs ?? 0);
    const record: HistoryRecord = {
      schemaVersion: 1,
      stage,
      verdict,
      reason:
        bad[0] === undefined ? "all checks passed" : `${bad[0].id} ${verdict === "error" ? "could not be checked" : "failed"}`,
      environment: environments[environment],
      runId: `${at}_${this.#hex(8)}`,
      commit: { sha: commit.sha },
      branch: commit.branch,
      ...(commit.isDefaultBranch ? { isDefaultBranch: true } : {}),
      event: commit.workflowRun.startsWith("3") ? "schedule" : commit.isDefaultBranch ? "push" : "pull_request",
      origin: {
        kind: "github",
        repository: "classwaves/classwaves",
        workflow: commit.workflowRun.startsWith("3") ? "Nightly" : "Quality gate",
        workflowRun: commit.workflowRun,
        attempt: String(attempt),
        job: stage,
        ...(cell ? { cell } : {}),
      },
      startedAt: new Date(at).toISOString(),
      finishedAt: new Date(at + durationMs).toISOString(),
      durationMs,
      budgetMs: 20 * minute,
      checks,
      ...(tests ? { tests } : {}),
      ...(tests ? { servers: [{ name: "api", readyMs: 2_000 + this.#below(3_000), ended: "stopped" }] } : {}),
      ...(data ? { data } : {}),
      ...(drift ? { drift } : {}),
      ...(copy ? { copy } : {}),
      ...(stage === "preflight" || stage === "smoke" || stage === "refresh" ? { expires: this.#expires(run, copy) } : {}),
      ...(verdict === "failed" && commit.isDefaultBranch
        ? {
            alerts: {
              slack: { event: "failed", outcome: "sent", sent: { [bad[0]?.id ?? "?"]: new Date(at).toISOString() }, open: true },
            },
          }
        : {}),
      ...(stage === "smoke" && verdict === "failed"
        ? {
            rollback: {
              of: "v2.14.0",
              outcome: "fired",
              trigger: "workflow rollback.yml",
              at: new Date(at + durationMs).toISOString(),
            },
          }
        : {}),
    };
    this.#records.push(record);
    return record;
  }

  /** From 0 to 1 in the story. */
  #progress(at: number): number {
    return (at - this.#start) / (this.#settings.days * day);
  }

  /** A day in the middle, on which production and staging were slow, or did not answer. */
  #isIncident({ at, environment }: Pick<Run, "at" | "environment">): boolean {
    if (this.#settings.mood === "calm" || environment === "sandbox") return false;
    if (this.#settings.mood === "failing" && this.#progress(at) > 0.96) return true;
    const middle = this.#start + Math.floor(this.#settings.days * 0.6) * day;
    return at > middle && at < middle + day;
  }

  #checks(run: Run): HistoryCheck[] {
    const { stage, environment, at } = run;
    if (stage !== "preflight" && stage !== "smoke") {
      const id = stage === "cleanup" ? "cleanup.verified" : `${stage}.done`;
      return [
        { id, title: stage === "cleanup" ? "Test data is gone" : "Done", verdict: "passed", durationMs: 900 + this.#below(900) },
      ];
    }
    const incident = this.#isIncident(run);
    const shown = Object.entries(latencies).filter(([id]) => stage === "preflight" || id !== "redis.latency");
    const measured = shown.map(([id, { title, p50, limit }]): HistoryCheck => {
      if (incident && id === "databricks.latency") return { id, title, verdict: "error", durationMs: 10_000 };
      // Staging becomes slower in the last third.
      const creep = environment === "staging" && id === "api.sessions" ? Math.max(0, this.#progress(at) - 0.66) * 1.2 : 0;
      const factor =
        slower[environment] *
        (1 + creep) *
        (incident ? (environment === "production" ? 3.4 : 2.2) : 1) *
        (0.93 + this.#next() * 0.14);
      const latency = this.#latency(p50 * factor, limit);
      const verdict = latency.p95 >= limit ? "failed" : latency.p95 >= limit * 0.8 ? "degraded" : "passed";
      return { id, title, verdict, durationMs: Math.round(latency.p50 * latency.count), latency };
    });
    const others: HistoryCheck[] = [
      { id: "variables", title: "Required variables", verdict: "passed", durationMs: 1 },
      {
        id: "redis.hit-rate",
        title: "Redis hit rate",
        verdict: environment === "production" ? "skipped" : "passed",
        durationMs: 12,
      },
    ];
    return [...others, ...measured];
  }

  #latency(p50: number, limit: number): HistoryLatency {
    const samples = Array.from({ length: 20 }, () => micro(p50 * Math.exp(0.22 * this.#normal()))).sort((a, b) => a - b);
    const at = (share: number) => samples[Math.min(19, Math.ceil(share * 20) - 1)] as number;
    return { count: 20, p50: at(0.5), p95: at(0.95), max: at(1), limit, samples, isBaseline: true };
  }

  #tests({ commit, attempt, cell }: Run, suite: "integration" | "e2e"): HistoryRecord["tests"] {
    const calm = this.#settings.mood === "calm";
    const failures: (HistoryTest & { quarantined?: true })[] = [];
    const flakyTests: HistoryTest[] = [];
    const all = suites[suite];
    const took = all.map((test) => ({
      ...named(test, cell),
      durationMs: Math.round(test.durationMs * (0.8 + this.#next() * 0.5)),
    }));
    for (const test of all) {
      const fails = !calm && (this.#chance(test.fails) || (commit.breaks === test && (attempt === 1 || !this.#chance(0.1))));
      if (fails) failures.push({ ...named(test, cell), ...(test.quarantined ? { quarantined: true } : {}) });
      else if (!calm && this.#chance(test.flaky)) flakyTests.push(named(test, cell));
    }
    // The others are too many to name.
    const total = all.length + (suite === "integration" ? 212 : 31);
    const skipped = suite === "integration" ? 3 : 0;
    return {
      total,
      passed: total - skipped - failures.length - flakyTests.length,
      failed: failures.length,
      flaky: flakyTests.length,
      skipped,
      unknown: 0,
      durationMs: took.reduce((sum, one) => sum + one.durationMs, 0) * 3,
      failures,
      flakyTests,
      slowest: took.sort((a, b) => b.durationMs - a.durationMs).slice(0, 5),
      crashedSuites: 0,
    };
  }

  #data({ stage, environment, at }: Run): HistoryData | undefined {
    if (stage !== "integration" && stage !== "e2e" && stage !== "cleanup") return undefined;
    if (stage === "cleanup" && this.#chance(0.05) && this.#settings.mood !== "calm")
      return { scope: "expired", dryRun: false, deletedRows: 0, deletedKeys: 0, left: null, tables: [unknownTable] };
    const tables = ["classroom.sessions", "classroom.students", "classroom.answers"].map((table, nth) => {
      const made = stage === "cleanup" ? undefined : 3 + this.#below(20 * (nth + 1));
      return { table, made, deleted: made ?? this.#below(12) };
    });
    const deletedRows = tables.reduce((sum, { deleted }) => sum + deleted, 0);
    const worry = this.#settings.mood !== "calm";
    const leftOver = worry && stage === "cleanup" && environment === "sandbox" && this.#progress(at) > 0.8 ? 4 : 0;
    const unexplained = worry && stage === "integration" && this.#chance(0.02) ? 1 : 0;
    const touched = worry && stage === "integration" && this.#chance(0.01) ? 2 : 0;
    const sum = tables.reduce((before, { made = 0 }) => before + made, 0);
    return {
      scope: stage === "cleanup" ? "expired" : "run",
      dryRun: false,
      ...(stage === "cleanup" ? {} : { made: exactly(sum), unexplained: exactly(unexplained), touched: exactly(touched) }),
      deletedRows,
      deletedKeys: this.#below(9),
      left: leftOver,
      tables: tables.map(({ table, made, deleted }, nth) => ({
        table,
        ...(made === undefined ? {} : { made: exactly(made), unexplained: exactly(nth === 0 ? unexplained : 0) }),
        deleted,
        left: nth === 0 ? leftOver : 0,
        ...(nth === 0 && leftOver > 0
          ? { oldest: new Date(this.#start + Math.floor(this.#settings.days * 0.79) * day).toISOString() }
          : {}),
      })),
    };
  }

  #refresh(at: number): NonNullable<HistoryRecord["copy"]> {
    const nth = Math.round((at - this.#start) / day);
    const leaks = this.#settings.mood !== "calm" && nth % 35 === 21 ? 2 : 0;
    const copy = {
      by: "refresh",
      at: new Date(at).toISOString(),
      rows: 1_200_000 + this.#below(50_000),
      leaks,
      switched: leaks === 0,
      keepUntil: new Date(at + 10 * day).toISOString(),
    } as const;
    if (leaks === 0) this.#lastRefresh = copy;
    return copy;
  }

  #drift(at: number): NonNullable<HistoryRecord["drift"]> {
    const share = this.#progress(at);
    const different =
      this.#settings.mood === "failing" ? share > 0.8 : this.#settings.mood === "usual" && share > 0.4 && share < 0.45;
    return different ? { verdict: "different", differences: 3, unseen: 0 } : { verdict: "equal", differences: 0, unseen: 0 };
  }

  #expires({ environment }: Run, copy: HistoryRecord["copy"]): Expiry[] {
    const { until, mood } = this.#settings;
    const soon = mood === "calm" ? 90 : 0;
    const inDays = (days: number) => new Date(until + days * day).toISOString();
    const kept = copy ?? (environment === "staging" ? this.#lastRefresh : undefined);
    return [
      {
        what: "certificate",
        name: `${environment}.classwaves.example`,
        at: inDays(environment === "staging" ? 6 + soon : 57 + soon),
      },
      { what: "token", name: "DATABRICKS_TOKEN", at: inDays(21 + soon) },
      ...(environment === "staging"
        ? [
            { what: "quarantine", name: "mail › **", at: inDays(2 + soon) } as const,
            { what: "exception", name: "classroom.audit: grants", at: inDays(soon - 1) } as const,
          ]
        : []),
      ...(kept?.keepUntil ? [{ what: "copy", name: "staging_copy", at: kept.keepUntil } as const] : []),
    ];
  }

  /** Mulberry32. */
  #next(): number {
    this.#random = (this.#random + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#random ^ (this.#random >>> 15), 1 | this.#random);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  #below(number: number): number {
    return Math.floor(this.#next() * number);
  }

  #chance(share: number): boolean {
    return this.#next() < share;
  }

  #normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.#next())) * Math.cos(2 * Math.PI * this.#next());
  }

  #hex(digits: number): string {
    return Array.from({ length: digits }, () => this.#below(16).toString(16)).join("");
  }
}

/** An answer of the warehouse was lost. */
const unknownTable = { table: "classroom.answers", deleted: null, left: null };

function named({ name, file }: Test, cell: string | undefined): HistoryTest {
  return { name, ...(file ? { file } : {}), ...(cell ? { project: cell } : {}) };
}

function exactly(number: number): { least: number; most: number } {
  return { least: number, most: number };
}

function micro(milliseconds: number): number {
  return Math.round(milliseconds * 1_000) / 1_000;
}
