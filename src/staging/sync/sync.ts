import type { Drift, SyncResult, SyncStep } from "../../model/staging.ts";
import type { CopyWarehouse } from "../../warehouse/access.ts";
import { type CompareOptions, compareStructures } from "../drift/compare.ts";
import { IgnoreRules } from "../drift/ignore.ts";
import { readStructure } from "../structure/read.ts";
import type { Structure } from "../structure/structure.ts";
import { byRecreating } from "./columns.ts";
import { executeSync } from "./execute.ts";
import { emptyTables, functionsOf } from "./looks.ts";
import { planSync, type SyncPlan, type SyncQuestion } from "./plan.ts";

export interface SyncRequest extends CompareOptions {
  /** The catalogs. */
  original: string;
  copy: string;
  /** Whether grants that only the copy has are revoked. */
  revoke?: boolean;
  /** Tables (`schema.table`, `*` for any text) that are dropped and created anew if no ALTER makes them equal. Empty ones always are. */
  recreate?: readonly string[];
  /** Of the plan that somebody has seen. */
  digest?: string;
  /** Only plan. */
  dryRun?: boolean;
}

export interface SyncStagePorts {
  warehouse: CopyWarehouse;
  signal: AbortSignal;
  now: () => Date;
  onStep?: (step: SyncStep) => void;
}

/**
 * Makes the copy's structure equal to the original's: reads both, plans, executes, and reads both again.
 * @returns the result, and the comparison that it began with
 * @throws WarehouseFailure
 */
export async function sync(ports: SyncStagePorts, request: SyncRequest): Promise<{ result: SyncResult; drift: Drift }> {
  const { warehouse, signal, now, onStep } = ports;
  const read = async (): Promise<{ original: Structure; copy: Structure; drift: Drift }> => {
    const original = await readStructure(warehouse, request.original, now());
    const copy = await readStructure(warehouse, request.copy, now());
    return { original, copy, drift: compareStructures(original, copy, request) };
  };
  const state = await read();
  const plan = await planFor(warehouse, state, request);
  const compare = async (): Promise<Drift> => (await read()).drift;
  const step = onStep ? { onStep } : {};
  const result = request.dryRun
    ? planned(plan)
    : await executeSync({ warehouse, signal, compare, ...step }, plan, request.digest);
  return { result, drift: state.drift };
}

async function planFor(
  warehouse: CopyWarehouse,
  state: Pick<SyncQuestion, "original" | "copy" | "drift">,
  request: SyncRequest,
): Promise<SyncPlan> {
  const rules = new IgnoreRules(request.ignore ?? []);
  const named = new IgnoreRules((request.recreate ?? []).map((object) => ({ object, reason: "" })));
  const isNamed = (table: string): boolean => named.reasonFor("tables", table, undefined) !== undefined;
  const question: SyncQuestion = {
    ...state,
    ignores: (facet, object, item) => rules.reasonFor(facet, object, item) !== undefined,
    ...(request.catalogNames ? { catalogNames: request.catalogNames } : {}),
    scope: warehouse.scope,
    allow: { recreate: isNamed, ...(request.revoke === undefined ? {} : { revoke: request.revoke }) },
  };
  const isAboutFunctions = state.drift.facets.policies.differences.some(({ item }) => item === "MASK" || item === "ROW FILTER");
  const first = planSync(question);
  const needsFunctions = isAboutFunctions || first.impossible.some(({ facet }) => facet === "policies");
  const functions = needsFunctions ? await functionsOf(warehouse, state.copy.catalog) : undefined;
  const blocked = first.impossible.filter(({ instead }) => instead === byRecreating).map(({ object }) => tableOf(object));
  const empty = await emptyTables(warehouse, state.copy.catalog, [...new Set(blocked)]);
  if (!functions && empty.size === 0) return first;
  const recreate = (table: string): boolean => isNamed(table) || empty.has(table);
  return planSync({ ...question, ...(functions ? { functions } : {}), allow: { ...question.allow, recreate } });
}

function planned({ digest, steps, impossible }: SyncPlan): SyncResult {
  return {
    digest,
    steps: steps.map(({ object, facet, statement, loses, outcome }) => ({
      object,
      facet,
      statement,
      ...(loses ? { loses } : {}),
      outcome,
    })),
    impossible,
  };
}

/** `schema.table` of `schema.table.column`. */
function tableOf(object: string): string {
  return object.split(".").slice(0, 2).join(".");
}
