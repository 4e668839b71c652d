import { at, e2e, endedBy, origin, type Row } from "./question.ts";

// "Re-run failed jobs", cells, and calls of one reusable workflow: which attempt replaces which.

const a = "packages/a/.github/env-actions.yml";
const b = "packages/b/.github/env-actions.yml";
const e2eFailed = /✘ e2e failed: failed in job e2e, environment sandbox/;
const notBegun = (attempt: string) =>
  new RegExp(`the evidence names attempt ${attempt}, and this is attempt 3: env-actions didn't write it`);
const allPassed = /every stage passed/;

export const attempts: Row[] = [
  ["evidence of an attempt that hasn't begun", endedBy(e2e("failed"), e2e("passed", { attempt: "4" })), "error", notBegun("4")],
  ["the same, without a failure before it", endedBy(e2e("passed", { attempt: "999999" })), "error", notBegun("999999")],
  [
    "the third attempt passed",
    endedBy(e2e("failed"), e2e("error", { attempt: "2" }), e2e("passed", { attempt: "3" })),
    "passed",
    allPassed,
  ],
  [
    "attempts are numbers: 10 is newer than 9",
    { ...endedBy(e2e("failed", { attempt: "9" }), e2e("passed", { attempt: "10" })), origin: { ...origin, attempt: "10" } },
    "passed",
    allPassed,
  ],
  [
    "and 9 is not newer than 10",
    { ...endedBy(e2e("passed", { attempt: "9" }), e2e("failed", { attempt: "10" })), origin: { ...origin, attempt: "10" } },
    "failed",
    e2eFailed,
  ],
  ["an older pass and a newer failure", endedBy(e2e(), e2e("failed", { attempt: "2" })), "failed", e2eFailed],
  [
    "only the failed cell ran again",
    endedBy(e2e("passed", { cell: "1" }), e2e("failed", { cell: "2" }), e2e("passed", { cell: "2", attempt: "2" })),
    "passed",
    allPassed,
  ],
  [
    "another cell ran again",
    endedBy(e2e("passed", { cell: "1" }), e2e("failed", { cell: "2" }), e2e("passed", { cell: "1", attempt: "2" })),
    "failed",
    /failed in job e2e \(2\), environment sandbox/,
  ],
  [
    "one cell of three failed",
    endedBy(e2e("passed", { cell: "1" }), e2e("failed", { cell: "2" }), e2e("passed", { cell: "3" })),
    "failed",
    /failed in job e2e \(2\), environment sandbox/,
  ],
  [
    "the newest attempt has an older date, because of its clock",
    endedBy(e2e("failed", { finishedAt: at(0) }), e2e("passed", { attempt: "2", finishedAt: at(-120_000) })),
    "passed",
    allPassed,
  ],
  [
    "the second attempt ran in another environment",
    endedBy(e2e("failed", { environment: "eu" }), e2e("passed", { environment: "us", attempt: "2" })),
    "failed",
    /failed in job e2e, environment eu/,
  ],
  [
    "the second attempt ran another project of the same job",
    {
      ...endedBy(e2e("failed", { project: a }), e2e("passed", { project: b, attempt: "2" })),
      project: undefined,
    },
    "failed",
    /failed in job e2e, environment sandbox, configuration packages\/a/,
  ],
  ["two calls of one reusable workflow, and one failed", endedBy(e2e("passed"), e2e("failed")), "failed", e2eFailed],
  [
    "two calls, and the failed one ran again",
    endedBy(e2e("passed"), e2e("failed"), e2e("passed", { attempt: "2" })),
    "passed",
    allPassed,
  ],
  [
    "two calls failed, and one ran again",
    endedBy(e2e("failed"), e2e("failed"), e2e("passed", { attempt: "2" })),
    "failed",
    e2eFailed,
  ],
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
    allPassed,
  ],
  [
    "a cell was renamed, and its failure stays",
    endedBy(e2e("failed", { cell: "old" }), e2e("passed", { cell: "new", attempt: "2" })),
    "failed",
    /failed in job e2e \(old\), environment sandbox/,
  ],
];
