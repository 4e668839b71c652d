import { layersOf } from "../../lib/layers.ts";
import { quoteName } from "../../warehouse/statements.ts";
import { branchName } from "./name.ts";
import type { Original, OriginalTable } from "./original.ts";
import { rewriteView } from "./views.ts";

/** Which statements make a branch, in which order. Pure: nothing is asked and nothing is sent. */

/** Where the copies are: in a catalog of their own, or in schemas of their own within a given one. */
export type BranchForm = { as: "catalog" } | { as: "schemas"; into: string };

export type TableChoice = "clone" | "empty" | "skip";

export interface PlanRequest {
  form: BranchForm;
  runId: string;
  /** `schema.table` or `schema.*` or `*`, in lower case → what is made of it; `clone` if none fits. */
  choices: Readonly<Record<string, TableChoice>>;
  /** `schema.table` → the version to clone; without one, the newest is cloned. */
  pins: ReadonlyMap<string, number>;
}

/** A way to create a table, and the state that it has then. */
export interface Way {
  statement: string;
  state: "cloned" | "empty";
}

export interface TableStep {
  /** `schema.table` of the original. */
  name: string;
  /** Tried one after another, until one succeeds. */
  ways: Way[];
  /** Why it isn't cloned, if the configuration asks for a clone. */
  why?: string;
}

export interface ViewStep {
  name: string;
  statement: string;
}

export interface LeftOut {
  name: string;
  why: string;
}

export interface BranchPlan {
  catalog: string;
  /** The branch's schemas, with the original's. */
  schemas: { original: string; name: string }[];
  tables: TableStep[];
  /** Each layer reads only tables, and views of the layers before. */
  views: ViewStep[][];
  leftOut: LeftOut[];
  /** Tables and views that the configuration leaves out. */
  skipped: number;
}

export function planBranch(original: Original, request: PlanRequest): BranchPlan {
  const { catalog } = original;
  const at = placesOf(catalog, request);
  const unknownNames = Object.keys(request.choices).filter((pattern) => !matchesAny(pattern, original));
  const skipped = new Set(
    [...original.tables, ...original.views].map(({ name }) => name).filter((name) => choiceOf(name, request) === "skip"),
  );
  const tables = original.tables
    .filter(({ name }) => !skipped.has(name))
    .map((table) => tableStep(table, { catalog, at, request }));
  const there = new Set([...tables, ...original.views.filter(({ name }) => !skipped.has(name))].map(({ name }) => name));
  const target = (schema: string, table: string) => (there.has(`${schema}.${table}`) ? at(`${schema}.${table}`) : undefined);

  const leftOut: LeftOut[] = unknownNames.map((name) => ({
    name,
    why: "testData.isolation.tables names it, but this principal sees no such table",
  }));
  const rewritten = new Map<string, { statement: string; reads: string[] }>();
  for (const { name, query, columns } of original.views) {
    if (skipped.has(name)) continue;
    const view = query === undefined ? "its query is shown only to its owner" : rewriteView(query, { catalog, target });
    if (typeof view === "string") leftOut.push({ name, why: view });
    else
      rewritten.set(name, {
        statement: `CREATE VIEW IF NOT EXISTS ${pathOf(at(name))}${columns.length > 0 ? ` (${columns.map(quoteName).join(", ")})` : ""} AS ${view.query}`,
        reads: view.reads,
      });
  }
  const { layers, circular } = layersOf([...rewritten.keys()], (name) => rewritten.get(name)?.reads ?? []);
  leftOut.push(...circular.map((name) => ({ name, why: "it reads itself through other views" })));
  return {
    catalog: at("x.x")[0],
    schemas: original.schemas.map((schema) => ({ original: schema, name: at(`${schema}.x`)[1] })),
    tables,
    views: layers.map((layer) => layer.map((name) => ({ name, statement: rewritten.get(name)?.statement ?? "" }))),
    leftOut,
    skipped: skipped.size,
  };
}

type Place = readonly [string, string, string];

/** `schema.table` of the original → its three names on the branch. */
function placesOf(catalog: string, { form, runId }: PlanRequest): (name: string) => Place {
  return (name) => {
    const [schema = "", table = ""] = name.split(".");
    return form.as === "catalog"
      ? [branchName(catalog, runId), schema, table]
      : [form.into.toLowerCase(), branchName(schema, runId), table];
  };
}

export function choiceOf(name: string, { choices }: Pick<PlanRequest, "choices">): TableChoice {
  return choices[name] ?? choices[`${name.split(".")[0]}.*`] ?? choices["*"] ?? "clone";
}

function matchesAny(pattern: string, { tables, views }: Original): boolean {
  if (pattern === "*") return true;
  const schema = pattern.endsWith(".*") ? pattern.slice(0, -1) : undefined;
  return [...tables, ...views].some(({ name }) => (schema === undefined ? name === pattern : name.startsWith(schema)));
}

/** Tables whose definition can be taken over without their rows. */
const ownTables = new Set(["MANAGED", "EXTERNAL", "BASE TABLE", "MANAGED_SHALLOW_CLONE", "EXTERNAL_SHALLOW_CLONE"]);

const whyNotCloned: Readonly<Record<string, string>> = {
  EXTERNAL: "it is an external table, whose clone would need a location",
  MANAGED_SHALLOW_CLONE: "it is a shallow clone itself",
  EXTERNAL_SHALLOW_CLONE: "it is a shallow clone itself",
  FOREIGN: "it is a foreign table, which another database owns",
  STREAMING_TABLE: "it is a streaming table",
  MATERIALIZED_VIEW: "it is a materialized view",
};

function tableStep(
  { name, type, hidden }: OriginalTable,
  { catalog, at, request }: { catalog: string; at: (name: string) => Place; request: PlanRequest },
): TableStep {
  const source = pathOf([catalog, ...name.split(".")]);
  const target = `CREATE TABLE IF NOT EXISTS ${pathOf(at(name))}`;
  const like: Way = { statement: `${target} LIKE ${source}`, state: "empty" };
  // Also of what is no table: only names and types of the columns are taken.
  const shape: Way = { statement: `${target} AS SELECT * FROM ${source} WHERE false`, state: "empty" };
  const empty = ownTables.has(type) ? [like, shape] : [shape];
  if (choiceOf(name, request) === "empty") return { name, ways: empty };
  const version = request.pins.get(name);
  const why =
    whyNotCloned[type] ??
    (ownTables.has(type) ? undefined : `it is a ${type.toLowerCase().replaceAll("_", " ")}`) ??
    (hidden === undefined ? undefined : `it has ${hidden}`);
  if (why !== undefined) return { name, ways: empty, why };
  return {
    name,
    ways: [
      {
        statement: `${target} SHALLOW CLONE ${source}${version === undefined ? "" : ` VERSION AS OF ${version}`}`,
        state: "cloned",
      },
      ...empty,
    ],
  };
}

function pathOf(names: readonly string[]): string {
  return names.map(quoteName).join(".");
}
