import type { ErrorCode } from "./error-codes/catalogue.ts";

/** An error for people. `errorText` prints its code, which names the kind of error, in front of the message. */
export class CodedError extends Error {
  override name = "CodedError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** The codes of everything that the message lists. */
  get codes(): readonly ErrorCode[] {
    return [this.code];
  }
}

/** The code that is printed with an unexpected error. */
const unexpectedError: ErrorCode = "EA9199";

/** Where the documentation of what is printed can be read. */
const reference = "https://github.com/classwaves/env-actions/blob/main/docs/reference";
const page = `${reference}/errors.md`;

/** The page with every code of `env-actions doctor`. */
export const doctorPage = `${reference}/doctor.md`;

/** The page to read: the entry of the code, or the whole page if there are several codes. */
export function readOn(codes: Iterable<ErrorCode>): string {
  const [code, ...others] = new Set(codes);
  return code === undefined || others.length > 0 ? page : `${page}#${code.toLowerCase()}`;
}

/** The text of an unexpected error, with everything that helps to find its cause. */
export function unexpectedText(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `${unexpectedError}: ${text}`;
}
