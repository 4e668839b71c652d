import { z } from "../../lib/zod.ts";
import type { TestStatus } from "../../model/test-results.ts";
import { type Findings, messageOf, passedLaterMessage, stackOf, wholeRun } from "../reported.ts";
import type { JsonRowsFormat } from "./format.ts";
import type { Place, RowReader } from "./json/rows.ts";
import {
  count,
  lineNumber,
  listOf,
  milliseconds,
  requireDeclaredCount,
  retryCount,
  statusWord,
  text,
  title,
  unknownStatusMessage,
  validate,
} from "./json-document.ts";

/** The JSON of `jest --json`, which Vitest writes too. */

/** Any other word is unknown. */
const statuses = new Map<string, TestStatus>([
  ["passed", "passed"],
  ["failed", "failed"],
  ["pending", "skipped"],
  ["skipped", "skipped"],
  ["todo", "skipped"],
  ["disabled", "skipped"],
]);

/** Of a file. */
const suiteStatuses = ["passed", "failed", "pending", "skipped", "focused"];

const assertionSchema = z.object({
  ancestorTitles: listOf(title),
  title,
  status: statusWord,
  duration: milliseconds,
  /** Vitest writes null for what was thrown, if it is no error. */
  failureMessages: listOf(text),
  location: z.object({ line: lineNumber }).nullish(),
  /** Jest: the number of attempts, and the failures of all but the last. */
  invocations: retryCount,
  retryReasons: listOf(text),
});

const suiteSchema = z.object({
  name: title,
  status: statusWord,
  message: title,
  assertionResults: z.array(z.unknown()),
});

const reportSchema = z.object({
  success: z.boolean(),
  wasInterrupted: z.boolean().nullish(),
  numTotalTests: count,
  numFailedTests: count,
  numRuntimeErrorTestSuites: count.nullish(),
  testResults: z.array(z.unknown()),
});

/** In the message of a file that could not be loaded, or whose hooks failed after its tests. */
const crashMark = "● Test suite failed to run";

type Assertion = z.output<typeof assertionSchema>;
type Suite = z.output<typeof suiteSchema>;

export const jest: JsonRowsFormat = {
  syntax: "json-rows",
  writers: ["Jest", "Vitest"],
  branch: {
    header: reportSchema,
    rows: { testResults: { header: suiteSchema, rows: { assertionResults: assertionSchema } } },
  },
  recognise: (document) => ("testResults" in document && "numTotalTests" in document ? flavourOf(document) : undefined),
  read: (file, document, findings) => new JestReader(file, document, findings),
};

function flavourOf(document: object): "jest-json" | "vitest-json" {
  return "numRuntimeErrorTestSuites" in document ? "jest-json" : "vitest-json";
}

class JestReader implements RowReader {
  readonly #file: string;
  readonly #format: string;
  readonly #report: z.output<typeof reportSchema>;
  readonly #findings: Findings;
  #total = 0;
  #failed = 0;
  #unknown = 0;
  #crashed = 0;
  #suite: Suite | undefined;
  /** The tests of the current suite. */
  #inSuite = { total: 0, troubled: 0, crashed: false };

  constructor(file: string, document: object, findings: Findings) {
    this.#file = file;
    this.#format = flavourOf(document);
    this.#report = validate(file, this.#format, reportSchema, document);
    this.#findings = findings;
  }

  enter(_key: string, header: unknown, place: Place): void {
    this.#suite = validate(this.#file, this.#format, suiteSchema, header, place);
    this.#inSuite = { total: 0, troubled: 0, crashed: false };
  }

  row(_key: string, row: unknown, place: Place): void {
    if (isCrash(row)) {
      this.#inSuite.crashed = true;
      return;
    }
    const assertion = validate(this.#file, this.#format, assertionSchema, row, place);
    const status = tell(this.#suite?.name ?? "", assertion, this.#findings);
    this.#total++;
    this.#inSuite.total++;
    if (status === "failed") this.#failed++;
    if (status === "unknown") this.#unknown++;
    if (status === "failed" || status === "unknown") this.#inSuite.troubled++;
  }

  leave(): void {
    const suite = this.#suite;
    if (!suite) return;
    const { total, troubled, crashed } = this.#inSuite;
    const failed = suite.status === "failed" || !suiteStatuses.includes(suite.status);
    if (!crashed && (!failed || (troubled > 0 && !suite.message.includes(crashMark)))) return;
    this.#findings.crashed({ file: suite.name, message: crashMessage(suite, total) });
    this.#crashed++;
  }

  end(): void {
    const { numTotalTests, numFailedTests, numRuntimeErrorTestSuites, wasInterrupted, success } = this.#report;
    const [failed, crashed] = [this.#failed + this.#unknown, this.#crashed];
    requireDeclaredCount(this.#file, "tests", numTotalTests, this.#total);
    // A tool may count as failed what it calls by a word of its own.
    requireDeclaredCount(this.#file, "failed tests", numFailedTests, failed);
    requireDeclaredCount(this.#file, "suites that failed to run", numRuntimeErrorTestSuites, crashed);
    if (wasInterrupted) this.#findings.crashed({ file: wholeRun, message: "the run was interrupted before all tests had run" });
    else if (!success && failed + crashed === 0 && this.#total > 0)
      this.#findings.crashed({ file: wholeRun, message: "the report says that the run failed, though no test and no file did" });
  }
}

/** With `reportTestSuiteErrors`, jest-junit adds the crash of a file to its tests, and Jest then writes it into its own report. */
function isCrash(row: unknown): boolean {
  return typeof row === "object" && row !== null && !("title" in row) && "status" in row && row.status === "error";
}

function crashMessage(suite: Suite, tests: number): string {
  const marked = suite.message.slice(Math.max(suite.message.indexOf(crashMark), 0));
  // What went wrong stands below the heading, which says nothing about it.
  const [heading = "", ...below] = marked.split("\n", 200);
  const crash = heading.trim() === crashMark && below.some((line) => line.trim() !== "") ? below.join("\n") : marked;
  if (crash.trim() !== "") return messageOf(crash);
  if (!suiteStatuses.includes(suite.status)) return unknownStatusMessage(suite.status);
  return tests === 0
    ? "the file could not be loaded"
    : "the file failed, though none of its tests did: a hook outside of the tests, perhaps";
}

function tell(file: string, assertion: Assertion, findings: Findings): TestStatus {
  const { failureMessages: failures, retryReasons } = assertion;
  const retries = Math.max(assertion.invocations - 1, retryReasons.length);
  // Vitest doesn't count attempts, but a test that passed in the end keeps the failures of earlier attempts.
  const earlier = assertion.status === "passed" ? Math.max(retries, failures.length) : retries;
  const status = assertion.status === "passed" && earlier > 0 ? "flaky" : (statuses.get(assertion.status) ?? "unknown");
  const trouble =
    [...failures, ...retryReasons].find((said) => said !== undefined) ?? withoutFailure(status, assertion.status, earlier + 1);
  findings.test({
    titles: [...assertion.ancestorTitles, assertion.title],
    status,
    durationMs: assertion.duration,
    file,
    line: assertion.location?.line,
    attempts: earlier + 1,
    ...(trouble === undefined ? {} : { message: messageOf(trouble), stack: stackOf(trouble) }),
  });
  return status;
}

function withoutFailure(status: TestStatus, word: string, attempts: number): string | undefined {
  if (status === "unknown") return unknownStatusMessage(word);
  if (status === "failed") return "the report gives no message";
  return status === "flaky" ? passedLaterMessage(attempts) : undefined;
}
