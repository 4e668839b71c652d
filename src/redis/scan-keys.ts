import type { Match } from "./connection.ts";
import { pauseFor, refusedFailure } from "./failure.ts";
import { ErrorReply } from "./resp.ts";
import type { Replies, Wire } from "./wire.ts";

const pings = 5;

/**
 * Every key of one server, in one pass over its keyspace. The next batch is requested while the caller works on this one, never
 * more: once its cursor has arrived and somebody waits. A failure ends the pass. A cursor is only valid in the server process
 * that issued it, so an interrupted pass starts again.
 * @throws RedisFailure
 */
export async function* scanKeys(wire: Wire, match: Match, signal: AbortSignal): AsyncGenerator<string[]> {
  const pace = new Pace(await fastestPing(wire));
  let step = new Step({ wire, pace, match }, "0");
  for (;;) {
    step.wantNext();
    const keys = await step.keys();
    if (keys.length > 0) yield keys;
    if (step.isLast) return;
    if (pace.pauseMs > 0) await pauseFor(pace.pauseMs, signal);
    step = step.takeNext();
  }
}

async function fastestPing(wire: Wire): Promise<number> {
  let fastest = Number.POSITIVE_INFINITY;
  for (let index = 0; index < pings; index++) fastest = Math.min(fastest, await ping(wire));
  return fastest;
}

/** Round trip in milliseconds. @throws RedisFailure */
export async function ping(wire: Wire): Promise<number> {
  const started = performance.now();
  await wire.ping();
  return performance.now() - started;
}

interface Pass {
  readonly wire: Wire;
  readonly pace: Pace;
  /** A cursor doesn't depend on it, so it may change within a pass. */
  match: Match;
}

/** A SCAN step and its successor. */
class Step {
  #cursor: string | undefined;
  #next: Step | undefined;
  #wanted = false;
  readonly #pass: Pass;
  readonly #answer: Promise<Replies>;

  constructor(pass: Pass, cursor: string) {
    this.#pass = pass;
    const { wire, pace, match } = pass;
    const sent = performance.now();
    const { count } = pace;
    const filter = typeof match === "string" ? ["MATCH", match] : [];
    this.#answer = wire.send([["SCAN", cursor, ...filter, "COUNT", String(count)]]).then((answer) => {
      const [reply] = answer.replies;
      if (!Array.isArray(reply)) return answer;
      pace.note(performance.now() - sent, count);
      this.#cursor = String(reply[0]);
      // Before the next step is sent, which is the first one with a filter.
      if (typeof pass.match === "function" && !this.isLast) pass.match = pass.match((reply[1] ?? []) as string[]);
      if (this.#wanted) this.#begin();
      return answer;
    });
  }

  get isLast(): boolean {
    return this.#cursor === "0";
  }

  wantNext(): void {
    this.#wanted = true;
    if (this.#cursor !== undefined) this.#begin();
  }

  /** Clears the reference, because a step that isn't garbage collected yet would keep all later ones in memory. */
  takeNext(): Step {
    const next = this.#next ?? new Step(this.#pass, this.#cursor ?? "0");
    this.#next = undefined;
    return next;
  }

  async keys(): Promise<string[]> {
    const { replies, lost } = await this.#answer;
    if (lost) throw lost;
    const [reply = null] = replies;
    if (reply instanceof ErrorReply) throw refusedFailure(reply.text);
    const keys = Array.isArray(reply) ? reply[1] : undefined;
    if (!Array.isArray(keys) || this.#cursor === undefined) throw refusedFailure(`SCAN answered with ${JSON.stringify(reply)}`);
    return keys as string[];
  }

  #begin(): void {
    if (!this.#next && !this.isLast && this.#pass.pace.pauseMs === 0) this.#next = new Step(this.#pass, this.#cursor ?? "0");
  }
}

/** A key in readable form. */
export function readableKey(key: string): string {
  return Buffer.from(key, "latin1").toString("utf8");
}

/** A text in the form that keys have. */
export function keyText(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** Redis does one thing at a time: other clients wait while a SCAN runs, so each one has to be short. */
const targetMs = 1;
const fewest = 100;
const most = 5_000;
const begin = 500;
/** A round trip can be slow for many reasons but never too fast, so the fastest of the last few shows what the server needs. */
const remembered = 16;
/** No server is faster. A round trip shorter than an empty one gives no more information. */
const fastestPerKeyMs = 0.000_1;
const longestPauseMs = 50;

/**
 * Chooses how many keys to request at a time from how long they take: what a round trip takes beyond an empty one counts as the
 * server's own time.
 */
export class Pace {
  #count = begin;
  readonly #emptyMs: number;
  /** Milliseconds per key. */
  readonly #recent: number[] = [];

  /** @param emptyMs the fastest PING, milliseconds */
  constructor(emptyMs: number) {
    this.#emptyMs = emptyMs;
  }

  /** The COUNT of the next SCAN. */
  get count(): number {
    return this.#count;
  }

  /**
   * The pause before the next SCAN, in milliseconds, for other clients: as long as the last one took, if even few keys take too
   * long.
   */
  get pauseMs(): number {
    const took = this.#perKey() * fewest;
    return took > targetMs ? Math.min(took, longestPauseMs) : 0;
  }

  /**
   * @param roundTripMs of a SCAN, from sending to the first byte of the answer
   * @param count its COUNT
   */
  note(roundTripMs: number, count: number): void {
    this.#recent.push(Math.max((roundTripMs - this.#emptyMs) / count, fastestPerKeyMs));
    if (this.#recent.length > remembered) this.#recent.shift();
    const right = Math.round(targetMs / this.#perKey());
    // A measurement with few keys says little about many, so the count at most doubles each time.
    this.#count = Math.min(most, this.#count * 2, Math.max(fewest, right));
  }

  #perKey(): number {
    return this.#recent.length === 0 ? 0 : Math.min(...this.#recent);
  }
}
