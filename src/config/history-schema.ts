import { z } from "../lib/zod.ts";
import { duration, isAbsolutePath } from "./values.ts";

/** Where the results of runs are remembered. */

/** What git allows is more: this is safe in messages and addresses, too. */
const branchName = /^(?!.*(?:\.\.|\.lock(?:\/|$)|\.(?:\/|$)))[A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/;

const store = z.union(
  [
    z.enum(["workspace", "artifacts", "none"]),
    z.strictObject({
      branch: z
        .string()
        .max(100)
        .regex(branchName, { error: "expected the name of a branch that is only for the history, such as env-actions-history" })
        .meta({
          description: "A branch that is only for the history, such as `env-actions-history`. It is created if it is missing.",
        }),
    }),
    z.strictObject({
      folder: z
        .string()
        .refine(isAbsolutePath, { error: "expected an absolute path, such as /mnt/history" })
        .meta({ description: "Absolute path of an existing folder that every job reaches." }),
    }),
  ],
  { error: "expected workspace, artifacts, none, { branch: env-actions-history }, or { folder: /mnt/history }" },
);

export const historySchema = z
  .strictObject({
    store: store.default("workspace").meta({
      description:
        "Where each run leaves its record. `workspace`: in `.env-actions/history`, which a runner forgets. `{ branch: … }`: on a branch of the repository, through GitHub's API; the job needs `contents: write`. `artifacts`: as an artifact of the workflow run, which GitHub deletes later; reading needs `actions: read`. `{ folder: … }`: in a folder that every job reaches. `none`: nowhere.",
    }),
    keep: duration.prefault("400d").meta({ description: "How long records are kept." }),
  })
  .prefault({})
  .meta({
    description: "What is remembered of each run: verdicts, latencies, flaky tests, test data. See docs/guides/history.md.",
  });
