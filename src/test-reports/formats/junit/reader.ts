import { SaxesParser } from "saxes";
import type { TestStatus } from "../../../model/test-results.ts";
import { type Findings, messageOf, stackOf, UnreadableReport, wholeRun } from "../../reported.ts";
import type { XmlFormat } from "../format.ts";
import { PytestAttempts } from "./pytest-attempts.ts";

const deepestElement = 64;

/** The longest text of a failure or attribute; the rest is read and discarded. */
const longestText = 16_384;

/** Elements whose text is kept for the message. The text of the others is discarded. */
const troubles = new Set(["failure", "error", "rerunFailure", "rerunError", "flakyFailure", "flakyError", "rerun"]);
const harmless = new Set(["system-out", "system-err", "properties", "attachments", "warning"]);
const suites = new Set(["testsuites", "testsuite"]);

/**
 * Terminal escapes and the like. XML forbids them, but some writers leave them in, and no report should be lost because of that.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for
const forbidden = /[\x00-\x08\x0b\x0c\x0e-\x1f]/g;

interface OpenSuite extends JUnitSuite {
  declared: { tests: number; failures: number; errors: number; skipped: number };
  seen: { tests: number; troubles: number; skipped: number };
  /** Whether it contains suites, and whether one of them declares errors. */
  parts: "none" | "without errors" | "with errors";
}

/** gotestsum counts lines written by a build as errors in its root; its suites declare no errors. */
function declaredTroubles({ declared: { failures, errors }, parts }: OpenSuite): number {
  return parts === "without errors" ? Math.max(failures, errors) : failures + errors;
}

export const junit: XmlFormat = {
  syntax: "xml",
  name: "junit",
  writers: ["JUnit"],
  roots: [...suites],
  async read(file, text, findings) {
    const reader = new JUnitReader(file, findings);
    for await (const piece of text) reader.write(piece);
    reader.end();
  },
};

/**
 * Reads JUnit XML in all its dialects, in chunks: memory doesn't grow with the report.
 *
 * It is strict where a damaged file could hide a failure: unexpected elements or text, or fewer tests or failures than a suite
 * declares, make the report unreadable.
 * @throws UnreadableReport
 */
class JUnitReader {
  readonly #file: string;
  readonly #findings: Findings;
  readonly #parser = new SaxesParser<{ xmlns: false; position: true }>({ xmlns: false, position: true });
  readonly #open: string[] = [];
  readonly #suites: OpenSuite[] = [];
  #case: JUnitCase | undefined;
  #attempts: PytestAttempts | undefined;
  #text: string | undefined;
  #ending = false;

  constructor(file: string, findings: Findings) {
    this.#file = file;
    this.#findings = findings;
    this.#parser.on("error", (error) => {
      const cause = error.message.replace(/^\d+:\d+: /, "").replace(/\.$/, "");
      throw this.#unreadable(this.#ending ? `truncated: ${cause}` : `malformed XML: ${cause}`);
    });
    this.#parser.on("doctype", (doctype) => {
      if (doctype.includes("["))
        throw this.#unreadable("it declares entities: no test runner writes them, and they can be an attack");
    });
    this.#parser.on("opentag", (tag) => this.#openTag(tag.name, tag.attributes, tag.isSelfClosing));
    this.#parser.on("closetag", (tag) => this.#closeTag(tag.name));
    this.#parser.on("text", (text) => this.#addText(text));
    this.#parser.on("cdata", (text) => this.#addText(text));
  }

  write(text: string): void {
    this.#parser.write(text.replace(forbidden, "\u{fffd}"));
    this.#forgetLongText();
  }

  /** The parser collects each text until its end, and a log may be larger than memory. It has no public way to skip text. */
  #forgetLongText(): void {
    // biome-ignore lint/complexity/useLiteralKeys: the dot does not reach what is private
    const gathered = this.#parser["text"];
    // biome-ignore lint/complexity/useLiteralKeys: the same
    if (gathered.length > longestText) this.#parser["text"] = gathered.slice(0, longestText);
  }

  end(): void {
    this.#ending = true;
    this.#parser.close();
  }

  #unreadable(cause: string): UnreadableReport {
    return new UnreadableReport("EA6004", this.#file, cause, `line ${this.#parser.line}, column ${this.#parser.column}`);
  }

  #openTag(name: string, attributes: Record<string, string>, selfClosing: boolean): void {
    const parent = this.#open.at(-1);
    if (this.#open.length >= deepestElement) throw this.#unreadable(`too deep: more than ${deepestElement} nested elements`);
    this.#open.push(name);
    if (parent === undefined) {
      this.#openSuite(attributes);
    } else if (suites.has(parent)) this.#openInSuite(name, attributes);
    else if (parent === "testcase") this.#openInCase(name, attributes, selfClosing);
  }

  #openInSuite(name: string, attributes: Record<string, string>): void {
    if (name === "testsuite") this.#openSuite(attributes);
    else if (name === "testcase") this.#case = { attributes, troubles: [], skipped: false };
    else if (name === "failure" || name === "error") this.#text = "";
    else if (!harmless.has(name)) throw this.#unreadable(`<${name}> is unknown inside a suite, and could hide a failure`);
  }

  #openInCase(name: string, attributes: Record<string, string>, selfClosing: boolean): void {
    if (name === "skipped" && this.#case) this.#case.skipped = true;
    else if (troubles.has(name)) {
      this.#case?.troubles.push({ kind: name, message: attributes.message ?? attributes.type ?? "", text: "" });
      if (!selfClosing) this.#text = "";
    } else if (!harmless.has(name)) throw this.#unreadable(`<${name}> is unknown inside a test, and could hide a failure`);
  }

  #closeTag(name: string): void {
    this.#open.pop();
    const parent = this.#open.at(-1);
    if (suites.has(name)) this.#closeSuite();
    else if (name === "testcase" && this.#case && suites.has(parent ?? "")) this.#closeCase(this.#case);
    else if (parent === "testcase" && troubles.has(name)) {
      const trouble = this.#case?.troubles.at(-1);
      if (trouble) trouble.text = this.#text ?? "";
      this.#text = undefined;
    } else if (suites.has(parent ?? "") && (name === "failure" || name === "error")) {
      reportSuiteError(this.#text ?? "", this.#suites, this.#findings);
      this.#text = undefined;
      for (const suite of this.#suites) suite.seen.troubles++;
    }
  }

  #openSuite(attributes: Record<string, string>): void {
    const outer = this.#suites.at(-1);
    if (outer && outer.parts !== "with errors") outer.parts = attributes.errors === undefined ? "without errors" : "with errors";
    if (attributes.name === "pytest") this.#attempts = new PytestAttempts(this.#findings);
    const declared = {
      tests: this.#number(attributes, "tests"),
      failures: this.#number(attributes, "failures"),
      errors: this.#number(attributes, "errors"),
      skipped: this.#number(attributes, "skipped"),
    };
    this.#suites.push({ attributes, declared, seen: { tests: 0, troubles: 0, skipped: 0 }, parts: "none" });
  }

  #closeSuite(): void {
    const suite = this.#suites.at(-1);
    if (!suite) return;
    this.#attempts?.end();
    this.#attempts = undefined;
    this.#requireAll(suite, "tests", suite.declared.tests - this.#unwritten(suite), suite.seen.tests);
    this.#requireAll(suite, "failures and errors", declaredTroubles(suite), suite.seen.troubles);
    this.#suites.pop();
  }

  #requireAll({ attributes }: OpenSuite, words: string, declared: number, seen: number): void {
    if (declared <= seen) return;
    const name = attributes.name ? `the suite ${attributes.name}` : "it";
    throw this.#unreadable(`damaged: expected ${declared} ${words} as ${name} declares, got ${seen}`);
  }

  /** mocha-junit-reporter counts pending tests, in the root as skipped, but doesn't list them. */
  #unwritten(suite: OpenSuite): number {
    const counted = suite.attributes.skipped === undefined ? (this.#suites[0] ?? suite) : suite;
    return Math.max(counted.declared.skipped - counted.seen.skipped, 0);
  }

  #closeCase(test: JUnitCase): void {
    this.#case = undefined;
    for (const suite of this.#suites) {
      suite.seen.tests++;
      suite.seen.troubles += test.troubles.length;
      if (test.skipped) suite.seen.skipped++;
    }
    reportCase(test, this.#suites, this.#attempts ?? this.#findings);
  }

  #addText(text: string): void {
    if (this.#text !== undefined) {
      // Surefire puts the output of an attempt next to its stack.
      if (this.#text.length < longestText && !harmless.has(this.#open.at(-1) ?? ""))
        this.#text += text.slice(0, longestText - this.#text.length);
      return;
    }
    const parent = this.#open.at(-1) ?? "";
    if ((suites.has(parent) || parent === "testcase") && text.trim() !== "")
      throw this.#unreadable(`malformed: unexpected text inside <${parent}>`);
  }

  #number(attributes: Record<string, string>, name: string): number {
    const value = Number(attributes[name]?.replaceAll(",", "") || 0);
    if (!Number.isInteger(value) || value < 0) throw this.#unreadable(`${name}: expected a number, got "${attributes[name]}"`);
    return value;
  }
}

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
