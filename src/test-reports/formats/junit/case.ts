import type { TestStatus } from "../../../model/test-results.ts";
import { type Findings, messageOf, stackOf, wholeRun } from "../../reported.ts";

/** Interprets the dialects of JUnit XML: which test it is, how it ended, and whether it is a test at all. */

export interface JUnitSuite {
  attributes: Record<string, string>;
  /** jest-junit reports the same crash twice. */
  jestCrashTold?: boolean;
}

export interface JUnitCase {
  attributes: Record<string, string>;
  skipped: boolean;
  troubles: { kind: string; message: string; text: string }[];
}

/** `suites`: the surrounding ones, outermost first. */
export function reportCase(test: JUnitCase, suites: readonly JUnitSuite[], findings: Findings): void {
  const status = statusOf(test);
  const identity = identityOf(test, suites);
  if (status === "failed" && isCrash(test, identity)) {
    if (isJestCrash(test) && isToldAlready(suites.at(-1))) return;
    findings.crashed({ file: crashedFile(test, identity, suites), message: troubleOf(test).message });
    return;
  }
  const line = Number(test.attributes.line);
  findings.test({
    ...identity,
    status,
    durationMs: seconds(test.attributes.time) * 1_000,
    attempts: test.troubles.filter(({ kind }) => kind.startsWith("rerun") || kind.startsWith("flaky")).length + 1,
    ...(line > 0 ? { line } : {}),
    ...(status === "failed" || status === "flaky" ? troubleOf(test) : {}),
  });
}

function troubleOf({ troubles: [trouble] }: JUnitCase): { message: string; stack: string } {
  const text = trouble?.text.trim() ? withoutJson(trouble.text) : (trouble?.message ?? "");
  const message = messageOf(!trouble || wordsForAny.has(trouble.message) ? text : trouble.message);
  return { message: message || "the report gives no message", stack: stackOf(text) };
}

/** jest-junit writes the error of a hook as JSON. */
function withoutJson(text: string): string {
  return /^\{"message":".*?","stack":"(.*)"\}$/s.exec(text)?.[1]?.replaceAll("\\n", "\n") ?? text;
}

/** Messages that writers use for every failure of a kind. */
const wordsForAny = new Set(["", "Failed", "Build error", "Runtime error", "collection failure"]);

/** A failure of a suite itself, outside its tests. */
export function reportSuiteError(text: string, suites: readonly JUnitSuite[], findings: Findings): void {
  findings.crashed({ file: suiteName(suites), message: messageOf(text) || "the suite failed outside of its tests" });
}

function statusOf({ troubles, skipped, attributes }: JUnitCase): TestStatus {
  const status = (attributes.status ?? "").toLowerCase();
  if (troubles.some(({ kind }) => kind === "failure" || kind === "error")) return "failed";
  if (["fail", "failed", "failure", "error"].includes(status)) return "failed";
  // For a rerun that doesn't say how it ended: Surefire writes flakyFailure if it passed in the end.
  if (troubles.some(({ kind }) => kind === "rerunFailure" || kind === "rerunError")) return "failed";
  if (troubles.length > 0) return "flaky";
  // GoogleTest and CTest use an attribute.
  const skippedStatus = ["notrun", "disabled", "skipped", "ignored"].includes(status);
  return skipped || skippedStatus || attributes.result === "skipped" ? "skipped" : "passed";
}

interface Identity {
  titles: string[];
  file?: string;
  project?: string;
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

function identityOf(test: JUnitCase, suites: readonly JUnitSuite[]): Identity {
  const suite = suites.at(-1)?.attributes ?? {};
  const className = (test.attributes.classname ?? "").trim();
  const named = test.attributes.file || suite.file || suite.filepath;
  const file = named || [className, suite.name].find(isFile);
  const project = projectOf(test, suites);
  const name = project ? nameOf(test).replace(`[${project}] › `, "") : nameOf(test);
  // jest-junit and Mocha repeat the class in the name; Vitest and Playwright use the file as the class.
  const repeated = name === className || name.startsWith(`${className} `) || name.endsWith(` ${className}`);
  const titles = className === "" || isFile(className) || repeated ? [name] : [className, name];
  return { titles, ...(file ? { file } : {}), ...(project ? { project } : {}) };
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
    (name === "Failure" && test.troubles[0]?.message === "Runtime error") || // go-junit-report: the same
    name.startsWith("Test execution failure: could be caused by test hooks") // jest-junit: a hook after the last test
  );
}

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
    className === "vitest unhandled errors" ||
    classFailures.has(name) ||
    name === "[build failed]" || // Go
    (className === "" && test.troubles.some(({ message }) => message === "collection failure")) // pytest
  );
}

/** The class, if the runner doesn't report files. */
function crashedFile(test: JUnitCase, { file }: Identity, suites: readonly JUnitSuite[]): string {
  if (file) return file;
  if (isMadeUp(test)) return suiteName(suites);
  const className = (test.attributes.classname ?? "").trim();
  return (isJestCrash(test) ? nameOf(test) : className || nameOf(test)) || suiteName(suites);
}

/** An invalid time counts as absent; it decides nothing. */
function seconds(text: string | undefined): number {
  const value = Number(text?.includes(",") ? text.replaceAll(",", "") : text);
  return value > 0 && Number.isFinite(value) ? value : 0;
}
