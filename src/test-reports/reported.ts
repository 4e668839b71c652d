import { stripVTControlCharacters } from "node:util";
import { CodedError } from "../model/coded-error.ts";
import type { ErrorCode } from "../model/error-codes/catalogue.ts";
import { type CrashedSuite, shortMessage, type TestStatus } from "../model/test-results.ts";

/** A test as one report describes it. */
export interface ReportedTest {
  /** Its describe blocks, outermost first, then its own name. */
  titles: readonly string[];
  status: TestStatus;
  durationMs: number;
  /** As in the report: absolute, or relative to a folder that only the runner knows. */
  file?: string;
  line?: number;
  project?: string;
  /** The number of attempts; 1 without retries. */
  attempts: number;
  message?: string;
  stack?: string;
  /** See `TestCase`. */
  errored?: true;
}

/** Receives the findings of a reader one at a time, so that no report has to be in memory as a whole. */
export interface Findings {
  test(test: ReportedTest): void;
  crashed(suite: CrashedSuite): void;
  /** The header of the report has more tests than it describes. @param tests how many the header has */
  declared?(tests: number): void;
}

/** Used as the file of a failure that belongs to none. */
export const wholeRun = "(the whole run)";

const longestMessage = { lines: 5, characters: 1_000 };
const longestStack = 8_000;

const stackLine = /^\s+at /;

/** The beginning of a failure's text, as plain text without the stack. */
export function messageOf(text: string): string {
  const lines = stripVTControlCharacters(text.slice(0, longestStack)).trim().split("\n").slice(0, longestMessage.lines);
  const stackBegins = lines.findIndex((line) => stackLine.test(line));
  const message = (stackBegins > 0 ? lines.slice(0, stackBegins) : lines).join("\n").trim();
  const cut = message.length > longestMessage.characters ? `${message.slice(0, longestMessage.characters)}…` : message;
  // JSON may have half a character, and so may a cut.
  return cut.toWellFormed();
}

/** The message of a test after the first `mostWholeTests`. */
export function shortMessageOf(message: string): string {
  return message.length <= shortMessage ? message : `${message.slice(0, shortMessage - 1).toWellFormed()}…`;
}

export function stackOf(text: string): string {
  const plain = stripVTControlCharacters(text.slice(0, longestStack)).trim().toWellFormed();
  return text.length > longestStack ? `${plain}\n… (cut)` : plain;
}

/** The message of a flaky test whose report has only the last attempt. */
export function passedLaterMessage(attempts: number): string {
  return `passed in attempt ${attempts}; the report does not say why those before failed`;
}

export function nameOf(titles: readonly string[]): string {
  return (
    titles
      .filter((title) => title !== "")
      .join(" › ")
      .toWellFormed() || "(a test without a name)"
  );
}

/** A report that cannot be read to its end. What it said before counts, but it can't open a gate. */
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
