import { z } from "../../lib/zod.ts";
import { issuePath, issueText } from "../../lib/zod-issues.ts";
import type { HistoryRecord } from "../../model/history.ts";
import { alertChannels, stageNames, verdicts } from "../../model/report.ts";
import { facetVerdicts } from "../../model/staging.ts";

/** Reads a record back. Members that are not known are ignored, so that a newer version's records can still be shown. */

/** Built when a record is read, because writing one doesn't need it. */
function recordSchema(): z.ZodType<HistoryRecord> {
  const verdict = z.enum(verdicts);
  const count = z.number().nonnegative();
  const amount = z.object({ least: z.number(), most: z.number().nullable() });
  /** In UTC, so that the order of texts is the order of times. Others would be the newest for ever. */
  const moment = z
    .string()
    .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/)
    .refine((text) => Number.isFinite(Date.parse(text)), { error: "expected a time" });
  const test = { name: z.string(), file: z.string().optional(), project: z.string().optional() };

  const latency = z.object({
    count,
    p50: count,
    p95: count,
    max: count,
    limit: count.optional(),
    samples: z.array(count).optional(),
    isBaseline: z.literal(true).optional(),
  });

  const check = z.object({
    id: z.string(),
    title: z.string().optional(),
    verdict,
    durationMs: count.optional(),
    latency: latency.optional(),
    cause: z.string().optional(),
    dryRun: z.literal(true).optional(),
  });

  const tests = z.object({
    ...{ total: count, passed: count, failed: count, flaky: count, skipped: count, unknown: count },
    durationMs: count,
    failures: z.array(z.object({ ...test, quarantined: z.literal(true).optional() })),
    flakyTests: z.array(z.object(test)),
    slowest: z.array(z.object({ ...test, durationMs: count })),
    crashedSuites: count,
    incomplete: z.literal(true).optional(),
  });

  const data = z.object({
    scope: z.enum(["run", "expired", "all"]),
    dryRun: z.boolean(),
    made: amount.optional(),
    deletedRows: count,
    deletedKeys: count,
    deletedAtLeast: z.literal(true).optional(),
    left: count.nullable(),
    leftKeys: count.nullable().optional(),
    kept: count.optional(),
    unexplained: amount.optional(),
    unexplainedKeys: amount.optional(),
    branch: z.enum(["dropped", "left", "unknown"]).optional(),
    touched: amount.optional(),
    tables: z.array(
      z.object({
        table: z.string(),
        made: amount.optional(),
        deleted: count.nullable(),
        left: count.nullable(),
        kept: count.optional(),
        unexplained: amount.optional(),
        oldest: z.string().optional(),
      }),
    ),
  });

  const origin = z.object({
    kind: z.enum(["github", "terminal"]),
    repository: z.string().optional(),
    workflow: z.string().optional(),
    workflowRun: z.string().optional(),
    attempt: z.string().optional(),
    job: z.string().optional(),
    cell: z.string().optional(),
  });

  const alert = z.object({
    event: z.enum(["failed", "error", "degraded", "recovered", "measured"]).optional(),
    outcome: z.enum(["sent", "repeated", "failed"]).optional(),
    sent: z.record(z.string(), moment),
    open: z.boolean(),
    closed: z.literal(true).optional(),
  });

  return z.object({
    schemaVersion: z.literal(1),
    stage: z.enum(stageNames),
    verdict,
    reason: z.string(),
    environment: z.object({ name: z.string(), access: z.enum(["read-only", "test-data"]) }),
    runId: z.string().regex(/^\d{13}_[0-9a-f]{8}$/),
    gateId: z.string().optional(),
    commit: z.object({ sha: z.string(), headSha: z.string().optional() }),
    branch: z.string().optional(),
    isDefaultBranch: z.literal(true).optional(),
    isFork: z.literal(true).optional(),
    event: z.string().optional(),
    origin,
    project: z.string().optional(),
    startedAt: moment,
    finishedAt: moment,
    durationMs: count,
    budgetMs: count,
    checks: z.array(check),
    tests: tests.optional(),
    servers: z.array(z.object({ name: z.string(), readyMs: count.optional(), ended: z.string() })).optional(),
    data: data.optional(),
    drift: z.object({ verdict: z.enum(facetVerdicts), differences: count, unseen: count }).optional(),
    copy: z
      .object({
        by: z.enum(["refresh", "seed"]),
        at: moment,
        rows: count,
        leaks: count.optional(),
        switched: z.boolean().optional(),
        keepUntil: moment.optional(),
      })
      .optional(),
    expires: z
      .array(
        z.object({
          what: z.enum(["certificate", "token", "quarantine", "exception", "copy"]),
          name: z.string(),
          at: moment,
        }),
      )
      .optional(),
    alerts: z.partialRecord(z.enum(alertChannels), alert).optional(),
    rollback: z
      .object({
        of: z.string(),
        outcome: z.enum(["fired", "dry-run", "already-fired", "not-fired", "failed", "unknown"]),
        trigger: z.string(),
        at: moment,
        again: z.literal(true).optional(),
      })
      .optional(),
    more: z.array(z.string()).optional(),
  });
}

let built: z.ZodType<HistoryRecord> | undefined;

/** @throws Error that says what is wrong, and never shows a value */
export function readRecord(data: unknown): HistoryRecord {
  built ??= recordSchema();
  const result = built.safeParse(data, { error: issueText });
  if (result.success) return result.data;
  const [first] = result.error.issues;
  throw new Error(`it is no record of env-actions: ${issuePath(first?.path ?? [])}: ${first?.message}`);
}
