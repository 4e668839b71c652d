import { inParallel } from "../../lib/in-parallel.ts";
import { type Facet, facets } from "../../model/staging.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { qualifiedName } from "../../warehouse/statements.ts";
import { ask, NotUnderstood, text } from "./ask.ts";
import { Assembly } from "./assemble.ts";
import { type Definition, type Keys, readDefinition } from "./definition.ts";
import { type Description, mayHave, readDescription } from "./describe.ts";
import { addGrants, holdingsOf } from "./grants.ts";
import { type ListedKeys, listedKeys } from "./keys.ts";
import { type Answers, askAll, atOnce } from "./questions.ts";
import { type Rights, readRights } from "./rights.ts";
import type { Structure, TableStructure } from "./structure.ts";

/**
 * Reads a catalog's structure, as the signed-in principal sees it: one round of questions to information_schema, one about the
 * principal's groups, and one statement for each table. What could not be read is listed in `unseen`.
 * @throws WarehouseFailure if the warehouse cannot be asked at all
 */
export async function readStructure(warehouse: WarehouseReader, catalog: string, now: Date): Promise<Structure> {
  const { principal } = await warehouse.identity();
  const [answers, metastore] = await Promise.all([
    askAll(warehouse, catalog),
    ask(warehouse, "SELECT metastore_owner AS owner FROM system.information_schema.metastores"),
  ]);
  const empty: Structure = {
    formatVersion: 1,
    catalog: catalog.toLowerCase(),
    readBy: principal,
    readAt: now.toISOString(),
    schemas: {},
    unseen: [],
  };
  const why = whyInvisible(catalog, answers);
  if (why !== undefined) return { ...empty, unseen: facets.map((facet) => ({ facet, within: "", why })) };

  const assembly = new Assembly(empty, answers);
  const keys = listedKeys(catalog, answers);
  const rights = await readRights(warehouse, holdingsOf(assembly, answers, principal, metastore));
  const tables = assembly.tables();
  const described = await inParallel(atOnce, tables, (table) => describe(warehouse, catalog, table, keys.get(table.name)));
  const arePoliciesListed = assembly.wasRead("rowFilters") && assembly.wasRead("columnMasks");
  for (const [at, { name, structure }] of tables.entries())
    addDescription(assembly, name, structure, described[at] ?? {}, keys.get(name), arePoliciesListed);
  addHidden(assembly, rights);
  await addGrants(warehouse, assembly, answers, rights);
  return assembly.structure;
}

/** Nothing of a catalog without a single list is known. */
function whyInvisible(catalog: string, { catalogs, schemata, tables }: Answers): string | undefined {
  const why = schemata.why ?? tables.why;
  if (schemata.why !== undefined && tables.why !== undefined) return `catalog ${catalog} cannot be seen: ${why}`;
  const isThere = [catalogs, schemata, tables].some(({ rows }) => (rows?.length ?? 0) > 0);
  return isThere ? undefined : `catalog ${catalog} cannot be seen: it doesn't exist, or this principal has no right on it`;
}

interface Described {
  description?: Description;
  whyNot?: string;
  definition?: Definition;
  /** Why there is no definition, if one is needed. */
  whyUndefined?: string;
}

/** One statement for a table; a second one only for what the first may leave open. */
async function describe(
  warehouse: WarehouseReader,
  catalog: string,
  { name, structure }: { name: string; structure: TableStructure },
  listed: ListedKeys | undefined,
): Promise<Described> {
  const full = qualifiedName(catalog, name);
  const json = await textOf(warehouse, `DESCRIBE TABLE EXTENDED ${full} AS JSON`, "json_metadata", (text) =>
    readDescription(text, catalog),
  );
  if (json.why !== undefined) return { whyNot: json.why };
  const description = json.read;
  if (structure.kind !== "table" || !isIncomplete(description, listed)) return { description };
  const sql = await textOf(warehouse, `SHOW CREATE TABLE ${full}`, "createtab_stmt", (text) => readDefinition(text, catalog));
  return sql.why === undefined ? { description, definition: sql.read } : { description, whyUndefined: sql.why };
}

function isIncomplete({ properties, clusteredBy, keys }: Description, listed: ListedKeys | undefined): boolean {
  const may = mayHave(properties);
  return may.generated || (may.clustering && clusteredBy === undefined) || !hasAll(keys, listed);
}

function hasAll(keys: Keys | undefined, listed: ListedKeys | undefined): boolean {
  return [...(listed?.names ?? [])].every((name) => keys?.primaryKey?.name === name || keys?.foreignKeys[name] !== undefined);
}

type Read<Result> = { read: Result; why?: undefined } | { read?: undefined; why: string };

/** What one text in the first row says. */
async function textOf<Result>(
  warehouse: WarehouseReader,
  statement: string,
  column: string,
  read: (text: string) => Result,
): Promise<Read<Result>> {
  const answer = await ask(warehouse, statement);
  if (answer.why !== undefined) return { why: answer.why };
  try {
    return { read: read(text(answer.rows[0] ?? {}, column)) };
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error;
    return { why: error.message };
  }
}

/** Adds what statements about the table itself said, and what they didn't. */
function addDescription(
  assembly: Assembly,
  name: string,
  table: TableStructure,
  { description, whyNot, definition, whyUndefined }: Described,
  listed: ListedKeys | undefined,
  arePoliciesListed: boolean,
): void {
  Object.assign(table, { foreignKeys: listed?.foreignKeys ?? {} });
  if (listed?.primaryKey) table.primaryKey = listed.primaryKey;
  if (!description) {
    const hidden: Facet[] = ["properties", "clustering", "generated", "nullability", "comments", "constraints"];
    if (!arePoliciesListed) hidden.push("policies");
    if (table.kind === "view" && table.viewText === undefined) hidden.push("views");
    assembly.unseen(hidden, name, `DESCRIBE TABLE of ${name} could not be read: ${whyNot}`);
    return;
  }
  const { properties, checks, partitionedBy, columns } = description;
  const clusteredBy = definition?.clusteredBy ?? description.clusteredBy ?? [];
  Object.assign(table, { properties, partitionedBy, clusteredBy, checks });
  for (const column of table.columns) {
    const key = column.name.toLowerCase();
    const { mask, default: given, nested } = columns.get(key) ?? {};
    if (column.default === undefined && given !== undefined) column.default = given;
    if (nested) column.nested = nested;
    if (!arePoliciesListed && mask) column.mask = mask;
    Object.assign(column, definition?.generated.get(key));
  }
  if (!arePoliciesListed && description.rowFilter) table.rowFilter = description.rowFilter;
  addKeys(assembly, name, table, { description, definition }, listed);
  const checkless = [...(listed?.checks ?? [])].filter((check) => checks[check] === undefined);
  if (checkless.length > 0)
    assembly.unseen(["constraints"], name, `the description of ${name} doesn't have the CHECK ${checkless.join(", ")}`);
  const open = mayHave(properties);
  const hidden: Facet[] = [];
  if (whyUndefined !== undefined && open.generated) hidden.push("generated");
  if (whyUndefined !== undefined && open.clustering && description.clusteredBy === undefined) hidden.push("clustering");
  assembly.unseen(hidden, name, `SHOW CREATE TABLE of ${name} could not be read: ${whyUndefined}`);
  if (table.kind !== "view") return;
  table.viewText ??= description.viewText;
  // information_schema shows a view's text to its owner only.
  if (table.viewText === undefined) assembly.unseen(["views"], name, `the text of view ${name} is only shown to its owner`);
}

/** Keys from the statement that creates the table, or from its description: both say whether a key is relied on. */
function addKeys(
  assembly: Assembly,
  name: string,
  table: TableStructure,
  { description, definition }: Pick<Described, "description" | "definition">,
  listed: ListedKeys | undefined,
): void {
  const told = [definition, description?.keys].find((keys) => keys !== undefined && hasAll(keys, listed));
  if (told) {
    table.foreignKeys = told.foreignKeys;
    if (told.primaryKey) table.primaryKey = told.primaryKey;
    return;
  }
  const missing = [...(listed?.names ?? [])].join(", ");
  if (missing !== "")
    assembly.unseen(
      ["constraints"],
      name,
      listed?.problem ?? `whether ${missing} is relied on is only in the description of ${name}, which doesn't say it`,
    );
}

/** Lists are only complete if the principal's rights prove it. */
function addHidden(assembly: Assembly, rights: Rights): void {
  const why = rights.whyHiddenSchemas();
  if (why !== undefined) assembly.hidden("", why);
  for (const schema of Object.keys(assembly.structure.schemas)) {
    const whyTables = rights.whyHiddenTables(schema);
    if (whyTables !== undefined) assembly.hidden(schema, whyTables);
  }
}
