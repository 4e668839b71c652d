import { RedisFailure, withRetries } from "./failure.ts";
import { type CommandWords, ErrorReply, type Reply, type Wire } from "./wire.ts";

/** A connection that is opened again after a loss, to wherever the server is by then. */
export class ReconnectingWire {
  readonly #open: () => Promise<Wire>;
  #opening: Promise<Wire> | undefined;
  #wire: Wire | undefined;
  #closed: RedisFailure | undefined;

  constructor(open: () => Promise<Wire>) {
    this.#open = open;
  }

  /** @throws RedisFailure if it cannot be opened now */
  async wire(): Promise<Wire> {
    if (this.#closed) throw this.#closed;
    if (this.#wire?.usable) return this.#wire;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    this.#wire = await this.#opening;
    return this.#wire;
  }

  /** Drops a connection that may still be open but is useless: its server has become a replica, or is starting. */
  drop(wire: Wire, why: RedisFailure): void {
    wire.lose(why);
  }

  /** Pending work gets this reason, and nothing is opened again. */
  async close(why = new RedisFailure("cancelled", "the connection to Redis was closed")): Promise<void> {
    this.#closed ??= why;
    const opening = await this.#opening?.catch(() => undefined);
    await Promise.all([opening?.close(), this.#wire?.close()]);
  }
}

/** Commands that are sent together, and the handler for their replies. */
export interface Job {
  commands: readonly CommandWords[];
  take(replies: readonly Reply[]): void;
}

/**
 * Runs jobs, `width` at a time. An interrupted one is sent again, so all of them must be repeatable.
 * @returns whether an answer was lost, so that the effect of the first attempt is unknown
 * @throws RedisFailure the first failure that isn't temporary
 */
export async function runJobs(
  line: ReconnectingWire,
  jobs: Iterator<Job>,
  { width, retryForMs, signal }: { width: number; retryForMs: number; signal: AbortSignal },
): Promise<boolean> {
  let lostAnswers = false;
  const run = async (job: Job): Promise<void> => {
    const wire = await line.wire();
    const { replies, lost } = await wire.send(job.commands);
    if (lost) {
      lostAnswers = true;
      throw lost;
    }
    const refused = replies.find((reply) => reply instanceof ErrorReply);
    try {
      job.take(replies);
    } catch (error) {
      if (refused && error instanceof RedisFailure && error.passing) line.drop(wire, error);
      throw error;
    }
  };
  // After the first failure nothing more is sent, and nothing is in progress when this returns.
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (let next = jobs.next(); !next.done && failures.length === 0; next = jobs.next()) {
      const job = next.value;
      try {
        await withRetries(retryForMs, signal, () => run(job));
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  if (failures.length > 0) throw failures[0];
  return lostAnswers;
}
