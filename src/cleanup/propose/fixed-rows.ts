import type { Table } from "../../config/schema.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { qualifiedName } from "../../warehouse/statements.ts";
import { timeInId } from "../ownership/identity.ts";
import { queryInBatches } from "../tables/batched-queries.ts";
import type { CatalogColumns } from "../tables/catalog.ts";
import { asText, ruleCondition } from "../tables/selection.ts";

/** Suggestions for `testData.keep` and `testData.sweep`, from rows that match only a suffix or a whole value. */
export interface FixedRows {
  /** `schema.table` → keys of rows that probably no run created: permanent accounts and schools. */
  keep: Record<string, string[]>;
  /** Values that match rows of runs, so that a sweep may use them. */
  sweep: string[];
  /** What could not be determined, one sentence each. */
  remarks: string[];
}

interface Inquiry {
  name: string;
  table: Table;
  column: string;
  value: string;
  isSuffix: boolean;
}

/** With more rows than this, a list in the configuration is impractical. */
const mostRows = 100;

/**
 * Finds rows that match only a suffix or a whole value. If the key or value contains a time or begins with a prefix, a run
 * created the row. Any other is probably permanent, but a person has to decide.
 * @throws WarehouseFailure
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
      found.remarks.push(`${name}: more than ${mostRows} rows match only by ${JSON.stringify(value)}`);
    else if (table.person.includes(table.key) && keys.length > 0)
      found.remarks.push(
        `${name}: ${keys.length} rows match only by ${JSON.stringify(value)}; their key may contain personal data`,
      );
    else if (keys.length > 0) found.keep[name] = [...new Set([...(found.keep[name] ?? []), ...keys])].sort();
  }
  return { ...found, sweep: found.sweep.sort() };
}
