import { type Catalogs, quoted, type Table } from "../../local/warehouse/catalog.ts";
import type { WarehouseOptions } from "../../local/warehouse/index.ts";
import type { Parameter } from "../../local/warehouse/session.ts";
import type { Storage } from "../../local/warehouse/storage.ts";
import { typeName } from "../../local/warehouse/types.ts";
import { compareAnswers, type LocalAnswer, localAnswer } from "./compare.ts";
import { argumentsOf, type Column, createTable, loadRows } from "./copies.ts";
import { shapeOf } from "./shape.ts";
import { type Answer, type Spark, SparkError } from "./spark.ts";

/**
 * Everything that was sent to the local warehouse is written down, and then sent to Spark with Delta, in the same order: CREATE and
 * DROP as well. So a whole procedure, such as a refresh, runs on real Delta. Spark alone has one catalog: `a.b.c` is `a__b.c` there.
 */

export interface Sent {
  sql: string;
  parameters: readonly Parameter[];
  answer: LocalAnswer | undefined;
}

export interface Recorder extends Required<Pick<WarehouseOptions, "watch">> {
  readonly sent: readonly Sent[];
  /** Forgets what was sent, and remembers the tables with their rows as they are now: the replay begins with them. */
  begin(): Promise<void>;
  replay(spark: Spark): Promise<Replayed>;
}

export interface Replayed {
  /** Statements that ran, by their first words. */
  ran: Record<string, number>;
  differences: string[];
  /** Statements of Unity Catalog, which Spark alone doesn't have. */
  leftOut: Record<string, number>;
  /** Reads that bring nothing new: others of the same shape ran. */
  sameShape: number;
  /** Row counts of all tables at the end, `catalog.schema.table`. */
  rows: Record<string, number>;
}

/** Unity Catalog and the session: Spark with Delta alone doesn't have these. */
const ofUnityCatalog =
  /information_schema|current_user\(\)|current_catalog\(\)|is_account_group_member|secret\(|^(SHOW|GRANT|REVOKE|SET|USE|EXPLAIN|UNDROP)\b|^(CREATE|DROP|ALTER) (CATALOG|FUNCTION)\b|^DESCRIBE (DETAIL|TABLE|EXTENDED)|\bTAGS?\b|PRIMARY KEY|FOREIGN KEY|OWNER TO|RETAIN DROPPED|COMMENT ON (CATALOG|COLUMN)/i;
/** Databricks' tables are Delta's, if nothing else is said. */
export const deltaByDefault = { "spark.sql.sources.default": "delta" };
/** Its values are others each time. */
const isRandom = /uuid\(\)|rand\(|randn\(|current_timestamp\(\)|now\(\)/i;

interface Start {
  table: Table;
  columns: Column[];
  rows: string[];
  version: number;
}

export function recorder(): Recorder {
  let world: { catalogs: Catalogs; storage: Storage } | undefined;
  let sent: Sent[] = [];
  let starts: Start[] = [];
  return {
    get sent() {
      return sent;
    },
    watch(execute, seen) {
      world = seen;
      return async (session, sql, parameters, signal) => {
        const text = sql.replace(/^\s*\/\*.*?\*\/\s*/s, "");
        const entry: Sent = { sql: text, parameters, answer: undefined };
        // In the order in which they began; what waits for another is sent after its answer.
        sent.push(entry);
        const result = await execute(session, sql, parameters, signal);
        entry.answer = localAnswer(result);
        return result;
      };
    },
    async begin() {
      if (!world) throw new Error("the warehouse has not started");
      const { catalogs, storage } = world;
      const tables = catalogs
        .all()
        .flatMap((catalog) => [...catalog.schemas.values()].flatMap((schema) => [...schema.tables.values()]));
      starts = [];
      for (const table of tables.filter(({ view }) => !view)) {
        const from = [table.catalog, table.schema, table.name].map((part) => `"${part}"`).join(".");
        const rows = await storage.query(`SELECT to_json(t)::VARCHAR AS row FROM ${from} AS t`);
        starts.push({
          table,
          columns: table.columns.map(({ name, type }): Column => [name, typeName(type)]),
          rows: rows.map(({ row }) => String(row)),
          version: table.history.length - 1,
        });
      }
      sent = [];
    },
    async replay(spark) {
      if (!world) throw new Error("the warehouse has not started");
      await createStarts(spark, starts);
      const catalogs = world.catalogs.all().map(({ name }) => name);
      const replayed: Replayed = { ran: {}, differences: [], leftOut: {}, sameShape: 0, rows: {} };
      const shapes = new Set<string>();
      const known = new Set([...catalogs, ...starts.map(({ table }) => table.catalog), ...createdCatalogs(sent)]);
      for (const one of sent)
        if (bringsNothingNew(one.sql, shapes)) replayed.sameShape += 1;
        else await send(spark, one, [...known], replayed);
      for (const catalog of world.catalogs.all())
        for (const schema of catalog.schemas.values())
          for (const table of schema.tables.values()) {
            const name = `${catalog.name}.${schema.name}.${table.name}`;
            replayed.rows[name] = await rowsOf(spark, translated(nameOf(table), [...known]), replayed);
          }
      return replayed;
    },
  };
}

/** Every write runs, because what follows depends on it. */
function bringsNothingNew(sql: string, shapes: Set<string>): boolean {
  if (!/^(SELECT|WITH)\b/i.test(sql)) return false;
  let parts: string[];
  try {
    parts = shapeOf(sql);
  } catch {
    return false;
  }
  const fresh = parts.filter((part) => !shapes.has(part));
  for (const part of fresh) shapes.add(part);
  return fresh.length === 0;
}

async function send(spark: Spark, { sql, parameters, answer }: Sent, catalogs: readonly string[], to: Replayed): Promise<void> {
  const kind = (/^\W*\w+( (OR REPLACE )?(TABLE|SCHEMA|VIEW|INTO|OVERWRITE|FROM|HISTORY))?/i.exec(sql)?.[0] ?? "").toUpperCase();
  if (answer === undefined) return;
  if (ofUnityCatalog.test(sql)) {
    to.leftOut[kind] = (to.leftOut[kind] ?? 0) + 1;
    return;
  }
  to.ran[kind] = (to.ran[kind] ?? 0) + 1;
  let theirs: Answer;
  if (process.env.REPLAY_LOG)
    console.log(new Date().toISOString().slice(11, 19), sql.slice(0, 100).replaceAll("\n", " "), sql.length);
  try {
    theirs = await spark.run(translated(sql, catalogs), argumentsOf(parameters));
  } catch (error) {
    if (!(error instanceof SparkError)) throw error;
    const { condition, message } = error.failure;
    to.differences.push(`${sql.slice(0, 400)}\n  Spark: ${condition ?? ""} ${message.split("\n", 1)[0]}`);
    return;
  }
  if (!/^(SELECT|WITH)\b/i.test(sql) || isRandom.test(sql)) return;
  const compared = compareAnswers(sql, answer, theirs);
  if (!compared.same) to.differences.push(`${sql.slice(0, 400)}\n  ${compared.why}`);
}

async function createStarts(spark: Spark, starts: readonly Start[]): Promise<void> {
  for (const schema of new Set(starts.map(({ table }) => quoted(`${table.catalog}__${table.schema}`))))
    await spark.run(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
  for (const { table, columns, rows, version } of starts) {
    const name = `${quoted(`${table.catalog}__${table.schema}`)}.${quoted(table.name)}`;
    await createTable(spark, name, columns, "", []);
    // Versions must have the same numbers as in the local warehouse.
    const fillers = rows.length > 0 ? version - 1 : version;
    for (let filler = 0; filler < fillers; filler++)
      await spark.run(`ALTER TABLE ${name} SET TBLPROPERTIES ('filler' = '${filler}')`);
    await loadRows(spark, name, columns, rows);
  }
}

async function rowsOf(spark: Spark, name: string, to: Replayed): Promise<number> {
  try {
    return Number((await spark.run(`SELECT count(*) FROM ${name}`)).rows[0]?.[0]);
  } catch (error) {
    to.differences.push(`${name} is not there: ${String(error).split("\n", 1)[0]}`);
    return Number.NaN;
  }
}

function nameOf({ catalog, schema, name }: Table): string {
  return `${quoted(catalog)}.${quoted(schema)}.${quoted(name)}`;
}

function createdCatalogs(sent: readonly Sent[]): string[] {
  return sent.flatMap(({ sql }) => /^CREATE CATALOG (?:IF NOT EXISTS )?`?([\w]+)`?/i.exec(sql)?.[1] ?? []);
}

/** The same statement about the only catalog that Spark has. */
export function translated(sql: string, catalogs: readonly string[]): string {
  return outsideTexts(sql, (code) =>
    catalogs.reduce(
      (text, catalog) =>
        text.replace(
          new RegExp(`(?<![\\w\`'.])(?:\`${catalog}\`|${catalog})\\.(?:\`([^\`]+)\`|(\\w+))`, "gi"),
          (_, inQuotes: string | undefined, plain: string | undefined) =>
            quoted(`${catalog}__${inQuotes ?? plain}`.toLowerCase()),
        ),
      code,
    ),
  );
}

/** A text may contain a table's name, and means none by it. */
export function outsideTexts(sql: string, change: (code: string) => string): string {
  return sql
    .split(/('(?:\\[\s\S]|[^'\\])*')/)
    .map((part, index) => (index % 2 === 0 ? change(part) : part))
    .join("");
}
