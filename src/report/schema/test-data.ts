import { z } from "../../lib/zod.ts";
import { amount, flag, measure, oneOf, text, texts } from "./tests.ts";

/** What a cleanup planned and did, and the books: what a run wrote and what happened to it. */

const selectedRows = z.strictObject({
  column: text("Column that identifies the rows."),
  values: texts("Values of the column in the deleted rows.").optional(),
  sha256: texts("SHA-256 hashes in hex that replace `values` if they may be personal data.").optional(),
});

const timeRange = z.strictObject({
  column: text("Column with the time of a row."),
  from: z.number().meta({ description: "Earliest time, in Unix milliseconds." }),
  to: z.number().meta({ description: "Latest time, in Unix milliseconds." }),
});

const deletion = z.strictObject({
  rows: amount("Number of rows that this statement deleted."),
  version: amount("Table version that the deletion created. The version before it still has the rows."),
  selection: z.array(selectedRows).meta({ description: "Which rows were deleted: those that match any entry." }),
  during: timeRange.optional().meta({ description: "Only rows of this time were deleted. Absent if any were." }),
});

const problem = "What could not be done, and why.";
const samples = "Some ids as examples. Values that may be personal data are masked.";

const tableCleanup = z.strictObject({
  table: text("Name of the table as `schema.table`."),
  planned: amount("Number of rows to delete."),
  deleted: amount("Number of deleted rows. Absent if unknown, which does not mean zero.").optional(),
  left: amount("Number of rows that are left. Absent if unknown, which does not mean zero.").optional(),
  oldest: text("When the oldest of the rows was created.").optional(),
  newest: text("When the newest of the rows was created.").optional(),
  samples: texts(samples),
  statement: text("SQL statement with the number of values in place of the values."),
  versionBefore: amount("Delta version of the table before the deletion.").optional(),
  versionAfter: amount("Delta version of the table after the deletion.").optional(),
  deletions: z.array(deletion).optional().meta({ description: "Each deletion, oldest first. `undo` needs this data." }),
  problem: text(problem).optional(),
});

const keyTtl = z
  .strictObject({
    limitMs: measure("Longest allowed TTL of a test key, in milliseconds."),
    unlimited: amount("Number of test keys without a TTL."),
    over: amount("Number of test keys with a TTL beyond `limitMs`."),
    shortened: amount("Number of kept test keys whose TTL was set to the limit.").optional(),
    samples: texts("Some of these keys as examples."),
    problem: text("Why the TTLs could not be read or set.").optional(),
  })
  .meta({ description: "Lifetime (TTL) of test keys in Redis." });

const keys = z
  .strictObject({
    planned: amount("Number of keys to delete."),
    deleted: amount("Number of deleted keys. Absent if unknown, which does not mean zero.").optional(),
    left: amount("Number of keys that are left. Absent if unknown, which does not mean zero.").optional(),
    samples: texts("Some of these keys as examples."),
    problem: text(problem).optional(),
    ttl: keyTtl.optional(),
  })
  .meta({ description: "Test keys in Redis." });

const realLooking = z.strictObject({
  table: text("Name of the table as `schema.table`."),
  column: text("Column whose values look real."),
  rows: amount("Number of rows."),
});

const touchedRow = z.strictObject({
  table: text("Name of the table as `schema.table`."),
  key: z
    .strictObject({ column: text("Key column."), value: text("Value of the key column.") })
    .meta({ description: "Column and value that identify the row." }),
  column: text("Column that was changed."),
  now: text("Current value: the id of a test row, or text with a test prefix."),
  before: z.string().nullable().optional().meta({ description: "Previous value. `null` for NULL. Absent if unknown." }),
  version: amount("Version of the table that still has the old value.").optional(),
  why: text("Why the old value is unknown.").optional(),
  masked: z
    .array(z.enum(["key", "values"]))
    .optional()
    .meta({
      description:
        "Values given as SHA-256 in hex, because the column may contain personal data. `key`: the key's value. `values`: `now` and `before`.",
    }),
});

const keptRows = z.strictObject({
  table: text("Name of the table as `schema.table`."),
  rows: amount("Number of rows."),
  samples: texts(samples),
  why: text("Why the rows were kept, and what to do about it."),
});

export const cleanup = z
  .strictObject({
    scope: oneOf(
      ["run", "expired", "all"],
      "Which test data is deleted. `run`: of one run. `expired`: what is older than the limit. `all`: everything.",
    ),
    runs: texts("For scope `run`: the runs whose test data is deleted, if not the report's own run.").optional(),
    dryRun: flag("Nothing was deleted: the report shows the plan."),
    digest: text("SHA-256 digest of the plan."),
    tables: z.array(tableCleanup).meta({ description: "Tables with test data." }),
    keys,
    problems: texts("Why the cleanup is incomplete."),
    notes: texts("Other remarks, such as rows that were kept. They do not make the cleanup incomplete."),
    plannedRows: amount("Number of rows to delete, in all tables."),
    deletedRows: amount("Number of deleted rows, in all tables."),
    deletedKeys: amount("Number of Redis keys that are known to be deleted."),
    realLooking: z.array(realLooking).optional().meta({ description: "Test rows that look like data about real people." }),
    touched: z.array(touchedRow).optional().meta({ description: "Real rows that a test changed, at most 1,000." }),
    touchedMore: amount("Number of changed real rows that are not listed.").optional(),
    startVersions: z.record(z.string(), z.int().min(0)).optional().meta({
      description:
        "Table versions before the tests of this run, if real rows were changed. `repair` uses them to determine what is older.",
    }),
    kept: z.array(keptRows).optional().meta({ description: "Rows that are or may be test data but were kept, with the reason." }),
    leftOver: z
      .int()
      .min(0)
      .nullable()
      .meta({ description: "Number of rows and keys that are still there at the end. `null` if unknown." }),
    looked: z
      .strictObject({
        tables: amount("Number of declared tables that exist."),
        redis: flag("Redis was checked."),
      })
      .optional()
      .meta({ description: "What was checked for test data." }),
  })
  .meta({ description: "What a cleanup planned and did. Absent if the stage has no test data." });

/** A count that may not be known exactly. */
function range(description: string) {
  return z
    .strictObject({
      least: amount("Lower limit of the count."),
      most: z.int().min(0).nullable().meta({ description: "Upper limit of the count. `null` if no limit is known." }),
    })
    .meta({ description: `${description} \`least\` and \`most\` are equal if the count is known.` });
}

const unexplained = "Rows that the run created and that are still there, although nothing says that they should be.";
const touched = "Rows that existed at the start and that the run or its cleanup changed or deleted.";

const tableBooks = z.strictObject({
  table: text("Name of the table as `schema.table`."),
  from: z
    .int()
    .min(0)
    .nullable()
    .meta({ description: "Table version at the start. `null` if there was none, or if it was not read." }),
  to: z.int().min(0).nullable().meta({ description: "Table version at the end. `null` if it could not be read." }),
  made: range("Rows that the run created."),
  deleted: range("Rows that the run and its cleanup deleted."),
  unexplained: range(unexplained),
  kept: amount("Number of rows that are kept by design, because the table is protected."),
  ofRun: amount("Number of unexplained rows that contain the run's id."),
  touched: range(touched),
  samples: texts("Keys of some unexplained rows. Values that may be personal data are masked."),
  touchedSamples: texts("Keys of some changed real rows. Values that may be personal data are masked."),
  hangsOn: texts("What the unexplained rows refer to."),
  why: text("Why a count is unknown.").optional(),
});

const keyBooks = z
  .strictObject({
    unexplained: range("Keys that were created since the start and are still there."),
    samples: texts("Some of these keys as examples."),
    looked: text("Which keys were compared, such as `all 305 keys`."),
    why: text("Why the count is unknown.").optional(),
  })
  .optional()
  .meta({ description: "Redis keys that were created since the start and are still there." });

export const books = z
  .strictObject({
    line: text("Summary in one line."),
    made: range("Rows that the run created."),
    deleted: range("Rows that the run and its cleanup deleted."),
    unexplained: range(unexplained),
    kept: amount("Number of rows that are kept by design, in protected tables."),
    touched: range(touched),
    tablesRead: amount("Number of tables whose history was read."),
    versions: z
      .strictObject({
        from: amount("Lowest table version at the start."),
        to: amount("Highest table version at the end."),
      })
      .optional()
      .meta({ description: "Range of the table versions that were read. Absent if no table could be read." }),
    tables: z.array(tableBooks).meta({ description: "Tables in which something changed or is unknown." }),
    keys: keyBooks,
    advice: texts("What to change so that nothing stays unexplained or unknown."),
    problems: texts("What could not be counted, and why."),
  })
  .meta({ description: "What the run wrote and what happened to it, according to the tables' own history." });

const exception = z.strictObject({
  table: text("Name of the table or view as `schema.table`."),
  state: oneOf(["empty", "left out"], "`empty`: it has only its columns. `left out`: the branch doesn't have it."),
  why: text("Why it isn't a clone."),
});

const write = z.strictObject({
  table: text("Name of the table as `schema.table`."),
  whose: oneOf(
    ["this run's", "perhaps this run's", "somebody else's"],
    "Whose versions they are, by `testData.principals` and by who wrote to the branch.",
  ),
  users: texts("Who wrote, as `userName` in the table's history."),
  operations: texts("What was done, as `operation` in the table's history."),
  versions: amount("Number of new versions."),
});

const sharedTables = z
  .strictObject({
    touched: range("Tables of the environment that got a version by this run."),
    read: amount("Number of tables whose history was read."),
    versions: z
      .strictObject({
        from: amount("Lowest table version at the start."),
        to: amount("Highest table version at the end."),
      })
      .optional()
      .meta({ description: "Range of the table versions that were read. Absent if no table could be read." }),
    writes: z.array(write).meta({ description: "Tables of the environment that got new versions, and by whom." }),
    unknown: texts("Why the number of touched tables is not known."),
  })
  .meta({ description: "What became of the environment's own tables during the run. Absent if that was not read." });

export const isolation = z
  .strictObject({
    by: oneOf(
      ["catalog", "schemas", "prefixes"],
      "What the run had of its own. `prefixes`: nothing; it shared the tables, and `why` says why.",
    ),
    branch: texts("The branch: its catalog, or its schemas."),
    why: text("Why the run had no branch.").optional(),
    cloned: amount("Number of cloned tables."),
    empty: amount("Number of tables that have only their columns."),
    views: amount("Number of views that were created again."),
    skipped: amount("Number of tables and views that the configuration leaves out."),
    exceptions: z
      .array(exception)
      .meta({ description: "What is empty or missing in the branch, although the configuration asks for a clone." }),
    createdMs: measure("How long it took to create the branch, in milliseconds.").optional(),
    droppedMs: measure("How long it took to drop it and to look for it again, in milliseconds.").optional(),
    gone: flag("It was looked for after it was dropped, and was not there. Absent if that is unknown.").optional(),
    written: z
      .strictObject({ tables: amount("Number of tables that were written to."), rows: range("Rows that were inserted.") })
      .optional()
      .meta({ description: "What was written to the branch. Absent if that could not be read." }),
    shared: sharedTables.optional(),
    swept: texts("Branches that earlier runs lost, and that this stage dropped."),
    problems: texts("What could not be done, and why."),
  })
  .meta({ description: "The run's own copy of the tables (`testData.isolation`)." });
