import { isAbsolute, posix } from "node:path";
import { z } from "../../lib/zod.ts";
import type { TestStatus } from "../../model/test-results.ts";
import { type Findings, messageOf, stackOf, UnreadableReport, wholeRun } from "../reported.ts";
import type { JsonRowsFormat } from "./format.ts";
import type { Branch, Place, RowReader } from "./json/rows.ts";
import {
  count,
  lineNumber,
  milliseconds,
  requireDeclaredCount,
  statusWord,
  text,
  title,
  unknownStatusMessage,
  validate,
} from "./json-document.ts";

/** The JSON of Playwright's `json` reporter. */

const deepestSuite = 64;

const words = ["expected", "unexpected", "flaky", "skipped"] as const;

/** Any other word is unknown. */
const statuses = new Map<string, TestStatus>([
  ["expected", "passed"],
  ["unexpected", "failed"],
  ["flaky", "flaky"],
  ["skipped", "skipped"],
] satisfies [(typeof words)[number], TestStatus][]);

/** Of one attempt. */
const resultStatuses = ["passed", "failed", "timedOut", "skipped", "interrupted"];

const location = z.object({ file: z.string(), line: lineNumber }).optional().catch(undefined);
/** `value`: what was thrown, if it is no error. */
const error = z.object({ message: text, stack: text, value: text, location });

const resultSchema = z.object({
  /** Absent if the worker never reported. */
  status: z.string().nullish(),
  duration: milliseconds,
  errors: z.array(error.nullish()).nullish(),
  /** The first of them. Old versions write no other. */
  error: error.nullish(),
  errorLocation: location,
});

const testSchema = z.object({
  projectName: title,
  /** Of each attempt; another one than "passed" if it is expected to fail. */
  expectedStatus: text,
  status: statusWord,
  results: z.array(resultSchema).nullish(),
});

const specSchema = z.object({ title, file: z.string(), line: lineNumber, tests: z.array(testSchema) });

const suiteSchema = z.object({
  title,
  file: z.string(),
  specs: z.array(z.unknown()),
  suites: z.array(z.unknown()).optional(),
});

const reportSchema = z.object({
  config: z.object({ rootDir: z.string().optional() }),
  suites: z.array(z.unknown()),
  errors: z.array(z.unknown()).nullish(),
  /** Not written before Playwright 1.31. */
  stats: z.object({ expected: count, unexpected: count, flaky: count, skipped: count }).nullish(),
});

type Test = z.output<typeof testSchema>;
type Spec = z.output<typeof specSchema>;

/** Suites nest as deep as the file has it. */
const suiteBranch: Branch = {
  header: suiteSchema,
  get rows() {
    return { specs: specSchema, suites: suiteBranch };
  },
};

export const playwright: JsonRowsFormat = {
  syntax: "json-rows",
  writers: ["Playwright"],
  branch: { header: reportSchema, rows: { suites: suiteBranch, errors: error } },
  recognise: (document) => ("suites" in document && "config" in document ? "playwright-json" : undefined),
  read: (file, document, findings) => new PlaywrightReader(file, document, findings),
};

/** The engine writes `<anonymous>` if it only knows that code was evaluated. */
function sourceOf(file: string | undefined): string {
  return file === undefined || file.startsWith("<") ? wholeRun : file;
}

class PlaywrightReader implements RowReader {
  readonly #file: string;
  readonly #report: z.output<typeof reportSchema>;
  readonly #findings: Findings;
  /** By Playwright's own word. */
  readonly #seen = new Map<string, number>();
  /** For each open suite, the titles of its tests' ancestors. */
  readonly #titles: (readonly string[])[] = [];

  constructor(file: string, document: object, findings: Findings) {
    this.#file = file;
    this.#report = validate(file, "Playwright", reportSchema, document);
    this.#findings = findings;
  }

  enter(_key: string, header: unknown, place: Place): void {
    const ancestors = this.#titles.at(-1) ?? [];
    if (this.#titles.length > deepestSuite)
      throw new UnreadableReport("EA6004", this.#file, `too deep: more than ${deepestSuite} nested suites`);
    const { title, file } = validate(this.#file, "Playwright", suiteSchema, header, place);
    // The outermost suite is the file, which is not part of a test's name.
    this.#titles.push(title === file ? ancestors : [...ancestors, title]);
  }

  row(key: string, row: unknown, place: Place): void {
    if (key === "errors") this.#crash(validate(this.#file, "Playwright", error, row, place));
    else this.#spec(validate(this.#file, "Playwright", specSchema, row, place));
  }

  leave(): void {
    this.#titles.pop();
  }

  end(): void {
    const unknown = this.#seen.get("unknown") ?? 0;
    for (const word of words)
      requireDeclaredCount(this.#file, `${word} tests`, this.#report.stats?.[word], (this.#seen.get(word) ?? 0) + unknown);
  }

  #spec(spec: Spec): void {
    for (const test of spec.tests) {
      const word = statuses.has(test.status) ? test.status : "unknown";
      this.#seen.set(word, (this.#seen.get(word) ?? 0) + 1);
      tell(spec, test, this.#titles.at(-1) ?? [], this.#report.config.rootDir, this.#findings);
    }
  }

  #crash({ message, stack, value, location: source }: z.output<typeof error>): void {
    this.#findings.crashed({
      file: sourceOf(source?.file),
      message: messageOf(message || stack || value || "an error without a message"),
    });
  }
}

function tell(spec: Spec, test: Test, ancestors: readonly string[], rootDir: string | undefined, findings: Findings): void {
  const results = test.results ?? [];
  const last = results.at(-1);
  // Playwright reports an interrupted test as "skipped", but its result is unknown.
  const interrupted = results.some((result) => result.status === "interrupted" || result.status == null);
  const outcome = interrupted && test.status === "skipped" ? "failed" : (statuses.get(test.status) ?? "unknown");
  const strange = results.find((result) => result.status != null && !resultStatuses.includes(result.status));
  const contradiction =
    outcome === "passed" ? results.find((result) => !isExpected(result.status, test.expectedStatus)) : undefined;
  const status = (strange && outcome !== "failed") || contradiction ? "unknown" : outcome;
  const troubled = results.findLast((result) => errorsOf(result).length > 0);
  const errors = troubled ? errorsOf(troubled) : [];
  const trouble = errors.find((one) => textOf(one) !== "");
  const said =
    (trouble && textOf(trouble)) ??
    (contradiction &&
      `the report calls it expected, but an attempt was "${contradiction.status}", not "${test.expectedStatus}"`) ??
    reasonWithoutError(status, strange?.status ?? test.status, last?.status);
  const source = troubled?.errorLocation ?? trouble?.location;
  const path = rootDir !== undefined && !isAbsolute(spec.file) ? posix.join(rootDir.replaceAll("\\", "/"), spec.file) : spec.file;
  findings.test({
    titles: [...ancestors, spec.title],
    status,
    durationMs: results.reduce((sum, result) => sum + result.duration, 0),
    file: path,
    line: source?.file.endsWith(spec.file) ? source.line : spec.line,
    ...(test.projectName === "" ? {} : { project: test.projectName }),
    attempts: Math.max(results.length, 1),
    ...(said === undefined || status === "passed" || status === "skipped"
      ? {}
      : { message: messageOf(trouble?.message || said), stack: stackOf(said) }),
  });
}

/** Playwright calls a test expected only if each attempt was. */
function isExpected(status: string | null | undefined, expected: string | undefined): boolean {
  return expected === undefined || status === expected || status === "skipped";
}

function errorsOf({ errors, error: first }: z.output<typeof resultSchema>): z.output<typeof error>[] {
  const all = errors && errors.length > 0 ? errors : [first];
  return all.filter((one) => one != null);
}

function textOf({ stack, message, value }: z.output<typeof error>): string {
  return stack || message || value || "";
}

function reasonWithoutError(status: TestStatus, word: string, last: string | null | undefined): string | undefined {
  if (status === "unknown") return unknownStatusMessage(word);
  if (status !== "failed") return undefined;
  if (last === "passed") return "it passed, but was expected to fail";
  if (last === "interrupted") return "it was interrupted before it had ended";
  return `it ended as "${last ?? "unknown"}", without an error`;
}
