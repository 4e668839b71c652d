import type { TestStatus } from "../../../model/test-results.ts";
import { passedLaterMessage, wholeRun } from "../../reported.ts";
import type { Attempt, Identity } from "./attempts.ts";
import { failureOf, isFinal, type Trouble } from "./failure.ts";
import { retriesInAttributes, statusInAttributes } from "./status.ts";

/** Interprets the dialects of JUnit XML: which test it is, how it ended, and whether it is a test at all. */

export interface JUnitSuite {
  attributes: Record<string, string>;
  /** jest-junit reports the same crash twice. */
  jestCrashTold?: boolean;
}

export interface JUnitCase {
  attributes: Record<string, string>;
  skipped: boolean;
  /** Its author expects it to fail. */
  todo: boolean;
  troubles: Trouble[];
  /** The end of what it printed. */
  output: string;
}

/**
 * What a test element stands for: a test, or the failure of a file or class. `isFailed`: the header counts it as failed,
 * even if only a word says it.
 */
export type Meaning =
  | { identity: Identity; attempt: Attempt; isFailed: boolean }
  | { crash: { file: string; message: string }; isFailed: boolean }
  | "told already";

/** `suites`: the surrounding ones, outermost first. */
export function meaningOf(test: JUnitCase, suites: readonly JUnitSuite[]): Meaning {
  const said = statusInAttributes(test.attributes);
  const retries = retriesInAttributes(test.attributes);
  const status = statusOf(test, said?.status, retries, suites);
  const identity = identityOf(test, suites);
  const isTrouble = status === "failed" || status === "flaky" || status === "unknown";
  const failure = isTrouble ? troubleOf(test, status, said, retries) : undefined;
  const isFailed = status === "failed" || status === "unknown" || said?.status === "failed";
  if (failure && status === "failed" && isCrash(test, identity)) {
    if (isJestCrash(test) && isToldAlready(suites.at(-1))) return "told already";
    const message = endOfNodesProcess(test) ?? failure.message;
    return { crash: { file: crashedFile(test, identity, suites), message }, isFailed };
  }
  const again = isTrouble ? test.troubles.filter(({ kind }) => kind.startsWith("rerun") || kind.startsWith("flaky")).length : 0;
  // A flaky test failed at least once.
  const tried = Math.max(again, retries, status === "flaky" ? 1 : 0) + 1;
  const attempt: Attempt = { status, durationMs: seconds(test.attributes.time) * 1_000, attempts: tried };
  if (failure) Object.assign(attempt, failure);
  addPlace(attempt, test, identity.file);
  return { identity, attempt, isFailed };
}

function troubleOf(
  test: JUnitCase,
  status: TestStatus,
  said: ReturnType<typeof statusInAttributes>,
  retries: number,
): ReturnType<typeof failureOf> {
  const name = nameOf(test);
  const { classname = "", class: phpClass = classname } = test.attributes;
  const word = said?.status === status ? `the report gives its status as "${said.word.slice(0, 100)}"` : undefined;
  const known = status === "flaky" && test.troubles.length === 0 ? passedLaterMessage(Math.max(retries, 1) + 1) : word;
  return failureOf(test.troubles, status, {
    names: [
      name,
      `${phpClass}::${name}`,
      `${classname}::${name}`,
      `${classname}.${name}`,
      `${classname} ${name}`,
      `● ${classname}`,
    ],
    output: test.output,
    ...(known === undefined ? {} : { status: known }),
  });
}

function statusOf(test: JUnitCase, said: TestStatus | undefined, retries: number, suites: readonly JUnitSuite[]): TestStatus {
  const { troubles, skipped, todo } = test;
  // It doesn't fail the run: its author expects it.
  if (todo) return "skipped";
  if (said === "failed" || troubles.some(isFinal)) return "failed";
  // For a rerun that doesn't say how it ended: Surefire writes flakyFailure if it passed in the end.
  if (troubles.some(({ kind }) => kind === "rerunFailure" || kind === "rerunError")) return "failed";
  if (said === "unknown") return "unknown";
  if (troubles.length > 0) return "flaky";
  if (skipped || said === "skipped") return "skipped";
  if (isNodesFile(test)) return "skipped";
  // TestCafe marks what passed only in its quarantine mode.
  const isUnstable = isTestCafe(suites.at(-1)) && nameOf(test).includes(" (unstable)");
  return said === "flaky" || retries > 0 || isUnstable ? "flaky" : "passed";
}

export function isTestCafe(suite: JUnitSuite | undefined): boolean {
  return suite?.attributes.name?.startsWith("TestCafe Tests") === true;
}

const sourceFile = /\.(?:[cm]?[jt]sx?|py|rb|go|php|cs|kt|java|swift|rs|feature)$/;

function isFile(text: string | undefined): text is string {
  return text !== undefined && sourceFile.test(text);
}

function nameOf(test: JUnitCase): string {
  return (test.attributes.name ?? "").trim();
}

function suiteName(suites: readonly JUnitSuite[]): string {
  return suites.findLast((suite) => suite.attributes.name)?.attributes.name ?? wholeRun;
}

/** The file of a suite that failed outside of its tests, or its name. */
export function suiteFile(suites: readonly JUnitSuite[]): string {
  const attributes = suites.at(-1)?.attributes;
  return attributes?.file || attributes?.filepath || suiteName(suites);
}

function identityOf(test: JUnitCase, suites: readonly JUnitSuite[]): Identity {
  const suite = suites.at(-1)?.attributes ?? {};
  const className = (test.attributes.classname ?? "").trim();
  const named = placeInAttribute(test.attributes.file || suite.file || suite.filepath || "");
  const file = named.file || [className, suite.name].find(isFile);
  const project = projectOf(test, suites);
  const name = project ? nameOf(test).replace(`[${project}] › `, "") : nameOf(test);
  // jest-junit and Mocha repeat the class in the name; Vitest and Playwright use the file as the class.
  const rest = name.length - className.length;
  const repeated =
    name === className ||
    (name.startsWith(className) && name.charAt(className.length) === " ") ||
    (name.endsWith(className) && name.charAt(rest - 1) === " ");
  const titles = className === "" || isFile(className) || repeated ? [name] : [className, name];
  return { titles, file: file || undefined, project, line: test.attributes.line ?? named.line };
}

/** ExUnit writes the line behind the file. */
function placeInAttribute(text: string): { file: string; line: string | undefined } {
  // Most have no line, and looking for one takes longer than reading the test.
  const place = text.length < 4_096 && text.includes(":") ? /^(.+\.\w{1,8}):(\d{1,9})(?::\d{1,9})?$/.exec(text) : null;
  return { file: place?.[1] ?? text, line: place?.[2] };
}

/** Catch2, doctest and others write the place on the failure. */
function addPlace(attempt: Attempt, { attributes, troubles }: JUnitCase, file: string | undefined): void {
  const own = attributes.line ?? attributes.lineno ?? placeInAttribute(attributes.file ?? "").line;
  const failed = troubles.find((trouble) => trouble.attributes.file || trouble.attributes.line || trouble.attributes.lineno);
  const failedFile = failed?.attributes.file || file;
  const isSameFile = failed !== undefined && (file === undefined || file === failedFile);
  const line = (isSameFile ? lineOf(failed.attributes.line ?? failed.attributes.lineno) : undefined) ?? lineOf(own);
  if (file === undefined && failedFile) attempt.file = failedFile;
  if (line !== undefined) attempt.line = line;
}

function lineOf(text: string | undefined): number | undefined {
  if (!text) return undefined;
  const line = Number(text);
  return Number.isSafeInteger(line) && line > 0 ? line : undefined;
}

/**
 * Playwright puts the project's name where others put the host. Only Playwright gives its root an id and uses a file as the
 * class.
 */
function projectOf(test: JUnitCase, suites: readonly JUnitSuite[]): string | undefined {
  const [root, suite] = suites;
  const isPlaywright =
    root?.attributes.id !== undefined && suite !== undefined && suite.attributes.name === test.attributes.classname;
  return isPlaywright ? suite.attributes.hostname || undefined : undefined;
}

function isJestCrash(test: JUnitCase): boolean {
  return test.attributes.classname === "Test suite failed to run";
}

function isToldAlready(suite: JUnitSuite | undefined): boolean {
  if (!suite || suite.jestCrashTold) return suite !== undefined;
  suite.jestCrashTold = true;
  return false;
}

/** A placeholder test for the failure of a whole file or package. Its name doesn't show the file. */
function isMadeUp(test: JUnitCase): boolean {
  const [name, className] = [nameOf(test), test.attributes.classname ?? ""];
  return (
    (name === "TestMain" && className === "") || // gotestsum: a failed build, or a program that ended early
    (name === "Failure" && test.troubles[0]?.attributes.message === "Runtime error") || // go-junit-report: the same
    name.startsWith("Test execution failure: could be caused by test hooks") // jest-junit: a hook after the last test
  );
}

/**
 * `node --test` runs each file in a process, and reports one whose process failed by itself as a test with the name of the file. Its tests may
 * not have run at all. The failure has the fields of an ended process, which no failure of an assertion has.
 */
function endOfNodesProcess(test: JUnitCase): string | undefined {
  if (!isNodesFile(test)) return undefined;
  for (const { attributes, text } of test.troubles) {
    const [, code, signal] = (attributes.type === "testCodeFailure" && processEnd.exec(text)) || [];
    // Node's own words are "test failed" for each of them.
    if (signal !== undefined) return `its process was ended by ${signal}; the log of the command says more`;
    if (code !== undefined) return `its process ended with exit status ${code}; the log of the command says why`;
  }
  return undefined;
}

/** A file of `node --test` in which no test was declared is a test by itself. If it passes, its process ended well, and nothing was tested. */
function isNodesFile(test: JUnitCase): boolean {
  const { classname, file } = test.attributes;
  const name = nameOf(test);
  if (classname !== "test" || !isFile(name)) return false;
  return file === undefined || file === name || file.endsWith(`/${name}`) || file.endsWith(`\\${name}`);
}

const processEnd = /\{[^{}]*\bexitCode: (?:(\d+)|null), signal: (?:null|'(\w+)')[^{}]*\}\s*$/;

/** Placeholder tests of Gradle and Surefire for failures before or after a class's tests. */
const classFailures = new Set([
  "initializationError", // no test of the class ran
  "classMethod", // JUnit 4 in Gradle: a hook before or after all tests
  "executionError", // JUnit 5 in Gradle: a hook after all tests
]);

/** Runners report a suite that could not be loaded as a failed test that doesn't exist. */
function isCrash(test: JUnitCase, { file }: Identity): boolean {
  const name = nameOf(test);
  const className = (test.attributes.classname ?? "").trim();
  return (
    name === "" ||
    (name === file && name === className) || // Vitest
    isJestCrash(test) || // with reportTestSuiteErrors
    isMadeUp(test) ||
    endOfNodesProcess(test) !== undefined ||
    className === "vitest unhandled errors" ||
    classFailures.has(name) ||
    name === "[build failed]" || // Go
    (className === "" && test.troubles.some(({ attributes }) => attributes.message === "collection failure")) // pytest
  );
}

/** The class, if the runner doesn't report files. */
function crashedFile(test: JUnitCase, { file }: Identity, suites: readonly JUnitSuite[]): string {
  if (file) return file;
  if (isMadeUp(test)) return suiteName(suites);
  if (endOfNodesProcess(test) !== undefined) return nameOf(test);
  const className = (test.attributes.classname ?? "").trim();
  return (isJestCrash(test) ? nameOf(test) : className || nameOf(test)) || suiteName(suites);
}

/**
 * An invalid time counts as absent; it decides nothing. A comma is for thousands or for decimals: with a point, the last of the
 * two begins the decimals, and so does a single comma.
 */
function seconds(text: string | undefined): number {
  if (text === undefined) return 0;
  const simple = Number(text);
  if (simple >= 0) return simple < Number.POSITIVE_INFINITY ? simple : 0;
  const plain = text.length < 40 ? text.replace(/[\s'’_]|s$/g, "") : "";
  const [point, comma] = [plain.lastIndexOf("."), plain.lastIndexOf(",")];
  const isDecimal = comma > point && (point >= 0 || plain.indexOf(",") === comma);
  const value = Number(isDecimal ? plain.replaceAll(".", "").replace(",", ".") : plain.replaceAll(",", ""));
  return value > 0 && Number.isFinite(value) ? value : 0;
}
