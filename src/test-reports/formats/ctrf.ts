import { z } from "../../lib/zod.ts";
import type { TestStatus } from "../../model/test-results.ts";
import { type Findings, messageOf, passedLaterMessage, stackOf } from "../reported.ts";
import type { JsonFormat } from "./format.ts";
import { count, milliseconds, requireDeclaredCount, validate } from "./json-document.ts";

/** Common Test Report Format (ctrf.io). */

/** `other` is anything that the writer couldn't express: unknown is never passed. */
const statuses = {
  passed: "passed",
  failed: "failed",
  skipped: "skipped",
  pending: "skipped",
  other: "failed",
} as const satisfies Record<string, TestStatus>;

const testSchema = z.object({
  name: z.string(),
  status: z.enum(Object.keys(statuses) as (keyof typeof statuses)[]),
  duration: milliseconds,
  /** The test runner's own word for the status. */
  rawStatus: z.string().nullish(),
  message: z.string().nullish(),
  trace: z.string().nullish(),
  line: count.nullish(),
  suite: z.union([z.string(), z.array(z.string())]).nullish(),
  filePath: z.string().nullish(),
  retries: count.nullish(),
  flaky: z.boolean().nullish(),
  browser: z.string().nullish(),
});

const reportSchema = z.object({
  results: z.object({
    summary: z.object({ tests: count, failed: count, other: count }),
    tests: z.array(testSchema),
  }),
});

type Test = z.output<typeof testSchema>;

/** For unwritten tests, Jest and Vitest report `other`. */
const notRun = ["todo", "pending", "skipped", "disabled"];

function statusOf(test: Test): TestStatus {
  if (test.status === "other" && notRun.includes(test.rawStatus ?? "")) return "skipped";
  return test.status === "passed" && test.flaky ? "flaky" : statuses[test.status];
}

export const ctrf: JsonFormat = {
  syntax: "json",
  writers: ["CTRF"],
  recognise: (document) => (isCtrf(document) ? "ctrf" : undefined),
  read,
};

function isCtrf(document: object): boolean {
  const results = "results" in document ? document.results : undefined;
  return typeof results === "object" && results !== null && "tests" in results && "summary" in results;
}

function read(file: string, document: object, findings: Findings): void {
  const { summary, tests } = validate(file, "CTRF", reportSchema, document).results;
  for (const test of tests) tell(test, findings);
  requireDeclaredCount(file, "tests", summary.tests, tests.length);
  // Playwright's tests that are expected to fail pass, but are counted as failed.
  const isFailed = ({ status, rawStatus }: Test) => status === "failed" || rawStatus === "failed";
  requireDeclaredCount(file, "failed tests", summary.failed, tests.filter(isFailed).length);
  requireDeclaredCount(
    file,
    'tests with the status "other"',
    summary.other,
    tests.filter(({ status }) => status === "other").length,
  );
}

function tell(test: Test, findings: Findings): void {
  const status = statusOf(test);
  const attempts = (test.retries ?? 0) + 1;
  findings.test({
    ...testNameOf(test),
    status,
    durationMs: test.duration,
    attempts,
    ...(test.filePath ? { file: test.filePath } : {}),
    ...(test.line ? { line: test.line } : {}),
    ...(status === "failed" || status === "flaky" ? troubleOf(test, attempts) : {}),
  });
}

function troubleOf({ status, message, trace }: Test, attempts: number): { message: string; stack?: string } {
  if (message || trace) return { message: messageOf(message || trace || ""), stack: stackOf(trace || message || "") };
  if (status === "other") return { message: 'the report gives its status as "other"' };
  return { message: status === "passed" ? passedLaterMessage(attempts) : "the report gives no message" };
}

interface TestName {
  titles: string[];
  project?: string;
}

/**
 * Writers differ: some include the describe blocks in the name, some also the file, and Playwright's also the project. Each test
 * gets the titles and the project that the runner's other reports give it, so that it counts once.
 */
function testNameOf({ suite, name, filePath, browser }: Test): TestName {
  const written = typeof suite === "string" ? suite.split(/\s+[>›]\s+/) : (suite ?? []);
  const file = written.findIndex((title) => title !== "" && filePath?.endsWith(title));
  const project = written[file - 1] || browser;
  const titles = pytestTitles(written, name) ?? titlesOf(written.slice(file + 1), name);
  return { titles, ...(project ? { project } : {}) };
}

function titlesOf(blocks: readonly string[], name: string): string[] {
  const [first, last] = [blocks[0], blocks.at(-1)];
  // junit-to-ctrf puts the suite before each name.
  if (last && name.startsWith(`${last}: `)) return [...blocks, name.slice(last.length + 2)];
  const isRepeated = first && (name === first || name.startsWith(`${first} `));
  return isRepeated ? [name] : [...blocks, name];
}

/**
 * pytest puts everything into the name, `tests/test_a.py::TestClass::test_b`; its JUnit has `tests.test_a.TestClass` and
 * `test_b`.
 */
function pytestTitles([file, ...classes]: readonly string[], name: string): string[] | undefined {
  const suite = [file, ...classes].join("::");
  if (!file?.endsWith(".py") || !name.startsWith(`${suite}::`)) return undefined;
  const module = file.slice(0, -".py".length).replaceAll("/", ".");
  return [[module, ...classes].join("."), name.slice(suite.length + 2)];
}
