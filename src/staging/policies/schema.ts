import { movingTag } from "../../lib/version.ts";
import { z } from "../../lib/zod.ts";
import { dateUnits, locales, syntheticKinds } from "./model.ts";

/** The shape of the file of policies. The descriptions are what editors show. */

const described = { named: (text: string) => z.string().min(1).describe(text) };

const domainName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,40}$/, "expected lower-case letters, digits and _, at most 41, beginning with a letter");

export const domainSchema = z.strictObject({
  prefix: z.string().max(40).default("").describe("What the stand-ins of texts begin with."),
  shape: z.enum(["uuid", "hex"]).default("uuid").describe("What follows: a UUID, or its 32 hex digits."),
  secret: z
    .strictObject({ scope: described.named("The secret's scope."), key: described.named("The secret's key.") })
    .optional()
    .describe("For pseudonyms: the secret of Databricks that has the key of the hash. Only the warehouse reads it."),
});

const generaliseTo = z.union([
  z.enum(dateUnits),
  z.strictObject({
    band: z.number().positive("expected a number above 0").describe("Numbers become the lower end of their band."),
  }),
  z.strictObject({ first: z.int().min(1).describe("Texts become their first characters, never all of them.") }),
]);

const synthetic = z.strictObject({
  synthetic: z.enum(syntheticKinds).describe("What is made up."),
  locale: z.enum(locales).optional().describe("Its language, if not the file's."),
  of: described
    .named("A column of the row with a surrogate or pseudonym: it has the same made-up value in each table.")
    .optional(),
  min: z.int().optional().describe("The smallest number; 0 by default."),
  max: z.int().optional().describe("The largest number; 100 by default."),
});

/** By the key that says which policy it is. */
export const policySchemas = {
  keep: z.strictObject({ keep: described.named("Why the value names nobody. Required for text, JSON and binary values.") }),
  constant: z.strictObject({ constant: z.union([z.string(), z.number(), z.boolean()]).describe("The same value in each row.") }),
  surrogate: z.strictObject({
    surrogate: domainName.describe(
      "A domain: each of its values gets a random stand-in, the same in all tables, and another one in the next refresh.",
    ),
  }),
  pseudonym: z.strictObject({
    pseudonym: domainName.describe(
      "A domain: each of its values gets a keyed hash. Not anonymous: whoever has the key can try values.",
    ),
  }),
  generalise: z.strictObject({
    generalise: generaliseTo.describe(
      "Coarser values: dates by `day`, `month` or `year`, numbers by `band`, texts by their `first` characters.",
    ),
  }),
  synthetic,
  fields: z.strictObject({
    get fields() {
      return z.record(z.string(), columnPolicySchema).describe("The policy of each field of a struct.");
    },
  }),
  elements: z.strictObject({
    get elements() {
      return columnPolicySchema.describe("The policy of an array's elements.");
    },
  }),
  keys: z.strictObject({
    get keys() {
      return columnPolicySchema.describe("The policy of a map's keys.");
    },
    get values() {
      return columnPolicySchema.describe("The policy of a map's values.");
    },
  }),
  json: z.strictObject({
    json: described.named("What the text holds, as a type: `struct<name: string, tags: array<string>>`. All else is left out."),
    get fields() {
      return z.record(z.string(), columnPolicySchema).optional();
    },
    get elements() {
      return columnPolicySchema.optional();
    },
    get keys() {
      return columnPolicySchema.optional();
    },
    get values() {
      return columnPolicySchema.optional();
    },
  }),
} as const;

export const columnPolicySchema: z.ZodType = z.union([z.enum(["keep", "null"]), z.null(), ...Object.values(policySchemas)]);

export const tableSchema = z.strictObject({
  columns: z.record(z.string(), z.unknown()).describe("The policy of each column."),
  key: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe("The columns that identify a row, if it has no primary key and no column `id`."),
  quasiIdentifiers: z
    .array(z.string().min(1))
    .default([])
    .describe("Columns that identify somebody if they are combined: no combination may be rare."),
  withoutChecks: z.array(z.string().min(1)).default([]).describe("CHECK constraints that the copy's table doesn't get."),
});

export const policiesSchema = z.strictObject({
  version: z.literal(1).describe("The version of this file's format."),
  seed: z.int().min(0).default(1).describe("Another seed gives other made-up values."),
  locale: z.enum(locales).default("en").describe("The language of made-up values."),
  domains: z
    .record(domainName, z.union([domainSchema, z.null()]))
    .default({})
    .describe("Kinds of ids. The same id has the same stand-in wherever its domain is used."),
  tables: z.record(z.string(), z.unknown()).describe("By `schema.table`. Every table of production must be here."),
});

/** Where the released schema is published. */
export const policiesSchemaUrl = `https://raw.githubusercontent.com/classwaves/env-actions/${movingTag}/schema/policies.schema.json`;
