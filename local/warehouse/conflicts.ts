import type { Table } from "./catalog.ts";
import { SqlError } from "./errors.ts";
import type { Faults } from "./faults.ts";
import { removesFiles } from "./versions.ts";

/** The state of a table when a writer began. */
export interface Began {
  version: number;
  layouts: number;
}

export function began(table: Table): Began {
  return { version: table.history.length, layouts: table.earlier.length };
}

const more = "Refer to https://docs.delta.io/latest/concurrency-control.html for more";

/**
 * The error of a writer that cannot commit any more, because of what others committed since it began.
 * @param reads whether it depends on the rows of the table: all but an INSERT of other rows do
 */
export function conflict(table: Table, start: Began, reads: boolean, faults: Faults): SqlError | undefined {
  const name = `${table.catalog}.${table.schema}.${table.name}`;
  if (table.earlier.length > start.layouts)
    return new SqlError(
      "DELTA_METADATA_CHANGED",
      "2D521",
      `MetadataChangedException: The metadata of the Delta table ${name} has been changed by a concurrent update. Please try the operation again.\n${more} details.`,
    );
  const others = table.history.slice(start.version);
  // In Databricks' isolation, WriteSerializable, rows that another only adds don't matter.
  const other = others.findIndex(removesFiles);
  if (faults.optimisticWrites && reads && other >= 0)
    return concurrentAppend(name, others[other]?.operation ?? "", start.version + other);
  if (faults.conflictingWrites === 0) return undefined;
  faults.conflictingWrites--;
  return concurrentAppend(name, "WRITE", table.history.length);
}

/** What real Delta says also if the other writer deleted rows: it adds files with those that are left. */
function concurrentAppend(table: string, operation: string, version: number): SqlError {
  return new SqlError(
    "DELTA_CONCURRENT_APPEND.WITHOUT_HINT",
    "2D521",
    `Transaction conflict detected. a concurrent ${operation} added data to table ${table} committed at version ${version}. The concurrent operation modified data that should have been read by this operation. Please retry the operation. ${more} information.`,
  );
}
