import { type Catalogs, quoted, type Table } from "../../local/warehouse/catalog.ts";
import type { ResultSet } from "../../local/warehouse/results.ts";
import type { Execute, Parameter, Session } from "../../local/warehouse/session.ts";
import type { Storage } from "../../local/warehouse/storage.ts";
import { typeName } from "../../local/warehouse/types.ts";
import { type Compared, compareAnswers, compareFailures, localAnswer } from "./compare.ts";
import { argumentsOf, type Column, definitionOf, loadRows, storedAs, type TableKind, tableKinds } from "./copies.ts";
import { type Answer, type Spark, SparkError } from "./spark.ts";

/**
 * Shadow mode: every statement runs on the local warehouse, and then on Spark with Delta, whose tables have the same content and
 * the same versions. The client gets the local answer; a difference is recorded.
 */

export interface Seen extends Compared {
  /** The first word of the statement. */
  kind: string;
  tables: TableKind;
  sql: string;
  args: Record<string, unknown> | unknown[];
  /** Milliseconds on Spark. */
  ms: number;
}

/** What the local warehouse lets a mirror see. */
export interface MirroredWorld {
  catalogs: Catalogs;
  storage: Storage;
}

export interface MirrorOptions {
  /** For one catalog after another. */
  kinds?: readonly TableKind[] | undefined;
}

/** Statements about Unity Catalog and the session, which Spark alone doesn't have. */
const ofUnityCatalog =
  /information_schema|current_user\(\)|current_catalog\(\)|current_version\(\)|is_account_group_member|^SHOW |^DESCRIBE DETAIL /i;
/** The worlds' clock is not Spark's. */
const ofClock = /TIMESTAMP AS OF/i;
const ofSession = /^(SET|USE|EXPLAIN|CREATE SCHEMA|DROP SCHEMA)\b/i;
/** Tables are copied when a statement first names them. */
const ofTables = /^(CREATE|DROP|TRUNCATE)\b/i;
/** Carried out on both; its answer tells about files, which the stand-in doesn't have. What follows shows whether it did the same. */
const ofFiles = /^RESTORE\b/i;

export class Mirror {
  readonly #spark: Spark;
  readonly #world: MirroredWorld;
  readonly #record: (seen: Seen) => void;
  readonly #kinds: readonly TableKind[];
  readonly #copied = new Map<string, { id: string; readableFrom: number }>();
  /** Copies whose original was changed without a statement: by a fault, or by loading data into a table with a history. */
  readonly #diverged = new Set<string>();
  readonly #schemas = new Map<string, TableKind>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(spark: Spark, world: MirroredWorld, record: (seen: Seen) => void, { kinds = tableKinds }: MirrorOptions) {
    this.#kinds = kinds;
    this.#spark = spark;
    this.#world = world;
    this.#record = record;
  }

  /** One statement after another, because the order of writes decides about versions. */
  watch(execute: Execute): Execute {
    return (session, sql, parameters, signal) => {
      const run = async (): Promise<ResultSet> => {
        const text = sql.replace(/^\s*\/\*.*?\*\/\s*/s, "");
        if (ofUnityCatalog.test(text) || ofClock.test(text) || ofSession.test(text) || ofTables.test(text))
          return await execute(session, sql, parameters, signal);
        const named = await this.#copyTables(text, session);
        if (named.some((table) => this.#diverged.has(nameOf(table)))) return await execute(session, sql, parameters, signal);
        try {
          const result = await execute(session, sql, parameters, signal);
          if (ofFiles.test(text)) await this.#spark.run(this.#translated(text, session), argumentsOf(parameters));
          else await this.#judge(session, text, parameters, { result });
          return result;
        } catch (error) {
          if (!signal.aborted) await this.#judge(session, text, parameters, { error });
          throw error;
        }
      };
      const next = this.#last.then(run, run);
      this.#last = next.catch(() => undefined);
      return next;
    };
  }

  async #judge(session: Session, sql: string, parameters: Parameter[], local: { result: ResultSet } | { error: unknown }) {
    const args = argumentsOf(parameters);
    const text = this.#translated(sql, session);
    const kind = (/^\w+/.exec(sql)?.[0] ?? "").toUpperCase();
    const seen = { kind, sql, args, tables: this.#kindOf(session.catalog) };
    let answer: Answer;
    try {
      answer = await this.#spark.run(text, args);
    } catch (error) {
      if (!(error instanceof SparkError)) throw error;
      this.#record({ ...seen, ms: 0, ...compareFailures("error" in local ? local.error : undefined, error.failure) });
      return;
    }
    const compared =
      "error" in local
        ? { same: false, why: `local: ${String(local.error)}; Spark: ${answer.rows.length} rows` }
        : compareAnswers(sql, localAnswer(local.result), answer);
    this.#record({ ...seen, ms: answer.ms, ...compared });
  }

  #kindOf(catalog: string): TableKind {
    const known = this.#schemas.get(catalog) ?? this.#kinds[this.#schemas.size % this.#kinds.length] ?? "plain";
    this.#schemas.set(catalog, known);
    return known;
  }

  /** Copies the named tables that are new. @returns the named tables */
  async #copyTables(sql: string, session: Session): Promise<Table[]> {
    const text = sql.toLowerCase();
    const named: Table[] = [];
    for (const catalog of this.#world.catalogs.all())
      for (const schema of catalog.schemas.values())
        for (const table of schema.tables.values()) {
          const isDefault = table.catalog.toLowerCase() === session.catalog.toLowerCase();
          const parts = [...(isDefault ? [] : [table.catalog]), table.schema, table.name];
          if (!parts.every((part) => text.includes(part.toLowerCase()))) continue;
          named.push(table);
          const name = nameOf(table);
          const known = this.#copied.get(name);
          const isSame = known?.id === table.id;
          if (
            isSame &&
            (known.readableFrom !== table.readableFrom || table.history.some(({ user }) => user === "another-writer"))
          )
            this.#diverged.add(name);
          if (isSame) continue;
          this.#diverged.delete(name);
          await this.#copy(table, known !== undefined);
          this.#copied.set(name, { id: table.id, readableFrom: table.readableFrom });
        }
    return named;
  }

  async #copy(table: Table, again: boolean): Promise<void> {
    const name = nameOf(table);
    await this.#spark.run(`CREATE SCHEMA IF NOT EXISTS ${schemaOf(table)}`);
    if (again) await this.#spark.run(`DROP TABLE ${name}`);
    const columns = table.columns.map(({ name: column, type }): Column => [column, typeName(type)]);
    const rows = await this.#world.storage.query(
      `SELECT to_json(t)::VARCHAR AS row FROM ${[table.catalog, table.schema, table.name].map((part) => `"${part}"`).join(".")} AS t`,
    );
    const newest = table.history.length - 1;
    if (newest > 0 || rows.length === 0) {
      await this.#spark.run(
        `CREATE TABLE ${name} (${definitionOf(columns)}) USING delta ${storedAs(this.#kindOf(table.catalog), columns)}`,
      );
      // Versions must have the same numbers as in the local warehouse.
      const fillers = rows.length > 0 ? newest - 1 : newest;
      for (let filler = 0; filler < fillers; filler++)
        await this.#spark.run(`ALTER TABLE ${name} SET TBLPROPERTIES ('filler' = '${filler}')`);
    }
    await loadRows(
      this.#spark,
      name,
      columns,
      rows.map(({ row }) => String(row)),
    );
  }

  /** The same statement about the copies. */
  #translated(sql: string, session: Session): string {
    const lower = sql.toLowerCase();
    let text = sql;
    for (const catalog of this.#world.catalogs.all()) {
      const isDefault = catalog.name.toLowerCase() === session.catalog.toLowerCase();
      if (!isDefault && !lower.includes(catalog.name.toLowerCase())) continue;
      for (const schema of catalog.schemas.values()) {
        const copy = `${quoted(`${catalog.name}__${schema.name}`.toLowerCase())}.`;
        text = text.replaceAll(`${quoted(catalog.name)}.${quoted(schema.name)}.`, () => copy);
        text = text.replace(new RegExp(`(?<![\\w\`'.])${catalog.name}\\.${schema.name}\\.`, "gi"), () => copy);
        if (!isDefault) continue;
        const short = new RegExp(`\\b(FROM|INTO|JOIN|TABLE|HISTORY|UPDATE|DETAIL) ${schema.name}\\.`, "gi");
        text = text.replace(short, (_, word: string) => `${word} ${copy}`);
      }
    }
    return text;
  }
}

function schemaOf({ catalog, schema }: Table): string {
  return quoted(`${catalog}__${schema}`.toLowerCase());
}

function nameOf(table: Table): string {
  return `${schemaOf(table)}.${quoted(table.name)}`;
}
