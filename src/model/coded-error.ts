import type { ErrorCode } from "./error-codes/catalogue.ts";

/** An error that people read. Its code says what kind it is, and is printed in front of the message by `errorText`. */
export class CodedError extends Error {
  override name = "CodedError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** Of everything that the message lists. */
  get codes(): readonly ErrorCode[] {
    return [this.code];
  }
}

/** What an error that nobody expected is printed with. */
const unexpectedError: ErrorCode = "EA9199";

const page = "https://github.com/classwaves/env-actions/blob/main/docs/reference/errors.md";

/** Where to read on: the entry of the code, or the page where there are several. */
export function readOn(codes: Iterable<ErrorCode>): string {
  const [code, ...others] = new Set(codes);
  return code === undefined || others.length > 0 ? page : `${page}#${code.toLowerCase()}`;
}

/** What is printed of an error that nobody expected: everything that helps to find its cause. */
export function unexpectedText(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `${unexpectedError}: ${text}`;
}
