import { errorText } from "../../lib/error-text.ts";
import { inParallel } from "../../lib/in-parallel.ts";
import type { CopyWarehouse } from "../../warehouse/access.ts";
import type { WritableScope } from "../../warehouse/changes.ts";
import { WarehouseFailure } from "../../warehouse/failure.ts";
import { quoteName } from "../../warehouse/statements.ts";
import { branchName, type Marker, markerComment, partsOfSchema, runOfName, sqlText } from "./name.ts";
import { type Original, readOriginal } from "./original.ts";
import { type BranchForm, type LeftOut, type PlanRequest, planBranch, type TableStep } from "./plan.ts";

/** Makes a run's own copy of a catalog: in rounds of statements, however many tables there are. */

export interface BranchRequest extends PlanRequest {
  marker: Marker;
  /** Principals that get USE, SELECT and MODIFY on the branch. */
  grantTo: readonly string[];
  /** Of the branch's catalog, if the metastore has none. */
  managedLocation?: string | undefined;
}

export interface CreatedBranch {
  /** Its catalog. */
  catalog: string;
  /** Of the original → of the branch. */
  schemas: ReadonlyMap<string, string>;
  cloned: string[];
  empty: string[];
  views: string[];
  /** Tables that are empty although the configuration asks for a clone. */
  emptied: LeftOut[];
  /** Tables and views that the branch doesn't have. */
  leftOut: LeftOut[];
  skipped: number;
}

/** The principal may not create a branch here. Nothing was created, or what was created is still there. */
export class BranchDenied extends Error {
  override name = "BranchDenied";
  readonly missing: "CREATE CATALOG" | "CREATE SCHEMA";

  constructor(missing: BranchDenied["missing"], cause: WarehouseFailure) {
    super(cause.message, { cause });
    this.missing = missing;
  }
}

/** A small warehouse runs about ten statements at a time; more would queue. */
const statementsAtOnce = 8;

/** What the connection that makes and drops branches of a catalog may change: every branch of it, because lost ones are swept. */
export function branchScope(original: string, form: BranchForm, runId: string): WritableScope {
  return form.as === "catalog"
    ? {
        catalog: branchName(original, runId),
        ownsCatalog: true,
        ownsCatalogs: (catalog) => runOfName(catalog, original) !== undefined,
      }
    : { catalog: form.into, ownsCatalog: false, ownsSchema: (schema) => partsOfSchema(schema) !== undefined };
}

/**
 * @param warehouse opened with {@link branchScope}
 * @throws BranchDenied, WarehouseFailure; a part of the branch may exist then
 */
export async function createBranch(warehouse: CopyWarehouse, request: BranchRequest): Promise<CreatedBranch> {
  const { catalog: source } = warehouse;
  const comment = sqlText(markerComment(request.marker));
  // What the catalog has is asked while the branch's own is created; both are awaited, so that nothing is created after a failure.
  const [reading, creating] = await Promise.allSettled([
    readOriginal(warehouse, source),
    request.form.as === "catalog" ? createCatalog(warehouse, request, comment) : undefined,
  ]);
  if (creating.status === "rejected") throw creating.reason;
  if (reading.status === "rejected") throw reading.reason;
  const original: Original = reading.value;
  const plan = planBranch(original, request);
  await inParallel(statementsAtOnce, plan.schemas, ({ name }) =>
    createSchema(warehouse, request, { catalog: plan.catalog, name, comment }),
  );
  const tables = await inParallel(statementsAtOnce, plan.tables, (step) => createTable(warehouse, step));
  const views: string[] = [];
  const leftOut = [...plan.leftOut];
  for (const layer of plan.views)
    await inParallel(statementsAtOnce, layer, async ({ name, statement }) => {
      const why = await tried(warehouse, statement);
      if (why === undefined) views.push(name);
      else leftOut.push({ name, why });
    });
  const named = (state: Made["state"]) => tables.filter((table) => table.state === state);
  const withWhy = (made: Made[]): LeftOut[] => made.flatMap(({ name, why }) => (why === undefined ? [] : [{ name, why }]));
  leftOut.push(...withWhy(named("left out")));
  return {
    catalog: plan.catalog,
    schemas: new Map(plan.schemas.map((schema) => [schema.original, schema.name])),
    cloned: named("cloned").map(({ name }) => name),
    empty: named("empty").map(({ name }) => name),
    views: views.sort(),
    emptied: withWhy(named("empty")),
    leftOut: leftOut.sort((a, b) => (a.name < b.name ? -1 : 1)),
    skipped: plan.skipped,
  };
}

async function createCatalog(
  warehouse: CopyWarehouse,
  { grantTo, managedLocation }: BranchRequest,
  comment: string,
): Promise<void> {
  const catalog = quoteName(warehouse.scope.catalog);
  const location = managedLocation === undefined ? "" : ` MANAGED LOCATION ${sqlText(managedLocation)}`;
  // The comment is written by the statement that creates it, so there is never a branch without its mark.
  await denied("CREATE CATALOG", warehouse.change(`CREATE CATALOG ${catalog}${location} COMMENT ${comment}`));
  await grant(warehouse, `CATALOG ${catalog}`, "USE CATALOG, USE SCHEMA, SELECT, MODIFY", grantTo);
}

async function createSchema(
  warehouse: CopyWarehouse,
  { form, grantTo }: BranchRequest,
  { catalog, name, comment }: { catalog: string; name: string; comment: string },
): Promise<void> {
  const schema = `${quoteName(catalog)}.${quoteName(name)}`;
  // A new catalog has a schema `default`.
  if (form.as === "catalog") return void (await warehouse.change(`CREATE SCHEMA IF NOT EXISTS ${schema}`, {}, { again: true }));
  await denied("CREATE SCHEMA", warehouse.change(`CREATE SCHEMA ${schema} COMMENT ${comment}`));
  await grant(warehouse, `SCHEMA ${schema}`, "USE SCHEMA, SELECT, MODIFY", grantTo);
}

async function denied(missing: BranchDenied["missing"], creating: Promise<unknown>): Promise<void> {
  try {
    await creating;
  } catch (error) {
    if (error instanceof WarehouseFailure && error.kind === "denied") throw new BranchDenied(missing, error);
    throw error;
  }
}

async function grant(warehouse: CopyWarehouse, on: string, privileges: string, principals: readonly string[]): Promise<void> {
  for (const principal of principals)
    await warehouse.change(`GRANT ${privileges} ON ${on} TO ${quoteName(principal)}`, {}, { again: true });
}

interface Made {
  name: string;
  state: "cloned" | "empty" | "left out";
  why?: string;
}

async function createTable(warehouse: CopyWarehouse, { name, ways, why }: TableStep): Promise<Made> {
  let reason = why;
  for (const { statement, state } of ways) {
    const failure = await tried(warehouse, statement);
    if (failure === undefined) return { name, state, ...(reason === undefined ? {} : { why: reason }) };
    reason ??= failure;
  }
  return { name, state: "left out", why: reason ?? "unknown" };
}

/**
 * @returns why this statement cannot succeed, undefined if it did
 * @throws WarehouseFailure if it isn't the statement's fault: nothing can be said about the next one either
 */
async function tried(warehouse: CopyWarehouse, statement: string): Promise<string | undefined> {
  try {
    await warehouse.change(statement, {}, { again: true });
    return undefined;
  } catch (error) {
    if (error instanceof WarehouseFailure && (error.kind === "statement" || error.kind === "denied")) return errorText(error);
    throw error;
  }
}
