import type { ErrorEntry } from "./entry.ts";

/** 613x: copies of production that are filled with synthetic rows. */
export const seedErrors = {
  EA6130: {
    title: "The target is not the copy",
    meaning:
      "The catalog is the original's or another read-only environment's, or the warehouse that answered is not the expected one. Nothing was written.",
    fix: "Give the copy an environment with a catalog of its own, and `databricks.expect` with its host and principal.",
  },
  EA6131: {
    title: "The copy has other rows",
    meaning:
      "Tables that would be seeded have rows that this seed did not make: from a refresh, another seed, another day, or tests. Nothing was written.",
    fix: "Empty the copy first (`env-actions staging reset`), or keep these rows with `staging.seed.add: true`.",
  },
  EA6132: {
    title: "The seed names something that the copy doesn't have",
    meaning:
      "`staging.seed.tables` names a table or a column that is not in the copy, or tables that refer to each other in a circle.",
    fix: "Correct the name. If the table is new in production, run `env-actions staging sync` first.",
  },
  EA6133: {
    title: "No value can be made for a column",
    meaning: "The column is NOT NULL, and nothing says how its values are made.",
    fix: "Name a generator in `staging.seed.tables.<table>.columns`.",
  },
  EA6134: {
    title: "A constraint refuses the synthetic rows",
    meaning: "A CHECK or NOT NULL of the table doesn't hold for the values that were made. The message names the columns.",
    fix: "Name a generator for these columns in `staging.seed.tables.<table>.columns` that respects the constraint. Then seed again: what was written is kept.",
  },
  EA6135: {
    title: "A table could not be emptied",
    meaning: "The reset stopped before anything was seeded. The tables that were emptied before stay empty.",
    fix: "Read the reason in the message. A table with `delta.appendOnly` cannot be emptied. Then start the reset again.",
  },
  EA6136: {
    title: "The seed is not possible as configured",
    meaning: "The day is not a date, or a number is out of range.",
    fix: "Correct the value that the message names.",
  },
} as const satisfies Record<string, ErrorEntry>;
