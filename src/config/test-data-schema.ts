import { z } from "../lib/zod.ts";
import { isolationSchema } from "./isolation-schema.ts";
import { withCode } from "./mistakes.ts";
import { olderPresetSchema } from "./settings-schema.ts";
import { duration, exactlyOneOf, percent, size, timeLimit, timeZone } from "./values.ts";

const shortestPrefix = 6;

/**
 * Server ids consist of digits (times) or hexadecimal digits (UUIDs, hashes), and people fill fields with one repeated letter.
 */
function isDistinctive(prefix: string): boolean {
  const written = prefix.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
  return new Set(written).size >= 3 && /[^0-9a-f]/.test(written);
}

/**
 * A prefix is a literal. `_` is common in ids and allowed, because we never use it as a pattern. `%` and `*` are rejected,
 * because they only ever mean a pattern.
 */
export const prefixSchema = z
  .string()
  .min(shortestPrefix, { error: "expected at least 6 characters: a shorter prefix could match production rows" })
  .regex(/^[^%*?[\]\\'"`\s]*$/, { error: "expected literal text: a prefix has no wildcard, quote, backslash or space" })
  .refine((prefix) => prefix.length < shortestPrefix || isDistinctive(prefix), {
    error:
      "expected at least 3 different letters or digits and a letter from g to z, such as integration_test_: a number or a UUID of production could begin with this",
    params: { ...withCode("EA1024") },
  })
  .meta({ description: "Prefix of the ids of test data, with at least 6 characters." });

export const tableName = z
  .string()
  .regex(/^[A-Za-z_][\w]*\.[A-Za-z_][\w]*$/, { error: "expected schema.table, such as sessions.classroom_sessions" });

const tablePattern = z.string().regex(/^[A-Za-z_][\w]*\.(\*|[A-Za-z_][\w]*)$/, { error: "expected schema.table or schema.*" });

export const columnName = z.string().regex(/^[A-Za-z_][\w]*$/, {
  error: "expected a column name of letters, digits and underscores, such as session_id",
});

function isBareDomain(suffix: string): boolean {
  return /\.[a-z]+$/i.test(suffix) && !suffix.includes("@");
}

const matchKinds = exactlyOneOf("prefix", "suffix", "equals");

const match = z
  .strictObject({
    column: columnName.meta({ description: "Column whose value is compared." }),
    prefix: z.literal(true).optional().meta({ description: "The value must begin with one of the test prefixes." }),
    suffix: z
      .string()
      .min(4)
      .refine((suffix) => !isBareDomain(suffix), {
        error: "expected a whole domain with @, such as @test.edu: test.edu would also match contest.edu",
        params: { ...withCode("EA1024") },
      })
      .optional()
      .meta({ description: "The value must end with this, such as `@testschool.edu`." }),
    equals: z.string().min(1).optional().meta({ description: "The value must be exactly this." }),
  })
  .refine(matchKinds.check, matchKinds.params);

/** For `cw:test:*`, the text before the star is literal, and long enough to match test data only. */
const keyNamespace = z.string().regex(/^[^*?[\]\\\s]{6,}\*?$/, {
  error: "expected a Redis namespace such as cw:test:*, with at least 6 literal characters and at most one * at the end",
});

const emailDomain = z
  .string()
  .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)*$/i, { error: "expected a domain without @ and *, such as testschool.edu" });

const namePattern = z
  .string()
  .regex(/^(\*[^*]+\*?|[^*]+\*?)$/, { error: "expected a name with * only at its beginning or end, such as Test* or *tester*" });

/**
 * How a row depends on the row that one of its columns refers to.
 * - `part-of`: it cannot exist without that row and never changes owner, such as a member of a group.
 * - `belongs-to`: it could move to another owner, such as a teacher to another school.
 */
export type ParentKind = "part-of" | "belongs-to";

export interface Parent {
  /** `schema.table` */
  table: string;
  kind: ParentKind;
}

const parentKinds = exactlyOneOf("partOf", "belongsTo");

const parent = z
  .strictObject(
    {
      partOf: tableName.optional().meta({
        description:
          "Parent table, if a row cannot exist without its parent and is never moved to another. The row is deleted with its parent, unless the row is older.",
      }),
      belongsTo: tableName.optional().meta({
        description:
          "Parent table, if a row can be moved to another parent. The row is deleted with its parent only if it is known not to be older.",
      }),
    },
    {
      error: ({ code, input }) =>
        code === "invalid_type"
          ? `expected { partOf: ${shownTable(input)} } if a row cannot exist without its parent and is never moved, such as a member of a group, or { belongsTo: ${shownTable(input)} } if it can be moved to another parent, such as a teacher to another school`
          : undefined,
    },
  )
  .refine(parentKinds.check, parentKinds.params)
  .transform(
    ({ partOf, belongsTo }): Parent =>
      partOf === undefined ? { table: belongsTo ?? "", kind: "belongs-to" } : { table: partOf, kind: "part-of" },
  );

/** The written value may come from a variable, so a message repeats it only if it is a valid table name. */
function shownTable(written: unknown): string {
  return typeof written === "string" && tableName.safeParse(written).success ? written : "schema.table";
}

export const tableSchema = z.strictObject({
  key: columnName.default("id").meta({ description: "Column that identifies a row." }),
  match: z.array(match).default([]).meta({ description: "Rules that match a row directly as test data, by its own values." }),
  time: columnName.optional().meta({ description: "Column with the time when a row was created. It proves the age of the row." }),
  timeZone: timeZone().optional().meta({
    description:
      "Time zone of `time`, if that column is a `DATE` or has no zone. Overrides `testData.timeZone`. Without either, such a time is uncertain by 14 hours.",
  }),
  parents: z.record(columnName, parent).default({}).meta({
    description:
      "Maps a column to the table whose key it contains. `{ partOf: schema.table }`: rows cannot exist without this parent. `{ belongsTo: schema.table }`: rows can be moved to another parent.",
  }),
  person: z
    .array(columnName)
    .default([])
    .meta({ description: "Columns that may contain personal data. Their values are masked wherever they are shown." }),
});

/** Converts a table back to the form used in the configuration. */
export function writtenTable(table: z.output<typeof tableSchema>): z.input<typeof tableSchema> {
  const parents = Object.entries(table.parents).map(([column, { table: parent, kind }]) => [
    column,
    kind === "part-of" ? { partOf: parent } : { belongsTo: parent },
  ]);
  return { ...table, parents: Object.fromEntries(parents) };
}

const testData = z.strictObject({
  prefixes: z
    .array(prefixSchema)
    .min(1)
    .default([
      "integration_test_",
      "e2e_test_",
      "e2e-session-",
      "e2e-teacher-",
      "e2e-group-",
      "perf_test_",
      "sess_test_",
      "group_test_",
      "teacher_test_",
    ])
    .meta({ description: "Prefixes of the ids and names of test data." }),
  preset: olderPresetSchema,
  tables: z
    .record(tableName, tableSchema)
    .default({})
    .meta({ description: "Tables in addition to the preset, or in place of its tables." }),
  sweep: z.array(z.string().min(1)).default([]).meta({
    description:
      "Values of `suffix` and `equals` rules by which scope `expired` may delete, such as `@testschool.edu`. By default, only prefixes count.",
  }),
  keep: z
    .record(tableName, z.array(z.string().min(1)).min(1))
    .default({})
    .meta({
      description:
        "Fixed rows that env-actions never deletes, in any scope. Maps `schema.table` to keys, or to matched values such as addresses. Rows that depend on a fixed row are not test data because of it.",
    }),
  timeZone: timeZone().optional().meta({
    description:
      "Time zone of dates, and of times without a zone: `UTC`, an offset or a name. Without it, such times are uncertain.",
  }),
  keys: z.array(keyNamespace).default(["cw:test:*"]).meta({ description: "Redis namespaces that contain only test data." }),
  protectedTables: z.array(tablePattern).default(["compliance.*"]).meta({
    description:
      "Tables in which env-actions never changes or deletes anything. Your tests can: the grants of their credential decide.",
  }),
  protectedKeys: z
    .array(z.string().min(1))
    .default(["audit:log"])
    .meta({ description: "Redis keys that env-actions never changes or deletes. Your tests can." }),
  synthetic: z
    .strictObject({
      emails: z
        .array(emailDomain)
        .default([
          "testschool.edu",
          "test.edu",
          "example.com",
          "example.org",
          "example.net",
          "example.edu",
          "example",
          "test",
          "invalid",
          "localhost",
        ])
        .meta({ description: "Domains that have no real mailboxes, including their subdomains." }),
      names: z.array(namePattern).default([]).meta({
        description: "Patterns for names of invented people, such as `Test*`. If the list is empty, names are not checked.",
      }),
    })
    .prefault({})
    .meta({
      description:
        "Addresses and names of invented people. Test rows with other ones look like data about a real person, which is a warning.",
    }),
  expireAfter: duration
    .prefault("2h")
    .meta({ description: "Age after which test data of any run is deleted by `--scope expired`." }),
  maxRows: z.int().min(1).default(20_000).meta({
    description:
      "Maximum number of rows in a plan. A plan with more rows is refused. Each round of a cleanup has a plan of its own.",
  }),
  maxKeys: z.int().min(1).default(200_000).meta({
    description:
      "Maximum number of Redis keys in a plan. A plan with more keys is refused. Each round of a cleanup has a plan of its own.",
  }),
  maxShare: percent().prefault("50%").meta({
    description:
      "Maximum share of a table that a plan may delete. A plan with more is refused. Does not apply to tables with fewer than 100 rows: such a table can be emptied.",
  }),
  principals: z.array(z.string().min(1)).default([]).meta({
    description:
      "Users and service principals that write only for the tests, as `userName` in `DESCRIBE HISTORY` shows them. What they write belongs to the run; what others write does not. This makes the books exact. See docs/books.md.",
  }),
  unexplained: z.enum(["fail", "warn"]).default("warn").meta({
    description:
      "Whether rows and keys that a run created and nothing explains are a failure or a warning. A changed or deleted real row always fails.",
  }),
  maxRead: z.int().min(1).default(1_000_000).meta({
    description:
      "Maximum number of rows per table that the books compare, and of Redis keys that they remember. Beyond that, the result is unknown.",
  }),
  maxReadSize: size().optional().meta({
    description:
      "Maximum size of the tables that a search for test data must read completely, such as `50GB`, because their test rows have ids without a prefix. A larger plan is refused. Default: no limit. `plan` and a cleanup that only shows say the size.",
  }),
  keyTtl: z
    .strictObject({
      limit: timeLimit.prefault("30m").meta({ description: "Maximum lifetime of a test key. Recommended: `5m` to `30m`." }),
      apply: z.boolean().default(false).meta({
        description:
          "`true`: a cleanup that deletes data also applies this limit to the test keys that it keeps. It never extends their lifetime.",
      }),
    })
    .prefault({})
    .meta({
      description:
        "Lifetime (TTL) of test keys in Redis. Test keys without a TTL, or with one beyond `limit`, are counted and listed.",
    }),
  isolation: isolationSchema,
});

export const testDataSchema = testData
  .prefault({})
  .meta({ description: "How test data is recognized, and what env-actions never changes or deletes." });
