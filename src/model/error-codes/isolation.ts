import type { ErrorEntry } from "./entry.ts";

/** 51xx: a copy of the tables for each run. */
export const isolationErrors = {
  EA5101: {
    title: "The isolation contradicts itself or an environment",
    meaning:
      "Two keys of `testData.isolation` exclude each other, or the branches would be where an environment's own tables are.",
    fix: "Change the key that the message names. [Isolation](../guides/isolation.md) shows complete examples.",
  },
  EA5102: {
    title: "The run could not be isolated",
    meaning:
      "`testData.isolation.required` is set, and the principal may not create a catalog or schema for the run. No test ran, and nothing was created.",
    fix: "Grant CREATE CATALOG on the metastore, or CREATE SCHEMA on the catalog `into`, to the principal that the message names. Without `required: true`, the run uses prefixes.",
  },
  EA5103: {
    title: "The branch of a run could not be made",
    meaning:
      "The warehouse refused the statement that creates the branch, or the connection was lost meanwhile. No test ran. What had been created was dropped, as far as the message doesn't say otherwise.",
    fix: "Do what the message says. If the metastore has no storage of its own, set `testData.isolation.managedLocation`.",
  },
  EA5104: {
    title: "A branch was not dropped",
    meaning:
      "The copy of the tables that a run made is still there, or it is unknown whether it is. It harms no other run, but it costs storage once the original changes.",
    fix: "Run `env-actions cleanup --scope expired --execute` later: it drops branches whose run has ended. If the owner or the comment of the branch was changed, drop it by hand.",
  },
} as const satisfies Record<string, ErrorEntry>;
