import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { judgeSequence, type SequenceQuestion } from "../../src/gate/evidence.ts";
import { evidenceStore } from "../../src/gate/store.ts";
import type { Evidence } from "../../src/model.ts";

const now = Date.UTC(2026, 10, 23, 12);
const commit = { sha: "a".repeat(40) };
const origin = { kind: "github", repository: "classwaves/app", workflowRun: "77", attempt: "1" } as const;
const evidence: Evidence = {
  schemaVersion: 1,
  stage: "preflight",
  verdict: "passed",
  environment: "sandbox",
  runId: "1763920000000_1a2b3c4d",
  commit,
  origin,
  finishedAt: new Date(now - 60_000).toISOString(),
  reportDigest: "0".repeat(64),
};
const question: SequenceQuestion = {
  stage: "integration",
  environments: ["sandbox"],
  commit,
  origin,
  gateId: evidence.runId,
  evidence,
  deployment: undefined,
  now,
  maxAgeMs: 4 * 3_600_000,
};

describe("a stage starts only after passed evidence of the stage before, for the same commit, environment and run", () => {
  test("passed and degraded evidence lets it start", () => {
    expect(judgeSequence(question)).toEqual({ allowed: true, why: "preflight passed 1 min ago" });
    expect(judgeSequence({ ...question, evidence: { ...evidence, verdict: "degraded" } }).allowed).toBe(true);
  });

  const refusals: [string, Partial<SequenceQuestion>, RegExp][] = [
    ["missing", { evidence: undefined }, /there is none for sandbox\. Run preflight first/],
    ["failed", { evidence: { ...evidence, verdict: "failed" } }, /preflight ended with failed/],
    ["error", { evidence: { ...evidence, verdict: "error" } }, /preflight ended with error/],
    ["skipped", { evidence: { ...evidence, verdict: "skipped" } }, /preflight ended with skipped/],
    ["another stage", { evidence: { ...evidence, stage: "smoke" } }, /evidence of smoke/],
    ["another environment", { evidence: { ...evidence, environment: "staging" } }, /for staging, not for sandbox/],
    [
      "another commit",
      { evidence: { ...evidence, commit: { sha: "b".repeat(40) } } },
      /for commit bbbbbbbbbbbb, not for aaaaaaaaaaaa/,
    ],
    ["another head of a pull request", { commit: { ...commit, headSha: "c".repeat(40) } }, /for commit/],
    [
      "another gate run",
      { gateId: "1763920000000_ffffffff" },
      /from gate run 1763920000000_1a2b3c4d, not from 1763920000000_ffffffff/,
    ],
    [
      "another workflow run",
      { evidence: { ...evidence, origin: { ...origin, workflowRun: "76" } } },
      /another workflow run \(76\)/,
    ],
    ["another repository", { evidence: { ...evidence, origin: { ...origin, repository: "fork/app" } } }, /from fork\/app/],
    ["stale", { now: now + 5 * 3_600_000 }, /301 min old, older than evidence\.maxAge \(240 min\)/],
    ["from the future", { now: now - 3_600_000 }, /dated in the future/],
  ];
  test.each(refusals)("refused: %s", (_name, change, why) => {
    const answer = judgeSequence({ ...question, ...change });
    expect(answer.allowed).toBe(false);
    expect(answer.why).toMatch(why);
  });

  test("the merge commit of a pull request may change, its head may not", () => {
    const head = { headSha: "d".repeat(40) };
    const moved = {
      ...question,
      commit: { sha: "e".repeat(40), ...head },
      evidence: { ...evidence, commit: { ...commit, ...head } },
    };
    expect(judgeSequence(moved).allowed).toBe(true);
  });

  test("smoke follows e2e, of its own environment or of the one it was promoted from, or a deployment", () => {
    const smoke: SequenceQuestion = {
      ...question,
      stage: "smoke",
      environments: ["production", "sandbox"],
      evidence: { ...evidence, stage: "e2e" },
    };
    expect(judgeSequence(smoke).allowed).toBe(true);
    expect(judgeSequence({ ...smoke, evidence: undefined }).why).toMatch(/or say which deployment smoke follows/);
    expect(judgeSequence({ ...smoke, evidence: undefined, deployment: { allowed: true, why: "deployed" } })).toEqual({
      allowed: true,
      why: "deployed",
    });
    expect(judgeSequence({ ...smoke, deployment: { allowed: false, why: "its newest status is failure" } }).allowed).toBe(false);
  });

  test("preflight and cleanup may always", () => {
    for (const stage of ["preflight", "cleanup"] as const)
      expect(judgeSequence({ ...question, stage, evidence: undefined }).allowed).toBe(true);
  });
});

describe("evidence is kept as files", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "evidence-"));
  });
  afterEach(() => rm(directory, { recursive: true }));

  test("what was kept is found, the newest first, and of the asked stage only", async () => {
    const store = evidenceStore(directory, undefined);
    const later: Evidence = { ...evidence, environment: "staging", finishedAt: new Date(now).toISOString() };
    for (const one of [evidence, later, { ...evidence, stage: "e2e" } as Evidence]) expect(await store.keep(one, [])).toEqual([]);
    expect(await store.find("preflight")).toEqual({ evidence: [later, evidence], problems: [] });
  });

  test("a file that is no evidence is said, and is not taken for a pass", async () => {
    for (const [name, text] of [
      ["torn", '{"schemaVersion":1'],
      ["other", '{"schemaVersion":2}'],
      ["list", "[]"],
    ])
      await writeFile(join(directory, `preflight-${name}.json`), text ?? "");
    const found = await evidenceStore(directory, undefined).find("preflight");
    expect(found.evidence).toEqual([]);
    expect(found.problems).toHaveLength(3);
  });

  test("an artifact that cannot be read or kept is said", async () => {
    const broken = {
      list: () => Promise.reject(new Error("HTTP 500")),
      upload: () => Promise.reject(new Error("HTTP 500")),
      download: () => Promise.reject(new Error("HTTP 500")),
    };
    const store = evidenceStore(directory, broken);
    expect((await store.find("preflight")).problems).toEqual(["the artifacts of this workflow run could not be read: HTTP 500"]);
    expect(await store.keep(evidence, [])).toEqual([
      "the evidence could not be kept as an artifact, so later jobs will not find it: HTTP 500",
    ]);
  });
});
