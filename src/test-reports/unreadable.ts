import { CodedError } from "../model/coded-error.ts";
import type { ErrorCode } from "../model/error-codes/catalogue.ts";

/** A report that cannot be trusted. Nothing of its content counts. */
export class UnreadableReport extends CodedError {
  override name = "UnreadableReport";
  /** As configured; a glob if it matched nothing. */
  readonly file: string;
  /** `line 3, column 14`, `byte 4096` or `testResults[3].status`, if known. */
  readonly position: string | undefined;

  constructor(code: ErrorCode, file: string, cause: string, position?: string) {
    super(code, position === undefined ? `${file}: ${cause}` : `${file}, ${position}: ${cause}`);
    this.file = file;
    this.position = position;
  }
}
