import { inParallel } from "../../lib/in-parallel.ts";
import { isOverwritten } from "./history.ts";
import { sqlName, tableIn, withoutChecks } from "./names.ts";
import type { PlannedTable } from "./plan.ts";
import { sourceAlias, type Work } from "./work.ts";

/** Builds the sanitised tables beside the copy, in the working schema. */

/** How many statements run at the same time. */
export const atOnce = 8;

export async function buildMappings(work: Work): Promise<void> {
  await inParallel(atOnce, work.rules.mappings(work.context), async (statements) => {
    for (const statement of statements) await work.change(statement);
  });
}

/** Each table is written by one atomic statement that may run again, so a table that was written at all is complete. */
export async function buildTables(work: Work): Promise<void> {
  const done = await builtTables(work);
  const pending = work.plan.tables.filter(({ table }) => !done.has(table));
  await inParallel(atOnce, pending, async (table) => {
    const built = work.working(table.built);
    await work.change(`CREATE TABLE IF NOT EXISTS ${built} LIKE ${tableIn(work.request.copy, table.table)}`);
    // LIKE copies them.
    for (const statement of withoutChecks(built, table.withoutChecks)) await work.change(statement);
    await work.change(`INSERT OVERWRITE ${built} BY NAME ${sanitisedRows(table, work)}`);
    work.step(`built ${table.table}`);
  });
}

/** Which of them an earlier start has written. */
async function builtTables(work: Work): Promise<Set<string>> {
  const rows = await work.query(
    `SELECT table_name FROM ${sqlName(work.request.copy, "information_schema", "tables")} WHERE table_schema = :schema`,
    { schema: work.schema },
  );
  const there = new Set(rows.map(({ table_name }) => String(table_name)));
  const begun = work.plan.tables.filter(({ built }) => there.has(built.toLowerCase()));
  const written = await inParallel(atOnce, begun, async ({ table, built }) => {
    const history = await work.query(`DESCRIBE HISTORY ${work.working(built)} LIMIT 20`);
    return isOverwritten(history) ? [table] : [];
  });
  return new Set(written.flat());
}

/** The SELECT of a table's sanitised rows, without the identifying values of small groups. */
function sanitisedRows(table: PlannedTable, work: Work): string {
  const { quasi } = table;
  const sanitised = sanitisedSelect(table, work);
  if (!quasi) return sanitised;
  const names = quasi.columns.map((name) => sqlName(name));
  const isSmall = `(${someKnown(names)}) AND env_actions_group < ${work.request.k}`;
  const suppressed = new Set(quasi.suppress === "null" ? quasi.columns.map((name) => name.toLowerCase()) : []);
  const columns = table.columns.map((name) =>
    suppressed.has(name.toLowerCase())
      ? `CASE WHEN ${isSmall} THEN NULL ELSE ${sqlName(name)} END AS ${sqlName(name)}`
      : sqlName(name),
  );
  const counted = `SELECT *, count(*) OVER (PARTITION BY ${names.join(", ")}) AS env_actions_group FROM (${sanitised}) AS sanitised`;
  const where = quasi.suppress === "omit" ? ` WHERE NOT (${isSmall})` : "";
  return `SELECT ${columns.join(", ")} FROM (${counted}) AS counted${where}`;
}

/** The rows before small groups are suppressed. */
export function sanitisedSelect(table: PlannedTable, work: Work): string {
  const { columns, joins } = work.rules.select(table.table, work.context);
  const sql = new Map(columns.map((column) => [column.name.toLowerCase(), column.sql]));
  const items = table.columns.map((name) => {
    const value = sql.get(name.toLowerCase());
    // The policies cover every column, or the refresh was refused.
    if (value === undefined) throw new Error(`no value for ${table.table}.${name}`);
    return `${value} AS ${sqlName(name)}`;
  });
  return `SELECT ${items.join(", ")} FROM ${work.context.rows(table.table, sourceAlias)}${joins === "" ? "" : ` ${joins}`}`;
}

/** A row of which all are null says nothing about anybody. */
export function someKnown(names: readonly string[]): string {
  return names.map((name) => `${name} IS NOT NULL`).join(" OR ");
}
