import type { WarehouseReader } from "../../warehouse/access.ts";
import { qualifiedName, quoteName } from "../../warehouse/statements.ts";
import type { RestoredColumn } from "../../warehouse/writes.ts";
import { type HistoryEntry, historyOf } from "../tables/history.ts";

/**
 * Which column of an older version belongs to which column now. Columns may have been added, dropped, renamed, reordered or widened
 * since. A value that has no certain place now is not restored anywhere: the table is refused with the reason.
 */

export type Columns = Map<string, { name: string /** In lower case. */; type: string }>;

/** @throws WarehouseFailure */
export async function columnsNow(warehouse: WarehouseReader, table: string): Promise<Columns> {
  return await columnsOf(warehouse, qualifiedName(warehouse.catalog, table));
}

/** @throws WarehouseFailure */
export async function columnsThen(warehouse: WarehouseReader, table: string, version: number): Promise<Columns> {
  return await columnsOf(warehouse, `${qualifiedName(warehouse.catalog, table)} VERSION AS OF ${Math.trunc(version)}`);
}

async function columnsOf(warehouse: WarehouseReader, from: string): Promise<Columns> {
  const rows = await warehouse.query(`DESCRIBE QUERY SELECT * FROM ${from}`);
  return new Map(
    rows.map((row) => {
      const name = String(row.col_name);
      return [name.toLowerCase(), { name, type: String(row.data_type).toLowerCase() }];
    }),
  );
}

/** Older versions of a table with more changes since than this are not restored. */
const longestHistory = 1_000;

/** @returns newest first; undefined if there may be more changes than were read @throws WarehouseFailure */
export async function schemaChanges(warehouse: WarehouseReader, table: string): Promise<HistoryEntry[]> {
  return await historyOf(warehouse, table, longestHistory);
}

/** The columns to restore, or why the rows cannot be restored. */
export type Mapping = { columns: RestoredColumn[]; renamed: ReadonlySet<string> } | { refused: string };

/**
 * @param history newest first
 * @param version the rows are read from it
 */
export function mapColumns(then: Columns, now: Columns, history: readonly HistoryEntry[], version: number): Mapping {
  const since = history.filter((entry) => entry.version > version);
  if (history.length > 0 && !history.some((entry) => entry.version <= version))
    return { refused: `more than ${longestHistory} versions were written since, so changes of its columns are not known` };
  // RESTORE brings back older names too. They mean the same columns only if no column ever changed its name, in the whole history.
  const back = since.find(({ operation }) => operation === "RESTORE");
  const isWhole = history.some((entry) => entry.version === 0);
  if (back && (!isWhole || history.some(({ operation }) => /^(RENAME|DROP|REPLACE) COLUMN/.test(operation))))
    return { refused: `it was set back to an older version, and its columns may have changed (version ${back.version})` };
  const names = new Map([...then.keys()].map((name) => [name, name]));
  for (const { operation, parameters, version: at } of since.toReversed()) {
    const problem = follow(names, operation, parameters);
    if (problem !== undefined) return { refused: `${problem} (version ${at})` };
  }
  const found = new Map<string, RestoredColumn>();
  for (const [old, name] of names) {
    const [before, after] = [then.get(old), now.get(name)];
    if (!before) continue;
    if (!after) return { refused: `its column ${before.name} no longer exists, so its values would be lost` };
    if (!fits(before.type, after.type))
      return { refused: `its column ${after.name} was ${before.type} and is ${after.type} now: its values might change` };
    found.set(name, { name: after.name, before: before.name, type: after.type.toUpperCase() });
  }
  // In the table's order: SELECTs of several versions are joined by UNION ALL, which goes by position.
  const columns = [...now].map(
    ([name, { name: shown, type }]) => found.get(name) ?? { name: shown, before: undefined, type: type.toUpperCase() },
  );
  const renamed = [...names].flatMap(([old, name]) => (old === name ? [] : [old, name]));
  return { columns, renamed: new Set(renamed) };
}

/** Applies one change of the schema. @returns why it cannot be followed */
function follow(names: Map<string, string>, operation: string, parameters: HistoryEntry["parameters"]): string | undefined {
  switch (operation) {
    case "RENAME COLUMN": {
      const [from, to] = [nameIn(parameters.oldColumnPath), nameIn(parameters.newColumnPath)];
      if (from === undefined || to === undefined) return "a part of a column was renamed";
      for (const [old, name] of names) if (name === from) names.set(old, to);
      return undefined;
    }
    case "DROP COLUMNS": {
      const dropped = listIn(parameters.columns);
      for (const column of dropped ?? []) {
        const name = nameIn(column);
        if (name === undefined) return "a part of a column was dropped";
        // A column of the same name that was added later is another one.
        for (const current of names.values())
          if (current === name) return `its column ${name} was dropped, so its values would be lost`;
      }
      return dropped ? undefined : "columns were dropped";
    }
    default:
      return /REPLACE|^CLONE$/.test(operation) ? `it was replaced (${operation})` : undefined;
  }
}

/** `a`, written with or without backticks; undefined for a part of a column. */
function nameIn(path: unknown): string | undefined {
  if (typeof path !== "string") return undefined;
  const quoted = /^`((?:[^`]|``)+)`$/.exec(path)?.[1];
  if (quoted !== undefined) return quoted.replaceAll("``", "`").toLowerCase();
  return /[.`]/.test(path) ? undefined : path.toLowerCase();
}

function listIn(json: unknown): unknown[] | undefined {
  if (typeof json !== "string") return undefined;
  try {
    const list: unknown = JSON.parse(json);
    return Array.isArray(list) ? list : undefined;
  } catch {
    return undefined;
  }
}

const integers = ["tinyint", "smallint", "int", "bigint"];

/** Whether every value of the older type is the same value in the newer one. */
function fits(before: string, after: string): boolean {
  if (before === after) return true;
  const isText = (type: string) => /^string\b/.test(type);
  if (isText(before) && isText(after)) return true;
  const [from, to] = [integers.indexOf(before), integers.indexOf(after)];
  if (from >= 0 && to >= 0) return from <= to;
  if (from >= 0 && from <= 2 && after === "double") return true;
  if (before === "float" && after === "double") return true;
  const digits = (type: string) => /^decimal\((\d+),\s*(\d+)\)$/.exec(type)?.slice(1).map(Number);
  const [narrow, wide] = [digits(before), digits(after)];
  if (!narrow || !wide) return false;
  const [[precision = 0, scale = 0], [newPrecision = 0, newScale = 0]] = [narrow, wide];
  return newScale >= scale && newPrecision - newScale >= precision - scale;
}

/** Columns added since that refuse NULL: the older rows have no value for them. @throws WarehouseFailure */
export async function addedWithoutNull(
  warehouse: WarehouseReader,
  table: string,
  columns: readonly RestoredColumn[],
): Promise<string[]> {
  const added = columns.filter(({ before }) => before === undefined).map(({ name }) => name.toLowerCase());
  if (added.length === 0) return [];
  const [schema = "", name = ""] = table.split(".");
  const rows = await warehouse.query(
    `SELECT column_name FROM ${quoteName(warehouse.catalog)}.information_schema.columns WHERE table_schema = :schema AND table_name = :name AND is_nullable = 'NO'`,
    { schema, name },
  );
  return rows.map((row) => String(row.column_name)).filter((column) => added.includes(column.toLowerCase()));
}
