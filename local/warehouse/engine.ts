import { setTimeout as delay } from "node:timers/promises";
import { type Catalogs, quoted, type Table, type View } from "./catalog.ts";
import { fromDuckDb, recursiveView, syntaxError, tableExpected, tableNotFound, UnsupportedSql } from "./errors.ts";
import type { Faults } from "./faults.ts";
import { informationSchemaRelation, metastoreRelation } from "./information-schema.ts";
import { tableName } from "./names.ts";
import type { Privileges } from "./privileges.ts";
import { relationOf } from "./relation.ts";
import { type ResultSet, resultOf } from "./results.ts";
import type { Parameter, Session } from "./session.ts";
import type { Query, Statement, TimeTravel } from "./sql/ast.ts";
import type { Environment } from "./sql/generate.ts";
import { generateExpression } from "./sql/generate.ts";
import { generateQuery } from "./sql/generate-query.ts";
import { bindParameters } from "./sql/parameters.ts";
import { parseStatement } from "./sql/parse-statement.ts";
import { alterTable } from "./statements/alter.ts";
import { requireComparable } from "./statements/comparable.ts";
import type { Context } from "./statements/context.ts";
import { clone, createLike } from "./statements/copy.ts";
import { createCatalog, createSchema, createTable, dropCatalog, dropSchema, dropTable } from "./statements/define.ts";
import { describeDetail, describeHistory, describeQuery, describeTable } from "./statements/describe.ts";
import { changeOwner, changeTags, commentOn, grant, retainDropped } from "./statements/governance.ts";
import { explainInsert, insert } from "./statements/insert.ts";
import { mergeDelete } from "./statements/merge.ts";
import { createFunction, dropFunction, governedRows, hasPolicies, refusePolicies } from "./statements/policies.ts";
import { refuseOtherMeanings, set, use } from "./statements/settings.ts";
import { showCatalogs, showColumns, showGrants, showProperties, showSchemas, showTables, showViews } from "./statements/show.ts";
import { showCreate } from "./statements/show-create.ts";
import { createView, dropView, viewRelation } from "./statements/view.ts";
import { remove, restore, truncate, update } from "./statements/write.ts";
import type { Storage } from "./storage.ts";
import { contains, string } from "./types.ts";
import { columnsAtVersion, liveRows, rowsAtVersion, versionAt } from "./versions.ts";

/** A statement that reached the warehouse. */
export interface SeenStatement {
  /** Milliseconds since 1970, on arrival. */
  at: number;
  /** The same, when its answer was ready; absent while it runs. */
  endedAt?: number;
  token: string;
  user: string;
  sql: string;
  ok: boolean;
  error?: string;
}

export interface EngineParts {
  storage: Storage;
  catalogs: Catalogs;
  privileges: Privileges;
  faults: Faults;
  /** Every statement is recorded here when it begins. */
  statements: SeenStatement[];
  /** By `scope/key`. */
  secrets: Readonly<Record<string, string>>;
}

/** Executes statements: parses them, checks privileges, and runs them in DuckDB. */
export class Engine {
  readonly #parts: EngineParts;

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  /** @throws SqlError */
  async execute(session: Session, sql: string, parameters: Parameter[], signal: AbortSignal): Promise<ResultSet> {
    const { statements } = this.#parts;
    const seen: SeenStatement = { at: Date.now(), token: session.token, user: session.principal.user, sql, ok: false };
    statements.push(seen);
    try {
      await this.#wait(sql, signal);
      refuseOtherMeanings(session.settings);
      const result = await run(parseStatement(sql), this.#context(session, parameters, signal));
      seen.ok = true;
      return result;
    } catch (error) {
      const failure = fromDuckDb(signal.aborted ? signal.reason : error);
      seen.error = failure.message;
      throw failure;
    } finally {
      seen.endedAt = Date.now();
    }
  }

  async #wait(sql: string, signal: AbortSignal): Promise<void> {
    const { latencyMs, slowOperation } = this.#parts.faults;
    const slow = slowOperation && sql.includes(slowOperation.matching) ? slowOperation.seconds * 1000 : 0;
    if (latencyMs + slow > 0) await delay(latencyMs + slow, undefined, { signal });
  }

  #context(session: Session, parameters: Parameter[], signal: AbortSignal): Context {
    const { storage, catalogs, privileges, faults } = this.#parts;
    const environment: Environment = {
      relation: (name, travel) => relation(context, name, travel),
      history(table, limit, only) {
        if (!faults.historyInQueries) throw syntaxError("DESCRIBE");
        return relationOf(describeHistory({ kind: "describe-history", table, limit }, context), only);
      },
      parameter: bindParameters(parameters),
      compared: [],
      mayCompareMaps: false,
      secrets: this.#parts.secrets,
      user: session.principal.user,
      groups: privileges.groupsOf(session.principal),
      catalog: session.catalog,
      schema: session.schema,
    };
    const context: Context = { session, catalogs, privileges, storage, faults, environment, signal };
    return context;
  }
}

function run(statement: Statement, context: Context): ResultSet | Promise<ResultSet> {
  switch (statement.kind) {
    case "query":
      return query(statement, context);
    case "insert":
      return insert(statement, context);
    case "truncate":
      return truncate(statement, context);
    case "restore":
      return restore(statement, context);
    case "delete":
      return remove(statement, context);
    case "merge-delete":
      return mergeDelete(statement, context);
    case "update":
      return update(statement, context);
    case "create-catalog":
      return createCatalog(statement, context);
    case "drop-catalog":
      return dropCatalog(statement, context);
    case "create-schema":
      return createSchema(statement, context);
    case "create-table":
      return createTable(statement, context);
    case "alter-table":
      return alterTable(statement, context);
    case "drop-schema":
      return dropSchema(statement, context);
    case "create-view":
      return createView(statement, context);
    case "create-function":
      return createFunction(statement, context);
    case "drop-function":
      return dropFunction(statement, context);
    case "drop-view":
      return dropView(statement, context);
    case "create-like":
      return createLike(statement, context);
    case "clone":
      return clone(statement, context);
    case "drop-table":
      return dropTable(statement, context);
    case "grant":
    case "revoke":
      return grant(statement, context);
    case "owner":
      return changeOwner(statement, context);
    case "retain-dropped":
      return retainDropped(statement, context);
    case "comment-on":
      return commentOn(statement, context);
    case "tags":
      return changeTags(statement, context);
    case "use":
      return use(statement, context);
    case "set":
      return set(statement, context);
    case "show-catalogs":
      return showCatalogs(statement, context);
    case "show-schemas":
      return showSchemas(statement, context);
    case "show-tables":
      return showTables(statement, context);
    case "show-views":
      return showViews(statement, context);
    case "show-columns":
      return showColumns(statement, context);
    case "show-create":
      return showCreate(statement, context);
    case "show-properties":
      return showProperties(statement, context);
    case "show-grants":
      return showGrants(statement, context);
    case "describe-table":
      return describeTable(statement, context);
    case "describe-history":
      return describeHistory(statement, context);
    case "describe-detail":
      return describeDetail(statement, context);
    case "describe-query":
      return describeQuery(statement, context);
    case "explain":
      return explain(statement.of, context);
  }
}

/** Returns DuckDB's plan, which only shows that the statement can be planned. */
async function explain(of: Extract<Statement, { kind: "explain" }>["of"], context: Context): Promise<ResultSet> {
  const sql = of.kind === "insert" ? await explainInsert(of, context) : generateQuery(of, context.environment, new Set());
  const plan = await context.storage.read(`EXPLAIN ${sql}`, context.signal);
  return resultOf([{ name: "plan", type: string }], [[`== Physical Plan ==\n${plan.values.at(-1)?.[0] ?? ""}`]]);
}

async function query(statement: Query, context: Context): Promise<ResultSet> {
  const sql = generateQuery(statement, context.environment, new Set());
  await requireComparable(context);
  return context.storage.read(sql, context.signal);
}

/** @param within the views that lead to the table, if any; then the privileges of their owner count, who has them all here */
function relation(
  context: Context,
  parts: string[],
  travel: TimeTravel | undefined,
  within: readonly View[] = [],
): { sql: string; columns: string[] } {
  const { catalogs, privileges, session } = context;
  const name = tableName({ ...session, ...within.at(-1) }, parts);
  if (name.schema === "information_schema") {
    // Anybody may read the metastore's own views.
    const ofMetastore = name.catalog === "system";
    if (!ofMetastore) {
      const { name: catalog } = catalogs.catalog(name.catalog);
      privileges.requireBound(catalog);
      if (!privileges.has(session.principal, "BROWSE", catalog)) privileges.requireCatalog(session.principal, catalog);
    }
    const view = ofMetastore
      ? metastoreRelation(name.table, session.principal, privileges, catalogs)
      : informationSchemaRelation(name.table, catalogs, name.catalog, session.principal, privileges);
    if (!view || travel) throw tableNotFound(quoted(...parts));
    return view;
  }
  const table = catalogs.table(name);
  if (within.length === 0) privileges.requireTable(session.principal, table, "SELECT");
  if (table.columns.some(({ type }) => contains(type, "map") || contains(type, "variant")))
    context.environment.mayCompareMaps = true;
  const namesOf = (columns: readonly { name: string }[]): string[] => columns.map((column) => column.name);
  const { view } = table;
  if (view) {
    if (travel) throw tableExpected("VERSION AS OF", quoted(table.catalog, table.schema, table.name));
    if (within.includes(view)) throw recursiveView(quoted(table.catalog, table.schema, table.name));
    const path = [...within, view];
    const inside = { ...context.environment, relation: (own: string[], at?: TimeTravel) => relation(context, own, at, path) };
    return { sql: viewRelation(table, view, inside), columns: namesOf(table.columns) };
  }
  if (hasPolicies(table)) {
    if (travel) refusePolicies(table, "TIME_TRAVEL");
    return { sql: governedRows(table, catalogs, context.environment), columns: namesOf(table.columns) };
  }
  if (!travel) return { sql: liveRows(table), columns: namesOf(table.columns) };
  const version = versionOf(table, travel, context);
  return { sql: rowsAtVersion(table, version), columns: namesOf(columnsAtVersion(table, version)) };
}

function versionOf(table: Table, travel: TimeTravel, context: Context): number {
  if ("version" in travel) return travel.version;
  const sql = generateExpression(travel.timestamp, context.environment, new Set());
  const [, text, cast] = /^'(.*)'$|^CAST\('(.*)' AS TIMESTAMP WITH TIME ZONE\)$/.exec(sql) ?? [];
  const [, day, time = "00:00", zone = "Z"] =
    /^(\d{4}-\d\d-\d\d)(?:[ T]([\d:.]+))?(Z|[+-]\d\d:\d\d)?$/.exec(text ?? cast ?? "") ?? [];
  const at = Date.parse(`${day}T${time}${zone}`);
  if (Number.isNaN(at)) throw new UnsupportedSql("TIMESTAMP AS OF anything but a literal timestamp");
  return versionAt(table, at);
}
