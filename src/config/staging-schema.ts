import { z } from "../lib/zod.ts";
import { facets } from "../model/staging.ts";
import { seedSchema } from "./staging-seed-schema.ts";
import { tableName } from "./test-data-schema.ts";
import { budgetDescription, duration, exactlyOneOf, name, timeLimit } from "./values.ts";

/** The copy of production: what it is a copy of, and how the tasks keep it. */

export const defaultPolicies = ".github/env-actions.policies.yml";

const file = z.string().min(1);
const facet = z.enum(facets);
const amount = z.int().min(0);

const ignored = z.strictObject({
  object: z.string().min(1).meta({
    description:
      "Glob for `schema`, `schema.table` or `schema.table.column`, such as `sessions.*`; `(catalog)` for the catalog itself.",
  }),
  facet: facet.optional().meta({ description: "Only differences of this facet. Default: of all facets." }),
  item: z.string().min(1).optional().meta({
    description:
      "Glob for what of the object: a property's key, a constraint's name, or a privilege with its principal. Default: everything.",
  }),
  reason: z.string().min(1).meta({ description: "Why the difference is meant. Reports quote it." }),
});

const drift = z.strictObject({
  ignore: z
    .array(ignored)
    .default([])
    .meta({ description: "Differences that are meant. They are listed with their reason, and don't count." }),
  snapshot: file.optional().meta({
    description:
      "File with the original's structure, compared in place of its catalog, where the copy's principal cannot read production. `env-actions staging drift --write-snapshot FILE` writes it.",
  }),
  unseen: z.enum(["error", "degraded"]).default("error").meta({
    description: "Verdict if nothing differs, but not everything could be seen. It never passes.",
  }),
  limits: z.partialRecord(facet, amount).default({}).meta({
    description: "How many differences preflight tolerates in the copy, by facet. Default: none. `staging drift` tolerates none.",
  }),
  budget: timeLimit.prefault("5m").meta(budgetDescription),
});

const sync = z.strictObject({
  revoke: z.boolean().default(false).meta({
    description: "Whether grants that only the copy has are revoked. Then people who test there need them in production, too.",
  }),
  recreate: z.array(z.string().min(1)).default([]).meta({
    description:
      "Globs of tables (`schema.table`) that are dropped and created anew if no ALTER makes them equal. Empty tables always are.",
  }),
  budget: timeLimit.prefault("30m").meta(budgetDescription),
});

const rootKinds = exactlyOneOf("share", "count", "where");

const root = z
  .strictObject({
    share: z.number().gt(0).max(1).optional().meta({ description: "Part of the rows, chosen by chance, such as `0.1`." }),
    count: z.int().min(1).optional().meta({ description: "So many rows, chosen by chance." }),
    where: z.string().min(1).optional().meta({ description: "Condition in SQL over the table's own columns." }),
  })
  .refine(rootKinds.check, rootKinds.params)
  .transform(({ share, count, where }): { share: number } | { count: number } | { where: string } =>
    share !== undefined ? { share } : count !== undefined ? { count } : { where: where ?? "true" },
  );

const refresh = z.strictObject({
  roots: z.record(tableName, root).default({}).meta({
    description:
      "Where a sample begins: rows of these tables with everything that belongs to them. Default: everything is copied.",
  }),
  every: duration.prefault("7d").meta({ description: "How old the sanitised data may become. Older is a warning in preflight." }),
  retention: duration.prefault("30d").meta({
    description: "After this time the sanitised data must be gone or refreshed. Older data fails preflight.",
  }),
  keepOld: duration.prefault("24h").meta({ description: "How long the copy that a refresh replaced is kept." }),
  k: z.int().min(2).default(5).meta({
    description: "Smallest group of rows with the same quasi-identifiers.",
  }),
  smallGroups: z.enum(["null", "omit"]).default("null").meta({
    description:
      "What happens to rows of smaller groups. `null`: they lose their quasi-identifiers. `omit`: they are left out, if nothing refers to them.",
  }),
  budget: timeLimit.prefault("4h").meta(budgetDescription),
});

const staging = z.strictObject({
  original: name.meta({ description: "The environment that is copied. It must have `access: read-only`." }),
  copy: name.meta({ description: "The environment of the copy, with a catalog of its own. It must have `access: test-data`." }),
  binding: z.enum(["read-only", "any"]).default("read-only").meta({
    description:
      "How the copy's workspace must be bound to production's catalog, for preflight. `any`: production itself runs in this workspace, so only the grants keep the copy's principal from writing.",
  }),
  catalogs: z.record(z.string(), z.string()).default({}).meta({
    description:
      "Other catalogs that views and constraints of the original name, and what takes their place in the copy, such as `reference: reference_staging`.",
  }),
  policies: file.default(defaultPolicies).meta({
    description:
      "File that says for each column of each table how it is sanitised. `env-actions staging propose` writes a first one.",
  }),
  drift: drift.prefault({}).meta({ description: "How the structures are compared." }),
  sync: sync.prefault({}).meta({ description: "How the copy's structure is made equal to the original's." }),
  refresh: refresh.prefault({}).meta({ description: "How the copy is filled with sanitised data." }),
  seed: seedSchema.prefault({}),
  sweep: z
    .strictObject({ budget: timeLimit.prefault("10m").meta(budgetDescription) })
    .prefault({})
    .meta({ description: "How what lost runs and earlier refreshes left is dropped." }),
});

export const stagingSchema = staging.optional().meta({
  description: "A copy of production for the tests: its structure is compared and synchronised, its data sanitised or synthetic.",
});

export type StagingConfig = z.output<typeof staging>;
