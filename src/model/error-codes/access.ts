import type { ErrorEntry } from "./entry.ts";

/** 2xxx: whether this is the right environment, and whether the run is allowed to do what was requested. */
export const accessErrors = {
  EA2001: {
    title: "Wrong environment",
    meaning:
      "A host, catalog, principal or Redis is not the one under `expect`. Nothing was written, and the message says if nothing was sent either. Usually variables or secrets of another environment are set.",
    fix: "Correct the variables. If the environment has moved, correct `expect`.",
  },
  EA2002: {
    title: "The environment is read-only",
    meaning: "The environment has `access: read-only`, and what was asked for would write to it.",
    fix: "Choose an environment with `access: test-data`, or leave out what would write.",
  },
  EA2003: {
    title: "The expected host is missing",
    meaning: "Test data is written here, but `expect` doesn't say which host it must be.",
    fix: "Add `expect: { host: … }` to `databricks` or `redis`.",
  },
  EA2004: {
    title: "ENV_ACTIONS_RUN_ID cannot be used here",
    meaning: "The variable is not a valid run id, is too old, or is set on a runner, where each job gets its own run id.",
    fix: "On a runner, remove it from `env` of every stage but cleanup, where with `scope: run` it names the run to delete. The output `run-id` has the id of a run. For a run that began longer ago than `evidence.maxAge`: unset it, look at the plan of `env-actions cleanup --scope expired`, then add `--execute`. This deletes all test data that is older than `testData.expireAfter`.",
  },
  EA2005: {
    title: "The run is in progress",
    meaning: "Another process in this workspace works with the same run id. Both would delete each other's test data.",
    fix: "Wait until it has ended, or remove `ENV_ACTIONS_RUN_ID`.",
  },
  EA2006: {
    title: "No run to clean up",
    meaning: "Cleanup with scope `run` found no run in this workspace that it may clean up.",
    fix: "Name the run with `ENV_ACTIONS_RUN_ID`, or use scope `expired`.",
  },
  EA2007: {
    title: "The commit comes from another repository",
    meaning:
      "This event gives a job secrets, although people without write access can trigger it. Commands of their commit could use your credentials. Nothing was started.",
    fix: "Use the event `pull_request`, or review the commit and allow it with `foreign-head`. See [forks](../guides/forks.md), and [which events count](../trust.md#forks).",
  },
  EA2008: {
    title: "Another commit is checked out than allowed",
    meaning: "`foreign-head` allows one commit, and the workspace has another one.",
    fix: "Check out exactly the commit that was reviewed.",
  },
  EA2009: {
    title: "The runner's state doesn't belong to this job",
    meaning: "The post step found a run id that this job cannot have made. A test may have written to the runner's files.",
    fix: "Find out which step wrote to the file that `GITHUB_STATE` names. Don't trust this job.",
  },
} as const satisfies Record<string, ErrorEntry>;
