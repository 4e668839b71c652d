import type { RowDeletion } from "../../src/warehouse/writes.ts";

/** A delete of the rows with these values in a text column. */
export function rowsWith(table: string, column: string, ...values: string[]): RowDeletion {
  return { table, columns: [{ column, type: "STRING", values }] };
}
