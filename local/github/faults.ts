import type { Answer } from "./endpoint.ts";

/** Faults of the stand-in. Each can be set at any time; by default there are none. */
export interface Faults {
  /** Added to every answer, in milliseconds. */
  latencyMs: number;
  /**
   * Answers for the next requests, in this order; see `refusals.ts`. `operation` limits an entry to one: `repos/get-deployment`.
   * `when: "after"`: the request is executed all the same.
   */
  refuse: Turn<{ answer: Answer; operation?: string; when?: "after" }>[];
  /** Connections cut instead of an answer: `before` the request was executed, or `after` it (the client cannot tell which). */
  dropConnections: Turn<{ when: "before" | "after"; operation?: string }>[];
}

/** Used `times` times. */
export type Turn<What> = What & { times: number };

export function noFaults(): Faults {
  return { latencyMs: 0, refuse: [], dropConnections: [] };
}

/** Takes one use of the first entry that applies, if any. Used-up entries are removed. */
export function takeTurn<What>(turns: Turn<What>[], holds: (turn: Turn<What>) => boolean = () => true): What | undefined {
  const index = turns.findIndex(holds);
  const turn = turns[index];
  if (!turn) return undefined;
  turn.times--;
  if (turn.times <= 0) turns.splice(index, 1);
  return turn;
}
