import { quoteName } from "../../warehouse/statements.ts";
import type { TableStructure } from "../structure/structure.ts";
import type { Planning, Wants } from "./scope.ts";
import { names } from "./sql-text.ts";
import type { Before, Chain, NewStep } from "./steps.ts";

/** Row filters and column masks. The functions that they call are not copied. */

type Policy = { function: string; columns: string[] };

/** What must be there before anybody gets access. */
export interface Protection {
  /** The steps that set it. */
  steps: Before;
  /** Whether some of it cannot be set. */
  isMissing: boolean;
}

export const unprotected: Protection = { steps: { after: [], behind: [] }, isMissing: false };

/** @param wants by the object: a new column's mask is wanted although no comparison lists it */
export function planMasks(
  planning: Planning,
  chain: Chain,
  { object, table }: { object: string; table: string },
  { before, after }: { before: TableStructure | undefined; after: TableStructure },
  wants: Wants,
): Protection {
  const places: number[] = [];
  let isMissing = false;
  const plan = (place: string, what: string, change: Change, statement: (call: Change["call"]) => string): void => {
    if (change.why && change.call) {
      isMissing = true;
      const instead = `Create ${change.call.name} in the copy, and sync again`;
      chain.name(place, "policies", `the ${what} is missing: ${change.why}`, instead);
      return;
    }
    const step: NewStep = { object: place, facet: "policies", statement: statement(change.call), again: true };
    // Whoever could not see everything sees it then.
    const planned = chain.add(change.call ? step : { ...step, loses: "access" });
    if (planned !== undefined) places.push(planned);
    else isMissing = true;
  };
  const filter = policyFor(planning, before?.rowFilter, after.rowFilter);
  if (filter && wants("policies", object, "ROW FILTER"))
    plan(object, "row filter", filter, (call) =>
      call
        ? `ALTER TABLE ${table} SET ROW FILTER ${call.name} ON (${names(call.columns)})`
        : `ALTER TABLE ${table} DROP ROW FILTER`,
    );
  const old = new Map(before?.columns.map((column) => [column.name.toLowerCase(), column.mask]));
  for (const { name, mask } of after.columns) {
    const place = `${object}.${name.toLowerCase()}`;
    const change = policyFor(planning, old.get(name.toLowerCase()), mask);
    if (!change || !wants("policies", place, "MASK")) continue;
    plan(place, "mask", change, (call) => {
      const alter = `ALTER TABLE ${table} ALTER COLUMN ${quoteName(name)}`;
      if (!call) return `${alter} DROP MASK`;
      return `${alter} SET MASK ${call.name}${call.columns.length > 0 ? ` USING COLUMNS (${names(call.columns)})` : ""}`;
    });
  }
  return { steps: { after: places, behind: [] }, isMissing };
}

interface Change {
  /** Quoted; undefined: it goes. */
  call: { name: string; columns: string[] } | undefined;
  /** Why it cannot be set. */
  why?: string;
}

function policyFor(planning: Planning, before: Policy | undefined, after: Policy | undefined): Change | undefined {
  if (!after) return before && { call: undefined };
  const [catalog = "", ...rest] = after.function.toLowerCase().split(".");
  const isOwn = catalog === planning.original.catalog.toLowerCase();
  const name = [planning.catalogs.get(catalog) ?? catalog, ...rest].join(".");
  if (before && before.function.toLowerCase() === name.toLowerCase() && before.columns.join() === after.columns.join())
    return undefined;
  const known = !isOwn || planning.functions?.has(rest.join("."));
  const call = { name: name.split(".").map(quoteName).join("."), columns: after.columns };
  return known ? { call } : { call, why: `it calls ${after.function}, and functions are not copied` };
}
