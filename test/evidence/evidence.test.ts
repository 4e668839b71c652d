import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { artifactCarrier } from "../../src/evidence/carriers/artifacts.ts";
import { judgeSequence, judgeStageBefore, type SequenceQuestion } from "../../src/evidence/evidence.ts";
import { evidenceStore } from "../../src/evidence/store.ts";
import type { Evidence } from "../../src/model/report.ts";

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

describe("a stage only starts after passed evidence of the previous stage, for the same commit, environment and run", () => {
  test("passed and degraded evidence lets it start", () => {
    expect(judgeSequence(question)).toEqual({ allowed: true, why: "preflight passed 1 min ago" });
    expect(judgeSequence({ ...question, evidence: { ...evidence, verdict: "degraded" } }).allowed).toBe(true);
  });

  const refusals: [string, Partial<SequenceQuestion>, RegExp][] = [
    ["missing", { evidence: undefined }, /there is none for sandbox\. Run preflight first/],
    ["failed", { evidence: { ...evidence, verdict: "failed" } }, /preflight ended with failed/],
    ["error", { evidence: { ...evidence, verdict: "error" } }, /preflight ended with error/],
    ["skipped", { evidence: { ...evidence, verdict: "skipped" } }, /preflight ended with skipped/],
    ["another stage", { evidence: { ...evidence, stage: "smoke" } }, /found evidence for smoke instead/],
    [
      "another environment",
      { evidence: { ...evidence, environment: "staging" } },
      /expected evidence for the environment sandbox, got evidence for staging/,
    ],
    [
      "another commit",
      { evidence: { ...evidence, commit: { sha: "b".repeat(40) } } },
      /expected evidence for commit aaaaaaaaaaaa, got evidence for bbbbbbbbbbbb/,
    ],
    ["another head of a pull request", { commit: { ...commit, headSha: "c".repeat(40) } }, /for commit/],
    [
      "another gate run",
      { gateId: "1763920000000_ffffffff" },
      /expected evidence from gate run 1763920000000_ffffffff, got evidence from 1763920000000_1a2b3c4d/,
    ],
    [
      "another workflow run",
      { evidence: { ...evidence, origin: { ...origin, workflowRun: "76" } } },
      /found evidence from another workflow run instead \(76\)/,
    ],
    ["another repository", { evidence: { ...evidence, origin: { ...origin, repository: "fork/app" } } }, /from fork\/app/],
    [
      "stale",
      { now: now + 5 * 3_600_000 },
      /301 min old, older than evidence\.maxAge \(240 min\)\. Re-run all jobs of the workflow run: "Re-run failed jobs" would use/,
    ],
    [
      "stale, in a terminal",
      {
        now: now + 5 * 3_600_000,
        origin: { kind: "terminal" },
        evidence: { ...evidence, origin: { kind: "terminal" } },
      },
      /older than evidence\.maxAge \(240 min\)\. Run preflight again\./,
    ],
    ["from the future", { now: now - 3_600_000 }, /dated in the future/],
  ];
  test.each(refusals)("refused: %s", (_name, change, why) => {
    const answer = judgeSequence({ ...question, ...change });
    expect(answer.allowed).toBe(false);
    expect(answer.why).toMatch(why);
  });

  test("the merge commit of a pull request may change, but not its head", () => {
    const head = { headSha: "d".repeat(40) };
    const moved = {
      ...question,
      commit: { sha: "e".repeat(40), ...head },
      evidence: { ...evidence, commit: { ...commit, ...head } },
    };
    expect(judgeSequence(moved).allowed).toBe(true);
  });

  test("smoke follows a deployment, or e2e in its own environment or the one it was promoted from", () => {
    const smoke: SequenceQuestion = {
      ...question,
      stage: "smoke",
      environments: ["production", "sandbox"],
      evidence: { ...evidence, stage: "e2e" },
    };
    expect(judgeSequence(smoke).allowed).toBe(true);
    expect(judgeSequence({ ...smoke, evidence: undefined }).why).toMatch(/or name the deployment that smoke follows/);
    expect(judgeSequence({ ...smoke, evidence: undefined, deployment: { allowed: true, why: "deployed" } })).toEqual({
      allowed: true,
      why: "deployed",
    });
    expect(judgeSequence({ ...smoke, deployment: { allowed: false, why: "its newest status is failure" } }).allowed).toBe(false);
  });

  test("preflight and cleanup may always start", () => {
    for (const stage of ["preflight", "cleanup"] as const)
      expect(judgeSequence({ ...question, stage, evidence: undefined }).allowed).toBe(true);
  });
});

describe("if a stage ran several times, all evidence that counts must open the gate", () => {
  const cell = (
    name: string,
    verdict: Evidence["verdict"],
    more: Partial<Evidence["origin"]> & { minute?: number } = {},
  ): Evidence => {
    const { minute = 0, ...where } = more;
    const time = now - 600_000 + minute * 60_000;
    const runId = `${time}_${name.repeat(8)}`;
    const there = { ...origin, job: "tests", cell: `shard=${name}`, ...where };
    return {
      ...evidence,
      stage: "integration",
      verdict,
      runId,
      gateId: "github-77",
      origin: there,
      finishedAt: new Date(time).toISOString(),
    };
  };
  const inTerminal = (one: Evidence): Evidence => ({ ...one, gateId: "1763920000000_1a2b3c4d", origin: { kind: "terminal" } });
  const failedFirst = [cell("1", "failed"), cell("2", "passed", { minute: 1 })];

  test.each<[string, Evidence[], RegExp | undefined]>([
    ["all cells passed", [cell("1", "passed"), cell("2", "degraded")], undefined],
    [
      "a passed cell that ended later doesn't hide a failed one",
      failedFirst,
      /integration in job tests \(shard=1\) ended with failed/,
    ],
    ["nor one that ended before", [cell("1", "passed"), cell("2", "error", { minute: 1 })], /\(shard=2\) ended with error/],
    [
      "a later attempt replaces the cell that it runs again",
      [...failedFirst, cell("1", "passed", { attempt: "2", minute: 2 })],
      undefined,
    ],
    ["and not another cell", [...failedFirst, cell("2", "passed", { attempt: "2", minute: 2 })], /\(shard=1\) ended with failed/],
    [
      "nor another job",
      [...failedFirst, cell("1", "passed", { attempt: "2", job: "other", minute: 2 })],
      /\(shard=1\) ended with failed/,
    ],
    [
      "an attempt that fails replaces one that passed",
      [cell("1", "passed"), cell("1", "failed", { attempt: "2", minute: 2 })],
      /ended with failed/,
    ],
    [
      "two steps of one job, or two calls of one reusable workflow: both count",
      [cell("1", "failed"), { ...cell("1", "passed", { minute: 1 }), runId: `${now}_ffffffff` }],
      /ended with failed/,
    ],
    ["another workflow run counts neither way", [cell("1", "passed"), cell("2", "failed", { workflowRun: "76" })], undefined],
    [
      "another environment counts neither way",
      [cell("1", "passed"), { ...cell("2", "failed"), environment: "staging" }],
      undefined,
    ],
    ["found as file and artifact: counts once", [cell("1", "passed"), cell("1", "passed")], undefined],
    [
      "one that was cut short after it had passed",
      [cell("1", "passed"), { ...cell("1", "error"), finishedAt: new Date(now).toISOString() }],
      /error/,
    ],
  ])("%s", (_, found, refusal) => {
    const asked = { ...question, stage: "e2e" as const, gateId: "github-77", origin: { ...origin, attempt: "2" } };
    for (const order of [found, [...found].reverse()]) {
      const { answer, accepted } = judgeStageBefore({ ...asked, evidence: order });
      if (refusal) expect(answer).toEqual({ allowed: false, why: expect.stringMatching(refusal) });
      else expect(answer).toMatchObject({ allowed: true });
      expect(accepted.length > 0).toBe(refusal === undefined);
    }
  });

  test("in a terminal the newest counts", () => {
    const here = { ...question, stage: "e2e" as const, origin: { kind: "terminal" as const } };
    const judge = (found: Evidence[]) => judgeStageBefore({ ...here, evidence: found.map(inTerminal) }).answer.allowed;
    expect(judge(failedFirst)).toBe(true);
    expect(judge([cell("1", "passed"), cell("2", "failed", { minute: 1 })])).toBe(false);
  });

  test("smoke follows all of e2e in its own environment, or all of it in the previous one", () => {
    const e2e = (name: string, verdict: Evidence["verdict"], environment: string) => ({
      ...cell(name, verdict),
      stage: "e2e" as const,
      environment,
    });
    const judge = (...found: Evidence[]) =>
      judgeStageBefore({
        ...question,
        stage: "smoke",
        gateId: "github-77",
        environments: ["production", "staging"],
        evidence: found,
      }).answer.allowed;
    expect(judge(e2e("1", "failed", "production"), e2e("2", "passed", "staging"))).toBe(true);
    expect(judge(e2e("1", "failed", "staging"), e2e("2", "passed", "staging"))).toBe(false);
  });
});

describe("evidence is kept as files", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "evidence-"));
  });
  afterEach(() => rm(directory, { recursive: true }));

  test("kept evidence is found, newest first, for the requested stage only", async () => {
    const store = evidenceStore(directory, undefined);
    const later: Evidence = { ...evidence, environment: "staging", finishedAt: new Date(now).toISOString() };
    for (const one of [evidence, later, { ...evidence, stage: "e2e" } as Evidence]) expect(await store.keep(one, [])).toEqual([]);
    expect(await store.find("preflight")).toEqual({ evidence: [later, evidence], problems: [], unread: [] });
  });

  test("cells of one stage don't overwrite each other", async () => {
    const store = evidenceStore(directory, undefined);
    const other = { ...evidence, runId: "1763920000001_ffffffff" };
    for (const one of [evidence, other]) await store.keep(one, []);
    expect((await store.find("preflight")).evidence).toHaveLength(2);
  });

  test("an invalid file is reported, and doesn't count as passed", async () => {
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

  test("an artifact that cannot be read or kept is reported", async () => {
    const broken = {
      list: () => Promise.reject(new Error("HTTP 500")),
      upload: () => Promise.reject(new Error("HTTP 500")),
      download: () => Promise.reject(new Error("HTTP 500")),
    };
    const store = evidenceStore(directory, artifactCarrier(broken));
    expect((await store.find("preflight")).problems).toEqual([
      "EA9009: the artifacts of this workflow run could not be listed: HTTP 500",
    ]);
    expect(await store.keep(evidence, [])).toEqual([
      "EA9009: the evidence could not be uploaded as an artifact, so later jobs will not find it: HTTP 500",
    ]);
  });

  describe("in artifacts", () => {
    const report = '{"stage":"preflight"}';
    const digest = createHash("sha256").update(report).digest("hex");

    /** What jobs uploaded: by artifact name, with the service's own id of the job. */
    function uploaded(all: Record<string, { job?: string; evidence: Evidence; report?: string | undefined }>) {
      return evidenceStore(
        directory,
        artifactCarrier({
          upload: () => Promise.resolve(),
          list: () => Promise.resolve(Object.entries(all).map(([name, { job }]) => ({ name, size: 1, ...(job && { job }) }))),
          download(name) {
            const one = all[name];
            if (!one) return Promise.reject(new Error("no such artifact"));
            const text = "report" in one ? one.report : report;
            return Promise.resolve([
              { name: "evidence.json", content: Buffer.from(JSON.stringify(one.evidence)) },
              ...(text === undefined ? [] : [{ name: `${one.evidence.stage}.json`, content: Buffer.from(text) }]),
            ]);
          },
        }),
      );
    }
    const of = (stage: Evidence["stage"], job: string, more: Partial<Evidence> = {}): Evidence => ({
      ...evidence,
      stage,
      runId: `1763920000000_${job.padEnd(8, "0").slice(0, 8)}`,
      reportDigest: digest,
      origin: { ...origin, job },
      ...more,
    });

    test("counts only with the report that it names", async () => {
      expect(
        (await uploaded({ "env-actions-preflight-a": { evidence: of("preflight", "preflight") } }).find("preflight")).evidence,
      ).toHaveLength(1);
      for (const [other, why] of [
        ['{"stage":"preflight","verdict":"failed"}', /preflight\.json is not the report that it is about: its SHA-256 differs/],
        [undefined, /it has no file preflight\.json/],
      ] as const) {
        const found = await uploaded({
          "env-actions-preflight-a": { evidence: of("preflight", "preflight"), report: other },
        }).find("preflight");
        expect(found).toMatchObject({
          evidence: [],
          unread: ["env-actions-preflight-a"],
          problems: [expect.stringMatching(why)],
        });
      }
    });

    test("that one job uploaded under the names of two does not count", async () => {
      const store = uploaded({
        "env-actions-integration-a": { job: "uuid-1", evidence: of("integration", "integration") },
        "env-actions-e2e-b": { job: "uuid-1", evidence: of("e2e", "e2e") },
      });
      for (const stage of ["integration", "e2e"] as const)
        expect(await store.find(stage)).toMatchObject({
          evidence: [],
          problems: [expect.stringMatching(/they name two: job \w+, attempt 1, and job \w+, attempt 1\. One of them is forged/)],
        });
    });

    test("of several stages in one job, and of two jobs of one name, counts", async () => {
      const store = uploaded({
        "env-actions-integration-a": { job: "uuid-1", evidence: of("integration", "gate") },
        "env-actions-e2e-a": { job: "uuid-1", evidence: of("e2e", "gate") },
        "env-actions-e2e-b": { job: "uuid-2", evidence: of("e2e", "gate", { runId: "1763920000000_ffffffff" }) },
      });
      expect((await store.find("e2e")).evidence).toHaveLength(2);
      // A service that gives all jobs one id cannot tell.
      const untold = uploaded({
        "env-actions-integration-a": { evidence: of("integration", "integration") },
        "env-actions-e2e-b": { evidence: of("e2e", "e2e") },
      });
      expect((await untold.find("e2e")).evidence).toHaveLength(1);
    });
  });
});
