import { z } from "../lib/zod.ts";
import { alertChannels, type StageReport, stageNames, verdicts } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import { logLine } from "./inert.ts";

/**
 * The shape of `.env-actions/reports/<stage>.json`, for reading a report back and for `schema/report.schema.json`. Strict: a member
 * that this version does not know may change what the others mean. The assertion at the end holds it to the type in `model.ts`.
 */

const amount = z.int().min(0);
const milliseconds = z.number().min(0).meta({ description: "Milliseconds." });
const instant = z.iso.datetime().meta({ description: "Time in ISO 8601 format, in UTC." });

const latency = z
  .strictObject({ count: amount, p50: milliseconds, p95: milliseconds, max: milliseconds })
  .meta({ description: "Latency of `count` samples, in milliseconds." });

const check = z.strictObject({
  id: z.string().meta({ description: "Stable id in lower case, with dots, such as `redis.hit-rate`." }),
  title: z.string(),
  verdict: z.enum(verdicts),
  observed: z.string().optional().meta({ description: "What was observed, in words or with a unit." }),
  expected: z.string().optional().meta({ description: "What was expected." }),
  message: z.string().optional().meta({ description: "What the result means, and what to do." }),
  durationMs: milliseconds,
  latency: latency.optional(),
  attempts: amount.optional().meta({ description: "Number of attempts, if the check is declared flaky." }),
  dryRun: z.boolean().optional().meta({ description: "The actual result is recorded, but does not count." }),
  independent: z
    .literal(true)
    .optional()
    .meta({ description: "The failure belongs to this check itself, whatever else is broken." }),
  cause: z
    .string()
    .optional()
    .meta({ description: "Id of another check that could not run and may be the cause of this failure." }),
});

const percentage = z.number().min(0).max(100).meta({ description: "In percent." });

const score = z
  .strictObject({
    percent: percentage,
    pass: percentage,
    warning: percentage,
    reached: z.number().min(0),
    possible: z.number().min(0),
    checks: z
      .array(
        z.strictObject({
          id: z.string(),
          weight: z.number().min(0),
          key: z.boolean().meta({ description: "If this check fails, the stage fails, whatever the score." }),
          dryRun: z.boolean().meta({ description: "The check does not count." }),
          points: z.number().min(0),
        }),
      )
      .meta({ description: "Points of each check, in the order of the checks." }),
    unmatched: z.array(z.string()).meta({ description: "Globs in the configuration that match no check of this run." }),
  })
  .meta({ description: "How all checks were weighed together. Absent if the worst check decides." });

const rollback = z
  .strictObject({
    trigger: z.string().meta({ description: "Event or command that triggers the rollback." }),
    of: z.string().meta({ description: "What is rolled back." }),
    outcome: z.enum(["fired", "dry-run", "already-fired", "not-fired", "failed", "unknown"]),
    at: instant,
    why: z.string(),
  })
  .meta({ description: "Rollback after a bad verdict, triggered once per deployment." });

const alert = z.strictObject({
  channel: z.enum(alertChannels),
  event: z.enum(["failed", "error", "degraded", "recovered", "measured"]),
  outcome: z
    .enum(["sent", "repeated", "failed"])
    .meta({ description: "`repeated`: already sent within the window, so not sent again." }),
  at: instant,
  attempts: amount,
  problem: z.string().optional(),
});

const testCase = z.strictObject({
  name: z.string().meta({ description: "Full name, including its `describe` blocks." }),
  status: z.enum(["passed", "failed", "flaky", "skipped"]),
  durationMs: milliseconds,
  file: z.string().optional(),
  line: amount.optional(),
  project: z.string().optional(),
  attempts: amount.meta({ description: "How often the test ran. 1 without retries." }),
  message: z.string().optional(),
  stack: z.string().optional(),
  quarantinedUntil: z.string().optional().meta({ description: "Until this day, a failure of the test does not count." }),
});

const counts = { total: amount, passed: amount, failed: amount, flaky: amount, skipped: amount };

const tests = z.strictObject({
  ...counts,
  durationMs: milliseconds,
  crashedSuites: z
    .array(z.strictObject({ file: z.string(), message: z.string() }))
    .meta({ description: "Test files that could not be loaded." }),
  failures: z.array(testCase).meta({ description: "Every failed test." }),
  flakyTests: z.array(testCase),
  slowest: z.array(testCase).meta({ description: "Slowest tests, at most ten." }),
  projects: z.record(z.string(), z.strictObject(counts)),
  sources: z.array(z.strictObject({ file: z.string(), format: z.string(), tests: amount })),
  disagreements: z
    .array(z.string())
    .meta({ description: "Differences between two reports of one run. The worse result was used." }),
  critical: z
    .array(z.strictObject({ glob: z.string(), ...counts }))
    .optional()
    .meta({ description: "Critical tests, by glob. None of them may fail." }),
  quarantine: z
    .array(
      z.strictObject({
        test: z.string().meta({ description: "Glob for the file and name of the tests." }),
        until: z.string().meta({ description: "Last day of the quarantine as `YYYY-MM-DD`, in UTC." }),
        reason: z.string(),
        over: z.boolean().meta({ description: "The quarantine has expired, so its tests count again." }),
        matched: amount.meta({ description: "Number of tests of this run that match." }),
        failed: amount.meta({ description: "Number of matching tests that failed and that no other active entry covers." }),
      }),
    )
    .optional()
    .meta({ description: "Tests that are known to fail, each until a date and for a reason." }),
});

const attachment = z.strictObject({
  file: z.string().meta({ description: "Path relative to the workspace." }),
  bytes: amount,
  test: z.string().optional().meta({ description: "Full name of the test that left the file behind, if known." }),
  binary: z
    .literal(true)
    .optional()
    .meta({ description: "The file is neither text nor an archive of text files, so visible secrets in it are not redacted." }),
  leftOut: z.string().optional().meta({ description: "Why the file was not kept." }),
});

const server = z.strictObject({
  name: z.string(),
  readyMs: milliseconds.optional().meta({ description: "Milliseconds until the server was ready. Absent if it never was." }),
  ended: z.string(),
  port: amount.optional(),
  portFreed: z.boolean().optional(),
  log: z.string().optional(),
  tail: z.array(z.string()).optional(),
});

const command = z.strictObject({
  command: z.string(),
  exitCode: z.int().nullable(),
  signal: z.string().nullable(),
  timedOut: z.boolean(),
  durationMs: milliseconds,
  log: z.string().optional(),
  tail: z.array(z.string()).optional(),
});

const deletion = z.strictObject({
  rows: amount,
  version: amount.meta({ description: "Table version that the deletion created. The version before it still has the rows." }),
  selection: z.array(
    z.strictObject({
      column: z.string(),
      values: z.array(z.string()).optional(),
      sha256: z.array(z.string()).optional().meta({ description: "Hashes that replace `values` if they may be personal data." }),
    }),
  ),
});

const tableCleanup = z.strictObject({
  table: z.string(),
  planned: amount,
  deleted: amount.optional().meta({ description: "Number of deleted rows. Absent if unknown, which does not mean zero." }),
  left: amount.optional().meta({ description: "Number of rows that are left. Absent if unknown, which does not mean zero." }),
  oldest: z.string().optional(),
  newest: z.string().optional(),
  samples: z.array(z.string()),
  statement: z.string(),
  versionBefore: amount.optional(),
  versionAfter: amount.optional(),
  deletions: z.array(deletion).optional().meta({ description: "Data that `undo` needs." }),
  problem: z.string().optional(),
});

const keyTtl = z
  .strictObject({
    limitMs: milliseconds,
    unlimited: amount.meta({ description: "Number of test keys without a TTL." }),
    over: amount.meta({ description: "Number of test keys with a TTL beyond `limitMs`." }),
    shortened: amount.optional().meta({ description: "Number of kept test keys whose TTL was set to the limit." }),
    samples: z.array(z.string()),
    problem: z.string().optional(),
  })
  .meta({ description: "Lifetime (TTL) of test keys in Redis." });

const touchedRow = z.strictObject({
  table: z.string(),
  key: z.strictObject({ column: z.string(), value: z.string() }).meta({ description: "Column and value that identify the row." }),
  column: z.string().meta({ description: "Column that was changed." }),
  now: z.string().meta({ description: "Current value: the id of a test row, or text with a test prefix." }),
  before: z.string().nullable().optional().meta({ description: "Previous value. Absent if unknown." }),
  version: amount.optional().meta({ description: "Version of the table that still has the old value." }),
  why: z.string().optional().meta({ description: "Why the old value is unknown." }),
  masked: z
    .array(z.enum(["key", "values"]))
    .optional()
    .meta({
      description:
        "Values given as SHA-256 in hex, because the column may contain personal data. `key`: the key's value. `values`: `now` and `before`.",
    }),
});

const cleanup = z.strictObject({
  scope: z.enum(["run", "expired", "all"]),
  runs: z
    .array(z.string())
    .optional()
    .meta({ description: "For scope `run`: the runs whose test data is deleted, if not the report's own run." }),
  dryRun: z.boolean(),
  digest: z.string().meta({ description: "SHA-256 digest of the plan." }),
  tables: z.array(tableCleanup),
  keys: z.strictObject({
    planned: amount,
    deleted: amount.optional().meta({ description: "Number of deleted keys. Absent if unknown, which does not mean zero." }),
    left: amount.optional(),
    samples: z.array(z.string()),
    problem: z.string().optional(),
    ttl: keyTtl.optional(),
  }),
  problems: z.array(z.string()),
  notes: z.array(z.string()),
  plannedRows: amount,
  deletedRows: amount,
  deletedKeys: amount,
  realLooking: z
    .array(z.strictObject({ table: z.string(), column: z.string(), rows: amount }))
    .optional()
    .meta({ description: "Test rows that look like data about real people." }),
  touched: z.array(touchedRow).optional().meta({ description: "Real rows that a test changed, at most 1,000." }),
  touchedMore: amount.optional().meta({ description: "Number of changed real rows that are not listed." }),
  startVersions: z.record(z.string(), amount).optional().meta({
    description:
      "Table versions before the tests of this run, if real rows were changed. `repair` uses them to determine what is older.",
  }),
  kept: z
    .array(z.strictObject({ table: z.string(), rows: amount, samples: z.array(z.string()), why: z.string() }))
    .optional()
    .meta({ description: "Rows that are or may be test data but were kept, with the reason." }),
  leftOver: amount
    .nullable()
    .meta({ description: "Number of rows and keys that are still there at the end. `null` if unknown." }),
  looked: z
    .strictObject({ tables: amount, redis: z.boolean() })
    .optional()
    .meta({ description: "Number of declared tables that exist, and whether Redis was checked." }),
});

const count = z.strictObject({ least: amount, most: amount.nullable() }).meta({
  description:
    "A count as a range. `least` and `most` are equal if the count is known. `most` is `null` if no upper limit is known.",
});

const books = z
  .strictObject({
    line: z.string().meta({ description: "Summary in one line." }),
    made: count,
    deleted: count,
    unexplained: count,
    kept: amount.meta({ description: "Rows that are kept by design, in protected tables." }),
    touched: count,
    tablesRead: amount,
    versions: z.strictObject({ from: amount, to: amount }).optional(),
    tables: z
      .array(
        z.strictObject({
          table: z.string(),
          from: amount
            .nullable()
            .meta({ description: "Table version at the start. `null` if there was none, or if it was not read." }),
          to: amount.nullable().meta({ description: "Table version at the end. `null` if it could not be read." }),
          made: count,
          deleted: count,
          unexplained: count.meta({ description: "Rows that the run created and that are still there." }),
          kept: amount.meta({ description: "Rows that are kept by design, because the table is protected." }),
          ofRun: amount.meta({ description: "Unexplained rows that contain the run's id." }),
          touched: count.meta({ description: "Rows that existed at the start and that the run changed or deleted." }),
          samples: z.array(z.string()),
          touchedSamples: z.array(z.string()),
          hangsOn: z.array(z.string()).meta({ description: "What the unexplained rows refer to." }),
          why: z.string().optional().meta({ description: "Why a count is unknown." }),
        }),
      )
      .meta({ description: "Tables in which something changed or is unknown." }),
    keys: z
      .strictObject({ unexplained: count, samples: z.array(z.string()), looked: z.string(), why: z.string().optional() })
      .optional()
      .meta({ description: "Redis keys that were created since the start and are still there." }),
    advice: z.array(z.string()),
    problems: z.array(z.string()),
  })
  .meta({ description: "What the run wrote and what happened to it, according to the tables' own history." });

const origin = z.strictObject({
  kind: z.enum(["github", "terminal"]),
  repository: z.string().optional(),
  workflow: z.string().optional(),
  workflowRun: z.string().optional(),
  attempt: z.string().optional(),
  job: z.string().optional(),
  cell: z.string().optional().meta({ description: "Cell of the job's matrix." }),
  step: z.string().optional(),
  actor: z.string().optional(),
});

export const reportSchema = z
  .strictObject({
    schemaVersion: z.literal(1),
    stage: z.enum(stageNames),
    verdict: z.enum(verdicts),
    reason: z.string().meta({ description: "One sentence that explains the verdict." }),
    environment: z.strictObject({ name: z.string(), access: z.enum(["read-only", "test-data"]) }),
    runId: z.string().meta({ description: "Id of this execution of the stage: `<Unix milliseconds>_<8 hex digits>`." }),
    gateId: z
      .string()
      .optional()
      .meta({ description: "Id shared by all stages of one gate: that of the workflow run, or of the preflight run." }),
    commit: z.strictObject({ sha: z.string(), headSha: z.string().optional() }),
    origin,
    startedAt: instant,
    finishedAt: instant,
    durationMs: milliseconds,
    budgetMs: milliseconds,
    checks: z.array(check),
    score: score.optional(),
    tests: tests.optional(),
    attachments: z.array(attachment).optional().meta({ description: "Files that failed tests left behind." }),
    servers: z.array(server),
    commands: z.array(command),
    cleanup: cleanup.optional(),
    books: books.optional(),
    rollback: rollback.optional(),
    alerts: z.array(alert).optional().meta({ description: "Alerts of this run, and whether each was sent." }),
    problems: z.array(z.string()),
    auditHead: z.strictObject({ sequence: amount, hash: z.string() }).optional().meta({
      description:
        "Last line of the audit log that this stage wrote. Verify it with `env-actions audit verify --head <sequence>:<hash>`.",
    }),
  })
  .meta({ title: "Report of a stage", description: "Result of one env-actions stage in one environment." });

const example = "such as .env-actions/reports/cleanup.json";

/** Reads a report back. @throws UserError that names the file, each place in it, and what was expected there */
export function parseReport(text: string, file: string): StageReport {
  const data = parseJson(text, file);
  const version = typeof data === "object" && data !== null && "schemaVersion" in data ? data.schemaVersion : undefined;
  if (version === undefined || (typeof data === "object" && data !== null && !("checks" in data)))
    throw new UserError("EA7002", `${file} is JSON, but not the report of a stage: name a report ${example}`);
  if (version !== 1)
    throw new UserError(
      "EA7002",
      `${file} was written by another version of env-actions: its schemaVersion is ${JSON.stringify(version)?.slice(0, 20)}, and this version reads 1. Let the stage write it again, with the same version as here.`,
    );
  const result = reportSchema.safeParse(data, { error: inWords });
  if (result.success) return result.data;
  const places = result.error.issues.map(({ path, message }) => logLine(`  ${pathText(path)}: ${message}`));
  const shown = places.slice(0, 10).join("\n");
  const more = places.length > 10 ? `\n  and ${places.length - 10} more` : "";
  throw new UserError(
    "EA7002",
    `${file} is not a report of this version of env-actions:\n${shown}${more}\nLet the stage write it again, with the same version as here.`,
  );
}

/** The parser's own message quotes the text, which may be any file. */
function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const begun = text.trim();
    const why =
      begun === ""
        ? "is empty. It may have been cut short: let the stage write it again."
        : begun.startsWith("{")
          ? "is not JSON. It may have been cut short: let the stage write it again."
          : `is not JSON, so it is not the report of a stage: name a report ${example}`;
    throw new UserError("EA7002", `${file} ${why}`, { cause: error });
  }
}

const kinds: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  int: "a whole number",
  null: "null",
  number: "a number",
  object: "an object",
  record: "an object",
  string: "a text",
};

/** What was expected; never what is there, which may be anything. */
function inWords(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined ? "missing" : `expected ${kinds[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `expected ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
    case "unrecognized_keys":
      return `unknown: ${issue.keys.map((key) => JSON.stringify(key.slice(0, 40))).join(", ")}`;
    case "too_small":
      return `expected ${issue.minimum} or more`;
    case "too_big":
      return `expected ${issue.maximum} or less`;
    default:
      return "expected something else here";
  }
}

/** `checks[3].verdict` */
function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
  return text.replace(/^\./, "") || "the whole";
}

/** Identical, not merely assignable: an optional member that one of the two lacks would be assignable both ways. */
type Identical<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Written out level by level, so that interfaces compare with what the schema infers. */
type Flat<T> = T extends object ? { [Key in keyof T]: Flat<T[Key]> } : T;
true satisfies Identical<Flat<z.output<typeof reportSchema>>, Flat<StageReport>>;
