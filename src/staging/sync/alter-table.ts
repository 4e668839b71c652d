import { quoteName } from "../../warehouse/statements.ts";
import type { TableStructure } from "../structure/structure.ts";
import {
  type Alteration,
  byName,
  byRecreating,
  nameFixed,
  needsDefaults,
  pairsOf,
  planAdded,
  planDropped,
  planOrder,
  planTypes,
  planValues,
  typeChanges,
} from "./columns.ts";
import { planChecks, planDroppedRules, planPrimaryKey, rulesThatChange } from "./constraints.ts";
import { nameUnwritable, planCreate } from "./create-table.ts";
import { planGrants, planKeptGrants, planTags } from "./labels.ts";
import { planMasks } from "./masks.ts";
import { planProperties, planUpgrades, widening } from "./properties.ts";
import { inCopy, type Planning, type Wants } from "./scope.ts";
import { literal, path } from "./sql-text.ts";
import type { Before, Chain } from "./steps.ts";
import { unwritable } from "./types.ts";

/**
 * Changes a table that both have.
 * @param freed the steps after which no foreign key refers to it, if its key changes
 */
export function planAlter(
  planning: Planning,
  chain: Chain,
  object: string,
  { before, after }: { before: TableStructure; after: TableStructure },
  freed?: Before,
): void {
  const table = inCopy(planning, object);
  const alteration: Alteration = { planning, chain, object, table, before, after };
  const rules = rulesThatChange(alteration);
  const isMissing = newColumns(alteration);
  const turnsOn =
    before.properties[widening] !== "true" &&
    typeChanges(alteration).some(({ changes }) => changes?.some((change) => change.kind === "widen" && change.property));
  planUpgrades(alteration, { defaults: needsDefaults(alteration, after.columns.filter(isMissing)), widening: turnsOn });
  const added = planAdded(alteration);
  planDroppedRules(alteration, rules.dropped, freed);
  planTypes(alteration);
  planOrder(alteration, added);
  const notNull = planValues(alteration, added);
  nameFixed(alteration);
  // Of a new column, no comparison lists what it has.
  const isNew = new Set(added.map(({ name }) => `${object}.${name.toLowerCase()}`));
  const wants: Wants = (facet, place, item) => (isNew.has(place) ? planning.notIgnored : planning.listed)(facet, place, item);
  const protection = planMasks(planning, chain, { object, table }, { before, after }, wants);
  planClustering(alteration);
  planDropped(alteration);
  planComments(alteration);
  planProperties(alteration, turnsOn);
  const checks = rules.added.checks.sort().map((name) => [name, after.checks[name] ?? ""] as const);
  planChecks(chain, { object, table }, checks, Object.keys(before.checks).length === 0);
  if (rules.added.primaryKey) planPrimaryKey(chain, { object, table }, after.primaryKey, notNull);
  planAllTags(chain, { object, table }, { before, after }, wants);
  planGrants(planning, chain, `TABLE ${table}`, object, { before, after }, planning.listed, protection);
}

/**
 * Creates a table as the original has it.
 * @param kept what the copy's own table had, if it is created anew: nobody loses access by it
 * @returns whether it is planned
 */
export function planNew(
  planning: Planning,
  chain: Chain,
  object: string,
  after: TableStructure,
  kept: Pick<TableStructure, "grants"> | undefined,
): boolean {
  const table = inCopy(planning, object);
  const wants = planning.notIgnored;
  if (!planCreate(planning, chain, object, after, wants)) return false;
  const checks = Object.entries(after.checks).filter(([name]) => wants("constraints", object, `CHECK ${name}`));
  planChecks(chain, { object, table }, checks, false);
  const protection = planMasks(planning, chain, { object, table }, { before: undefined, after }, wants);
  planAllTags(chain, { object, table }, { before: undefined, after }, wants);
  const on = `TABLE ${table}`;
  planGrants(planning, chain, on, object, { before: { owner: planning.copy.readBy }, after }, wants, protection);
  if (kept) planKeptGrants(planning, chain, on, object, { before: kept, after });
  return true;
}

function newColumns({ before }: Alteration): (column: { name: string }) => boolean {
  const present = byName(before.columns);
  return ({ name }) => !present.has(name.toLowerCase());
}

function planClustering({ planning, chain, object, table, before, after }: Alteration): void {
  if (!planning.listed("clustering", object, "CLUSTER BY")) return;
  const existing = after.columns.map(({ name }) => name);
  const by = after.clusteredBy.map((name) => path(name, existing)).join(", ");
  if (after.partitionedBy.length > 0 || before.partitionedBy.length > 0) {
    if (before.clusteredBy.join() !== after.clusteredBy.join() && before.partitionedBy.length > 0)
      chain.name(object, "clustering", "a partitioned table cannot be clustered", byRecreating);
    return;
  }
  chain.add({
    object,
    facet: "clustering",
    statement: `ALTER TABLE ${table} CLUSTER BY ${by === "" ? "NONE" : `(${by})`}`,
    again: true,
    ...(before.clusteredBy.length === 0 ? { loses: "irreversible upgrade" as const } : {}),
  });
}

function planComments(alteration: Alteration): void {
  const { planning, chain, object, table, before, after } = alteration;
  for (const pair of pairsOf(alteration)) {
    const alter = `ALTER TABLE ${table} ALTER COLUMN ${quoteName(pair.before.name)}`;
    if (pair.before.comment !== pair.after.comment && planning.listed("comments", pair.place))
      chain.add({
        object: pair.place,
        facet: "comments",
        statement: `${alter} COMMENT ${literal(pair.after.comment ?? "")}`,
        again: true,
      });
    planNested(alteration, pair);
  }
  if (before.comment !== after.comment && planning.listed("comments", object))
    chain.add({ object, facet: "comments", statement: commentOn(`TABLE ${table}`, after.comment), again: true });
}

export function commentOn(what: string, comment: string | undefined): string {
  return `COMMENT ON ${what} IS ${comment ? literal(comment) : "NULL"}`;
}

/** Comments and NOT NULL of fields of structs that both have. */
function planNested({ planning, chain, table }: Alteration, pair: ReturnType<typeof pairsOf>[number]): void {
  const [old, wanted] = [pair.before.nested ?? {}, pair.after.nested ?? {}];
  nameUnwritable(chain, pair.place, pair.after, planning.listed, old);
  const paths = [...new Set([...Object.keys(old), ...Object.keys(wanted)])];
  const others = new Set(unwritable(pair.after.type, { ...old, ...wanted }));
  for (const path of paths.filter((one) => !others.has(one))) {
    const name = [pair.before.name, ...path.split(".")].map(quoteName).join(".");
    const [from, to] = [old[path] ?? {}, wanted[path] ?? {}];
    if (from.comment !== to.comment && planning.listed("comments", pair.place, path)) {
      const statement = `ALTER TABLE ${table} ALTER COLUMN ${name} COMMENT ${literal(to.comment ?? "")}`;
      chain.add({ object: pair.place, facet: "comments", statement, again: true });
    }
    if (Boolean(from.notNull) === Boolean(to.notNull) || !planning.listed("nullability", pair.place, path)) continue;
    if (to.notNull) chain.name(pair.place, "nullability", `no ALTER makes the field ${path} NOT NULL`, byRecreating);
    else {
      const statement = `ALTER TABLE ${table} ALTER COLUMN ${name} DROP NOT NULL`;
      chain.add({ object: pair.place, facet: "nullability", statement, again: true });
    }
  }
}

/** Of the table and its columns. */
export function planAllTags(
  chain: Chain,
  { object, table }: { object: string; table: string },
  { before, after }: { before: TableStructure | undefined; after: TableStructure },
  wants: Wants,
): void {
  planTags(chain, `TABLE ${table}`, object, { before: before?.tags, after: after.tags }, wants);
  const old = byName(before?.columns ?? []);
  for (const { name, tags } of after.columns) {
    const place = `${object}.${name.toLowerCase()}`;
    const target = `TABLE ${table} ALTER COLUMN ${quoteName(name)}`;
    planTags(chain, target, place, { before: old.get(name.toLowerCase())?.tags, after: tags }, wants);
  }
}
