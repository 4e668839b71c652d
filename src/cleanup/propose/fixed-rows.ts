import type { Table } from "../../config/schema.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { qualifiedName } from "../../warehouse/statements.ts";
import { timeInId } from "../ownership/identity.ts";
import { queryInBatches } from "../tables/batched-queries.ts";
import type { CatalogColumns } from "../tables/catalog.ts";
import { asText, ruleCondition } from "../tables/selection.ts";

/** What rows that show only by a suffix or a whole value suggest for `testData.keep` and `testData.sweep`. */
export interface FixedRows {
  /** `schema.table` → keys of rows that no run seems to have made: accounts and schools that are there for good. */
  keep: Record<string, string[]>;
  /** Values by which rows of runs show, so that a sweep may go by them. */
  sweep: string[];
  /** What could not be told, a sentence each. */
  remarks: string[];
}

interface Inquiry {
  name: string;
  table: Table;
  column: string;
  value: string;
  isSuffix: boolean;
}

/** With more rows than this, a list in the configuration is no help. */
const mostRows = 100;

/**
 * Looks for rows that show only by a suffix or a whole value. A row whose key or value holds a time, or begins with a prefix, was made by a
 * run. Any other is probably a fixed one: a person has to decide. @throws WarehouseFailure
 */
export async function findFixedRows(
  warehouse: WarehouseReader,
  tables: Readonly<Record<string, Table>>,
  columns: CatalogColumns,
  { prefixes, now }: { prefixes: readonly string[]; now: number },
): Promise<FixedRows> {
  const inquiries = Object.entries(tables).flatMap(([name, table]): Inquiry[] =>
    table.match.flatMap(({ column, suffix, equals }): Inquiry[] => {
      const value = suffix ?? equals;
      const known = columns.get(name);
      if (value === undefined || !known?.has(column) || !known.has(table.key)) return [];
      return [{ name, table, column, value, isSuffix: suffix !== undefined }];
    }),
  );
  const { rows, failed } = await queryInBatches(warehouse, inquiries, ({ name, table, column, value, isSuffix }, binder) => {
    const types = columns.get(name) ?? new Map<string, string>();
    const condition = ruleCondition(isSuffix ? { column, suffix: value } : { column, equals: value }, types, binder);
    const from = `(SELECT * FROM ${qualifiedName(warehouse.catalog, name)} WHERE ${condition} LIMIT ${mostRows + 1}) AS looked_at`;
    return { columns: `${asText(table.key, types)} AS row_key, ${asText(column, types)} AS shown`, from };
  });
  const found: FixedRows = {
    keep: {},
    sweep: [],
    remarks: failed.map(({ item, why }) => `${item.name} could not be read: ${why}`),
  };
  const isOfRun = (text: string) => timeInId(text, now) !== undefined || prefixes.some((prefix) => text.startsWith(prefix));
  for (const [{ name, table, value }, answers] of Map.groupBy(rows, ({ item }) => item)) {
    const keys = answers.flatMap(({ row }) => {
      const [key, shown] = [String(row.row_key ?? ""), String(row.shown ?? "")];
      if (!isOfRun(key) && !isOfRun(shown)) return key === "" ? [] : [key];
      if (!found.sweep.includes(value)) found.sweep.push(value);
      return [];
    });
    if (answers.length > mostRows)
      found.remarks.push(`${name}: more than ${mostRows} rows show by ${JSON.stringify(value)} alone`);
    else if (table.person.includes(table.key) && keys.length > 0)
      found.remarks.push(`${name}: ${keys.length} rows show by ${JSON.stringify(value)} alone; their key may hold a person`);
    else if (keys.length > 0) found.keep[name] = [...new Set([...(found.keep[name] ?? []), ...keys])].sort();
  }
  return { ...found, sweep: found.sweep.sort() };
}
