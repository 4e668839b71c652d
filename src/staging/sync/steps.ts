import type { Facet, SyncResult, SyncStep } from "../../model/staging.ts";
import { type WritableScope, whyNotChange } from "../../warehouse/changes.ts";

/** A step, and what must be done before it. */
export interface PlannedStep extends SyncStep {
  /** Places of other steps in the plan. They are always earlier ones. */
  after: number[];
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

export type NewStep = Pick<SyncStep, "object" | "facet" | "statement" | "loses"> & { again?: boolean; look?: Look };

/** Steps in the order in which they were planned, and what no step can do. */
export class Steps {
  readonly planned: PlannedStep[] = [];
  readonly impossible: Impossible[] = [];
  readonly #scope: WritableScope;

  constructor(scope: WritableScope) {
    this.#scope = scope;
  }

  /** @returns its place; undefined if the statement could not be sent, which is named then */
  add(step: NewStep, after: Iterable<number> = []): number | undefined {
    const { object, facet } = step;
    const refusal = whyNotChange(step.statement, this.#scope);
    if (refusal) {
      this.name(object, facet, `env-actions doesn't send this statement: ${refusal}`, `Run it yourself: ${step.statement}`);
      return undefined;
    }
    const sorted = [...new Set(after)].sort((a, b) => a - b);
    this.planned.push({ again: false, ...step, outcome: "planned", after: sorted });
    return this.planned.length - 1;
  }

  /** A difference that stays. */
  name(object: string, facet: Facet, why: string, instead: string): void {
    this.impossible.push({ object, facet, why, instead });
  }
}

/** Steps of one object, one after the other. */
export class Chain {
  readonly #steps: Steps;
  #last: number[];

  /** @param after what must be done before the first */
  constructor(steps: Steps, after: Iterable<number> = []) {
    this.#steps = steps;
    this.#last = [...after];
  }

  /** @returns whether it is planned */
  add(step: NewStep, after: Iterable<number> = []): boolean {
    const place = this.#steps.add(step, [...this.#last, ...after]);
    if (place !== undefined) this.#last = [place];
    return place !== undefined;
  }

  name(object: string, facet: Facet, why: string, instead: string): void {
    this.#steps.name(object, facet, why, instead);
  }

  /** What must be done before something that needs the object as it will be. */
  get end(): readonly number[] {
    return this.#last;
  }
}
