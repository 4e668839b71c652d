import { at, commit, e2e, endedBy, gateStages, left, origin, otherCommit, type Row } from "./question.ts";

// Where evidence is from: repository, workflow run, commit, and time.

const anotherCommit = /job e2e, environment sandbox: expected evidence for commit a{12}, got evidence for b{12}/;
const withoutHead = { commit: { sha: commit.sha } };

export const origins: Row[] = [
  [
    "the same run number in another repository",
    endedBy(e2e("passed", { repository: "classwaves/app2" })),
    "failed",
    /✘ e2e missing: .*found evidence of the repository classwaves\/app2/,
  ],
  [
    "evidence that a fork's own run left",
    endedBy(e2e("passed", { repository: "attacker/app" })),
    "failed",
    /✘ e2e missing: .*found evidence of the repository attacker\/app/,
  ],
  [
    "an older run of the same commit",
    endedBy(e2e("passed", { workflowRun: "6" })),
    "failed",
    /✘ e2e missing: .*found evidence of the workflow run 6/,
  ],
  [
    "a newer run of the same commit, such as of another workflow",
    endedBy(e2e("passed", { workflowRun: "8" })),
    "failed",
    /✘ e2e missing: .*found evidence of the workflow run 8/,
  ],
  [
    "a run whose number begins with this one's",
    endedBy(e2e("passed", { workflowRun: "77" })),
    "failed",
    /✘ e2e missing: .*found evidence of the workflow run 77/,
  ],
  [
    "the gate doesn't know its own run",
    { origin: { kind: "github", repository: "classwaves/app" } },
    "failed",
    /✘ e2e missing: .*GITHUB_RUN_ID is empty/,
  ],
  [
    "the merge commit is the same, the head is not",
    endedBy(e2e("passed", { commit: { sha: commit.sha, headSha: otherCommit } })),
    "error",
    anotherCommit,
  ],
  ["a moved `ref:` tested another commit", endedBy(e2e("passed", { commit: { sha: otherCommit } })), "error", anotherCommit],
  [
    "a force-push between preflight and the others",
    {
      evidence: [left("preflight", "passed", { commit: { sha: commit.sha, headSha: otherCommit } }), left("integration"), e2e()],
    },
    "error",
    /✘ preflight error: job preflight, environment sandbox: expected evidence for commit a{12}, got evidence for b{12}/,
  ],
  [
    "the base moved: another merge commit of the same head",
    endedBy(e2e("passed", { commit: { sha: "f".repeat(40), headSha: commit.headSha } })),
    "passed",
    /every stage passed/,
  ],
  [
    "a short SHA",
    endedBy(e2e("passed", { commit: { sha: commit.sha, headSha: "aaaaaaa" } })),
    "error",
    /expected evidence for commit a{12}, got evidence for a{7}\./,
  ],
  [
    "a scheduled run, which has no head",
    {
      ...withoutHead,
      event: "schedule",
      evidence: gateStages.map((stage) => left(stage, "passed", withoutHead)),
    },
    "passed",
    /every stage passed/,
  ],
  [
    "a merge group, whose commit has no head",
    {
      ...withoutHead,
      event: "merge_group",
      evidence: gateStages.map((stage) => left(stage, "passed", withoutHead)),
    },
    "passed",
    /every stage passed/,
  ],
  [
    "evidence of the pull request, in its merge group",
    { ...withoutHead, event: "merge_group" },
    "error",
    /expected evidence for commit e{12}, got evidence for a{12}/,
  ],
  ["a runner that counts no attempts", { origin: { ...origin, attempt: undefined } }, "passed", /every stage passed/],
  [
    "evidence of tomorrow",
    endedBy(e2e("passed", { finishedAt: at(86_400_000) })),
    "error",
    /job e2e, environment sandbox: the evidence is dated in the future: compare the clocks/,
  ],
  ["a clock that is a second ahead", endedBy(e2e("passed", { finishedAt: at(1_000) })), "passed", /every stage passed/],
  [
    "exactly as old as allowed",
    endedBy(e2e("passed", { finishedAt: at(-14_400_000) })),
    "passed",
    /every stage passed/,
    "a process starts later",
  ],
  ["a few minutes younger than allowed", endedBy(e2e("passed", { finishedAt: at(-14_000_000) })), "passed", /every stage passed/],
  [
    "a millisecond older",
    endedBy(e2e("passed", { finishedAt: at(-14_400_001) })),
    "error",
    /older than evidence\.maxAge .*Re-run all jobs of the workflow run/,
  ],
];
