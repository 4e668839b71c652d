import { CodedError } from "./coded-error.ts";
import type { ErrorCode } from "./error-codes/catalogue.ts";

/**
 * The user's mistake: a wrong input, flag or configuration. Exit status 2. The message says what is wrong, where, and what to do, and
 * is shown without a stack.
 */
export class UserError extends CodedError {
  override name = "UserError";
  /** Where the mistakes are, if they are in a file. The message has all of them, each with its own code. */
  readonly mistakes: readonly PlacedMistake[];

  constructor(
    code: ErrorCode,
    message: string,
    { mistakes = [], ...options }: ErrorOptions & { mistakes?: readonly PlacedMistake[] } = {},
  ) {
    super(code, message, options);
    this.mistakes = mistakes;
  }

  override get codes(): readonly ErrorCode[] {
    return this.mistakes.length > 0 ? this.mistakes.map(({ code }) => code) : super.codes;
  }
}

/** Line and column count from 1, as editors do. */
export interface PlacedMistake {
  code: ErrorCode;
  /** As the person named it. */
  file: string;
  line: number;
  column: number;
  message: string;
}
