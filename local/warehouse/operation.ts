import { fromDuckDb, SqlError } from "./errors.ts";
import type { ResultSet } from "./results.ts";
import type { OperationOutcome } from "./wire.ts";

/** A running statement. It ends by itself, when cancelled, or after its timeout. */
export class Operation {
  readonly #controller = new AbortController();
  readonly #ended: Promise<void>;
  #outcome: OperationOutcome = { state: "running" };

  /** @param timeoutSeconds 0: no limit, as in STATEMENT_TIMEOUT */
  constructor(run: (signal: AbortSignal) => Promise<ResultSet>, timeoutSeconds: number) {
    const timer =
      timeoutSeconds > 0
        ? setTimeout(() => this.#controller.abort(timedOut(timeoutSeconds)), Math.min(timeoutSeconds * 1000, 2 ** 31 - 1))
        : undefined;
    this.#ended = run(this.#controller.signal)
      .then(
        (result) => {
          this.#outcome = { state: "finished", result };
        },
        (error: unknown) => {
          this.#outcome = this.#failure(error);
        },
      )
      .finally(() => clearTimeout(timer));
  }

  get outcome(): OperationOutcome {
    return this.#outcome;
  }

  /** A statement that has already committed stays finished. */
  cancel(): void {
    this.#controller.abort(canceled());
  }

  /** Waits until it has ended or `milliseconds` have passed. */
  async settled(milliseconds: number): Promise<OperationOutcome> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, milliseconds);
    });
    await Promise.race([this.#ended, patience]).finally(() => clearTimeout(timer));
    return this.#outcome;
  }

  #failure(error: unknown): OperationOutcome {
    const reason: unknown = this.#controller.signal.reason;
    if (!(reason instanceof SqlError)) return { state: "failed", error: fromDuckDb(error) };
    return { state: reason.errorClass === "OPERATION_CANCELED" ? "canceled" : "timed-out", error: reason };
  }
}

function canceled(): SqlError {
  return new SqlError("OPERATION_CANCELED", "HY008", "The operation was canceled.");
}

function timedOut(seconds: number): SqlError {
  return new SqlError(
    "STATEMENT_TIMEOUT",
    "57KD0",
    `The statement ran longer than STATEMENT_TIMEOUT, ${seconds} seconds, and was canceled.`,
  );
}
