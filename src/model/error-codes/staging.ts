import type { ErrorEntry } from "./entry.ts";

/** 21xx: copies of production, and the tasks that keep them. */
export const stagingErrors = {
  EA2130: {
    title: "The copy's environments don't exist",
    meaning: "`staging.original` or `staging.copy` names no environment of the file, or one without a warehouse.",
    fix: "Write the name of an environment that has `databricks`. See [staging](../guides/staging.md).",
  },
  EA2131: {
    title: "The copy is its own original",
    meaning: "`staging.original` and `staging.copy` name the same environment.",
    fix: "Give the copy an environment of its own, with its own catalog.",
  },
  EA2132: {
    title: "The access of a copy or of its original is wrong",
    meaning:
      "The original must have `access: read-only`, so that no client that can write is ever opened for it. The copy must have `access: test-data`, because the tasks fill it.",
    fix: "Correct `access`, or name other environments under `staging`.",
  },
  EA2133: {
    title: "The copy has its original's catalog",
    meaning: "Both environments have the same `databricks.catalog`. A refresh would replace production's tables.",
    fix: "Give the copy a catalog of its own.",
  },
  EA2134: {
    title: "No copy is configured",
    meaning: "A task about a copy of production was asked for, and the configuration has no group `staging`.",
    fix: "Add `staging: { original: …, copy: … }`. See [staging](../guides/staging.md).",
  },
  EA2135: {
    title: "The task is not about this environment",
    meaning: "The tasks about a copy run in the environment of the copy, and another one was named.",
    fix: "Leave out `--environment` (in a workflow: the input `environment`), or correct `staging.copy`.",
  },
  EA2136: {
    title: "The original cannot be reached from here",
    meaning:
      "A variable of the original's catalog or host is not set, or the copy is in another workspace, from which the task cannot read the original.",
    fix: "Set the variable. Sync and refresh need both catalogs in one workspace; drift also compares two workspaces, or a snapshot (`staging.drift.snapshot`).",
  },
  EA2137: {
    title: "The snapshot cannot be read",
    meaning: "The file under `staging.drift.snapshot` doesn't exist, or this user may not read it.",
    fix: "Write it with `env-actions staging drift --write-snapshot FILE`, where the original can be read, and commit it.",
  },
  EA2138: {
    title: "The files of the repository cannot be listed",
    meaning: "`env-actions staging move` looks into the files that git tracks, and git could not list them.",
    fix: "Run it in a checkout, where git is installed.",
  },
} as const satisfies Record<string, ErrorEntry>;
