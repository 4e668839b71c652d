import type { Drift, SyncResult, SyncStep } from "../../model/staging.ts";
import type { CopyWarehouse } from "../../warehouse/access.ts";
import { WarehouseFailure } from "../../warehouse/failure.ts";
import { differencesIn, type SyncPlan } from "./plan.ts";
import type { PlannedStep } from "./steps.ts";

/** Statements that are sent at the same time, at most. */
const atOnce = 8;

export interface SyncPorts {
  warehouse: CopyWarehouse;
  signal: AbortSignal;
  /** Reads both structures again, and compares them. */
  compare: () => Promise<Drift>;
  /** Called when a step ends. */
  onStep?: (step: SyncStep) => void;
}

/** Why a plan with these steps is not executed; undefined if it may be. */
export function whyWithheld(plan: SyncPlan, digest: string | undefined): SyncResult["withheld"] {
  if (digest !== undefined && digest !== plan.digest) return "other digest";
  return digest === undefined && plan.steps.some(({ loses }) => loses) ? "digest needed" : undefined;
}

/**
 * Runs the plan: what doesn't depend on each other at the same time, and nothing that depends on a failed step. A plan that loses
 * something runs completely or not at all, so a copy is never left between two plans.
 * @param digest of the plan that somebody has seen; needed if a step loses something
 */
export async function executeSync(ports: SyncPorts, plan: SyncPlan, digest?: string): Promise<SyncResult> {
  const result = { digest: plan.digest, impossible: plan.impossible };
  const withheld = whyWithheld(plan, digest);
  if (withheld) return { ...result, steps: plan.steps.map(shown), withheld };
  if (plan.steps.length === 0) return { ...result, steps: [], left: plan.differences };
  const steps = await run(ports, plan.steps);
  return { ...result, steps, left: differencesIn(await ports.compare()) };
}

async function run({ warehouse, signal, onStep }: SyncPorts, planned: readonly PlannedStep[]): Promise<SyncStep[]> {
  const steps = planned.map(shown);
  const waiting = planned.map(({ after }) => new Set(after));
  const next = planned.map((_, place) => planned.flatMap(({ after }, other) => (after.includes(place) ? [other] : [])));
  const ready = planned.flatMap(({ after }, place) => (after.length === 0 ? [place] : []));
  let running = 0;
  return new Promise((resolve, reject) => {
    const begin = (): void => {
      while (running < atOnce && ready.length > 0 && !signal.aborted) {
        const place = ready.shift() as number;
        running++;
        void runStep(warehouse, planned[place] as PlannedStep).then((problem) => end(place, problem), reject);
      }
      if (running === 0) resolve(steps);
    };
    const end = (place: number, problem: string | undefined): void => {
      running--;
      const step = steps[place] as SyncStep;
      steps[place] = problem === undefined ? { ...step, outcome: "done" } : { ...step, outcome: "failed", problem };
      onStep?.(steps[place] as SyncStep);
      for (const other of problem === undefined ? (next[place] ?? []) : []) {
        const left = waiting[other] as Set<number>;
        left.delete(place);
        // In the order of the plan, so that two runs send the same.
        if (left.size === 0) ready.splice(ready.findLastIndex((one) => one < other) + 1, 0, other);
      }
      begin();
    };
    for (const [place, step] of steps.entries()) steps[place] = { ...step, outcome: "not reached" };
    begin();
  });
}

/** @returns why it failed */
async function runStep(warehouse: CopyWarehouse, { look, statement, again, object }: PlannedStep): Promise<string | undefined> {
  try {
    const found = look && Number((await warehouse.query(look.statement))[0]?.found);
    if (look && found !== 0) return `${found} rows of ${object} ${look.against}`;
    await warehouse.change(statement, {}, { again });
    return undefined;
  } catch (error) {
    if (error instanceof WarehouseFailure) return error.message;
    throw error;
  }
}

/** Without what only the execution needs. */
function shown({ object, facet, statement, loses, outcome }: PlannedStep): SyncStep {
  return { object, facet, statement, ...(loses ? { loses } : {}), outcome };
}
