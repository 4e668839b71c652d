import { CodedError } from "../model/coded-error.ts";
import type { ErrorCode } from "../model/error-codes/catalogue.ts";

/** A report that cannot be believed. Whatever it seemed to say, nothing of it counts. */
export class UnreadableReport extends CodedError {
  override name = "UnreadableReport";
  /** As it was asked for; a glob where it matched nothing. */
  readonly file: string;
  /** `line 3, column 14`, `byte 4096` or `testResults[3].status`, where there is one. */
  readonly position: string | undefined;

  constructor(code: ErrorCode, file: string, cause: string, position?: string) {
    super(code, position === undefined ? `${file}: ${cause}` : `${file}, ${position}: ${cause}`);
    this.file = file;
    this.position = position;
  }
}
