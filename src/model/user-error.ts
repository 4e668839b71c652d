import { CodedError } from "./coded-error.ts";
import type { ErrorCode } from "./error-codes/catalogue.ts";

/**
 * A mistake by the user: a wrong input, flag or configuration. Exit status 2. The message says what is wrong, where, and what to
 * do. It is shown without a stack.
 */
export class UserError extends CodedError {
  override name = "UserError";
  /** The positions of mistakes in a file. The message contains all of them, each with its own code. */
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

/** Line and column start at 1, as in editors. */
export interface PlacedMistake {
  code: ErrorCode;
  /** The path as the user gave it. */
  file: string;
  line: number;
  column: number;
  message: string;
}
