import type { ErrorEntry } from "./entry.ts";

/** 61xx: copies of production that are filled with sanitised rows. */
export const refreshErrors = {
  EA6101: {
    title: "The original has filters or masks",
    meaning:
      "A row filter or a column mask changes what the refresh would read, or whether there is one could not be seen. Masked values would be copied as if they were real.",
    fix: "Let the refresh run as a principal that the filters and masks exempt, or let a policy omit these tables.",
  },
  EA6102: {
    title: "The copy's structure is not the original's",
    meaning: "A table or a column is missing in the copy, or has another type there.",
    fix: "Run `env-actions staging sync` first, then refresh again.",
  },
  EA6103: {
    title: "The configuration of the refresh doesn't fit the tables",
    meaning:
      "A reference, a root of the sample or a quasi-identifier names something that doesn't exist, or rows could not be kept together.",
    fix: "Correct what the message names, under `staging.refresh`, in the policies, or in `testData.tables`.",
  },
  EA6104: {
    title: "A table of the original cannot be held at one version",
    meaning: "Each table is read at one version of its history, so that a killed refresh can be continued. This table has none.",
    fix: "Repeat it at a quieter time if the table changes very often. Let a policy omit a table without history.",
  },
  EA6105: {
    title: "Original and copy are the same catalog",
    meaning: "A refresh replaces the rows of the copy. It must never write to production.",
    fix: "Give the environments of `staging.original` and `staging.copy` different catalogs.",
  },
  EA6106: {
    title: "Another refresh is under way",
    meaning: "A refresh with other policies, another configuration or another structure works on the same copy.",
    fix: "Wait until it has ended. If it was killed, it is dropped 10 minutes after its last sign; or drop its working schema by hand.",
  },
  EA6107: {
    title: "Another start took over the refresh",
    meaning: "The same refresh was started twice. The later start continues it, and this one stopped.",
    fix: "Look at the result of the other start. Give the workflow a `concurrency` group, so that only one runs.",
  },
  EA6108: {
    title: "The working schema of a refresh is still there",
    meaning: "It has the mapping between production's values and their surrogates, and must not outlive the refresh.",
    fix: "Drop the schema that the message names by hand, and find out which privilege the principal lacks.",
  },
  EA6109: {
    title: "The sample of a refresh doesn't end",
    meaning: "Rows refer to each other in a chain that is longer than 100, so it is unknown which rows belong to the sample.",
    fix: "Name a root of the sample further down, or leave out the reference of a table to itself.",
  },
  EA6110: {
    title: "The file of policies cannot be read",
    meaning: "`staging.policies` names a file that doesn't exist or cannot be read. Without policies nothing is copied.",
    fix: "Write a first proposal with `env-actions staging propose`, review it, and commit it.",
  },
  EA6111: {
    title: "Others could read the mappings of a refresh",
    meaning:
      "While a refresh runs, its working schema has the mapping between production's values and their surrogates. A new schema gets the grants of its catalog: principals with USE SCHEMA and SELECT on the copy's catalog, but not on production's, could read it.",
    fix: "Grant USE SCHEMA and SELECT on the copy's schemas instead, and revoke them on its catalog.",
  },
  EA6112: {
    title: "A table of the copy is external",
    meaning:
      "Its rows are stored at a location of its own. That may be production's location, and then writing the copy's table would write production's rows. Nothing was written.",
    fix: "Drop the table in the copy, and let `env-actions staging sync` create it as a managed one.",
  },
} as const satisfies Record<string, ErrorEntry>;
