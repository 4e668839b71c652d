import type { WarehouseReader } from "./access.ts";
import { quoteName } from "./statements.ts";

/** Privileges that read, or let one find what to read. Everything else can change something. */
const readingPrivileges = new Set([
  "USE CATALOG",
  "USE SCHEMA",
  "USAGE",
  "SELECT",
  "BROWSE",
  "READ VOLUME",
  "READ METADATA",
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
 * ownership. A grant to a group counts: the warehouse lists those of our own groups, and of others only to owners.
 * @throws WarehouseFailure where the grants cannot be read.
 */
export async function writingRights(warehouse: WarehouseReader): Promise<WritingRight[]> {
  const { principal } = await warehouse.identity();
  const found = (await Promise.all([grants(warehouse), ownership(warehouse)])).flat();
  const writing = found.filter((right) => mayBeOurs(right, principal) && !readingPrivileges.has(right.privilege));
  return withoutInherited(writing, warehouse.catalog);
}

/** The warehouse lists a grant on a catalog once more for every schema and table in it. */
function withoutInherited(rights: readonly WritingRight[], catalog: string): WritingRight[] {
  const id = ({ holder, privilege }: WritingRight, on: string) => JSON.stringify([holder, privilege, on]);
  const granted = new Set(rights.map((right) => id(right, right.on)));
  return rights.filter((right) => {
    const [level, name = ""] = right.on.split(" ", 2);
    const above =
      level === "catalog" ? [] : [`catalog ${catalog}`, ...(level === "table" ? [`schema ${name.split(".", 1)[0]}`] : [])];
    return !above.some((on) => granted.has(id(right, on)));
  });
}

const levels = [
  { level: "catalog", name: "catalog_name" },
  { level: "schema", name: "schema_name" },
  { level: "table", name: "concat(table_schema, '.', table_name)" },
];

async function grants(warehouse: WarehouseReader): Promise<WritingRight[]> {
  const listed = levels.map(({ level, name }) =>
    warehouse.query(
      `SELECT DISTINCT grantee AS holder, privilege_type AS privilege, concat('${level} ', ${name}) AS object
       FROM ${quoteName(warehouse.catalog)}.information_schema.${level}_privileges`,
    ),
  );
  return (await Promise.all(listed)).flat().map((row) => ({
    holder: String(row.holder),
    privilege: String(row.privilege).toUpperCase().replaceAll("_", " "),
    on: String(row.object),
  }));
}

const owners = [
  "SELECT catalog_owner AS holder, concat('catalog ', catalog_name) AS object FROM $.catalogs",
  "SELECT schema_owner AS holder, concat('schema ', schema_name) AS object FROM $.schemata",
  "SELECT table_owner AS holder, concat('table ', table_schema, '.', table_name) AS object FROM $.tables",
];

async function ownership(warehouse: WarehouseReader): Promise<WritingRight[]> {
  const schema = `${quoteName(warehouse.catalog)}.information_schema`;
  const listed = await Promise.all(owners.map((statement) => warehouse.query(statement.replace("$", () => schema))));
  return listed.flat().map((row) => ({ holder: String(row.holder), privilege: "OWNERSHIP", on: String(row.object) }));
}

/** Service principals are named by their application id. */
const applicationId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function mayBeOurs({ holder, privilege }: WritingRight, principal: string): boolean {
  if (holder.toLowerCase() === principal.toLowerCase()) return true;
  // Every object has an owner, and a reader sees whose: only what is granted tells of our groups.
  if (privilege === "OWNERSHIP") return false;
  return !holder.includes("@") && !applicationId.test(holder);
}
