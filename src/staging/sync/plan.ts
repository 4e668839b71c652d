import type { Drift, Facet, SyncStep } from "../../model/staging.ts";
import { facets } from "../../model/staging.ts";
import type { WritableScope } from "../../warehouse/changes.ts";
import type { Structure, TableStructure } from "../structure/structure.ts";
import { planAlter, planNew } from "./alter-table.ts";
import { byRecreating } from "./columns.ts";
import { planAddedKeys, planDroppedKeys, type Referring } from "./constraints.ts";
import { digestOf } from "./digest.ts";
import { planCatalog, planNewSchema, planSchema } from "./namespaces.ts";
import { type Allowed, inCopy, type Planning, type Wants, whyUnseen } from "./scope.ts";
import { type Before, Chain, type Impossible, type PlannedStep, Steps, together } from "./steps.ts";
import { type PlannedView, planViews } from "./views.ts";

/** DDL that makes a copy's structure equal to its original's, in the order of what it needs. */
export interface SyncPlan {
  original: string;
  copy: string;
  /** Of both structures and every statement: it changes with any of them. */
  digest: string;
  steps: PlannedStep[];
  impossible: Impossible[];
  /** How many differences the comparison found. */
  differences: number;
}

export interface SyncQuestion {
  original: Structure;
  copy: Structure;
  /** Their comparison: what it ignores, or could not see, is left as it is. */
  drift: Drift;
  /** Whether a rule of that comparison leaves something out: what is created follows the same rules. */
  ignores?: (facet: Facet, object: string, item?: string) => boolean;
  /** Other catalogs of the original → what takes their place in the copy. */
  catalogNames?: Readonly<Record<string, string>>;
  allow?: Allowed;
  /** The copy's functions, as `schema.function` in lower case; absent: unknown, and no mask or filter that needs one is set. */
  functions?: ReadonlySet<string>;
  /** What the connection may change. */
  scope?: WritableScope;
}

export function planSync(question: SyncQuestion): SyncPlan {
  const { original, copy, drift } = question;
  const scope = question.scope ?? { catalog: copy.catalog, ownsCatalog: false };
  const steps = new Steps(scope);
  const planning = planningOf(question, steps);
  planCatalog(planning);
  const objects = objectsOf(planning);
  const ends = new Map<string, Before>();
  planSchemas(planning, ends);
  const replaced = new Set(objects.filter((one) => isReplaced(planning, one, scope)).map(({ object }) => object));
  const goes = ({ kind, object }: Pair): boolean => kind === "drop" || kind === "exchange" || replaced.has(object);
  const freed = new Set(objects.filter((one) => goes(one) || keyChanges(planning, one)).map(({ object }) => object));
  const keys = planDroppedKeys(planning, steps, objects.filter(({ before }) => before).map(referring(planning, goes)), freed);
  for (const [object, end] of keys.ends) ends.set(object, end);
  const absent = new Set<string>();
  for (const one of objects) planObject(planning, one, { goes: goes(one), freeing: keys.freeing, ends, absent });
  const finals = objects.filter(({ after, object }) => after?.kind === "table" && !absent.has(object));
  planAddedKeys(planning, steps, finals.map(referring(planning, goes)), { dropped: keys.dropped, ends });
  planViews(planning, objects.flatMap(viewOf), ends, absent);
  planDroppedSchemas(planning, ends);
  return {
    original: original.catalog,
    copy: copy.catalog,
    digest: digestOf(original, copy, steps.planned),
    steps: steps.planned,
    impossible: steps.impossible,
    differences: differencesIn(drift),
  };
}

export function differencesIn(drift: Drift): number {
  return facets.reduce((sum, facet) => sum + drift.facets[facet].differences.length, 0);
}

function planningOf({ original, copy, drift, ...question }: SyncQuestion, steps: Steps): Planning {
  const names = { ...question.catalogNames, [original.catalog]: copy.catalog };
  return {
    original,
    copy,
    listed: listedIn(drift),
    notIgnored: (facet, object, item) => !question.ignores?.(facet, object, item),
    catalogs: new Map(Object.entries(names).map(([from, to]) => [from.toLowerCase(), to.toLowerCase()])),
    allowed: question.allow ?? {},
    functions: question.functions,
    steps,
  };
}

function listedIn(drift: Drift): Wants {
  const key = (facet: Facet, object: string, item: string | undefined): string => JSON.stringify([facet, object, item ?? ""]);
  const listed = new Set<string>();
  for (const facet of facets)
    for (const { object, item } of drift.facets[facet].differences) {
      listed.add(key(facet, object, item));
      listed.add(key(facet, object, "\0any"));
    }
  return (facet, object, item) => listed.has(key(facet, object, item ?? "\0any"));
}

/** A table or view that one of the catalogs has. */
interface Pair {
  object: string;
  before: TableStructure | undefined;
  after: TableStructure | undefined;
  /** What becomes of it. `exchange`: a table takes a view's place, or the other way round. `none`: it stays as it is. */
  kind: "create" | "alter" | "drop" | "exchange" | "none";
}

function objectsOf(planning: Planning): Pair[] {
  const { original, copy } = planning;
  const schemas = [...new Set([...Object.keys(original.schemas), ...Object.keys(copy.schemas)])].sort();
  return schemas.flatMap((schema) => {
    const [wanted, present] = [original.schemas[schema]?.tables ?? {}, copy.schemas[schema]?.tables ?? {}];
    return [...new Set([...Object.keys(wanted), ...Object.keys(present)])].sort().map((table): Pair => {
      const object = `${schema}.${table}`;
      const [before, after] = [present[table], wanted[table]];
      return { object, before, after, kind: kindOf(planning, object, before, after) };
    });
  });
}

function kindOf(planning: Planning, object: string, before: Pair["before"], after: Pair["after"]): Pair["kind"] {
  const facet: Facet = (after ?? before)?.kind === "view" ? "views" : "tables";
  const schema = object.split(".")[0] ?? "";
  const listed = planning.listed(facet, object) || planning.listed(before?.kind === "view" ? "views" : "tables", object);
  // Of a schema that only one of them has, no comparison lists what is in it.
  const inNewSchema = !planning.copy.schemas[schema] && planning.listed("schemas", schema) && planning.notIgnored(facet, object);
  const inOldSchema =
    !planning.original.schemas[schema] && planning.listed("schemas", schema) && planning.notIgnored(facet, object);
  if (before && after) return before.kind === after.kind ? "alter" : listed ? "exchange" : "none";
  if (after) return listed || inNewSchema ? "create" : "none";
  return listed || inOldSchema ? "drop" : "none";
}

function planSchemas(planning: Planning, ends: Map<string, Before>): void {
  const { original, copy } = planning;
  for (const [name, after] of Object.entries(original.schemas)) {
    const before = copy.schemas[name];
    if (!before && !planning.listed("schemas", name)) continue;
    const chain = new Chain(planning.steps);
    if (before) planSchema(planning, chain, name, { before, after });
    else planNewSchema(planning, chain, name, after);
    // A schema that is there need not wait for its comment.
    if (!before) ends.set(name, chain.end);
  }
}

/** Whether a table is dropped and created anew, because no ALTER makes it equal and its rows may go. */
function isReplaced(planning: Planning, { object, before, after, kind }: Pair, scope: WritableScope): boolean {
  if (kind !== "alter" || before?.kind !== "table" || !after || !planning.allowed.recreate?.(object)) return false;
  const trial = new Steps(scope);
  planAlter({ ...planning, steps: trial }, new Chain(trial), object, { before, after });
  return trial.impossible.some(({ instead }) => instead === byRecreating);
}

function keyChanges(planning: Planning, { object, before, kind }: Pair): boolean {
  const items = ["PRIMARY KEY", "PRIMARY KEY RELY"];
  return (
    kind === "alter" && before?.primaryKey !== undefined && items.some((item) => planning.listed("constraints", object, item))
  );
}

function referring(planning: Planning, goes: (pair: Pair) => boolean): (pair: Pair) => Referring {
  return (pair) => ({
    object: pair.object,
    before: pair.before?.foreignKeys ?? {},
    after: pair.after?.foreignKeys ?? {},
    gone: goes(pair),
    wants: pair.kind === "alter" && !goes(pair) ? planning.listed : planning.notIgnored,
  });
}

function viewOf({ object, before, after, kind }: Pair): PlannedView[] {
  if (after?.kind !== "view" || kind === "none") return [];
  return [{ object, before: before?.kind === "view" ? before : undefined, after }];
}

function planObject(
  planning: Planning,
  { object, before, after, kind }: Pair,
  {
    goes,
    freeing,
    ends,
    absent,
  }: {
    goes: boolean;
    freeing: ReadonlyMap<string, Before>;
    ends: Map<string, Before>;
    absent: Set<string>;
  },
): void {
  const schema = object.split(".")[0] ?? "";
  if (kind === "none") {
    if (!before) absent.add(object);
    return;
  }
  const other = [before, after].find((one) => one?.kind === "other");
  if (other) {
    if (kind !== "alter") nameOther(planning, object, other, kind);
    if (!before) absent.add(object);
    return;
  }
  const chain = new Chain(planning.steps, together(ends.get(object), ends.get(schema)));
  if (goes && before && !planDrop(planning, chain, object, before, freeing.get(object))) return;
  if (after?.kind === "table") {
    if (before && !goes) planAlter(planning, chain, object, { before, after }, freeing.get(object));
    else if (!planNew(planning, chain, object, after, before)) absent.add(object);
  }
  ends.set(object, chain.end);
}

function nameOther(planning: Planning, object: string, { type }: TableStructure, kind: Pair["kind"]): void {
  const what = type.toLowerCase().replaceAll("_", " ");
  planning.steps.name(
    object,
    "tables",
    `env-actions neither creates nor drops a ${what}`,
    kind === "create"
      ? "Create it yourself, or leave it out of the comparison"
      : "Drop it yourself, or leave it out of the comparison",
  );
}

/** @returns whether it is planned */
function planDrop(planning: Planning, chain: Chain, object: string, before: TableStructure, freed: Before | undefined): boolean {
  const isView = before.kind === "view";
  const facet: Facet = isView ? "views" : "tables";
  const unseen = whyUnseen(planning.original, facet, object);
  if (unseen) {
    chain.name(object, facet, `whether the original has it is unknown: ${unseen}`, "Grant that, and compare again");
    return false;
  }
  const loses: SyncStep["loses"] = isView ? "access" : "rows";
  const statement = `DROP ${isView ? "VIEW" : "TABLE"} IF EXISTS ${inCopy(planning, object)}`;
  chain.add({ object, facet, statement, loses, again: true, blocks: true }, freed);
  return true;
}

/** After everything in them. */
function planDroppedSchemas(planning: Planning, ends: ReadonlyMap<string, Before>): void {
  for (const [name, { tables }] of Object.entries(planning.copy.schemas)) {
    if (planning.original.schemas[name] || !planning.listed("schemas", name)) continue;
    const objects = Object.keys(tables).map((table) => `${name}.${table}`);
    const stays = objects.find((object) => !ends.has(object));
    if (stays)
      planning.steps.name(name, "schemas", `${stays} stays in it`, "Drop it yourself, or leave the schema out of the comparison");
    else {
      const after = together(...objects.map((object) => ends.get(object)));
      // Without CASCADE: what nobody saw in there must not go.
      const statement = `DROP SCHEMA IF EXISTS ${inCopy(planning, name)}`;
      planning.steps.add({ object: name, facet: "schemas", statement, loses: "access", again: true }, after);
    }
  }
}
