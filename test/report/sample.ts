import { createHash } from "node:crypto";
import type { Check, Latency, StageReport } from "../../src/model/report.ts";
import type { CleanupResult, TableCleanup } from "../../src/model/test-data.ts";
import type { TestCase, TestCounts } from "../../src/model/test-results.ts";

/** Reports as the five stages of one commit write them, for tests and screenshots. */

const shared = {
  schemaVersion: 1,
  environment: { name: "staging", access: "test-data" },
  runId: "1763917800000_9f3c1a7e",
  commit: { sha: "4b7e1d90c2f6a8e35d17b94c06fe82a1d3957b60", headSha: "a90c3d51be6f7284190ad5c3e8f17b264cd09e83" },
  origin: {
    kind: "github",
    repository: "classwaves/classwaves",
    workflow: "Quality gate",
    workflowRun: "19622481730",
    attempt: "1",
    job: "integration",
    actor: "mira-teaches",
  },
} as const satisfies Partial<StageReport>;

function check(id: string, title: string, rest: Partial<Check> = {}): Check {
  return { id, title, verdict: "passed", durationMs: 120, ...rest };
}

function latency(p50: number, p95: number, max: number, count = 10, limit?: number): { latency: Latency; observed: string } {
  // Half of them at most the median, one the slowest.
  const samples = Array.from({ length: count }, (_, index) => {
    const share = index / (count - 1);
    return share <= 0.5 ? p50 * (0.7 + 0.6 * share) : index === count - 1 ? max : p50 + (p95 - p50) * (2 * share - 1);
  }).map((value) => Math.round(value * 10) / 10);
  return {
    latency: { count, p50, p95, max, samples, ...(limit === undefined ? {} : { limit }) },
    observed: `P95 ${p95} ms (${count} samples)`,
  };
}

export function passedPreflight(): StageReport {
  return {
    ...structuredClone(shared),
    stage: "preflight",
    verdict: "passed",
    reason: "All 13 checks passed.",
    startedAt: "2026-11-23T17:10:00.000Z",
    finishedAt: "2026-11-23T17:10:08.412Z",
    durationMs: 8_412,
    budgetMs: 120_000,
    checks: [
      check("variables", "Required variables", { observed: "6 of 6", durationMs: 1 }),
      check("databricks.connect", "Databricks connection", {
        observed: "gate-bot@classwaves.example on dbc-4f1e.cloud.databricks.com, catalog classwaves",
        durationMs: 1_840,
      }),
      check("databricks.latency", "Databricks SELECT", { ...latency(41, 63, 88), expected: "P95 < 100 ms", durationMs: 472 }),
      check("redis.ping", "Redis PING", { ...latency(2, 4, 5), durationMs: 31 }),
      check("redis.hit-rate", "Redis hit rate", { observed: "83 % of 18230 look-ups", expected: "> 70 %", durationMs: 9 }),
      check("redis.memory", "Redis memory", { observed: "214.6 MB, 42 % of the limit", expected: "< 90 %", durationMs: 9 }),
      check("auth.mint", "Auth: mint a test token and use it", { observed: "200, then 200", durationMs: 388 }),
      check("auth.wrong-secret", "Auth: a wrong secret is refused", { observed: "401", expected: "401", durationMs: 97 }),
      check("api.api-v1-health", "GET /api/v1/health", {
        ...latency(112, 187, 240),
        expected: "P95 < 500 ms",
        durationMs: 1_390,
      }),
      check("api.api-v1-health-databricks", "GET /api/v1/health/databricks", {
        ...latency(164, 291, 402),
        expected: "P95 < 500 ms",
        durationMs: 2_010,
      }),
      check("websocket.sessions", "WebSocket /sessions", { observed: "connected in 214 ms", expected: "< 2 s", durationMs: 214 }),
      check("websocket.guidance", "WebSocket /guidance", { observed: "connected in 198 ms", expected: "< 2 s", durationMs: 198 }),
      check("test-data.left-by-earlier-runs", "Nothing left by earlier runs", {
        observed: "0 rows and 0 keys",
        expected: "0 expired rows and keys",
        durationMs: 905,
      }),
    ],
    servers: [],
    commands: [],
    problems: [],
  };
}

/** Names and messages that a hostile pull request could use. */
export const hostileNames = [
  "::error file=app.js,line=1::owned </summary></details><img src=x onerror=alert(1)>",
  "[click](javascript:alert(1)) ![pixel](https://evil.example/p.png) @octocat/security fixes #1 GH-2 `</code>` | cell | :tada: $x$",
  "\u001b[31m##[error]red\u001b[0m \u202egnp.exe\u202c ```\n# heading\n| a | b |\n- [ ] https://evil.example www.evil.example",
] as const;

function test(name: string, rest: Partial<TestCase> = {}): TestCase {
  return { name, status: "passed", durationMs: 420, attempts: 1, ...rest };
}

const failures: TestCase[] = [
  test("sessions › creates a session and shows its access code", {
    status: "failed",
    durationMs: 5_031,
    file: "tests/integration/sessions.test.ts",
    line: 48,
    message: "AssertionError: expected 500 to be 201",
    stack: [
      "AssertionError: expected 500 to be 201",
      "    at createSession (tests/integration/sessions.test.ts:48:27)",
      "    at tests/integration/sessions.test.ts:61:19",
    ].join("\n"),
  }),
  test("roster › a group's members <all of them> arrive in order", {
    status: "failed",
    durationMs: 2_204,
    file: "tests/integration/roster.test.ts",
    line: 112,
    message: "expected [ 'Ada', 'Grace' ] to deeply equal [ 'Ada', 'Grace', 'Edsger' ]",
    stack: "    at tests/integration/roster.test.ts:112:31\n    at runTest (node_modules/vitest/dist/runner.js:574:11)",
  }),
  test(hostileNames[0], {
    status: "failed",
    durationMs: 13,
    message: `${hostileNames[2]}\n::set-output name=verdict::passed`,
    stack: hostileNames[1],
  }),
];

function cleanedTable(table: string, planned: number, rest: Partial<TableCleanup> = {}): TableCleanup {
  return {
    table,
    planned,
    deleted: planned,
    left: 0,
    oldest: "2026-11-23T17:10:14.120Z",
    newest: "2026-11-23T17:13:58.003Z",
    samples: [`integration_test_${shared.runId}_1`],
    statement: `DELETE FROM ${table} WHERE \`id\` IN (SELECT explode(from_json(:values0, 'array<string>')))`,
    versionBefore: 418,
    versionAfter: 419,
    ...rest,
  };
}

const integrationCleanup: CleanupResult = {
  scope: "run",
  dryRun: false,
  digest: "7d1f0a3c5b9e2846f07c1d9ab3e64c5218f7a0de93b6c4517e82fa09cd3b6e14",
  tables: [
    cleanedTable("sessions.student_group_members", 144),
    cleanedTable("sessions.student_groups", 36),
    cleanedTable("sessions.transcriptions", 61, { deleted: 58, left: 3, problem: "3 rows came back while they were deleted" }),
    cleanedTable("sessions.classroom_sessions", 12),
    cleanedTable("users.teachers", 4, { samples: ["t•••@testschool.edu"] }),
  ],
  keys: { planned: 28, deleted: 28, left: 0, samples: ["cw:test:session:integration_test_1763917800000_9f3c1a7e_1"] },
  problems: [],
  notes: ["compliance.audit_log is protected: 12 rows that name this run were kept"],
  plannedRows: 257,
  deletedRows: 254,
  deletedKeys: 28,
  touched: [
    {
      table: "users.teachers",
      key: { column: "id", value: "7f1c9a52-real-teacher" },
      column: "school_id",
      now: "integration_test_1763917800000_9f3c1a7e_school",
      before: "north-school",
      version: 812,
    },
    {
      table: "sessions.classroom_sessions",
      key: { column: "id", value: "3d0e-real-lesson" },
      column: "title",
      now: createHash("sha256").update("integration_test_1763917800000_9f3c1a7e maths").digest("hex"),
      before: createHash("sha256").update("Maths of Mira").digest("hex"),
      version: 40,
      masked: ["values"],
    },
    {
      table: "users.students",
      key: { column: "id", value: "55-real-student" },
      column: "school_id",
      now: "integration_test_1763917800000_9f3c1a7e_school",
      why: "the table's history no longer reaches back far enough: version 7 is gone",
    },
  ],
  touchedMore: 12,
  leftOver: 3,
};

export function failedIntegration(): StageReport {
  return structuredClone<StageReport>({
    ...shared,
    stage: "integration",
    verdict: "failed",
    reason: "3 tests failed, 1 test file could not be loaded, and 3 rows of test data are still there.",
    startedAt: "2026-11-23T17:10:09.000Z",
    finishedAt: "2026-11-23T17:14:12.300Z",
    durationMs: 243_300,
    budgetMs: 900_000,
    checks: [
      check("identity", "The expected environment for test data", {
        observed: "gate-bot@classwaves.example on dbc-4f1e.cloud.databricks.com, catalog classwaves; Redis 10.4.0.12:6379",
        durationMs: 640,
      }),
      check("tests.pass-rate", "Pass rate", { observed: "98.4 % of 190", expected: "> 95 %", durationMs: 0 }),
      check("tests.suites-loaded", "Every suite was loaded", {
        verdict: "failed",
        observed: "1 not loaded",
        expected: "all loaded",
        message: "None of the tests in tests/integration/guidance.test.ts ran: it could not be loaded.",
        durationMs: 0,
      }),
      check("tests.exit", "Command's exit status", {
        verdict: "failed",
        observed: "1",
        expected: "0",
        message: "The test command said that it failed.",
        cause: "tests.suites-loaded",
        durationMs: 226_004,
      }),
      check("test-data.cleanup", "Test data deleted and gone", {
        verdict: "failed",
        observed: "254 rows and 28 keys deleted, 3 left",
        expected: "0 left",
        message: "Test data is still there. sessions.transcriptions: 3 rows came back while they were deleted",
        durationMs: 12_118,
      }),
    ],
    tests: {
      total: 194,
      passed: 187,
      failed: 3,
      flaky: 0,
      skipped: 4,
      unknown: 0,
      durationMs: 221_870,
      crashedSuites: [
        {
          file: "tests/integration/guidance.test.ts",
          message:
            "Error: Cannot find module '@classwaves/shared'\nRequire stack:\n- tests/integration/guidance.test.ts\n- <script>alert(1)</script>",
        },
      ],
      failures,
      flakyTests: [],
      slowest: [
        test("sessions › ends 40 sessions at once", {
          durationMs: 18_402,
          file: "tests/integration/sessions.test.ts",
          line: 203,
        }),
        test("analytics › rebuilds the cache", { durationMs: 9_115, file: "tests/integration/analytics.test.ts", line: 31 }),
        test("roster › imports 300 students", { durationMs: 7_650, file: "tests/integration/roster.test.ts", line: 20 }),
      ],
      projects: {},
      files: [
        { ...noTests, file: "tests/integration/sessions.test.ts", total: 120, passed: 119, failed: 1 },
        { ...noTests, file: "tests/integration/<b>old</b>.test.ts", total: 74, passed: 68, failed: 2, skipped: 4 },
      ],
      sources: [
        { file: "results/integration.json", format: "jest-json", tests: 194 },
        { file: "results/junit.xml", format: "junit", tests: 194 },
      ],
      critical: [
        { ...noTests, glob: "tests/critical/**", total: 12, passed: 12 },
        { ...noTests, glob: "*[critical]*", total: 2, skipped: 2 },
      ],
      quarantine: [
        { test: "mail › *", until: "2026-12-18", reason: "The mail server moves; @mira", over: false, matched: 4, failed: 1 },
        { test: "*old export*", until: "2026-11-01", reason: "Export is rewritten", over: true, matched: 0, failed: 0 },
      ],
      disagreements: ["results/junit.xml says 0 suites failed to load, results/integration.json says 1: the worse was believed"],
    },
    attachments: [
      {
        file: ".env-actions/attachments/integration/test-results/sessions/shot.png",
        bytes: 48_211,
        test: "sessions › creates a session and shows its access code",
      },
      { file: "test-results/sessions/video.webm", bytes: 61_000_000, leftOut: "over the limit of 50 MiB" },
    ],
    servers: [
      {
        name: "backend",
        readyMs: 2_310,
        ended: "ended with exit code 1",
        port: 3000,
        portFreed: true,
        log: ".env-actions/logs/integration-backend.log",
        tail: [
          "listening on :::3000",
          "POST /api/v1/sessions 500 41 ms",
          "::warning::this line is not a command",
          "\u001b[31mUnhandledPromiseRejection: TypeError: Cannot read properties of undefined (reading 'id')\u001b[39m",
        ],
      },
    ],
    commands: [
      {
        command: "npm run test:integration -- --reporter=json",
        exitCode: 1,
        signal: null,
        timedOut: false,
        durationMs: 226_004,
        log: ".env-actions/logs/integration-tests.log",
        tail: [" Test Files  2 failed | 1 crashed | 27 passed (30)", "      Tests  3 failed | 187 passed | 4 skipped (194)"],
      },
    ],
    cleanup: integrationCleanup,
    problems: ["server backend ended with exit code 1 while the tests ran; its last lines are in this report"],
  });
}

const noTests: TestCounts = { total: 0, passed: 0, failed: 0, flaky: 0, skipped: 0, unknown: 0 };

export function flakyE2e(): StageReport {
  return structuredClone<StageReport>({
    ...shared,
    stage: "e2e",
    verdict: "passed",
    reason: "57 of 57 tests passed, 2 of them only when run again; nothing is left behind.",
    startedAt: "2026-11-23T17:15:02.000Z",
    finishedAt: "2026-11-23T17:21:40.700Z",
    durationMs: 398_700,
    budgetMs: 1_800_000,
    checks: [
      check("identity", "The expected environment for test data", { observed: "gate-bot@classwaves.example", durationMs: 512 }),
      check("tests.pass-rate", "Pass rate", { observed: "100.0 % of 57", expected: "> 90 %", durationMs: 0 }),
      check("tests.projects", "Required projects ran", {
        observed: "authenticated-chrome, unauthenticated-chrome",
        expected: "authenticated-*, unauthenticated-*",
        durationMs: 0,
      }),
      check("test-data.cleanup", "Test data deleted and gone", {
        observed: "31 rows and 9 keys deleted, 0 left",
        expected: "0 left",
        durationMs: 4_220,
      }),
    ],
    tests: {
      total: 60,
      passed: 55,
      failed: 0,
      flaky: 2,
      skipped: 3,
      unknown: 0,
      durationMs: 371_020,
      crashedSuites: [],
      failures: [],
      flakyTests: [
        test("teacher › sees groups arrive live", {
          status: "flaky",
          durationMs: 8_120,
          attempts: 2,
          project: "authenticated-chrome",
          file: "tests/e2e/live.spec.ts",
          line: 27,
          message: "Timed out 5000ms waiting for expect(locator).toHaveCount(3)",
        }),
        test("visitor › is sent to the sign-in page", {
          status: "flaky",
          durationMs: 3_008,
          attempts: 3,
          project: "unauthenticated-chrome",
          file: "tests/e2e/sign-in.spec.ts",
          line: 9,
          message: "net::ERR_CONNECTION_REFUSED at http://localhost:3001/",
        }),
      ],
      slowest: [
        test("teacher › holds a whole lesson", {
          durationMs: 41_900,
          project: "authenticated-chrome",
          file: "tests/e2e/lesson.spec.ts",
          line: 14,
        }),
        test("teacher › reads the summary", {
          durationMs: 22_480,
          project: "authenticated-chrome",
          file: "tests/e2e/summary.spec.ts",
          line: 8,
        }),
      ],
      projects: {
        "authenticated-chrome": { ...noTests, total: 44, passed: 41, flaky: 1, skipped: 2 },
        "unauthenticated-chrome": { ...noTests, total: 16, passed: 14, flaky: 1, skipped: 1 },
      },
      sources: [{ file: "results/playwright.json", format: "playwright-json", tests: 60 }],
      disagreements: [],
    },
    servers: [
      {
        name: "backend",
        readyMs: 2_090,
        ended: "stopped",
        port: 3000,
        portFreed: true,
        log: ".env-actions/logs/e2e-backend.log",
      },
      {
        name: "frontend",
        readyMs: 640,
        ended: "stopped",
        port: 3001,
        portFreed: true,
        log: ".env-actions/logs/e2e-frontend.log",
      },
    ],
    commands: [
      {
        command: "npx playwright test",
        exitCode: 0,
        signal: null,
        timedOut: false,
        durationMs: 374_310,
        log: ".env-actions/logs/e2e-tests.log",
      },
    ],
    books: {
      line: "rows made 258, deleted 254, unexplained 1 to 4; real rows touched 1 (48 tables, versions 812–845); Redis keys unexplained unknown (at most 2)",
      made: { least: 258, most: 258 },
      deleted: { least: 254, most: 254 },
      unexplained: { least: 1, most: 4 },
      kept: 0,
      touched: { least: 1, most: 1 },
      tablesRead: 48,
      versions: { from: 812, to: 845 },
      tables: [
        {
          table: "sessions.classroom_sessions",
          from: 812,
          to: 845,
          made: { least: 43, most: 43 },
          deleted: { least: 40, most: 40 },
          unexplained: { least: 0, most: 3 },
          kept: 0,
          ofRun: 0,
          touched: { least: 1, most: 1 },
          samples: ["5c0f<script>alert(2)</script>"],
          touchedSamples: ["real-7"],
          hangsOn: ["teacher_id = 4711 (users.teachers)"],
          why: "others may sign in as gate-bot@classwaves.example, too, so that these rows may be theirs",
        },
        {
          table: "operational.test_log",
          from: null,
          to: null,
          made: { least: 0, most: null },
          deleted: { least: 0, most: null },
          unexplained: { least: 1, most: null },
          kept: 0,
          ofRun: 1,
          touched: { least: 0, most: null },
          samples: [],
          touchedSamples: [],
          hangsOn: [],
        },
      ],
      keys: {
        unexplained: { least: 0, most: 2 },
        samples: ["session:5c0f"],
        looked: "all keys (305 at the start)",
        why: "others may write to this Redis, too",
      },
      advice: ["give the tests a principal of their own | and list it in testData.principals"],
      problems: ["whether operational.test_log has rows of this run could not be told: no SELECT"],
    },
    cleanup: {
      scope: "run",
      dryRun: false,
      digest: "19b0c4e7d3a8562f1e9c07b4a5d62f8830c1e7f94ab2d5633e80f17ca92d4b05",
      tables: [
        cleanedTable("sessions.student_groups", 22, { samples: ["e2e_test_1763917800000_9f3c1a7e_g1"] }),
        cleanedTable("sessions.classroom_sessions", 9, { samples: ["0b8c1f52-6f0e-4f0b-9d83-1c51e2a7c6b4"] }),
      ],
      keys: { planned: 9, deleted: 9, left: 0, samples: ["session:0b8c1f52-6f0e-4f0b-9d83-1c51e2a7c6b4:access_code"] },
      problems: [],
      notes: [],
      plannedRows: 31,
      deletedRows: 31,
      deletedKeys: 9,
      leftOver: 0,
    },
    problems: [],
  });
}

export function degradedSmoke(): StageReport {
  return structuredClone<StageReport>({
    ...shared,
    stage: "smoke",
    verdict: "degraded",
    reason: "Databricks answers more slowly than 100 ms.",
    environment: { name: "production", access: "read-only" },
    startedAt: "2026-11-23T17:30:00.000Z",
    finishedAt: "2026-11-23T17:30:14.950Z",
    durationMs: 14_950,
    budgetMs: 300_000,
    checks: [
      check("databricks.latency", "Databricks SELECT", {
        ...latency(84, 171, 260, 20, 100),
        verdict: "degraded",
        expected: "P95 < 100 ms",
        message: "The warehouse is slow: look at its load, or at its size.",
        durationMs: 2_300,
      }),
      check("databricks.read-only", "Databricks credential cannot write", {
        observed: "SELECT on 48 tables, no MODIFY",
        durationMs: 890,
      }),
      check("sql.sessions-of-today", "SQL: sessions-of-today", {
        observed: "312 rows",
        expected: "at least 1 row",
        durationMs: 130,
      }),
      check("redis.ping", "Redis PING", { ...latency(3, 6, 9), durationMs: 44 }),
      check("redis.hit-rate", "Redis hit rate", { observed: "88 % of 940112 look-ups", expected: "> 70 %", durationMs: 8 }),
      check("api.api-v1-health", "GET /api/v1/health", {
        ...latency(96, 142, 166, 10, 500),
        expected: "P95 < 500 ms",
        durationMs: 1_120,
      }),
      check("analytics.summary", "GET /api/v1/analytics/dashboard/summary", {
        ...latency(208, 344, 391, 5, 500),
        expected: "P95 < 500 ms",
        durationMs: 1_480,
      }),
      check("websocket.sessions", "WebSocket /sessions", { observed: "refused without a token, as it must", durationMs: 160 }),
      check("oauth.route", "OAuth route alive, fallback off", {
        observed: "400 VALIDATION_ERROR",
        expected: "400 VALIDATION_ERROR",
        durationMs: 102,
      }),
      check("auth.mint-off", "Auth: test tokens are off", {
        verdict: "skipped",
        message: "This environment has no auth section.",
        durationMs: 0,
      }),
    ],
    servers: [],
    commands: [],
    problems: [],
  });
}

export function dryCleanup(): StageReport {
  return structuredClone<StageReport>({
    ...shared,
    stage: "cleanup",
    verdict: "passed",
    reason: "A dry run: 18 rows and 2 keys would be deleted.",
    startedAt: "2026-11-23T17:31:00.000Z",
    finishedAt: "2026-11-23T17:31:03.020Z",
    durationMs: 3_020,
    budgetMs: 120_000,
    checks: [
      check("test-data.cleanup", "Test data (dry run)", { observed: "18 rows and 2 keys would be deleted", durationMs: 2_711 }),
    ],
    servers: [],
    commands: [],
    cleanup: {
      scope: "expired",
      dryRun: true,
      digest: "c3a41f90be57d2688e0d13f7a9645bc0f12e87d5a3406b9cce71d8f2045ba936",
      tables: [
        {
          table: "sessions.classroom_sessions",
          planned: 18,
          oldest: "2026-11-20T08:12:44.000Z",
          newest: "2026-11-23T13:02:10.000Z",
          samples: ["e2e-session-1763626364000", "e2e-session-1763900530000"],
          statement:
            "DELETE FROM sessions.classroom_sessions WHERE `id` IN (SELECT explode(from_json(:values0, 'array<string>')))",
        },
      ],
      keys: {
        planned: 2,
        samples: ["session:e2e-session-1763626364000:access_code"],
        ttl: { limitMs: 1_800_000, unlimited: 12, over: 3, samples: ["cw:test:guidance:autoprompt:1"] },
      },
      problems: [],
      notes: ["7 Redis test keys are kept, because their age cannot be told"],
      plannedRows: 18,
      deletedRows: 0,
      deletedKeys: 0,
      leftOver: 20,
    },
    problems: [],
  });
}

export function wholeGate(): StageReport[] {
  return [passedPreflight(), failedIntegration(), flakyE2e(), degradedSmoke(), dryCleanup()];
}

/** A smoke report with a score, a rollback and alerts. */
export function failedSmoke(): StageReport {
  const smoke = degradedSmoke();
  const [first, ...rest] = smoke.checks;
  if (!first) throw new Error("the sample has checks");
  const checks = [
    { ...first, verdict: "failed" as const, dryRun: true },
    check("api.sessions", "GET /api/v1/sessions", {
      verdict: "failed",
      observed: "HTTP 503",
      message: "It is down.",
      attempts: 3,
    }),
    ...rest,
  ];
  const at = "2026-11-23T17:30:15.120Z";
  return {
    ...smoke,
    verdict: "failed",
    reason: "Key indicator: GET /api/v1/sessions: It is down.",
    checks,
    score: {
      percent: 87.5,
      pass: 90,
      warning: 75,
      reached: 8.75,
      possible: 10,
      checks: checks.map(({ id, verdict, dryRun = false }) => ({
        id,
        weight: 1,
        key: id === "api.sessions",
        dryRun,
        points: verdict === "passed" && !dryRun ? 1 : 0,
      })),
      unmatched: ["graphql.*"],
    },
    rollback: {
      trigger: "workflow_dispatch of rollback.yml at main in classwaves/classwaves",
      of: "deployment 4711",
      outcome: "failed",
      at,
      why: "GitHub refused it: the job's token lacks a permission.",
    },
    alerts: [
      { channel: "slack", event: "failed", outcome: "failed", at, attempts: 3, problem: "no connection: ECONNREFUSED" },
      { channel: "pagerDuty", event: "failed", outcome: "repeated", at, attempts: 0 },
      { channel: "openTelemetry", event: "measured", outcome: "sent", at, attempts: 1 },
    ],
    problems: ["the rollback of deployment 4711: GitHub refused it: the job's token lacks a permission."],
  };
}

/** Reports that together contain everything a report can contain. */
export function everyReport(): StageReport[] {
  return [...wholeGate(), failedSmoke()];
}
