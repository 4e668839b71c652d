import { z } from "zod";
import { alertChannels, type StageReport, stageNames, UserError, verdicts } from "../model.ts";
import { logLine } from "./inert.ts";

/**
 * The shape of `.env-actions/reports/<stage>.json`, for reading a report back and for `schema/report.schema.json`. Strict: a member
 * that this version does not know may change what the others mean. The assertion at the end holds it to the type in `model.ts`.
 */

const amount = z.int().min(0);
const milliseconds = z.number().min(0).meta({ description: "Milliseconds." });
const instant = z.iso.datetime().meta({ description: "ISO 8601, UTC." });

const latency = z
  .strictObject({ count: amount, p50: milliseconds, p95: milliseconds, max: milliseconds })
  .meta({ description: "Latency of so many samples, in milliseconds." });

const check = z.strictObject({
  id: z.string().meta({ description: "Stable, dotted, lower case: redis.hit-rate." }),
  title: z.string(),
  verdict: z.enum(verdicts),
  observed: z.string().optional().meta({ description: "What was seen, in words or with a unit." }),
  expected: z.string().optional().meta({ description: "What should have been." }),
  message: z.string().optional().meta({ description: "What it means, and what to do." }),
  durationMs: milliseconds,
  latency: latency.optional(),
  attempts: amount.optional().meta({ description: "How often it was looked at, where it is declared flaky." }),
  dryRun: z.boolean().optional().meta({ description: "Recorded as it was, and not counted." }),
  independent: z.literal(true).optional().meta({ description: "The failure is this check's own, whatever else is broken." }),
  cause: z
    .string()
    .optional()
    .meta({ description: "The id of another check that could not be done, and may be why this one failed." }),
});

const percentage = z.number().min(0).max(100).meta({ description: "Percent." });

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
          key: z.boolean().meta({ description: "Its failure fails the stage, whatever the score." }),
          dryRun: z.boolean().meta({ description: "It does not count." }),
          points: z.number().min(0),
        }),
      )
      .meta({ description: "In the order of the checks." }),
    unmatched: z.array(z.string()).meta({ description: "Globs of the configuration that mean no check of this run." }),
  })
  .meta({ description: "How all checks were weighed together; absent where the worst decides." });

const rollback = z
  .strictObject({
    trigger: z.string().meta({ description: "The event or command." }),
    of: z.string().meta({ description: "What is rolled back." }),
    outcome: z.enum(["fired", "dry-run", "already-fired", "not-fired", "failed", "unknown"]),
    at: instant,
    why: z.string(),
  })
  .meta({ description: "What was asked for after a bad verdict, once for a deployment." });

const alert = z.strictObject({
  channel: z.enum(alertChannels),
  event: z.enum(["failed", "error", "degraded", "recovered", "measured"]),
  outcome: z.enum(["sent", "repeated", "failed"]).meta({ description: "repeated: sent within the window, so not again." }),
  at: instant,
  attempts: amount,
  problem: z.string().optional(),
});

const testCase = z.strictObject({
  name: z.string().meta({ description: "Full name with its describe blocks." }),
  status: z.enum(["passed", "failed", "flaky", "skipped"]),
  durationMs: milliseconds,
  file: z.string().optional(),
  line: amount.optional(),
  project: z.string().optional(),
  attempts: amount.meta({ description: "How often it ran; 1 without retries." }),
  message: z.string().optional(),
  stack: z.string().optional(),
  quarantinedUntil: z.string().optional().meta({ description: "Until this day its failure does not count." }),
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
  slowest: z.array(testCase).meta({ description: "At most ten." }),
  projects: z.record(z.string(), z.strictObject(counts)),
  sources: z.array(z.strictObject({ file: z.string(), format: z.string(), tests: amount })),
  disagreements: z.array(z.string()).meta({ description: "Where two reports of one run disagree; the worse was believed." }),
  critical: z
    .array(z.strictObject({ glob: z.string(), ...counts }))
    .optional()
    .meta({ description: "Tests of which none may fail, by glob." }),
  quarantine: z
    .array(
      z.strictObject({
        test: z.string().meta({ description: "A glob over file and name." }),
        until: z.string().meta({ description: "YYYY-MM-DD, the last day, in UTC." }),
        reason: z.string(),
        over: z.boolean().meta({ description: "That day is over: its tests count again." }),
        matched: amount.meta({ description: "Tests of this run that it means." }),
        failed: amount.meta({ description: "Of them, those that failed and that no other entry in force covers." }),
      }),
    )
    .optional()
    .meta({ description: "Tests that are known to fail, for a time and for a reason." }),
});

const attachment = z.strictObject({
  file: z.string().meta({ description: "Relative to the workspace." }),
  bytes: amount,
  test: z.string().optional().meta({ description: "Full name of the test that left it behind, where it can be told." }),
  binary: z
    .literal(true)
    .optional()
    .meta({ description: "It is neither text nor an archive of texts, so secrets that are seen in it are not redacted." }),
  leftOut: z.string().optional().meta({ description: "Why it was not kept." }),
});

const server = z.strictObject({
  name: z.string(),
  readyMs: milliseconds.optional().meta({ description: "Milliseconds until it was ready; absent when it never was." }),
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
  version: amount.meta({ description: "The version that it made: the one before still has the rows." }),
  selection: z.array(
    z.strictObject({
      column: z.string(),
      values: z.array(z.string()).optional(),
      sha256: z.array(z.string()).optional().meta({ description: "In place of values that may be about a person." }),
    }),
  ),
});

const tableCleanup = z.strictObject({
  table: z.string(),
  planned: amount,
  deleted: amount.optional().meta({ description: "Absent where it is unknown, which is not zero." }),
  left: amount.optional().meta({ description: "Absent where it is unknown, which is not zero." }),
  oldest: z.string().optional(),
  newest: z.string().optional(),
  samples: z.array(z.string()),
  statement: z.string(),
  versionBefore: amount.optional(),
  versionAfter: amount.optional(),
  deletions: z.array(deletion).optional().meta({ description: "What undo needs." }),
  problem: z.string().optional(),
});

const keyTtl = z
  .strictObject({
    limitMs: milliseconds,
    unlimited: amount.meta({ description: "Test keys without any limit of their life." }),
    over: amount.meta({ description: "Test keys whose limit is beyond limitMs." }),
    shortened: amount.optional().meta({ description: "Kept test keys that were given the limit." }),
    samples: z.array(z.string()),
    problem: z.string().optional(),
  })
  .meta({ description: "How long test keys live in Redis." });

const touchedRow = z.strictObject({
  table: z.string(),
  key: z.strictObject({ column: z.string(), value: z.string() }).meta({ description: "What names the row." }),
  column: z.string().meta({ description: "The column that was changed." }),
  now: z.string().meta({ description: "What stands there now: the id of a test row, or a text with a prefix." }),
  before: z.string().nullable().optional().meta({ description: "What stood there before; absent where it is unknown." }),
  version: amount.optional().meta({ description: "The table's version that still has the old value." }),
  why: z.string().optional().meta({ description: "Why the old value is unknown." }),
  masked: z
    .array(z.enum(["key", "values"]))
    .optional()
    .meta({ description: "Given as SHA-256, hex, because the column may hold a person: the key's value, or now and before." }),
});

const cleanup = z.strictObject({
  scope: z.enum(["run", "expired", "all"]),
  runs: z.array(z.string()).optional().meta({ description: "Scope run: whose test data, where not the report's own run." }),
  dryRun: z.boolean(),
  digest: z.string().meta({ description: "SHA-256 of the plan." }),
  tables: z.array(tableCleanup),
  keys: z.strictObject({
    planned: amount,
    deleted: amount.optional().meta({ description: "Absent where it is unknown, which is not zero." }),
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
    .meta({ description: "Test rows that look as if they were about real people." }),
  touched: z.array(touchedRow).optional().meta({ description: "Real rows that a test changed, at most 1,000." }),
  touchedMore: amount.optional().meta({ description: "How many more there are than are listed." }),
  startVersions: z.record(z.string(), amount).optional().meta({
    description:
      "Where real rows were changed: the tables' versions before the tests of this run, by which repair tells what is older.",
  }),
  kept: z
    .array(z.strictObject({ table: z.string(), rows: amount, samples: z.array(z.string()), why: z.string() }))
    .optional()
    .meta({ description: "Rows that are, or may be, test data and were kept, with the reason." }),
  leftOver: amount.nullable().meta({ description: "Rows and keys still there at the end; null where it could not be told." }),
  looked: z
    .strictObject({ tables: amount, redis: z.boolean() })
    .optional()
    .meta({ description: "Declared tables that exist, and whether Redis was looked at." }),
});

const count = z
  .strictObject({ least: amount, most: amount.nullable() })
  .meta({ description: "Equal where the count is known; most is null where no limit is known." });

const books = z
  .strictObject({
    line: z.string().meta({ description: "One line to quote." }),
    made: count,
    deleted: count,
    unexplained: count,
    kept: amount.meta({ description: "Rows that stay by design, in protected tables." }),
    touched: count,
    tablesRead: amount,
    versions: z.strictObject({ from: amount, to: amount }).optional(),
    tables: z
      .array(
        z.strictObject({
          table: z.string(),
          from: amount.nullable().meta({ description: "Version at the start; null where there was none, or it was not read." }),
          to: amount.nullable().meta({ description: "Version at the end; null where it could not be read." }),
          made: count,
          deleted: count,
          unexplained: count.meta({ description: "Rows that the run made and that are still there." }),
          kept: amount.meta({ description: "Rows that stay by design, because the table is protected." }),
          ofRun: amount.meta({ description: "Unexplained rows that carry the run's id." }),
          touched: count.meta({ description: "Rows that were there at the start and that the run changed or deleted." }),
          samples: z.array(z.string()),
          touchedSamples: z.array(z.string()),
          hangsOn: z.array(z.string()).meta({ description: "What the unexplained rows point at." }),
          why: z.string().optional().meta({ description: "Why a count is unknown." }),
        }),
      )
      .meta({ description: "Tables in which something changed or is unknown." }),
    keys: z
      .strictObject({ unexplained: count, samples: z.array(z.string()), looked: z.string(), why: z.string().optional() })
      .optional()
      .meta({ description: "Redis keys that are new since the start and still there." }),
    advice: z.array(z.string()),
    problems: z.array(z.string()),
  })
  .meta({ description: "What the run wrote and what became of it, by the tables' own history." });

const origin = z.strictObject({
  kind: z.enum(["github", "terminal"]),
  repository: z.string().optional(),
  workflow: z.string().optional(),
  workflowRun: z.string().optional(),
  attempt: z.string().optional(),
  job: z.string().optional(),
  cell: z.string().optional().meta({ description: "The cell of the job's matrix." }),
  step: z.string().optional(),
  actor: z.string().optional(),
});

export const reportSchema = z
  .strictObject({
    schemaVersion: z.literal(1),
    stage: z.enum(stageNames),
    verdict: z.enum(verdicts),
    reason: z.string().meta({ description: "One sentence that says why." }),
    environment: z.strictObject({ name: z.string(), access: z.enum(["read-only", "test-data"]) }),
    runId: z.string().meta({ description: "<Unix milliseconds>_<8 hex digits>: this execution of the stage." }),
    gateId: z
      .string()
      .optional()
      .meta({ description: "The same for all stages of one gate: the workflow run, or preflight's run." }),
    commit: z.strictObject({ sha: z.string(), headSha: z.string().optional() }),
    origin,
    startedAt: instant,
    finishedAt: instant,
    durationMs: milliseconds,
    budgetMs: milliseconds,
    checks: z.array(check),
    score: score.optional(),
    tests: tests.optional(),
    attachments: z.array(attachment).optional().meta({ description: "What failed tests left behind." }),
    servers: z.array(server),
    commands: z.array(command),
    cleanup: cleanup.optional(),
    books: books.optional(),
    rollback: rollback.optional(),
    alerts: z.array(alert).optional().meta({ description: "Who was told, and whether that could be done." }),
    problems: z.array(z.string()),
    auditHead: z.strictObject({ sequence: amount, hash: z.string() }).optional().meta({
      description: "The last line of the audit log that this stage wrote: `env-actions audit verify --head <sequence>:<hash>`.",
    }),
  })
  .meta({ title: "Report of a stage", description: "What a stage of env-actions says about an environment." });

const example = "such as .env-actions/reports/cleanup.json";

/** Reads a report back. @throws UserError that names the file, each place in it, and what was expected there */
export function parseReport(text: string, file: string): StageReport {
  const data = parseJson(text, file);
  const version = typeof data === "object" && data !== null && "schemaVersion" in data ? data.schemaVersion : undefined;
  if (version === undefined || (typeof data === "object" && data !== null && !("checks" in data)))
    throw new UserError(`${file} is JSON, but not the report of a stage: name a report ${example}`);
  if (version !== 1)
    throw new UserError(
      `${file} was written by another version of env-actions: its schemaVersion is ${JSON.stringify(version)?.slice(0, 20)}, and this version reads 1. Let the stage write it again, with the same version as here.`,
    );
  const result = reportSchema.safeParse(data, { error: inWords });
  if (result.success) return result.data;
  const places = result.error.issues.map(({ path, message }) => logLine(`  ${pathText(path)}: ${message}`));
  const shown = places.slice(0, 10).join("\n");
  const more = places.length > 10 ? `\n  and ${places.length - 10} more` : "";
  throw new UserError(
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
    throw new UserError(`${file} ${why}`, { cause: error });
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
