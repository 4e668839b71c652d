import { layersOf } from "../../lib/layers.ts";
import type { Facet } from "../../model/staging.ts";
import { quoteName } from "../../warehouse/statements.ts";
import type { TableStructure } from "../structure/structure.ts";
import { commentOn, planAllTags } from "./alter-table.ts";
import { planGrants, planKeptGrants } from "./labels.ts";
import { inCopy, type Planning } from "./scope.ts";
import { literal, pairs } from "./sql-text.ts";
import { type Before, Chain, together } from "./steps.ts";
import { queryForCopy, type ViewQuery } from "./view-text.ts";

/** Views: created after what they read, and replaced if their query or columns differ. */

export interface PlannedView {
  object: string;
  /** What the copy has; undefined: it is created. */
  before: TableStructure | undefined;
  after: TableStructure;
}

/**
 * @param ends by object, the steps after which it is as it should be; the views are added
 * @param absent objects that the copy will not have
 */
export function planViews(
  planning: Planning,
  views: readonly PlannedView[],
  ends: Map<string, Before>,
  absent: Set<string>,
): void {
  const exists = (table: string): boolean => {
    const [schema = "", name = ""] = table.split(".");
    return planning.original.schemas[schema]?.tables[name] !== undefined;
  };
  const catalogs = { original: planning.original.catalog, names: planning.catalogs };
  const queries = new Map<PlannedView, ViewQuery>();
  for (const view of views) {
    if (view.before && definedIn(planning, view).length === 0) continue;
    const query =
      view.after.viewText === undefined ? "its query could not be seen" : queryForCopy(view.after.viewText, catalogs, exists);
    if (typeof query !== "string") queries.set(view, query);
    else nameView(planning, view, query, absent);
  }
  const byObject = new Map(views.map((view) => [view.object, view]));
  const { layers, circular } = layersOf(views, (view) =>
    (queries.get(view)?.reads ?? []).flatMap((object) => byObject.get(object) ?? []),
  );
  for (const view of circular) {
    nameView(planning, view, "it reads itself, by other views", absent);
    queries.delete(view);
  }
  for (const view of [...layers.flat(), ...circular]) planView(planning, view, queries.get(view), ends, absent);
}

/** Everything of it that only a new definition changes. */
function nameView(planning: Planning, view: PlannedView, why: string, absent: Set<string>): void {
  const { object, before } = view;
  const instead = `Write CREATE OR REPLACE VIEW ${inCopy(planning, object)} yourself`;
  planning.steps.name(object, "views", why, instead);
  if (!before) absent.add(object);
  else
    for (const [facet, place] of definedIn(planning, view))
      if (facet !== "views") planning.steps.name(place, facet, why, instead);
}

function planView(
  planning: Planning,
  view: PlannedView,
  query: ViewQuery | undefined,
  ends: Map<string, Before>,
  absent: Set<string>,
): void {
  const { object, before } = view;
  const missing = query?.reads.find((one) => absent.has(one));
  if (missing !== undefined) nameView(planning, view, `it reads ${missing}, which the copy will not have`, absent);
  const schema = object.split(".")[0] ?? "";
  const reads = (query?.reads ?? []).map((one) => ends.get(one));
  const chain = new Chain(planning.steps, together(...reads, ends.get(schema), ends.get(object)));
  if (query && missing === undefined && planQuery(planning, chain, view, query)) planLabels(planning, chain, view);
  else if (before) planChanged(planning, chain, { ...view, before });
  else absent.add(object);
  ends.set(object, chain.end);
}

/** What differs and only a new definition changes: its query, its columns, and their comments. */
function definedIn(planning: Planning, { object, before, after }: PlannedView): [Facet, string][] {
  const places = [...(before?.columns ?? []), ...after.columns].map(({ name }) => `${object}.${name.toLowerCase()}`);
  const found: [Facet, string][] = [...new Set(places)].flatMap((place) =>
    (["columns", "comments"] as const).flatMap((facet): [Facet, string][] =>
      planning.listed(facet, place) ? [[facet, place]] : [],
    ),
  );
  if (planning.listed("views", object, "query")) found.unshift(["views", object]);
  if (planning.listed("columns", object, "order")) found.push(["columns", object]);
  return found;
}

function planQuery(planning: Planning, chain: Chain, { object, before, after }: PlannedView, { text }: ViewQuery): boolean {
  const wants = planning.notIgnored;
  const comment = wants("comments", object) ? after.comment : before?.comment;
  const properties = Object.fromEntries([
    ...Object.entries(before?.properties ?? {}).filter(([key]) => !wants("properties", object, key)),
    ...Object.entries(after.properties).filter(([key]) => wants("properties", object, key)),
  ]);
  const columns = after.columns.map((column) => {
    const shown = wants("comments", `${object}.${column.name.toLowerCase()}`) ? column.comment : undefined;
    return `${quoteName(column.name)}${shown ? ` COMMENT ${literal(shown)}` : ""}`;
  });
  const clauses = [
    `CREATE ${before ? "OR REPLACE " : ""}VIEW ${inCopy(planning, object)}`,
    columns.length > 0 ? `(${columns.join(", ")})` : "",
    comment ? `COMMENT ${literal(comment)}` : "",
    Object.keys(properties).length > 0 ? `TBLPROPERTIES (${pairs(properties)})` : "",
    `AS ${text}`,
  ];
  const statement = clauses.filter((one) => one !== "").join(" ");
  return chain.add({ object, facet: "views", statement, again: before !== undefined, blocks: true }) !== undefined;
}

/** Whether a replaced view keeps its tags and grants is documented nowhere, so they are given again. */
function planLabels(planning: Planning, chain: Chain, { object, before, after }: PlannedView): void {
  const name = inCopy(planning, object);
  const wants = planning.notIgnored;
  const only = (tags: TableStructure["tags"], others: TableStructure["tags"]): Record<string, string> =>
    Object.fromEntries(Object.entries(tags ?? {}).filter(([key]) => !(key in (others ?? {}))));
  const wanted = new Map(after.columns.map((column) => [column.name.toLowerCase(), column.tags]));
  const additional = before && {
    ...before,
    tags: only(before.tags, after.tags),
    columns: before.columns.map((column) => ({ ...column, tags: only(column.tags, wanted.get(column.name.toLowerCase())) })),
  };
  planAllTags(chain, { object, table: name }, { before: additional, after }, wants);
  const on = `TABLE ${name}`;
  planGrants(planning, chain, on, object, { before: { owner: before?.owner ?? planning.copy.readBy }, after }, wants);
  if (before) planKeptGrants(planning, chain, on, object, { before, after });
}

/** What changes without a new definition. */
function planChanged(
  planning: Planning,
  chain: Chain,
  { object, before, after }: PlannedView & { before: TableStructure },
): void {
  const name = inCopy(planning, object);
  if (before.comment !== after.comment && planning.listed("comments", object))
    chain.add({ object, facet: "comments", statement: commentOn(`TABLE ${name}`, after.comment), again: true });
  const listed = (key: string): boolean => planning.listed("properties", object, key);
  const set = Object.entries(after.properties).filter(([key, value]) => before.properties[key] !== value && listed(key));
  const gone = Object.keys(before.properties).filter((key) => !(key in after.properties) && listed(key));
  const step = { object, facet: "properties", again: true } as const;
  if (gone.length > 0)
    chain.add({
      ...step,
      statement: `ALTER VIEW ${name} UNSET TBLPROPERTIES IF EXISTS (${gone.sort().map(literal).join(", ")})`,
    });
  if (set.length > 0)
    chain.add({ ...step, statement: `ALTER VIEW ${name} SET TBLPROPERTIES (${pairs(Object.fromEntries(set))})` });
  planAllTags(chain, { object, table: name }, { before, after }, planning.listed);
  planGrants(planning, chain, `TABLE ${name}`, object, { before, after }, planning.listed);
}
