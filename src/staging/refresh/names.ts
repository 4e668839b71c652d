import { quoteName } from "../../warehouse/statements.ts";

/** The names of what a refresh keeps in the copy's catalog, and how SQL spells names and texts. */

/** The schema of the records, which stays. */
export const recordsSchema = "env_actions";
const workingPrefix = "env_actions_refresh_";
const oldPrefix = "env_actions_old_";

/** Begins with its milliseconds since 1970, so that its age can be told from the name of a schema alone. */
export const idPattern = /^(\d{13})_[0-9a-f]{8}$/;

/** Mapping tables, selections, built tables and the state of one refresh. It is dropped at the end. */
export function workingSchema(id: string): string {
  return `${workingPrefix}${id}`;
}

/** The copy as it was before a refresh. */
export function oldSchema(id: string): string {
  return `${oldPrefix}${id}`;
}

/** What a schema of env-actions is, by its name; undefined for any other. */
export function kindOfSchema(schema: string): { kind: "working" | "old"; id: string; begunAt: number } | undefined {
  for (const [prefix, kind] of [
    [workingPrefix, "working"],
    [oldPrefix, "old"],
  ] as const) {
    const id = schema.toLowerCase().startsWith(prefix) ? schema.slice(prefix.length).toLowerCase() : "";
    const begunAt = idPattern.exec(id)?.[1];
    if (begunAt !== undefined) return { kind, id, begunAt: Number(begunAt) };
  }
  return undefined;
}

/** A full name in SQL. */
export function sqlName(...parts: string[]): string {
  return parts.map(quoteName).join(".");
}

/** `schema.table` of a catalog. Names with dots in them are refused before. */
export function tableIn(catalog: string, table: string): string {
  return sqlName(catalog, ...table.split("."));
}

/** The statements that drop constraints, if they are there. @param table in SQL */
export function withoutChecks(table: string, names: readonly string[]): string[] {
  return names.map((name) => `ALTER TABLE ${table} DROP CONSTRAINT IF EXISTS ${quoteName(name)}`);
}

/** A text in SQL. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

/**
 * Names for tables that come from several schemas and stand in one.
 * @param tables as `schema.table`
 */
export function flatNames(tables: readonly string[], prefix = ""): Map<string, string> {
  const taken = new Set<string>();
  return new Map(
    [...tables].sort().map((table) => {
      const wanted = `${prefix}${table.replace(".", "__")}`;
      let name = wanted;
      for (let number = 2; taken.has(name); number++) name = `${wanted}_${number}`;
      taken.add(name);
      return [table, name];
    }),
  );
}
