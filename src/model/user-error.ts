/**
 * The user's mistake: a wrong input, flag or configuration. Exit status 2. The message names the place and the cure, and is shown
 * without a stack.
 */
export class UserError extends Error {
  override name = "UserError";
  /** Where the mistakes stand, if they stand in a file. The message has all of them. */
  readonly mistakes: readonly PlacedMistake[];

  constructor(message: string, { mistakes = [], ...options }: ErrorOptions & { mistakes?: readonly PlacedMistake[] } = {}) {
    super(message, options);
    this.mistakes = mistakes;
  }
}

/** Line and column count from 1, as editors do. */
export interface PlacedMistake {
  /** As the person named it. */
  file: string;
  line: number;
  column: number;
  message: string;
}
