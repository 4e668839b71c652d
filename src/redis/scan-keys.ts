import { pauseFor, refusedFailure } from "./failure.ts";
import { Pace } from "./pace.ts";
import { ErrorReply, type Replies, type Wire } from "./wire.ts";

const pings = 5;

/**
 * Every key of one server, in one pass over its keyspace. The next batch is requested while the caller works on this one, never
 * more: once its cursor has arrived and somebody waits. A failure ends the pass. A cursor is only valid in the server process
 * that issued it, so an interrupted pass starts again.
 * @throws RedisFailure
 */
export async function* scanKeys(wire: Wire, match: string | undefined, signal: AbortSignal): AsyncGenerator<string[]> {
  const pace = new Pace(await fastestPing(wire));
  let step = new Step({ wire, pace, filter: match === undefined ? [] : ["MATCH", match] }, "0");
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
  wire: Wire;
  pace: Pace;
  filter: readonly string[];
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
    const { wire, pace, filter } = pass;
    const sent = performance.now();
    const { count } = pace;
    this.#answer = wire.send([["SCAN", cursor, ...filter, "COUNT", String(count)]]).then((answer) => {
      const [reply] = answer.replies;
      if (!Array.isArray(reply)) return answer;
      pace.note(performance.now() - sent, count);
      this.#cursor = String(reply[0]);
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
