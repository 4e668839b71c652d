import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { currentEvidence, parseEvidence } from "../../src/evidence/evidence.ts";
import { type GateQuestion, judgeGate } from "../../src/gate/judge.ts";
import { readAllowedSkips, readNeeds } from "../../src/gate/needs.ts";
import { gateLine, gateMarkdown } from "../../src/gate/texts.ts";
import type { Evidence, Origin, StageName, Verdict } from "../../src/model/report.ts";

// Attacks and accidents: what the gate says to evidence that nobody should have written, and to runs that nobody planned.

const now = Date.parse("2026-11-30T12:00:00Z");
const commit = { sha: "m".repeat(40), headSha: "a".repeat(40) };
const origin: Origin = { kind: "github", repository: "classwaves/app", workflowRun: "7", attempt: "3", job: "gate" };
let ids = 0;

type More = Partial<Omit<Evidence, "origin">> & Partial<Pick<Origin, "job" | "cell" | "attempt" | "workflowRun" | "repository">>;

function left(stage: StageName, verdict: Verdict = "passed", more: More = {}): Evidence {
  const { job = stage, cell, attempt = "1", workflowRun = "7", repository = "classwaves/app", ...rest } = more;
  return {
    schemaVersion: 1,
    stage,
    verdict,
    environment: "sandbox",
    runId: `${now}_${String(ids++).padStart(8, "0")}`,
    commit,
    origin: { kind: "github", repository, workflowRun, job, attempt, ...(cell ? { cell } : {}) },
    finishedAt: new Date(now - 60_000).toISOString(),
    reportDigest: "0".repeat(64),
    ...rest,
  };
}

function judged(more: Partial<GateQuestion>) {
  return judgeGate({
    jobs: ["preflight", "integration", "e2e"].map((id) => ({ id, result: "success" as const })),
    stages: ["preflight", "integration", "e2e"],
    leftOut: [],
    allowedSkips: [],
    evidence: [left("preflight"), left("integration"), left("e2e")],
    unread: {},
    event: "pull_request",
    commit,
    origin,
    now,
    maxAgeMs: 14_400_000,
    ...more,
  });
}

const e2e = (verdict: Verdict = "passed", more: More = {}) => left("e2e", verdict, more);
const endedBy = (...found: Evidence[]) => ({ evidence: [left("preflight"), left("integration"), ...found] });
const at = (ms: number) => new Date(now + ms).toISOString();
const a = "packages/a/.github/env-actions.yml";
const b = "packages/b/.github/env-actions.yml";
const gateOf = (project: string, ...evidence: Evidence[]) => ({ project, evidence });
const allOf = (project: string) =>
  (["preflight", "integration", "e2e"] as const).map((stage) => left(stage, "passed", { project }));
const results = (one: "success" | "failure" | "cancelled" | "skipped") => [
  { id: "preflight", result: "success" as const },
  { id: "integration", result: "success" as const },
  { id: "e2e", result: one },
];
const same = "1763920000000_1a2b3c4d";

const rows: [what: string, question: Partial<GateQuestion>, outcome: string, why?: RegExp][] = [
  // Two files with one run id
  [
    "a copy with the run id of a failure, and a later date",
    endedBy(e2e("failed", { runId: same }), e2e("passed", { runId: same, finishedAt: at(0) })),
    "failed",
  ],
  [
    "the same, with an earlier date",
    endedBy(e2e("failed", { runId: same }), e2e("passed", { runId: same, finishedAt: at(-9e5) })),
    "failed",
  ],
  [
    "the same, from another job",
    endedBy(e2e("failed", { runId: same }), e2e("passed", { runId: same, job: "lint", finishedAt: at(0) })),
    "failed",
  ],
  [
    "the same, of another cell",
    endedBy(e2e("failed", { runId: same, cell: "a" }), e2e("passed", { runId: same, cell: "b", finishedAt: at(0) })),
    "failed",
  ],
  ["a copy hides an error", endedBy(e2e("error", { runId: same }), e2e("passed", { runId: same, finishedAt: at(0) })), "error"],
  [
    "a copy hides evidence of another commit",
    endedBy(e2e("passed", { runId: same, commit: { sha: "b".repeat(40) } }), e2e("passed", { runId: same, finishedAt: at(0) })),
    "error",
  ],
  [
    "one run id in two stages",
    { evidence: (["preflight", "integration", "e2e"] as const).map((stage) => left(stage, "passed", { runId: same })) },
    "passed",
  ],
  [
    "a failed stage has the run id of another stage that passed",
    { evidence: [left("preflight", "passed", { runId: same }), left("integration"), e2e("failed", { runId: same })] },
    "failed",
  ],
  [
    "cut short after its pass was written",
    endedBy(e2e("passed", { runId: same }), e2e("error", { runId: same, finishedAt: at(0) })),
    "error",
  ],
  // Attempts
  [
    "evidence of an attempt that hasn't begun",
    endedBy(e2e("failed"), e2e("passed", { attempt: "4" })),
    "error",
    /attempt 4, and this is attempt 3/,
  ],
  ["the same, without a failure before it", endedBy(e2e("passed", { attempt: "999999" })), "error"],
  ["the third attempt passed", endedBy(e2e("failed"), e2e("error", { attempt: "2" }), e2e("passed", { attempt: "3" })), "passed"],
  [
    "attempts are numbers: 10 is newer than 9",
    { ...endedBy(e2e("failed", { attempt: "9" }), e2e("passed", { attempt: "10" })), origin: { ...origin, attempt: "10" } },
    "passed",
  ],
  [
    "and 9 is not newer than 10",
    { ...endedBy(e2e("passed", { attempt: "9" }), e2e("failed", { attempt: "10" })), origin: { ...origin, attempt: "10" } },
    "failed",
  ],
  [
    "only the failed cell ran again",
    endedBy(e2e("passed", { cell: "1" }), e2e("failed", { cell: "2" }), e2e("passed", { cell: "2", attempt: "2" })),
    "passed",
  ],
  [
    "another cell ran again",
    endedBy(e2e("passed", { cell: "1" }), e2e("failed", { cell: "2" }), e2e("passed", { cell: "1", attempt: "2" })),
    "failed",
  ],
  [
    "the newest attempt has an older date, because of its clock",
    endedBy(e2e("failed", { finishedAt: at(0) }), e2e("passed", { attempt: "2", finishedAt: at(-120_000) })),
    "passed",
  ],
  [
    "the second attempt ran in another environment",
    endedBy(e2e("failed", { environment: "eu" }), e2e("passed", { environment: "us", attempt: "2" })),
    "failed",
  ],
  [
    "the second attempt ran another project of the same job",
    endedBy(e2e("failed", { project: a }), e2e("passed", { project: b, attempt: "2" })),
    "failed",
  ],
  ["two calls of one reusable workflow, and one failed", endedBy(e2e("passed"), e2e("failed")), "failed"],
  ["two calls, and the failed one ran again", endedBy(e2e("passed"), e2e("failed"), e2e("passed", { attempt: "2" })), "passed"],
  ["two calls failed, and one ran again", endedBy(e2e("failed"), e2e("failed"), e2e("passed", { attempt: "2" })), "failed"],
  [
    "two calls failed, and both ran again one after the other",
    endedBy(
      e2e("failed"),
      e2e("failed"),
      e2e("passed", { attempt: "2" }),
      e2e("failed", { attempt: "2" }),
      e2e("passed", { attempt: "3" }),
    ),
    "passed",
  ],
  [
    "a cell was renamed, and its failure stays",
    endedBy(e2e("failed", { cell: "old" }), e2e("passed", { cell: "new", attempt: "2" })),
    "failed",
  ],
  // Projects
  [
    "another project's pass",
    gateOf(
      b,
      left("preflight", "passed", { project: b }),
      left("integration", "passed", { project: b }),
      e2e("passed", { project: a }),
    ),
    "failed",
    /none left evidence of e2e for the configuration packages\/b\S+: found evidence for packages\/a/,
  ],
  ["another project passed everything, and this one ran nothing", gateOf(b, ...allOf(a)), "failed"],
  ["another project failed", gateOf(b, ...allOf(b), e2e("failed", { project: a })), "passed"],
  [
    "this project failed, and another one passed",
    gateOf(b, ...allOf(a), ...allOf(b), e2e("failed", { project: b, cell: "2" })),
    "failed",
  ],
  ["a path that only begins with this project's", gateOf(b, ...allOf(`${b}.bak`)), "failed"],
  ["a gate for all projects, and each passed", { evidence: [...allOf(a), ...allOf(b)] }, "passed"],
  [
    "a gate for all projects, and one lacks a stage",
    { evidence: [...allOf(a), ...allOf(b).slice(0, 2)] },
    "failed",
    /none left evidence of e2e for packages\/b/,
  ],
  ["a gate for all projects, and one failed", { evidence: [...allOf(a), ...allOf(b), e2e("failed", { project: b })] }, "failed"],
  [
    "a project of another workflow run is not asked for",
    { evidence: [...allOf(a), left("preflight", "passed", { project: b, workflowRun: "6" })] },
    "passed",
  ],
  // Where it is from
  ["the same run number in another repository", endedBy(e2e("passed", { repository: "classwaves/app2" })), "failed"],
  ["an older run of the same commit", endedBy(e2e("passed", { workflowRun: "6" })), "failed"],
  ["a newer run of the same commit", endedBy(e2e("passed", { workflowRun: "8" })), "failed"],
  ["a run whose number begins with this one's", endedBy(e2e("passed", { workflowRun: "77" })), "failed"],
  [
    "the merge commit is the same, the head is not",
    endedBy(e2e("passed", { commit: { sha: commit.sha, headSha: "b".repeat(40) } })),
    "error",
  ],
  ["a moved `ref:` tested another commit", endedBy(e2e("passed", { commit: { sha: "c".repeat(40) } })), "error"],
  [
    "the base moved: another merge commit of the same head",
    endedBy(e2e("passed", { commit: { sha: "n".repeat(40), headSha: commit.headSha } })),
    "passed",
  ],
  ["a short SHA", endedBy(e2e("passed", { commit: { sha: commit.sha, headSha: "aaaaaaa" } })), "error"],
  // Time
  ["evidence of tomorrow", endedBy(e2e("passed", { finishedAt: at(86_400_000) })), "error"],
  ["a clock that is a second ahead", endedBy(e2e("passed", { finishedAt: at(1_000) })), "passed"],
  ["exactly as old as allowed", endedBy(e2e("passed", { finishedAt: at(-14_400_000) })), "passed"],
  ["a millisecond older", endedBy(e2e("passed", { finishedAt: at(-14_400_001) })), "error"],
  // Artifacts
  [
    "one cell's artifact was deleted, and its job failed",
    { ...endedBy(e2e("passed", { cell: "1" })), jobs: results("failure") },
    "failed",
  ],
  ["the list names an artifact that can't be downloaded", { unread: { e2e: ["env-actions-e2e-x"] } }, "error"],
  ["the only one can't be downloaded", { ...endedBy(), unread: { e2e: ["env-actions-e2e-x"] } }, "error"],
  ["one can't be read, and another one failed", { ...endedBy(e2e("failed")), unread: { e2e: ["env-actions-e2e-x"] } }, "failed"],
  [
    "the list can't be read",
    { evidence: [], unread: { preflight: ["the list"], integration: ["the list"], e2e: ["the list"] } },
    "error",
  ],
  ["what can't be read is of a stage that nobody expects", { unread: { smoke: ["env-actions-smoke-x"] } }, "passed"],
  // Verdicts
  ...["PASSED", "green", "passed ", "success", "", "constructor", "__proto__"].map(
    (word): [string, Partial<GateQuestion>, string] => [
      `the verdict ${JSON.stringify(word)}`,
      endedBy(e2e(word as Verdict)),
      "error",
    ],
  ),
  ["a skipped stage", endedBy(e2e("skipped")), "error"],
  // Skips and cancels
  [
    "its job was skipped after its stage passed in an earlier attempt",
    { jobs: results("skipped") },
    "failed",
    /job e2e was skipped/,
  ],
  ["cancelled after every stage passed", { jobs: results("cancelled") }, "cancelled"],
  ["cancelled, and a stage failed", { ...endedBy(e2e("failed")), jobs: results("cancelled") }, "failed"],
  ["cancelled, and evidence of a cell can't be read", { jobs: results("cancelled"), unread: { e2e: ["x"] } }, "error"],
  [
    "the skip of a job does not excuse its stage's failure",
    { ...endedBy(e2e("failed")), jobs: results("skipped"), allowedSkips: [{ name: "e2e", allowed: true, reason: undefined }] },
    "failed",
  ],
  [
    "the skip of another job does not excuse a stage with a job of its own",
    {
      ...endedBy(),
      jobs: [...results("success"), { id: "lint", result: "skipped" }],
      allowedSkips: [
        { name: "e2e", allowed: true, reason: undefined },
        { name: "lint", allowed: true, reason: undefined },
      ],
    },
    "failed",
  ],
  [
    "a skip that is allowed for a name that only begins alike",
    { ...endedBy(), jobs: results("skipped"), allowedSkips: [{ name: "e2e-nightly", allowed: true, reason: undefined }] },
    "failed",
  ],
  ["no stage is expected", { stages: [], leftOut: ["preflight", "integration", "e2e"] }, "failed", /nothing was proven/],
  ["no evidence and no job at all", { evidence: [], jobs: [] }, "failed"],
  [
    "no artifact service, and everything skipped for a reason",
    {
      evidence: [],
      cutOff: "no artifact service",
      jobs: ["preflight", "integration", "e2e"].map((id) => ({ id, result: "skipped" as const })),
      allowedSkips: ["preflight", "integration", "e2e"].map((name) => ({ name, allowed: true, reason: undefined })),
    },
    "failed",
    /nothing was proven/,
  ],
  ["the gate doesn't know its own run", { origin: { kind: "github", repository: "classwaves/app" } }, "failed"],
];

test.each(rows)("%s", (_what, question, outcome, why = /./) => {
  for (const evidence of [question.evidence, question.evidence?.toReversed()]) {
    const result = judged(evidence ? { ...question, evidence } : question);
    expect(result.outcome).toBe(outcome);
    expect(
      result.stages
        .concat([])
        .map((stage) => stage.why)
        .concat(result.why)
        .join("\n"),
    ).toMatch(why);
  }
});

describe("a file that is no evidence is refused", () => {
  const good = left("e2e");
  test("and evidence is read", () => expect(parseEvidence(JSON.stringify(good))).toEqual(good));

  test.each<[string, unknown]>([
    ["nothing", null],
    ["a list", [good]],
    ["a text", "passed"],
    ["another version", { ...good, schemaVersion: "1" }],
    ["a verdict in capitals", { ...good, verdict: "PASSED" }],
    ["a verdict in a list", { ...good, verdict: ["passed"] }],
    ["a verdict of another tool", { ...good, verdict: "green" }],
    ["a stage that doesn't exist", { ...good, stage: "e2e-extra" }],
    ["a member of every object as stage", { ...good, stage: "constructor" }],
    ["no run id", { ...good, runId: "" }],
    ["a number as run id", { ...good, runId: 7 }],
    ["a group as environment", { ...good, environment: {} }],
    ["a number as head", { ...good, commit: { sha: commit.sha, headSha: 7 } }],
    ["no commit", { ...good, commit: null }],
    ["a list as commit", { ...good, commit: ["a"] }],
    ["a group as job", { ...good, origin: { ...good.origin, job: { name: "e2e" } } }],
    ["a list as cell", { ...good, origin: { ...good.origin, cell: ["a"] } }],
    ["a number as workflow run", { ...good, origin: { ...good.origin, workflowRun: 7 } }],
    ["an endless attempt", { ...good, origin: { ...good.origin, attempt: "Infinity" } }],
    ["a huge attempt", { ...good, origin: { ...good.origin, attempt: "1e308" } }],
    ["attempt 0", { ...good, origin: { ...good.origin, attempt: "0" } }],
    ["a negative attempt", { ...good, origin: { ...good.origin, attempt: "-1" } }],
    ["a fraction of an attempt", { ...good, origin: { ...good.origin, attempt: "1.5" } }],
    ["another kind of origin", { ...good, origin: { ...good.origin, kind: "gitlab" } }],
    ["a date that is none", { ...good, finishedAt: "soon" }],
    ["a number as date", { ...good, finishedAt: 5 }],
    ["a list as project", { ...good, project: ["a"] }],
    ["no digest", { ...good, reportDigest: undefined }],
  ])("%s", (_what, value) => {
    expect(() => parseEvidence(JSON.stringify(value))).toThrow(
      "expected evidence of this version of env-actions, got another file",
    );
  });

  test("its prototype is not that of others", () => {
    const text = JSON.stringify(good).replace("{", '{"__proto__":{"verdict":"passed","polluted":true},');
    expect(parseEvidence(text).verdict).toBe("passed");
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
    expect(() => parseEvidence('{"__proto__":{"schemaVersion":1,"stage":"e2e","verdict":"passed"}}')).toThrow("got another file");
  });

  test("whatever JSON it is: refused or complete, and never a crash of the gate", () => {
    const anything = fc.oneof(fc.jsonValue(), fc.constant("x"), fc.constant(1e308));
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(good), "project", "gateId", "auditHead"), anything, (member, value) => {
        let read: Evidence;
        try {
          read = parseEvidence(JSON.stringify({ ...good, [member]: value }));
        } catch {
          return;
        }
        const result = judged(endedBy(read));
        expect(gateMarkdown(result, commit.headSha).length).toBeLessThan(65_000);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("allowed skips", () => {
  test.each(["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf", "TRUE", "1", "yes", "${{", "true,"])(
    "are no words of JavaScript: %s",
    (word) => {
      expect(() => readAllowedSkips(`e2e: ${word}`)).toThrow(/expected lines such as/);
    },
  );

  test("a name has one line", () => {
    expect(() => readAllowedSkips("e2e: false\ne2e: true")).toThrow(/expected one line for e2e, got several/);
  });
});

describe("needs", () => {
  test.each([
    '{"__proto__":{"result":"green"}}',
    '{"a":{"result":["success"]}}',
    '{"a":{"__proto__":{"result":"success"}}}',
    '{"a":null}',
    "7",
    '"success"',
  ])("of another shape are refused: %s", (text) => {
    expect(() => readNeeds(text)).toThrow(/EA1104|`needs`/);
  });
});

describe("texts from outside", () => {
  const hostile = "<img src=x> | @someone [a](http://b) `x` ##[error]x\n::error::y\u202e\u001b[31m";

  test("can't add anything to the summary or the comment", () => {
    const result = judged({
      ...endedBy(e2e("failed", { job: hostile, cell: hostile, environment: hostile }), e2e(hostile as Verdict)),
      jobs: [...results("failure"), { id: hostile, result: "failure" }],
      project: undefined,
    });
    const text = gateMarkdown(result, hostile);
    expect(text).not.toMatch(/<img|@someone|\]\(http|##\[|^::/m);
    expect(["\u202e", "\u001b"].filter((character) => text.includes(character))).toEqual([]);
    expect(
      text
        .split("\n")
        .filter((line) => line.startsWith("|"))
        .every((line) => line.endsWith("|")),
    ).toBe(true);
  });

  test("a job's name can't add anything to the sentence", () => {
    const result = judged({ jobs: [...results("success"), { id: hostile, result: "failure" }] });
    expect(gateMarkdown(result, commit.headSha)).not.toMatch(/<img|@someone|\]\(http/);
    expect(gateLine(result).length).toBeLessThan(1_000);
  });

  test("fit into a comment of GitHub, however many and long they are", () => {
    const long = "@".repeat(5_000);
    const jobs = Array.from({ length: 600 }, (_, index) => ({ id: `${long}${index}`, result: "failure" as const }));
    const many = (stage: StageName) =>
      Array.from({ length: 300 }, (_, index) => left(stage, "error", { cell: `${long}${index}`, environment: long }));
    const result = judged({
      jobs,
      evidence: [...many("preflight"), ...many("integration"), ...many("e2e")],
      stages: ["preflight", "integration", "e2e", "smoke", "cleanup"],
    });
    const text = gateMarkdown(result, commit.headSha);
    expect(text.length).toBeLessThan(65_000);
    expect(text).toMatch(/\d+ more jobs did not succeed/);
  });

  test("what is left out is not called passed", () => {
    const failures = Array.from({ length: 70 }, (_, index) => e2e("failed", { cell: String(index) }));
    const passes = Array.from({ length: 10 }, (_, index) => e2e("passed", { cell: `p${index}` }));
    expect(gateMarkdown(judged(endedBy(...passes, ...failures)), commit.headSha)).toContain("30 more, of which 20 did not pass");
  });
});

test("evidence of 100,000 cells is judged without a crash, and each only a few times", () => {
  let looks = 0;
  const evidence = Array.from({ length: 100_000 }, (_, index) => {
    const one = e2e(index === 70_000 ? "failed" : "passed", { cell: String(index) });
    return Object.defineProperty(one, "environment", {
      get() {
        looks += 1;
        return "sandbox";
      },
    });
  });
  expect(currentEvidence(evidence)).toHaveLength(100_000);
  expect(looks).toBeLessThan(500_000);
  expect(judged(endedBy(...evidence)).outcome).toBe("failed");
});
