import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type RunTruth, whyForeignRun, whyUntrue } from "../../src/history/claims.ts";
import { recordOf } from "../../src/history/record/of-report.ts";
import type { HistoryRecord } from "../../src/model/history.ts";
import { failedIntegration } from "../report/sample.ts";

/** Code of a run writes its record. What GitHub says of the run decides which of them are believed. */

const now = Date.parse("2026-11-30T12:00:00Z");
const push: RunTruth = {
  ...{ repository: "classwaves/app", headRepository: "classwaves/app", id: 4711, attempt: 2, event: "push" },
  ...{ headBranch: "main", defaultBranch: "main", createdAt: now - 600_000 },
};
const ofBranch: RunTruth = { ...push, headBranch: "feature/x" };
const pullRequest: RunTruth = { ...ofBranch, event: "pull_request" };

function claiming(more: Partial<HistoryRecord> = {}, origin: Partial<HistoryRecord["origin"]> = {}): HistoryRecord {
  const record = recordOf(failedIntegration(), { branch: "main", isDefaultBranch: true, event: "push" });
  return {
    ...record,
    ...{ runId: `${now - 300_000}_0a0b0c0d`, finishedAt: new Date(now - 200_000).toISOString() },
    origin: { kind: "github", repository: "classwaves/app", workflowRun: "4711", attempt: "1", job: "integration", ...origin },
    ...more,
  };
}

test("what is true is believed", () => {
  expect(whyUntrue(claiming(), push, now)).toBeUndefined();
  expect(whyUntrue(claiming({}, { attempt: "2", repository: "ClassWaves/App" }), push, now)).toBeUndefined();
  const { branch: _, isDefaultBranch: __, event: ___, ...silent } = claiming();
  for (const run of [push, ofBranch, pullRequest]) expect(whyUntrue(silent, run, now)).toBeUndefined();
  expect(whyUntrue({ ...silent, branch: "feature/x", event: "pull_request" }, pullRequest, now)).toBeUndefined();
});

describe.each<[string, HistoryRecord, RunTruth, RegExp]>([
  ["another workflow run", claiming({}, { workflowRun: "4712" }), push, /another workflow run/],
  ["no workflow run at all", claiming({ origin: { kind: "terminal" } }), push, /another repository/],
  ["another repository", claiming({}, { repository: "classwaves/other" }), push, /another repository/],
  ["an attempt to come", claiming({}, { attempt: "3" }), push, /attempt/],
  ["an attempt that is no number", claiming({}, { attempt: "x" }), push, /attempt/],
  ["the default branch, on another one", claiming({ branch: "feature/x" }), ofBranch, /default branch/],
  ["the branch main, on another one", claiming(), ofBranch, /another branch/],
  [
    "the default branch, on a pull request of a branch with the same name",
    claiming({ event: "pull_request" }),
    { ...pullRequest, headBranch: "main" },
    /default branch/,
  ],
  [
    "the default branch, if GitHub doesn't say which that is",
    claiming(),
    { ...push, defaultBranch: undefined },
    /default branch/,
  ],
  ["another event", claiming({ event: "schedule" }), push, /another event/],
  ["a time before its run", claiming({ runId: `${now - 86_400_000}_0a0b0c0d` }), push, /older/],
  ["a time to come", claiming({ runId: `${now + 86_400_000}_0a0b0c0d` }), push, /future/],
  ["an end to come", claiming({ finishedAt: "2099-01-01T00:00:00.000Z" }), push, /future/],
  ["an end that is no time", claiming({ finishedAt: "soon" }), push, /future/],
])("a record that claims %s", (_, record, run, why) => {
  test("is not believed", () => expect(whyUntrue(record, run, now)).toMatch(why));
});

test("whatever a run of a branch claims, it isn't taken for the default branch's", () => {
  const text = fc.option(fc.constantFrom("main", "feature/x", "refs/heads/main", "", "push", "pull_request"), { nil: undefined });
  fc.assert(
    fc.property(text, text, fc.boolean(), fc.constantFrom(ofBranch, pullRequest), (branch, event, isDefault, run) => {
      const { branch: _, event: __, isDefaultBranch: ___, ...record } = claiming();
      const claimed: HistoryRecord = {
        ...record,
        ...(branch === undefined ? {} : { branch }),
        ...(event === undefined ? {} : { event }),
        ...(isDefault ? { isDefaultBranch: true } : {}),
      };
      if (whyUntrue(claimed, run, now) !== undefined) return;
      expect(claimed.isDefaultBranch).toBeUndefined();
      expect([undefined, "feature/x"]).toContain(claimed.branch);
    }),
  );
});

test.each<[string, Partial<RunTruth>, boolean]>([
  ["of the repository itself", {}, false],
  ["of the repository in other letters", { headRepository: "ClassWaves/app" }, false],
  ["of a fork", { headRepository: "mallory/app" }, true],
  ["of a fork that was deleted", { headRepository: undefined }, true],
])("a run %s", (_, more, isForeign) => {
  expect(whyForeignRun({ ...push, ...more }) !== undefined).toBe(isForeign);
});
