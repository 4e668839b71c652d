import { z } from "../lib/zod.ts";

/** How the runs of integration and e2e are kept apart: by prefixes in shared tables, or by a copy of the tables for each run. */

const catalogName = z.string().regex(/^[A-Za-z_][\w-]{0,200}$/, {
  error: "expected the name of a catalog of letters, digits, underscores and dashes, such as classwaves_branches",
});

const tableChoice = z.enum(["clone", "empty", "skip"]);

const choicePattern = z.string().regex(/^(?:\*|[A-Za-z_]\w*\.(?:\*|[A-Za-z_]\w*))$/, {
  error: "expected schema.table, schema.*, or * for all others",
});

const handedOver = z
  .string()
  .min(1)
  .refine((text) => !/[{}]/.test(text.replaceAll(/\{(?:catalog|run|schema:[A-Za-z_]\w*)\}/g, "")), {
    error: "expected text with {catalog}, {schema:NAME} or {run} in it, such as {schema:sessions}",
  });

const variable = z.string().regex(/^[A-Za-z_]\w*$/, { error: "expected the name of an environment variable" });

const stagesWithTests = z.enum(["integration", "e2e"]);

const own = z.strictObject({
  by: z.enum(["prefix", "clone"]).default("clone").meta({
    description:
      "`clone`: each run gets a copy of the tables (a branch). `prefix`: all runs share the tables, and prefixes tell them apart.",
  }),
  as: z.enum(["catalog", "schemas"]).default("catalog").meta({
    description:
      "What a branch is. `catalog`: a catalog of its own, which needs CREATE CATALOG. `schemas`: schemas of its own in the catalog `into`, which needs CREATE SCHEMA there.",
  }),
  into: catalogName.optional().meta({
    description: "With `as: schemas`: an existing catalog for the schemas of all branches. Never the environment's own.",
  }),
  tables: z.record(choicePattern, tableChoice).default({}).meta({
    description:
      "What a branch has of each table. Maps `schema.table`, `schema.*`, or `*` for all others, to `clone` (its rows, which cost no storage), `empty` (only its columns) or `skip` (nothing). Default: `clone`.",
  }),
  variables: z.record(variable, handedOver).default({}).meta({
    description:
      "Environment variables for tasks, servers and tests, in addition to `DATABRICKS_CATALOG`. `{catalog}` is the branch's catalog, `{schema:NAME}` the schema that stands for NAME, `{run}` the run's id.",
  }),
  grantTo: z.array(z.string().min(1)).default([]).meta({
    description:
      "Principals that get USE, SELECT and MODIFY on each branch: those that the application under test signs in as, unless it is the stage's own.",
  }),
  managedLocation: z
    .string()
    .regex(/^[a-z][a-z0-9]*:\/\/\S+$/, { error: "expected the address of an external location, such as s3://bucket/branches" })
    .optional()
    .meta({ description: "Where the catalog of a branch stores its rows, if the metastore has no storage of its own." }),
  stages: z
    .array(stagesWithTests)
    .min(1)
    .default(["integration", "e2e"])
    .meta({ description: "The stages whose runs get a branch." }),
  required: z.boolean().default(false).meta({
    description:
      "What happens if the principal may not create a branch. `false`: the run uses prefixes in the shared tables, and the stage is degraded. `true`: the stage fails, and no test runs.",
  }),
});

export const isolationSchema = z
  .union([z.enum(["prefix", "clone"]), own], {
    error: "expected prefix, clone, or a group of keys such as { by: clone, as: catalog }",
  })
  .transform((written): z.output<typeof own> => (typeof written === "string" ? own.parse({ by: written }) : written))
  .prefault("prefix")
  .meta({
    description:
      "How the runs of integration and e2e are kept apart. `prefix`: they share the tables, and prefixes tell their rows apart. `clone`: each run gets a copy of the tables that costs no storage, and drops it at its end. See docs/guides/isolation.md.",
  });

export type IsolationConfig = z.output<typeof isolationSchema>;
