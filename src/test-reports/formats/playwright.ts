import { isAbsolute, posix } from "node:path";
import { z } from "../../lib/zod.ts";
import type { TestStatus } from "../../model/test-results.ts";
import { type Findings, messageOf, stackOf, UnreadableReport, wholeRun } from "../reported.ts";
import type { JsonFormat } from "./format.ts";
import { count, milliseconds, requireDeclaredCount, validate } from "./json-document.ts";

/** The JSON of Playwright's `json` reporter. */

const deepestSuite = 64;

const statuses = {
  expected: "passed",
  unexpected: "failed",
  flaky: "flaky",
  skipped: "skipped",
} as const satisfies Record<string, TestStatus>;

const location = z.object({ file: z.string(), line: count });
const error = z.object({ message: z.string().optional(), stack: z.string().optional(), location: location.optional() });

const resultSchema = z.object({
  /** Absent if the worker never reported. */
  status: z.enum(["passed", "failed", "timedOut", "skipped", "interrupted"]).optional(),
  duration: milliseconds,
  errors: z.array(error),
  errorLocation: location.optional(),
});

const testSchema = z.object({
  projectName: z.string(),
  status: z.enum(Object.keys(statuses) as (keyof typeof statuses)[]),
  results: z.array(resultSchema),
});

const specSchema = z.object({ title: z.string(), file: z.string(), line: count, tests: z.array(testSchema) });

/** Each suite is validated separately, because the file decides how deep they nest. */
const suiteSchema = z.object({
  title: z.string(),
  file: z.string(),
  specs: z.array(specSchema),
  suites: z.array(z.unknown()).optional(),
});

const reportSchema = z.object({
  config: z.object({ rootDir: z.string().optional() }),
  suites: z.array(z.unknown()),
  errors: z.array(error),
  /** Not written before Playwright 1.31. */
  stats: z.object({ expected: count, unexpected: count, flaky: count, skipped: count }).optional(),
});

type Test = z.output<typeof testSchema>;
type Spec = z.output<typeof specSchema>;

export const playwright: JsonFormat = {
  syntax: "json",
  writers: ["Playwright"],
  recognise: (document) => ("suites" in document && "config" in document ? "playwright-json" : undefined),
  read,
};

/** The engine writes `<anonymous>` if it only knows that code was evaluated. */
function sourceOf(file: string | undefined): string {
  return file === undefined || file.startsWith("<") ? wholeRun : file;
}

function read(file: string, document: object, findings: Findings): void {
  const report = validate(file, "Playwright", reportSchema, document);
  const seen = { expected: 0, unexpected: 0, flaky: 0, skipped: 0 };

  function readSuite(value: unknown, ancestors: readonly string[]): void {
    if (ancestors.length > deepestSuite)
      throw new UnreadableReport("EA6004", file, `too deep: more than ${deepestSuite} nested suites`);
    const suite = validate(file, "Playwright", suiteSchema, value);
    // The outermost suite is the file, which is not part of a test's name.
    const titles = suite.title === suite.file ? ancestors : [...ancestors, suite.title];
    for (const spec of suite.specs) {
      for (const test of spec.tests) {
        seen[test.status]++;
        tell(spec, test, titles, report.config.rootDir, findings);
      }
    }
    for (const inner of suite.suites ?? []) readSuite(inner, titles);
  }

  for (const suite of report.suites) readSuite(suite, []);
  for (const { message, stack, location: source } of report.errors)
    findings.crashed({ file: sourceOf(source?.file), message: messageOf(message ?? stack ?? "an error without a message") });
  for (const status of Object.keys(statuses) as (keyof typeof statuses)[])
    requireDeclaredCount(file, `${status} tests`, report.stats?.[status], seen[status]);
}

function tell(spec: Spec, test: Test, ancestors: readonly string[], rootDir: string | undefined, findings: Findings): void {
  const last = test.results.at(-1);
  // Playwright reports an interrupted test as "skipped", but its result is unknown.
  const interrupted = test.results.some((result) => result.status === "interrupted" || result.status === undefined);
  const status = interrupted && test.status === "skipped" ? "failed" : statuses[test.status];
  const troubled = test.results.findLast((result) => result.errors.length > 0);
  const [trouble] = troubled?.errors ?? [];
  const text = trouble?.stack ?? trouble?.message ?? (status === "failed" ? reasonWithoutError(last?.status) : undefined);
  const source = troubled?.errorLocation ?? trouble?.location;
  const path = rootDir !== undefined && !isAbsolute(spec.file) ? posix.join(rootDir.replaceAll("\\", "/"), spec.file) : spec.file;
  findings.test({
    titles: [...ancestors, spec.title],
    status,
    durationMs: test.results.reduce((sum, result) => sum + result.duration, 0),
    file: path,
    line: source?.file.endsWith(spec.file) ? source.line : spec.line,
    ...(test.projectName === "" ? {} : { project: test.projectName }),
    attempts: Math.max(test.results.length, 1),
    ...(text === undefined || status === "passed" || status === "skipped"
      ? {}
      : { message: messageOf(trouble?.message ?? text), stack: stackOf(text) }),
  });
}

function reasonWithoutError(status: string | undefined): string {
  if (status === "passed") return "it passed, but was expected to fail";
  if (status === "interrupted") return "it was interrupted before it had ended";
  return `it ended as "${status ?? "unknown"}", without an error`;
}
