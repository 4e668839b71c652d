import { z } from "../../lib/zod.ts";
import { facets, facetVerdicts } from "../../model/staging.ts";
import { amount, flag, instant, oneOf, text, texts } from "./tests.ts";

/** The part of a report about a copy of production. */

const object = text("`schema`, `schema.table` or `schema.table.column`.");
const facet = oneOf(facets, "Which part of the structure.");

const difference = {
  facet,
  object,
  item: text("What of the object: a property's key, a constraint's name, a privilege and its principal.").optional(),
  how: oneOf(
    ["missing", "additional", "different"],
    "Seen from the copy: it lacks something, has something of its own, or has it differently.",
  ),
  original: text("What the original has.").optional(),
  copy: text("What the copy has.").optional(),
  line: amount("Line of the object in the snapshot.").optional(),
};

const facetDrift = z.strictObject({
  verdict: oneOf(
    facetVerdicts,
    "`equal`: everything was seen, and nothing differs. `different`: something differs. `unseen`: nothing was found to differ, but not everything could be seen.",
  ),
  differences: z.array(z.strictObject(difference)).meta({ description: "What differs, sorted by object." }),
  unseen: z
    .array(
      z.strictObject({
        side: oneOf(["original", "copy"], "On which side."),
        within: text("What is concerned, with everything in it. Empty for the whole catalog."),
        why: text("Why it could not be seen."),
        ignored: text("Reason of the rule that leaves it out. It then doesn't count.").optional(),
      }),
    )
    .meta({ description: "What could not be seen." }),
  ignored: z
    .array(z.strictObject({ ...difference, reason: text("Reason from the configuration.") }))
    .meta({ description: "Differences that the configuration ignores." }),
  compared: amount("How many things were compared. 0: the catalogs have nothing of it."),
});

const drift = z
  .strictObject({
    original: text("Catalog or snapshot of the original."),
    copy: text("Catalog of the copy."),
    facets: z.record(z.enum(facets), facetDrift).meta({ description: "What was compared, facet by facet." }),
    place: z
      .strictObject({ file: text("File, relative to the workspace."), line: amount("Line in it.") })
      .optional()
      .meta({ description: "Where the original is written: its snapshot, or the name of the copy in the configuration." }),
    unusedRules: z
      .array(
        z.strictObject({
          object: text("Glob of the rule."),
          facet: z.enum(facets).optional().meta({ description: "Facet of the rule. Absent: every facet." }),
          item: text("Glob of the rule, for what of the object.").optional(),
          reason: text("Reason of the rule."),
        }),
      )
      .meta({ description: "Rules of the configuration that left nothing out." }),
  })
  .meta({ description: "How far the copy's structure is from its original's." });

const sync = z
  .strictObject({
    digest: text("Digest of the plan."),
    steps: z
      .array(
        z.strictObject({
          object,
          facet,
          statement: text("The statement."),
          loses: z.enum(["rows", "values", "access", "irreversible upgrade"]).optional().meta({
            description: "What is lost. Such a step is only executed with the digest of the plan.",
          }),
          outcome: oneOf(["planned", "done", "failed", "not reached"], "What became of the step."),
          problem: text("Why it failed.").optional(),
        }),
      )
      .meta({ description: "The steps of the plan, in their order." }),
    impossible: z
      .array(
        z.strictObject({
          object,
          facet,
          why: text("Why no statement can do it."),
          instead: text("What can be done instead."),
        }),
      )
      .meta({ description: "Differences that no statement can remove." }),
    withheld: z.enum(["digest needed", "other digest"]).optional().meta({
      description: "Why nothing was executed: the plan loses something and needs its digest, or the digest is of another plan.",
    }),
    left: amount("Differences that are left after the execution. Absent if nothing was executed.").optional(),
  })
  .meta({ description: "How the copy's structure is made equal to the original's." });

const refresh = z
  .strictObject({
    id: text("Id of the refresh."),
    startedAt: instant("When the refresh began."),
    tables: z
      .array(
        z.strictObject({
          table: text("`schema.table`."),
          state: oneOf(
            ["omitted", "pending", "built", "switched"],
            "`omitted`: left out by its policy. `built`: filled, and waits for the switch.",
          ),
          version: amount("Version of the original's table that was read.").optional(),
          rows: amount("Number of rows.").optional(),
        }),
      )
      .meta({ description: "What became of each table." }),
    policies: text("Hash of the policies."),
    leaks: amount("Production values of sanitised columns that were found in the copy."),
    chance: amount(
      "Values that production has, too, and that say nothing of anybody: the policies make them of other values as well.",
    ).optional(),
    k: amount("Smallest group of rows with the same quasi-identifiers.").optional(),
    suppressedRows: amount("Rows of groups smaller than `k`: they lost their quasi-identifiers, or were left out."),
    orphans: amount("Rows whose parent is missing."),
    leftOut: amount("Rows of the original that were left out, because they refer to rows that it doesn't have."),
    keepUntil: instant("After this the data must be gone or refreshed."),
    switched: flag("The copy has the new data."),
    planned: flag(
      "Only planned: no row was read and nothing was checked, so the counts of what was found say nothing.",
    ).optional(),
    problems: texts("Why the copy was not switched.").optional(),
  })
  .meta({ description: "How the copy was filled with sanitised data." });

const seed = z
  .strictObject({
    seed: z.int().meta({ description: "The number that the data depends on. The same number gives the same data." }),
    day: text("`YYYY-MM-DD`: the day that the rows are relative to."),
    tables: z
      .array(z.strictObject({ table: text("`schema.table`."), rows: amount("Rows that were added.") }))
      .meta({ description: "The tables that were filled." }),
    emptied: texts("Tables that were emptied before."),
    planned: z.literal(true).optional().meta({ description: "Only the plan was shown: nothing was written." }),
  })
  .meta({ description: "How the copy was filled with synthetic data." });

const sweep = z
  .strictObject({
    planned: flag("Only the plan was shown: nothing was dropped."),
    things: z
      .array(
        z.strictObject({
          what: oneOf(["branch", "working schema", "old copy"], "What it is."),
          name: text("The catalog, or the schemas."),
          state: oneOf(
            ["planned", "dropped", "kept", "left"],
            "`planned`: it would be dropped. `left`: it could not be dropped, or is not proven gone.",
          ),
          why: text("Why it is kept or left.").optional(),
        }),
      )
      .meta({ description: "What was found." }),
  })
  .meta({ description: "What lost runs and earlier refreshes left." });

export const staging = z
  .strictObject({
    drift: drift.optional(),
    sync: sync.optional(),
    refresh: refresh.optional(),
    seed: seed.optional(),
    sweep: sweep.optional(),
  })
  .meta({ description: "What a task about a copy of production found and did, by task." });
