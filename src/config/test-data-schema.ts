import { z } from "zod";
import { duration, percent, timeLimit } from "./units.ts";
import { exactlyOneOf } from "./values.ts";

/** A prefix is a literal. `_` is common in ids and safe, because it is never used as a pattern; `%` and `*` only ever mean a pattern. */
export const prefixSchema = z
  .string()
  .min(6, { error: "a prefix shorter than 6 characters could match production rows" })
  .regex(/^[^%*?[\]\\'"`\s]*$/, { error: "a prefix is a literal: no wildcard, quote, backslash or space" })
  .meta({ description: "What the ids of test data begin with; at least 6 characters." });

const tableName = z
  .string()
  .regex(/^[A-Za-z_][\w]*\.[A-Za-z_][\w]*$/, { error: "expected schema.table, such as sessions.classroom_sessions" });

const tablePattern = z.string().regex(/^[A-Za-z_][\w]*\.(\*|[A-Za-z_][\w]*)$/, { error: "expected schema.table or schema.*" });

const column = z.string().regex(/^[A-Za-z_][\w]*$/, { error: "expected a column name" });

const matchKinds = exactlyOneOf("prefix", "suffix", "equals");

const match = z
  .strictObject({
    column: column.meta({ description: "The column looked at." }),
    prefix: z.literal(true).optional().meta({ description: "The value begins with one of the test prefixes." }),
    suffix: z.string().min(4).optional().meta({ description: "The value ends with this, such as @testschool.edu." }),
    equals: z.string().min(1).optional().meta({ description: "The value is exactly this." }),
  })
  .refine(matchKinds.check, matchKinds.params);

/** `cw:test:*`: everything before the star is literal, and long enough to hold nothing but test data. */
const keyNamespace = z.string().regex(/^[^*?[\]\\\s]{6,}\*?$/, {
  error: "expected a Redis namespace such as cw:test:*, at least 6 literal characters and then at most one *",
});

export const tableSchema = z.strictObject({
  key: column.default("id").meta({ description: "The column that names a row." }),
  match: z.array(match).default([]).meta({ description: "How a row shows by itself that it is test data." }),
  time: column.optional().meta({ description: "When a row was made, for the age of ids that hold no time." }),
  parents: z
    .record(column, tableName)
    .default({})
    .meta({ description: "Column → the table whose key it holds: rows hang on their parents." }),
  person: z.array(column).default([]).meta({ description: "Columns that may hold a person: masked wherever they are shown." }),
});

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
  keys: z.array(keyNamespace).default(["cw:test:*"]).meta({ description: "Redis namespaces that hold nothing but test data." }),
  protectedTables: z.array(tablePattern).default(["compliance.*"]).meta({ description: "Never touched by anything." }),
  protectedKeys: z.array(z.string().min(1)).default(["audit:log"]).meta({ description: "Never touched by anything." }),
  expireAfter: duration.prefault("2h").meta({ description: "Older test data, of any run, is swept by --scope expired." }),
  maxRows: z.int().min(1).default(20_000).meta({ description: "A plan with more rows is refused." }),
  maxKeys: z.int().min(1).default(200_000).meta({ description: "A plan with more Redis keys is refused." }),
  maxShare: percent
    .prefault("50%")
    .meta({ description: "A plan that would delete more of one table (of 100 rows or more) is refused." }),
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
