import type { Answer } from "./endpoint.ts";

/** How the stand-in misbehaves. Every fault can be set while it runs; the default is a GitHub that behaves. */
export interface Faults {
  /** Added to every answer, in milliseconds. */
  latencyMs: number;
  /** Answers in place of the next requests, in this order; see `refusals.ts`. `operation` limits it to one: `repos/get-deployment`. */
  refuse: Turn<{ answer: Answer; operation?: string }>[];
  /** Connections cut in place of an answer: `before` the request was carried out, or `after` it (the client cannot tell which). */
  dropConnections: Turn<{ when: "before" | "after" }>[];
}

/** Used up `times` times. */
export type Turn<What> = What & { times: number };

export function noFaults(): Faults {
  return { latencyMs: 0, refuse: [], dropConnections: [] };
}

/** Takes one use of the first entry that holds, or nothing. Entries that are used up are removed. */
export function takeTurn<What>(turns: Turn<What>[], holds: (turn: Turn<What>) => boolean = () => true): What | undefined {
  const index = turns.findIndex(holds);
  const turn = turns[index];
  if (!turn) return undefined;
  turn.times--;
  if (turn.times <= 0) turns.splice(index, 1);
  return turn;
}
