import { z } from "../lib/zod.ts";
import { columnName, tableName } from "./test-data-schema.ts";
import { budgetDescription, timeLimit } from "./values.ts";

/** How a copy is filled with synthetic rows. */

const amount = z.int().min(0).max(100_000_000);
export const namedGenerators = [
  "given-name",
  "family-name",
  "full-name",
  "email",
  "phone",
  "sentence",
  "city",
  "uuid",
  "number-of-row",
  "json",
] as const;

/** Two numbers, the smaller one first. */
const bounds = z
  .array(z.number())
  .length(2, { error: "expected two numbers, such as [1, 100]" })
  .refine(([low = 0, high = 0]) => low <= high, { error: "expected the smaller number first" })
  .transform(([low = 0, high = 0]): [number, number] => [low, high]);

const generator = z
  .union(
    [
      z.enum(namedGenerators),
      z.strictObject({ constant: z.union([z.string(), z.number(), z.boolean(), z.null()]) }),
      z.strictObject({
        oneOf: z.union([
          z.array(z.union([z.string(), z.number()])).min(1),
          z
            .record(z.string(), z.int().min(1))
            .refine((weights) => Object.keys(weights).length > 0, { error: "expected at least one value" }),
        ]),
      }),
      z.strictObject({ number: bounds, decimals: z.int().min(0).max(6).optional() }),
      z.strictObject({ chance: z.int().min(0).max(100) }),
      z.strictObject({ days: bounds }),
    ],
    {
      error: `expected one of ${namedGenerators.join(", ")}, or { constant: … }, { oneOf: […] }, { oneOf: { value: weight } }, { number: [low, high] }, { chance: percent }, or { days: [from, to] }`,
    },
  )
  .meta({ description: "How the values of a column are made. `days` are counted from the day of the seed." });

const rows = z.union([
  amount,
  z.strictObject({
    per: tableName.meta({ description: "Table whose rows get them." }),
    from: z.int().min(0).default(0).meta({ description: "The fewest for one row." }),
    to: z.int().min(1).max(10_000).meta({ description: "The most for one row." }),
  }),
]);

const table = z.strictObject({
  rows: rows
    .optional()
    .meta({ description: "Number of rows, or `{ per: schema.table, from: 0, to: 5 }`: so many for each row of that table." }),
  columns: z.record(columnName, generator).default({}).meta({
    description: "How the values of a column are made. The others follow from their names, types and CHECK constraints.",
  }),
  references: z.record(columnName, tableName).default({}).meta({
    description: "Columns that hold the key of a row of another table, besides the foreign keys that the table has.",
  }),
});

export const seedSchema = z
  .strictObject({
    budget: timeLimit.prefault("1h").meta(budgetDescription),
    seed: z.int().min(0).max(0xfffffff).default(1).meta({
      description: "The number that the rows depend on. The same number, day and sizes give the same rows.",
    }),
    day: z.iso
      .date({ error: "expected a date such as 2026-11-30" })
      .optional()
      .meta({ description: "The day that all times are relative to. Default: the Monday of this week." }),
    schools: z.int().min(0).max(100_000).optional().meta({
      description:
        "Number of schools: fills ClassWaves' 48 tables, with some 12,000 rows for each school. Default: 10 with ClassWaves' preset.",
    }),
    rows: amount.default(100).meta({
      description:
        "Rows of each other table. A table with a foreign key gets up to five for each row that it refers to. 0: none.",
    }),
    add: z.boolean().default(false).meta({
      description:
        "`true`: keeps rows that the seed did not make, and adds its own to them. `false`: refuses a copy with such rows.",
    }),
    tables: z.record(tableName, table).default({}).meta({ description: "How single tables are filled." }),
  })
  .meta({ description: "How the copy is filled with synthetic data." });
