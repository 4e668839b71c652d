import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type GateQuestion, judgeGate } from "../../src/gate/judge.ts";
import { readAllowedSkips, readNeeds } from "../../src/gate/needs.ts";
import { gateMarkdown } from "../../src/gate/texts.ts";
import type { Evidence, StageName, Verdict } from "../../src/model/report.ts";

// The promise: a pull request is merged only if every stage ran on this commit in this workflow run, and passed in every job and cell.

const now = Date.parse("2026-11-30T12:00:00Z");
const commit = { sha: "m".repeat(40), headSha: "a".repeat(40) };
const origin = { kind: "github" as const, repository: "classwaves/app", workflowRun: "7", attempt: "1", job: "gate" };
let ids = 0;

function left(
  stage: StageName,
  verdict: Verdict = "passed",
  more: Partial<Evidence> & { job?: string; cell?: string; attempt?: string } = {},
): Evidence {
  const { job = stage, cell, attempt = "1", ...rest } = more;
  return {
    schemaVersion: 1,
    stage,
    verdict,
    environment: "sandbox",
    runId: `${now}_${String(ids++).padStart(8, "0")}`,
    commit,
    origin: { ...origin, job, attempt, ...(cell ? { cell } : {}) },
    finishedAt: new Date(now - 60_000).toISOString(),
    reportDigest: "",
    ...rest,
  };
}

function asked(more: Partial<GateQuestion> = {}): GateQuestion {
  return {
    jobs: ["preflight", "integration", "e2e"].map((id) => ({ id, result: "success" as const })),
    stages: ["preflight", "integration", "e2e"],
    leftOut: [],
    allowedSkips: [],
    evidence: [left("preflight"), left("integration"), left("e2e")],
    unread: {},
    event: "pull_request",
    commit,
    origin: { ...origin, attempt: "2" },
    now,
    maxAgeMs: 14_400_000,
    ...more,
  };
}

const jobs = (results: Record<string, "success" | "failure" | "cancelled" | "skipped">) =>
  Object.entries(results).map(([id, result]) => ({ id, result }));
const all = (...e2e: Evidence[]) => [left("preflight"), left("integration"), ...e2e];

const cases: [what: string, question: Partial<GateQuestion>, outcome: string, why: RegExp][] = [
  ["all passed", {}, "passed", /every stage passed/],
  ["one passed with warnings", { evidence: all(left("e2e", "degraded")) }, "degraded", /e2e passed with warnings/],
  [
    "a stage failed, and its job too",
    { evidence: all(left("e2e", "failed")), jobs: jobs({ preflight: "success", integration: "success", e2e: "failure" }) },
    "failed",
    /e2e failed/,
  ],
  ["a stage failed, but its job was told to go on", { evidence: all(left("e2e", "failed")) }, "failed", /e2e failed/],
  ["a stage ended in an error", { evidence: all(left("e2e", "error")) }, "error", /e2e could not be judged/],
  [
    "one of two cells failed",
    { evidence: all(left("e2e", "passed", { cell: "chrome" }), left("e2e", "failed", { cell: "firefox" })) },
    "failed",
    /e2e failed/,
  ],
  [
    "one of two projects failed",
    { evidence: all(left("e2e", "passed", { job: "app-a" }), left("e2e", "failed", { job: "app-b" })) },
    "failed",
    /e2e failed/,
  ],
  [
    "it failed in another environment",
    { evidence: all(left("e2e"), left("e2e", "failed", { environment: "eu" })) },
    "failed",
    /e2e failed/,
  ],
  [
    "attempt 1 failed and attempt 2 passed",
    { evidence: all(left("e2e", "failed"), left("e2e", "passed", { attempt: "2" })) },
    "passed",
    /every stage/,
  ],
  [
    "attempt 1 passed and attempt 2 failed",
    { evidence: all(left("e2e"), left("e2e", "failed", { attempt: "2" })) },
    "failed",
    /e2e failed/,
  ],
  [
    "attempt 1 passed, and attempt 2 died without evidence",
    { jobs: jobs({ preflight: "success", integration: "success", e2e: "failure" }) },
    "failed",
    /job e2e failed/,
  ],
  [
    "the job failed after its stage passed",
    { jobs: jobs({ preflight: "success", integration: "success", e2e: "success", lint: "failure" }) },
    "failed",
    /job lint failed/,
  ],
  [
    "no evidence, and its job was skipped",
    { evidence: all(), jobs: jobs({ preflight: "success", integration: "success", e2e: "skipped" }) },
    "failed",
    /e2e has no evidence/,
  ],
  ["no evidence, but every job succeeded", { evidence: all() }, "failed", /e2e has no evidence/],
  [
    "no evidence, and its job failed",
    { evidence: all(), jobs: jobs({ preflight: "success", integration: "success", e2e: "failure" }) },
    "failed",
    /e2e has no evidence/,
  ],
  [
    "a job of another name was skipped after a failure",
    {
      evidence: [left("preflight"), left("integration", "failed")],
      jobs: jobs({ pre: "success", tests: "failure", browser: "skipped" }),
    },
    "failed",
    /integration failed|e2e has no evidence/,
  ],
  [
    "cancelled before e2e began",
    { evidence: all(), jobs: jobs({ preflight: "success", integration: "success", e2e: "cancelled" }) },
    "cancelled",
    /the run was cancelled; nothing failed/,
  ],
  [
    "cancelled in a merge queue",
    { evidence: all(), event: "merge_group", jobs: jobs({ preflight: "success", integration: "success", e2e: "cancelled" }) },
    "cancelled",
    /as a merge queue does/,
  ],
  [
    "cancelled after a failure",
    {
      evidence: [left("preflight"), left("integration", "failed")],
      jobs: jobs({ preflight: "success", integration: "failure", e2e: "cancelled" }),
    },
    "failed",
    /integration failed/,
  ],
  [
    "skipped for a reason that holds",
    {
      evidence: all(),
      jobs: jobs({ preflight: "success", integration: "success", e2e: "skipped" }),
      allowedSkips: [{ name: "e2e", allowed: true, reason: "drafts" }],
    },
    "passed",
    /every stage/,
  ],
  [
    "skipped for a reason that does not hold",
    {
      evidence: all(),
      jobs: jobs({ preflight: "success", integration: "success", e2e: "skipped" }),
      allowedSkips: [{ name: "e2e", allowed: false, reason: "drafts" }],
    },
    "failed",
    /e2e has no evidence/,
  ],
  [
    "a skip is allowed, but the job ran and left nothing",
    { evidence: all(), allowedSkips: [{ name: "e2e", allowed: true, reason: undefined }] },
    "failed",
    /e2e has no evidence/,
  ],
  [
    "a skip is allowed, but the job failed",
    {
      evidence: all(),
      jobs: jobs({ preflight: "success", integration: "success", e2e: "failure" }),
      allowedSkips: [{ name: "e2e", allowed: true, reason: undefined }],
    },
    "failed",
    /e2e has no evidence/,
  ],
  [
    "all skips are allowed, so nothing was proven",
    {
      evidence: [],
      stages: ["e2e"],
      jobs: jobs({ e2e: "skipped" }),
      allowedSkips: [{ name: "e2e", allowed: true, reason: undefined }],
    },
    "failed",
    /no stage ran/,
  ],
  [
    "the configuration leaves e2e out",
    { evidence: all(), stages: ["preflight", "integration"], leftOut: ["e2e"] },
    "passed",
    /every stage/,
  ],
  [
    "evidence of another workflow run",
    { evidence: all(left("e2e", "passed", { origin: { ...origin, workflowRun: "6" } })) },
    "failed",
    /e2e has no evidence/,
  ],
  [
    "evidence of another repository",
    { evidence: all(left("e2e", "passed", { origin: { ...origin, repository: "somebody/app" } })) },
    "failed",
    /e2e has no evidence/,
  ],
  [
    "evidence from a terminal",
    {
      evidence: all(left("e2e", "passed", { origin: { kind: "terminal", actor: "me" } })),
      origin: { kind: "github", repository: "classwaves/app" } as never,
    },
    "failed",
    /has no evidence/,
  ],
  [
    "evidence of another commit",
    { evidence: all(left("e2e", "passed", { commit: { sha: "b".repeat(40) } })) },
    "error",
    /e2e could not be judged/,
  ],
  [
    "evidence that is too old",
    { evidence: all(left("e2e", "passed", { finishedAt: new Date(now - 15_000_000).toISOString() })) },
    "error",
    /e2e could not be judged/,
  ],
  [
    "evidence of the future",
    { evidence: all(left("e2e", "passed", { finishedAt: new Date(now + 3_600_000).toISOString() })) },
    "error",
    /e2e could not be judged/,
  ],
  [
    "evidence of one cell cannot be read",
    { unread: { e2e: ["env-actions-e2e-sandbox-1-x"] } },
    "error",
    /e2e could not be judged/,
  ],
  ["the runner has no artifacts", { evidence: [], cutOff: "no artifact service" }, "error", /could not be judged/],
];

test.each(cases)("%s", (_what, question, outcome, why) => {
  const result = judgeGate(asked(question));
  expect([result.outcome, result.why]).toEqual([outcome, expect.stringMatching(why)]);
});

test("whatever happens, a gate opens only if every stage has a pass of this run, and every job succeeded or may be skipped", () => {
  const stages = ["preflight", "integration", "e2e"] as const;
  const verdicts = fc.constantFrom<Verdict>("passed", "degraded", "failed", "error");
  const one = fc.record({
    stage: fc.constantFrom(...stages),
    verdict: verdicts,
    cell: fc.constantFrom("a", "b"),
    attempt: fc.constantFrom("1", "2"),
    workflowRun: fc.constantFrom("7", "6"),
    headSha: fc.constantFrom("a".repeat(40), "b".repeat(40)),
    ageMs: fc.constantFrom(60_000, 20_000_000),
  });
  const results = fc.constantFrom("success" as const, "failure" as const, "cancelled" as const, "skipped" as const);
  fc.assert(
    fc.property(
      fc.array(one, { maxLength: 8 }),
      fc.tuple(results, results, results),
      fc.array(fc.record({ name: fc.constantFrom<string>(...stages), allowed: fc.boolean(), reason: fc.constant(undefined) }), {
        maxLength: 2,
      }),
      (found, [a, b, c], allowedSkips) => {
        const evidence = found.map(({ stage, verdict, cell, attempt, workflowRun, headSha, ageMs }) =>
          left(stage, verdict, {
            cell,
            attempt,
            commit: { sha: commit.sha, headSha },
            finishedAt: new Date(now - ageMs).toISOString(),
            origin: { ...origin, job: stage, cell, attempt, workflowRun },
          }),
        );
        const ended = jobs({ preflight: a, integration: b, e2e: c });
        const { outcome } = judgeGate(asked({ evidence, jobs: ended, allowedSkips }));
        const mayBeSkipped = (name: string) => allowedSkips.find((skip) => skip.name === name)?.allowed === true;
        // From the promise, and not from the rule: nothing bad of this run's newest attempt, and something good, for each stage.
        const holds = stages.every((stage, at) => {
          const result = [a, b, c][at];
          const own = found.filter((one) => one.stage === stage && one.workflowRun === "7");
          const isBad = ({ verdict }: (typeof own)[number]) => verdict !== "passed" && verdict !== "degraded";
          // An attempt that ran less often than the one before it failed can't have replaced all of that.
          const newest = own.filter((one) => {
            const ofCell = own.filter(({ cell }) => cell === one.cell);
            const later = ofCell.filter(({ attempt }) => attempt > one.attempt);
            if (later.length === 0) return true;
            return isBad(one) && ofCell.filter((other) => other.attempt === one.attempt && isBad(other)).length > later.length;
          });
          const good = newest.every(
            (one) =>
              (one.verdict === "passed" || one.verdict === "degraded") &&
              one.headSha === commit.headSha &&
              one.ageMs < 14_400_000,
          );
          if (result === "success") return newest.length > 0 && good;
          return result === "skipped" && mayBeSkipped(stage) && good;
        });
        const ranOne = found.some(({ workflowRun }) => workflowRun === "7");
        expect(outcome === "passed" || outcome === "degraded").toBe(holds && ranOne);
      },
    ),
    { numRuns: 3_000 },
  );
});

describe("the environment", () => {
  const inLocal = (verdict: Verdict = "passed") =>
    (["preflight", "integration", "e2e"] as const).map((stage) => left(stage, verdict, { environment: "local" }));

  test.each<[string, Partial<GateQuestion>, string, RegExp]>([
    ["the expected one", { environment: "sandbox" }, "passed", /every stage passed/],
    ["any, if none is expected", { evidence: inLocal() }, "passed", /every stage passed/],
    ["another", { environment: "sandbox", evidence: inLocal() }, "failed", /preflight has no evidence, integration has no/],
    [
      "another, in one stage",
      { environment: "sandbox", evidence: [left("preflight"), left("integration"), ...inLocal().slice(2)] },
      "failed",
      /^e2e has no evidence$/,
    ],
    [
      "its stand-in",
      { environment: "sandbox", standIn: "local", evidence: inLocal() },
      "degraded",
      /^preflight, integration and e2e ran in local, because a fork gets no credentials; nothing was proven about sandbox$/,
    ],
    [
      "its stand-in, in one stage",
      { environment: "sandbox", standIn: "local", evidence: [left("preflight"), left("integration"), ...inLocal().slice(2)] },
      "degraded",
      /^e2e ran in local/,
    ],
    [
      "the expected one, which no stand-in makes worse",
      { environment: "sandbox", standIn: "local" },
      "passed",
      /every stage passed/,
    ],
    [
      "both, one cell in each",
      {
        environment: "sandbox",
        standIn: "local",
        evidence: all(left("e2e", "passed", { cell: "1" }), left("e2e", "passed", { cell: "2", environment: "local" })),
      },
      "degraded",
      /^e2e passed with warnings$/,
    ],
    [
      "one cell in each of two, of which none stands in for the other",
      {
        environment: "sandbox",
        evidence: all(left("e2e", "passed", { cell: "1" }), left("e2e", "passed", { cell: "2", environment: "local" })),
      },
      "passed",
      /every stage passed/,
    ],
    [
      "the same as its stand-in, and another one is of no use",
      { environment: "sandbox", standIn: "sandbox", evidence: inLocal() },
      "failed",
      /has no evidence/,
    ],
    ["neither", { environment: "sandbox", standIn: "preview", evidence: inLocal() }, "failed", /has no evidence/],
    [
      "its stand-in, where a stage failed",
      { environment: "sandbox", standIn: "local", evidence: inLocal("failed") },
      "failed",
      /preflight failed/,
    ],
    [
      "its stand-in, where a stage could not look",
      { environment: "sandbox", standIn: "local", evidence: inLocal("error") },
      "error",
      /could not be judged/,
    ],
    [
      "both, and it failed in the stand-in",
      { environment: "sandbox", standIn: "local", evidence: all(left("e2e"), left("e2e", "failed", { environment: "local" })) },
      "failed",
      /e2e failed/,
    ],
  ])("%s", (_what, more, outcome, why) => {
    const result = judgeGate(asked(more));
    expect(result.outcome).toBe(outcome);
    expect(result.why).toMatch(why);
  });

  test("of which nothing was proven is in the summary, at the top and in the row of each stage", () => {
    const result = judgeGate(asked({ environment: "sandbox", standIn: "local", evidence: inLocal() }));
    const text = gateMarkdown(result, "abc");
    expect(text).toMatch(
      /^# ⚠️ Gate degraded\n\nPreflight, integration and e2e ran in local, because .* nothing was proven about sandbox\./,
    );
    expect(text.match(/⚠️ degraded \|.*nothing was proven about sandbox/g)).toHaveLength(3);
  });

  test("in which it ran instead is named for a stage that counts as missing", () => {
    const [preflight] = judgeGate(asked({ environment: "sandbox", evidence: inLocal() })).stages;
    expect(preflight?.why).toBe(
      "none left evidence of preflight for the environment sandbox: found job preflight, environment local",
    );
  });
});

describe("needs", () => {
  test("are GitHub's results by job", () => {
    expect(readNeeds('{"a":{"result":"success","outputs":{"x":"y"}},"b-2":{"result":"skipped","outputs":{}}}')).toEqual([
      { id: "a", result: "success" },
      { id: "b-2", result: "skipped" },
    ]);
  });

  test.each(["", "x", "[]", "null", "{}", '{"a":"success"}', '{"a":{"result":"neutral"}}', '{"a":{}}'])(
    "that are no such results are refused with what to pass: %j",
    (text) => {
      expect(() => readNeeds(text)).toThrow(/`needs`.*toJson\(needs\)/);
    },
  );
});

describe("allowed skips", () => {
  test("hold only if their expression is true now", () => {
    expect(readAllowedSkips("e2e: true # drafts\n\n  docs:false\nforks: ")).toEqual([
      { name: "e2e", allowed: true, reason: "drafts" },
      { name: "docs", allowed: false, reason: undefined },
      { name: "forks", allowed: false, reason: undefined },
    ]);
  });

  test.each(["e2e", "e2e: yes", "e2e: True", "e2e true", ": true"])("that are no such lines are refused: %j", (text) => {
    expect(() => readAllowedSkips(text)).toThrow(/expected lines such as "e2e: true # why"/);
  });
});

test("the text is inert, whatever jobs and cells are called", () => {
  const cell = "<img src=x> | @someone [a](http://b) `x`\n::error::";
  const text = gateMarkdown(
    judgeGate(asked({ evidence: all(left("e2e", "failed", { cell }), left("e2e", "passed", { cell: "other" })) })),
    commit.headSha,
  );
  expect(text).not.toMatch(/<img|@someone|\]\(|^::/m);
  expect(text).toMatch(/❌ failed \| E2e|❌ failed \| /);
  expect(
    text
      .split("\n")
      .filter((line) => line.startsWith("|"))
      .every((line) => line.endsWith("|")),
  ).toBe(true);
});
