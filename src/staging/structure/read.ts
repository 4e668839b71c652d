import { inParallel } from "../../lib/in-parallel.ts";
import { type Facet, facets } from "../../model/staging.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { qualifiedName } from "../../warehouse/statements.ts";
import { ask, NotUnderstood } from "./ask.ts";
import { Assembly } from "./assemble.ts";
import { type Description, readDescription } from "./describe.ts";
import { addGrants, holdingsOf } from "./grants.ts";
import { addKeys } from "./keys.ts";
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
  addKeys(assembly, answers);
  const rights = await readRights(warehouse, holdingsOf(assembly, answers, principal, metastore));
  const tables = assembly.tables();
  const descriptions = await inParallel(atOnce, tables, ({ name }) => describe(warehouse, catalog, name));
  for (const [at, { name, structure }] of tables.entries())
    addDescription(assembly, name, structure, descriptions[at] ?? { why: "it was not asked" }, answers);
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

type Described = { description: Description; why?: undefined } | { description?: undefined; why: string };

async function describe(warehouse: WarehouseReader, catalog: string, table: string): Promise<Described> {
  const answer = await ask(warehouse, `DESCRIBE TABLE EXTENDED ${qualifiedName(catalog, table)} AS JSON`);
  if (answer.why !== undefined) return { why: answer.why };
  try {
    const json = answer.rows[0]?.json_metadata;
    if (typeof json !== "string") throw new NotUnderstood("the answer has no json_metadata");
    return { description: readDescription(json) };
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error;
    return { why: error.message };
  }
}

function addDescription(assembly: Assembly, name: string, table: TableStructure, described: Described, answers: Answers): void {
  const { description, why } = described;
  const hasNoPolicies = answers.rowFilters.why !== undefined || answers.columnMasks.why !== undefined;
  if (!description) {
    const hidden: Facet[] = ["properties", "clustering", "generated", "nullability", "comments"];
    if (answers.checks.why !== undefined) hidden.push("constraints");
    if (hasNoPolicies) hidden.push("policies");
    if (table.kind === "view" && table.viewText === undefined) hidden.push("views");
    assembly.unseen(hidden, name, `DESCRIBE TABLE of ${name} could not be read: ${why}`);
    return;
  }
  table.properties = description.properties;
  table.checks = { ...table.checks, ...description.checks };
  table.partitionedBy = description.partitionedBy;
  table.clusteredBy = description.clusteredBy ?? [];
  if (hasNoPolicies && description.rowFilter) table.rowFilter = description.rowFilter;
  for (const column of table.columns) {
    const { mask, ...more } = description.columns.get(column.name.toLowerCase()) ?? {};
    Object.assign(column, { ...more, ...(column.default === undefined ? {} : { default: column.default }) });
    if (hasNoPolicies && mask) column.mask = mask;
  }
  if (table.kind !== "view") return;
  table.viewText ??= description.viewText;
  // information_schema shows a view's text to its owner only.
  if (table.viewText === undefined) assembly.unseen(["views"], name, `the text of view ${name} is only shown to its owner`);
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
