import type { Facet, SyncResult, SyncStep } from "../../model/staging.ts";
import { type WritableScope, whyNotChange } from "../../warehouse/changes.ts";

/** What comes before a step, as places in the plan; they are always earlier ones. */
export interface Before {
  /** These must be done. */
  after: readonly number[];
  /** These must have ended, done or not. */
  behind: readonly number[];
}

/** A step, and what comes before it. */
export interface PlannedStep extends SyncStep, Before {
  /** Whether running it twice does no harm. */
  again: boolean;
  /** What is looked at before: how many rows stand against it. */
  look?: Look;
}

export interface Look {
  /** One row with the column `found`. */
  statement: string;
  /** What it means if there are any. */
  against: string;
}

export type Impossible = SyncResult["impossible"][number];

export type NewStep = Pick<SyncStep, "object" | "facet" | "statement" | "loses"> & {
  again?: boolean;
  look?: Look;
  /** Whether the steps after it in its chain are senseless, or unsafe, without it. */
  blocks?: boolean;
};

/** Steps in the order in which they were planned, and what no step can do. */
export class Steps {
  readonly planned: PlannedStep[] = [];
  readonly impossible: Impossible[] = [];
  readonly #scope: WritableScope;

  constructor(scope: WritableScope) {
    this.#scope = scope;
  }

  /** @returns its place; undefined if the statement could not be sent, which is named then */
  add({ blocks: _, ...step }: NewStep, before: Before = nothing): number | undefined {
    const { object, facet } = step;
    const refusal = whyNotChange(step.statement, this.#scope);
    if (refusal) {
      this.name(object, facet, `env-actions doesn't send this statement: ${refusal}`, `Run it yourself: ${step.statement}`);
      return undefined;
    }
    const after = sorted(before.after);
    const behind = sorted(before.behind.filter((place) => !after.includes(place)));
    this.planned.push({ again: false, ...step, outcome: "planned", after, behind });
    return this.planned.length - 1;
  }

  /** A difference that stays. */
  name(object: string, facet: Facet, why: string, instead: string): void {
    this.impossible.push({ object, facet, why, instead });
  }
}

const nothing: Before = { after: [], behind: [] };

export function together(...all: readonly (Before | undefined)[]): Before {
  return { after: all.flatMap((one) => one?.after ?? []), behind: all.flatMap((one) => one?.behind ?? []) };
}

function sorted(places: readonly number[]): number[] {
  return [...new Set(places)].sort((a, b) => a - b);
}

/** Steps of one object, one after the other. */
export class Chain {
  readonly #steps: Steps;
  #end: Before;

  /** @param before what comes before the first */
  constructor(steps: Steps, before: Before = nothing) {
    this.#steps = steps;
    this.#end = before;
  }

  /** @returns its place; undefined if it is not planned */
  add(step: NewStep, before: Before = nothing): number | undefined {
    const place = this.#steps.add(step, together(this.#end, before));
    if (place !== undefined) this.#end = { after: step.blocks ? [place] : this.#end.after, behind: [place] };
    return place;
  }

  name(object: string, facet: Facet, why: string, instead: string): void {
    this.#steps.name(object, facet, why, instead);
  }

  /** What comes before something that needs the object as it will be. */
  get end(): Before {
    return this.#end;
  }
}
