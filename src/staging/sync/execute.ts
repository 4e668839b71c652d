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

/** Each step when what comes before it has ended; without being sent, if something failed that it needs. */
async function run({ warehouse, signal, onStep }: SyncPorts, planned: readonly PlannedStep[]): Promise<SyncStep[]> {
  const steps = planned.map((step): SyncStep => ({ ...shown(step), outcome: "not reached" }));
  const waiting = planned.map(({ after, behind }) => new Set([...after, ...behind]));
  const next = planned.map((): number[] => []);
  for (const [place, before] of waiting.entries()) for (const other of before) next[other]?.push(place);
  const ready = planned.flatMap((_, place) => (waiting[place]?.size === 0 ? [place] : []));
  let running = 0;
  return new Promise((resolve, reject) => {
    const begin = (): void => {
      while (running < atOnce && ready.length > 0 && !signal.aborted) {
        const place = ready.shift() as number;
        const step = planned[place] as PlannedStep;
        if (step.after.every((other) => steps[other]?.outcome === "done")) {
          running++;
          void runStep(warehouse, step).then((problem) => end(place, problem), reject);
        } else release(place);
      }
      if (running === 0) resolve(steps);
    };
    const end = (place: number, problem: string | undefined): void => {
      running--;
      const step = { ...(steps[place] as SyncStep), ...(problem === undefined ? {} : { problem }) };
      steps[place] = { ...step, outcome: problem === undefined ? "done" : "failed" };
      onStep?.(steps[place]);
      release(place);
      begin();
    };
    /** In the order of the plan, so that two runs send the same. */
    const release = (place: number): void => {
      for (const other of next[place] ?? []) {
        const left = waiting[other] as Set<number>;
        left.delete(place);
        if (left.size === 0) ready.splice(ready.findLastIndex((one) => one < other) + 1, 0, other);
      }
    };
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
