import type { WarehouseReader } from "./access.ts";
import { quoteName } from "./statements.ts";

/** Privileges that read, or let one find what to read. Everything else can change something. */
const readingPrivileges = new Set([
  "USE CATALOG",
  "USE SCHEMA",
  "USE_CATALOG",
  "USE_SCHEMA",
  "USAGE",
  "SELECT",
  "BROWSE",
  "READ VOLUME",
  "READ_VOLUME",
  "READ_METADATA",
  "EXECUTE",
]);

export interface WritingRight {
  /** Who holds it: the principal itself, or a group that it may belong to. */
  holder: string;
  privilege: string;
  on: string;
}

/**
 * What the signed-in principal could write in its catalog, found by reading alone: grants on catalog, schemas and tables, and
 * ownership. A grant to a group counts: whether we belong to it cannot always be told, and unknown is not safe.
 * @throws WarehouseFailure where the grants cannot be read.
 */
export async function writingRights(warehouse: WarehouseReader): Promise<WritingRight[]> {
  const schema = `${quoteName(warehouse.catalog)}.information_schema`;
  const { principal } = await warehouse.identity();
  const privileges = ["catalog", "schema", "table"].map(async (level) => {
    const object = { catalog: "catalog_name", schema: "schema_name", table: "concat(table_schema, '.', table_name)" }[level];
    const rows = await warehouse.query(
      `SELECT DISTINCT grantee, privilege_type, ${object} AS object FROM ${schema}.${level}_privileges`,
    );
    return rows.map((row) => ({
      holder: String(row.grantee),
      privilege: String(row.privilege_type),
      on: `${level} ${String(row.object)}`,
    }));
  });
  const owned = [
    warehouse.query(
      `SELECT catalog_owner AS owner, concat('catalog ', catalog_name) AS object FROM ${schema}.catalogs WHERE catalog_name = :catalog`,
      { catalog: warehouse.catalog },
    ),
    warehouse.query(`SELECT schema_owner AS owner, concat('schema ', schema_name) AS object FROM ${schema}.schemata`),
    warehouse.query(
      `SELECT table_owner AS owner, concat('table ', table_schema, '.', table_name) AS object FROM ${schema}.tables`,
    ),
  ].map(async (rows) =>
    (await rows)
      .filter((row) => row.owner === principal)
      .map((row) => ({ holder: principal, privilege: "OWNERSHIP", on: String(row.object) })),
  );
  const found = (await Promise.all([...privileges, ...owned])).flat();
  // Other people's grants are theirs; a name with an @ is a person, everything else may be a group we belong to.
  const concernsUs = (right: WritingRight) => right.holder === principal || !right.holder.includes("@");
  return found.filter((right) => concernsUs(right) && !readingPrivileges.has(right.privilege.toUpperCase()));
}
