import { SqlError, UnsupportedSql } from "../errors.ts";
import { schemaName } from "../names.ts";
import { noResult, type ResultSet, resultOf } from "../results.ts";
import type { Session } from "../session.ts";
import type { Statement } from "../sql/ast.ts";
import { string } from "../types.ts";
import type { Context } from "./context.ts";

type Of<Kind extends Statement["kind"]> = Extract<Statement, { kind: Kind }>;

export function use(statement: Of<"use">, { catalogs, privileges, session }: Context): ResultSet {
  if (statement.what === "CATALOG") {
    const catalog = catalogs.catalog(statement.name.join("."));
    privileges.requireCatalog(session.principal, catalog.name);
    session.catalog = catalog.name;
    session.schema = "default";
    return noResult;
  }
  const { catalog, schema } = schemaName(session, statement.name);
  if (schema !== "information_schema") {
    catalogs.schema(catalog, schema);
    privileges.requireSchema(session.principal, catalog, schema);
  }
  session.catalog = catalog;
  session.schema = schema;
  return noResult;
}

/** The session settings of a SQL warehouse, and those that this warehouse implements. */
const known = new Set(["statement_timeout", "use_cached_result", "query_tags", "ansi_mode", "timezone", "enable_photon"]);

export function set(statement: Of<"set">, { session }: Context): ResultSet {
  const columns = ["key", "value"].map((name) => ({ name, type: string }));
  if (statement.name === undefined) return resultOf(columns, [...session.settings]);
  const name = statement.name.toLowerCase();
  if (!known.has(name)) throw new SqlError("CONFIG_NOT_AVAILABLE", "42K0I", `Configuration ${statement.name} is not available.`);
  if (statement.value === undefined) return resultOf(columns, [[name, session.settings.get(name) ?? defaults[name] ?? ""]]);
  const settings = new Map(session.settings).set(name, statement.value);
  refuseOtherMeanings(settings);
  session.settings.set(name, statement.value);
  return resultOf(columns, [[name, statement.value]]);
}

const defaults: Readonly<Record<string, string>> = {
  statement_timeout: "172800",
  ansi_mode: "true",
  timezone: "Etc/UTC",
  use_cached_result: "true",
};

/**
 * Refuses settings that would give a statement another meaning than it has here.
 * @throws SqlError
 */
export function refuseOtherMeanings(settings: Session["settings"]): void {
  const timeout = settings.get("statement_timeout");
  if (timeout !== undefined && !/^\d+$/.test(timeout))
    throw new SqlError("INVALID_CONF_VALUE", "22022", `The value '${timeout}' in the config "statement_timeout" is invalid.`);
  if ((settings.get("ansi_mode") ?? "true").toLowerCase() !== "true") throw new UnsupportedSql("ANSI_MODE = false");
  if (!/^(etc\/)?(utc|gmt)$|^z$|^\+00:00$/i.test(settings.get("timezone") ?? "utc"))
    throw new UnsupportedSql("a time zone other than UTC");
}
