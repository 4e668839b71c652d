import { z } from "zod";
import { timeZone } from "./time-zone.ts";
import { duration, percent, timeLimit } from "./units.ts";
import { exactlyOneOf } from "./values.ts";

const shortestPrefix = 6;

/** Servers make ids of digits (times) and of hexadecimal digits (UUIDs, hashes); people fill a field with one letter. */
function isDistinctive(prefix: string): boolean {
  const written = prefix.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
  return new Set(written).size >= 3 && /[^0-9a-f]/.test(written);
}

/** A prefix is a literal. `_` is common in ids and safe, because it is never used as a pattern; `%` and `*` only ever mean a pattern. */
export const prefixSchema = z
  .string()
  .min(shortestPrefix, { error: "a prefix shorter than 6 characters could match production rows" })
  .regex(/^[^%*?[\]\\'"`\s]*$/, { error: "a prefix is a literal: no wildcard, quote, backslash or space" })
  .refine((prefix) => prefix.length < shortestPrefix || isDistinctive(prefix), {
    error:
      "a number, a UUID or a filler of production could begin so: expected 3 different letters or digits, and a letter from g to z, such as integration_test_",
  })
  .meta({ description: "What the ids of test data begin with; at least 6 characters." });

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
    column: columnName.meta({ description: "The column looked at." }),
    prefix: z.literal(true).optional().meta({ description: "The value begins with one of the test prefixes." }),
    suffix: z
      .string()
      .min(4)
      .refine((suffix) => !isBareDomain(suffix), {
        error: "expected a whole domain with its @, such as @test.edu: test.edu would be found at the end of contest.edu, too",
      })
      .optional()
      .meta({ description: "The value ends with this, such as @testschool.edu." }),
    equals: z.string().min(1).optional().meta({ description: "The value is exactly this." }),
  })
  .refine(matchKinds.check, matchKinds.params);

/** `cw:test:*`: everything before the star is literal, and long enough to hold nothing but test data. */
const keyNamespace = z.string().regex(/^[^*?[\]\\\s]{6,}\*?$/, {
  error: "expected a Redis namespace such as cw:test:*, at least 6 literal characters and then at most one *",
});

const emailDomain = z
  .string()
  .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)*$/i, { error: "expected a domain such as testschool.edu, without @ and without *" });

const namePattern = z
  .string()
  .regex(/^(\*[^*]+\*?|[^*]+\*?)$/, { error: "expected a name with a star at its ends at most, such as Test* or *tester*" });

/**
 * How a row is tied to the row that one of its columns names.
 * - `part-of`: it cannot exist without it and never changes hands, as a member of a group.
 * - `belongs-to`: it could be moved to another one, as a teacher to a school.
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
        description: "A row cannot exist without this parent and is never moved: it is deleted with it, unless it is older.",
      }),
      belongsTo: tableName.optional().meta({
        description:
          "A row could be moved to another parent: it is deleted with this one only if it is known not to be older than it.",
      }),
    },
    {
      error: ({ code, input }) =>
        code === "invalid_type"
          ? `say how rows depend on their parent: { partOf: ${shownTable(input)} } where a row cannot exist without it and is never moved, such as a member of a group; { belongsTo: ${shownTable(input)} } where it could be moved to another one, such as a teacher to a school`
          : undefined,
    },
  )
  .refine(parentKinds.check, parentKinds.params)
  .transform(
    ({ partOf, belongsTo }): Parent =>
      partOf === undefined ? { table: belongsTo ?? "", kind: "belongs-to" } : { table: partOf, kind: "part-of" },
  );

/** What was written may come from a variable: only what is surely the name of a table is repeated. */
function shownTable(written: unknown): string {
  return typeof written === "string" && tableName.safeParse(written).success ? written : "schema.table";
}

export const tableSchema = z.strictObject({
  key: columnName.default("id").meta({ description: "The column that names a row." }),
  match: z.array(match).default([]).meta({ description: "How a row shows by itself that it is test data." }),
  time: columnName.optional().meta({ description: "When a row was made: the proof of its age." }),
  timeZone: timeZone.optional().meta({
    description:
      "The zone of `time` where it is a DATE or has no zone; in place of testData.timeZone. Without either, such a time is uncertain by 14 hours.",
  }),
  parents: z.record(columnName, parent).default({}).meta({
    description:
      "Column → the table whose key it holds: { partOf: schema.table } where rows cannot exist without it, { belongsTo: schema.table } where they could be moved to another.",
  }),
  person: z
    .array(columnName)
    .default([])
    .meta({ description: "Columns that may hold a person: masked wherever they are shown." }),
});

/** A table as the configuration has it. */
export function writtenTable(table: z.output<typeof tableSchema>): z.input<typeof tableSchema> {
  const parents = Object.entries(table.parents).map(([column, { table: parent, kind }]) => [
    column,
    kind === "part-of" ? { partOf: parent } : { belongsTo: parent },
  ]);
  return { ...table, parents: Object.fromEntries(parents) };
}

export const testDataSchema = z.strictObject({
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
    .meta({ description: "What the ids and names of test data begin with." }),
  preset: z
    .enum(["classwaves", "none"])
    .default("classwaves")
    .meta({ description: "classwaves: the 48 tables and key shapes of ClassWaves are known." }),
  tables: z.record(tableName, tableSchema).default({}).meta({ description: "Tables beyond the preset, or in place of its own." }),
  sweep: z.array(z.string().min(1)).default([]).meta({
    description:
      "Values of suffix and equals rules by which scope expired may delete, such as @testschool.edu; none by default: prefixes alone decide.",
  }),
  keep: z
    .record(tableName, z.array(z.string().min(1)).min(1))
    .default({})
    .meta({
      description:
        "schema.table → keys, or matched values such as addresses, of fixed rows: nothing deletes them in any scope, and what depends on them is not test data because of them.",
    }),
  timeZone: timeZone.optional().meta({
    description: "The zone of dates and of times without a zone: UTC, an offset or a name. Without it they are uncertain.",
  }),
  keys: z.array(keyNamespace).default(["cw:test:*"]).meta({ description: "Redis namespaces that hold nothing but test data." }),
  protectedTables: z.array(tablePattern).default(["compliance.*"]).meta({ description: "Never touched by anything." }),
  protectedKeys: z.array(z.string().min(1)).default(["audit:log"]).meta({ description: "Never touched by anything." }),
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
        .meta({ description: "Domains, with all below them, whose addresses belong to nobody." }),
      names: z
        .array(namePattern)
        .default([])
        .meta({ description: "What names of invented people look like, such as Test*; none: names are not looked at." }),
    })
    .prefault({})
    .meta({ description: "Test rows with another address or name look as if they were about a real person: a warning." }),
  expireAfter: duration.prefault("2h").meta({ description: "Older test data, of any run, is swept by --scope expired." }),
  maxRows: z.int().min(1).default(20_000).meta({ description: "A plan with more rows is refused." }),
  maxKeys: z.int().min(1).default(200_000).meta({ description: "A plan with more Redis keys is refused." }),
  maxShare: percent
    .prefault("50%")
    .meta({ description: "A plan that would delete more of one table (of 100 rows or more) is refused." }),
  principals: z.array(z.string().min(1)).default([]).meta({
    description:
      "Users and service principals that write for the tests and for nobody else. What they wrote is the run's and what others wrote is not, so the books are exact; see docs/books.md.",
  }),
  unexplained: z.enum(["fail", "warn"]).default("warn").meta({
    description:
      "Rows and keys that a run made and nothing explains: a warning, or a failure. A real row that was changed or deleted always fails.",
  }),
  maxRead: z.int().min(1).default(1_000_000).meta({
    description:
      "The books compare at most so many rows of one table, and remember at most so many Redis keys. Beyond that: unknown.",
  }),
  keyTtl: z
    .strictObject({
      limit: timeLimit.prefault("30m").meta({ description: "A test key should not live longer; 5m to 30m is sensible." }),
      apply: z.boolean().default(false).meta({
        description:
          "true: a cleanup that deletes gives this limit to the test keys that it keeps; never a longer life than they have.",
      }),
    })
    .prefault({})
    .meta({ description: "Test keys in Redis without a limit of their life, or with one beyond this, are counted and named." }),
});
