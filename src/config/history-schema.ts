import { z } from "../lib/zod.ts";
import { duration, isAbsolutePath } from "./values.ts";

/** Where the results of runs are remembered. */

const store = z.union(
  [
    z.enum(["workspace", "none"]),
    z.strictObject({
      folder: z
        .string()
        .refine(isAbsolutePath, { error: "expected an absolute path, such as /mnt/history" })
        .meta({ description: "Absolute path of an existing folder that every job reaches." }),
    }),
  ],
  { error: "expected workspace, none, or { folder: /mnt/history }" },
);

export const historySchema = z
  .strictObject({
    store: store.default("workspace").meta({
      description:
        "Where each run leaves its record. `workspace`: in `.env-actions/history`, which a runner forgets. `{ folder: … }`: in a folder that every job reaches. `none`: nowhere.",
    }),
    keep: duration.prefault("400d").meta({ description: "How long records are kept." }),
  })
  .prefault({})
  .meta({
    description: "What is remembered of each run: verdicts, latencies, flaky tests, test data. See docs/guides/history.md.",
  });
