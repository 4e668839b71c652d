import { createHash } from "node:crypto";
import { join } from "node:path";
import { expect, test } from "vitest";
import { artifactCarrier } from "../../src/evidence/carriers/artifacts.ts";
import { evidenceStore } from "../../src/evidence/store.ts";
import type { Evidence, StageName, Verdict } from "../../src/model/report.ts";
import { folderForEachTest } from "../harness/folder.ts";

// What the gate reads of the artifacts of its run, and what it must not believe of them.

const folder = folderForEachTest();

interface Uploaded {
  job?: string;
  replaced?: true;
  evidence: Evidence;
  report?: object;
  /** The download fails. */
  broken?: boolean;
}

function of(stage: StageName, verdict: Verdict, runId: string, more: Partial<Evidence> = {}): Evidence {
  return {
    schemaVersion: 1,
    stage,
    verdict,
    environment: "sandbox",
    runId,
    commit: { sha: "a".repeat(40) },
    origin: { kind: "github", repository: "classwaves/app", workflowRun: "7", job: stage, attempt: "1" },
    finishedAt: new Date().toISOString(),
    reportDigest: "",
    ...more,
  };
}

function storeOf(all: Record<string, Uploaded>) {
  let downloads = 0;
  const service = {
    upload: () => Promise.resolve(),
    list: () =>
      Promise.resolve(
        Object.entries(all).map(([name, { job, replaced }]) => ({
          name,
          size: 1,
          ...(job && { job }),
          ...(replaced && { replaced }),
        })),
      ),
    download(name: string) {
      downloads += 1;
      const one = all[name];
      if (!one || one.broken) return Promise.reject(new Error("404"));
      const { stage, verdict, runId } = one.evidence;
      const report = JSON.stringify(one.report ?? { stage, verdict, runId });
      const evidence = { ...one.evidence, reportDigest: createHash("sha256").update(report).digest("hex") };
      return Promise.resolve([
        { name: "evidence.json", content: Buffer.from(JSON.stringify(evidence)) },
        { name: `${/^env-actions-(\w+)-/.exec(name)?.[1]}.json`, content: Buffer.from(report) },
      ]);
    },
  };
  return {
    ...evidenceStore(join(folder.path, ".env-actions", "evidence"), artifactCarrier(service)),
    downloads: () => downloads,
  };
}

const run = (at: number) => `1763920000000_${String(at).padStart(8, "0")}`;
const nameOf = (one: Evidence) => `env-actions-${one.stage}-${one.environment}-${one.origin.attempt}-${one.runId}`;
const failed = of("e2e", "failed", run(1));

test.each<[string, Record<string, Uploaded>, number, number, RegExp | undefined]>([
  ["a failed one that can't be downloaded", { [nameOf(failed)]: { evidence: failed, broken: true } }, 0, 1, /404/],
  [
    "the same, and a pass whose run id is its end",
    {
      [nameOf(failed)]: { evidence: failed, broken: true },
      "env-actions-e2e-x": { evidence: of("e2e", "passed", failed.runId) },
    },
    1,
    1,
    /404/,
  ],
  [
    "the same, and a pass with an empty run id, with which every name ends",
    { [nameOf(failed)]: { evidence: failed, broken: true }, "env-actions-e2e-x": { evidence: of("e2e", "passed", "") } },
    0,
    2,
    /another file/,
  ],
  [
    "one that replaced another of its name",
    { [nameOf(failed)]: { evidence: of("e2e", "passed", run(1)), replaced: true } },
    0,
    1,
    /it replaced another one/,
  ],
  [
    "a pass with the report of a failure",
    { [nameOf(failed)]: { evidence: of("e2e", "passed", run(1)), report: { verdict: "failed", runId: run(1) } } },
    0,
    1,
    /contradicts the report/,
  ],
  [
    "a pass with the report of another run",
    { [nameOf(failed)]: { evidence: of("e2e", "passed", run(1)), report: { verdict: "passed", runId: run(2) } } },
    0,
    1,
    /contradicts the report/,
  ],
  [
    "evidence of a stage under the name of another",
    { "env-actions-e2e-x": { evidence: of("smoke", "passed", run(1)) } },
    0,
    1,
    /its evidence is of smoke/,
  ],
  [
    "a verdict that doesn't exist",
    { "env-actions-e2e-x": { evidence: of("e2e", "PASSED" as Verdict, run(1)) } },
    0,
    1,
    /another file/,
  ],
  [
    "names that only begin like a stage's",
    {
      "env-actions-e2extra-x": { evidence: failed },
      "env-actions-logs-e2e-x": { evidence: failed },
      "my-env-actions-e2e-x": { evidence: failed },
    },
    0,
    0,
    undefined,
  ],
  [
    "a stage's name as environment",
    { "env-actions-integration-e2e-1-x": { evidence: of("integration", "passed", run(1), { environment: "e2e" }) } },
    0,
    0,
    undefined,
  ],
  [
    "one run id in two artifacts of two jobs: both are handed on",
    {
      "env-actions-e2e-a": { job: "1", evidence: failed },
      "env-actions-e2e-b": { job: "2", evidence: of("e2e", "passed", run(1)) },
    },
    2,
    0,
    undefined,
  ],
])("%s", async (_what, all, evidence, unread, problem) => {
  const found = await storeOf(all).find("e2e");
  expect([found.evidence.length, found.unread.length]).toEqual([evidence, unread]);
  expect(found.problems.join("\n")).toMatch(problem ?? /^$/);
});

test("of 3,000 artifacts of one job, each is downloaded once, though all are compared with each other", async () => {
  const all: Record<string, Uploaded> = {};
  for (let at = 0; at < 3_000; at++) {
    const one = of(at % 2 ? "e2e" : "integration", "passed", run(at), {
      origin: { kind: "github", repository: "classwaves/app", workflowRun: "7", job: "all", attempt: "1" },
    });
    all[nameOf(one)] = { job: "1", evidence: one };
  }
  const store = storeOf(all);
  const [e2e, integration] = [await store.find("e2e"), await store.find("integration")];
  expect([e2e.evidence.length, integration.evidence.length, store.downloads()]).toEqual([1_500, 1_500, 3_000]);
}, 60_000);
