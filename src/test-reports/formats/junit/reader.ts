import type { Findings, ReportedTest, UnreadableReport } from "../../reported.ts";
import type { XmlFormat } from "../format.ts";
import { longestText } from "../xml/library.ts";
import { XmlParser } from "../xml/parser.ts";
import type { XmlSink } from "../xml/plain.ts";
import { type JUnitCase, meaningOf, suiteFile } from "./dialect.ts";
import { failureOf, isFinal, type Trouble } from "./failure.ts";
import { addToOuter, declaredTroubles, excess, type OpenSuite, openSuite, reportTests, seenTroubles } from "./suite.ts";

const deepestElement = 64;

/** Of what a test printed, the end is kept. */
const longestOutput = 4_096;

/** Elements whose text is kept for the message. The text of the others is discarded. */
const troubles = /^(?:failure|error|(?:rerun|flaky)(?:[A-Z]\w*)?)$/;
const notRun = new Set(["skipped", "skip", "todo", "ignored", "disabled", "pending", "incomplete", "notrun", "xfail"]);
const outputs = new Set(["system-out", "system-err"]);
const harmless = new Set([
  ...outputs,
  ...["properties", "property", "attachments", "attachment", "screenshot", "warning"],
  ...["description", "environment", "metadata", "parameters", "categories", "labels", "tags", "links"],
]);
const suites = new Set(["testsuites", "testsuite"]);

export const junit: XmlFormat = {
  syntax: "xml",
  name: "junit",
  writers: ["JUnit"],
  roots: [...suites],
  async read(file, text, findings) {
    const reader = new JUnitReader(file, findings);
    try {
      for await (const piece of text) reader.write(piece);
      reader.end();
    } catch (error) {
      reader.giveUp();
      throw error;
    }
  },
};

/**
 * Reads JUnit XML in all its dialects, in chunks: memory doesn't grow with the report.
 *
 * It is strict where a damaged file could hide a failure: unexpected elements or text, or fewer failures than a suite declares,
 * make the report unreadable. Headers count different things as tests, so that missing tests are only reported.
 * @throws UnreadableReport
 */
class JUnitReader implements XmlSink {
  readonly #findings: Findings;
  readonly #parser: XmlParser;
  readonly #open: string[] = [];
  readonly #suites: OpenSuite[] = [];
  /** More than one if tests are nested. */
  readonly #cases: JUnitCase[] = [];
  /** Where the text goes that is being read. */
  #text: Trouble | "output" | undefined;
  #reported = 0;

  constructor(file: string, findings: Findings) {
    this.#parser = new XmlParser(file, this);
    this.#findings = {
      ...findings,
      crashed: (suite) => findings.crashed(suite),
      test: (test: ReportedTest) => {
        this.#reported++;
        findings.test(test);
      },
    };
  }

  write(text: string): void {
    this.#parser.write(text);
  }

  end(): void {
    this.#parser.end();
  }

  /** Of what a test printed, the end may say why it failed. */
  kept(text: string): string {
    return this.#text === "output" ? text.slice(-longestOutput) : text.slice(0, longestText);
  }

  /** Reports what a broken report said before the fault. A test that had not ended only counts if it had failed by then. */
  giveUp(): void {
    while (this.#cases.length > 0) {
      const { troubles } = this.#cases.at(-1) ?? { troubles: [] };
      if (troubles.some(({ kind }) => kind === "failure" || kind === "error")) this.#closeCase();
      else this.#cases.pop();
    }
    for (let suite = this.#suites.at(-1); suite; suite = this.#suites.at(-1)) {
      this.#reportErrors(suite);
      const isPytest = this.#isPytest(suite);
      this.#suites.pop();
      reportTests(suite, this.#suites, isPytest, this.#findings);
      addToOuter(suite, this.#suites);
    }
  }

  #unreadable(cause: string): UnreadableReport {
    return this.#parser.refusal(cause);
  }

  open(name: string, attributes: Record<string, string>): void {
    const parent = this.#open.at(-1);
    if (this.#open.length >= deepestElement) throw this.#unreadable(`too deep: more than ${deepestElement} nested elements`);
    this.#open.push(name);
    if (parent === undefined) this.#openSuite(attributes);
    else if (suites.has(parent)) this.#openInSuite(name, attributes);
    else if (parent === "testcase") this.#openInCase(name, attributes);
    else if (parent === "properties") this.#markTool(attributes.name);
  }

  #openInSuite(name: string, attributes: Record<string, string>): void {
    if (name === "testsuite") this.#openSuite(attributes);
    else if (name === "testcase") this.#openCase(attributes);
    else if (name === "failure" || name === "error") this.#openTrouble(name, attributes, this.#suites.at(-1)?.errors);
    else if (outputs.has(name)) this.#text = "output";
    else if (!harmless.has(name)) throw this.#unreadable(`<${name}> is unknown inside a suite, and could hide a failure`);
  }

  #openInCase(name: string, attributes: Record<string, string>): void {
    const test = this.#cases.at(-1);
    if (!test) return;
    if (name === "testcase") this.#openCase(attributes);
    else if (notRun.has(name)) {
      test.skipped = true;
      // Node.js and Testem: a test that its author expects to fail.
      test.todo ||= name === "todo" || attributes.type?.trim().toLowerCase() === "todo";
    } else if (troubles.test(name)) this.#openTrouble(name, attributes, test.troubles);
    else if (outputs.has(name)) this.#text = "output";
    else if (!harmless.has(name)) throw this.#unreadable(`<${name}> is unknown inside a test, and could hide a failure`);
  }

  #markTool(property: string | undefined): void {
    const suite = this.#suites.at(-1);
    if (suite && property === "go.version") suite.isGo = true;
    if (suite && property === "browser.fullName") suite.isKarma = true;
  }

  #openCase(attributes: Record<string, string>): void {
    this.#cases.push({ attributes, troubles: [], skipped: false, todo: false, output: "" });
  }

  #openTrouble(kind: string, attributes: Record<string, string>, list: Trouble[] | undefined): void {
    const trouble = { kind, attributes, text: "" };
    list?.push(trouble);
    this.#text = trouble;
  }

  close(name: string): void {
    this.#open.pop();
    const parent = this.#open.at(-1) ?? "";
    if (suites.has(name)) this.#closeSuite();
    else if (name === "testcase" && (suites.has(parent) || parent === "testcase")) this.#closeCase();
    else if (suites.has(parent) || parent === "testcase") this.#text = undefined;
  }

  #openSuite(attributes: Record<string, string>): void {
    const outer = this.#suites.at(-1);
    if (outer && outer.parts !== "with errors") outer.parts = attributes.errors === undefined ? "without errors" : "with errors";
    const suite = openSuite(attributes, {
      tests: attributes.tests ? this.#number(attributes, "tests") : undefined,
      failures: this.#number(attributes, "failures"),
      errors: this.#number(attributes, "errors"),
      // Mocha computes it, and gets a negative number if a hook failed.
      skipped: attributes.skipped?.startsWith("-") ? 0 : this.#number(attributes, "skipped"),
    });
    this.#suites.push(suite);
  }

  #closeSuite(): void {
    const suite = this.#suites.at(-1);
    if (!suite) return;
    // Karma counts a browser that was lost, and says only in the output what happened.
    if (suite.isKarma && declaredTroubles(suite) > seenTroubles(suite) + suite.errors.length)
      suite.errors.push({ kind: "error", attributes: {}, text: "" });
    this.#reportErrors(suite);
    this.#requireTroubles(suite);
    const isPytest = this.#isPytest(suite);
    this.#suites.pop();
    reportTests(suite, this.#suites, isPytest, this.#findings);
    addToOuter(suite, this.#suites);
    const missing = this.#suites.length === 0 ? excess(suite, this.#suites) : 0;
    if (missing > 0) this.#findings.declared?.(this.#reported + missing);
  }

  /** A suite that failed outside of its tests. */
  #reportErrors(suite: OpenSuite): void {
    const { errors, output } = suite;
    if (errors.length === 0) return;
    const { message } = failureOf(errors, "failed", { names: [], output, status: "the suite failed outside of its tests" });
    this.#findings.crashed({ file: suiteFile(this.#suites), message });
    suite.errors = [];
    suite.seen.troubles += errors.length;
    suite.seen.others += errors.length;
  }

  #requireTroubles(suite: OpenSuite): void {
    const [declared, seen] = [declaredTroubles(suite), seenTroubles(suite)];
    if (declared <= seen) return;
    const name = suite.attributes.name ? `the suite ${suite.attributes.name}` : "it";
    throw this.#unreadable(`damaged: expected ${declared} failures and errors as ${name} declares, got ${seen}`);
  }

  /** Its suite may be called anything; its root is always called this. Versions before 8 don't name the root. */
  #isPytest({ attributes }: OpenSuite): boolean {
    if (attributes.name === "pytest" || this.#suites[0]?.attributes.name === "pytest tests") return true;
    return attributes.hostname !== undefined && /T\d\d:\d\d:\d\d\.\d{6}\b/.test(attributes.timestamp ?? "");
  }

  #closeCase(): void {
    const test = this.#cases.pop();
    const suite = this.#suites.at(-1);
    if (!test || !suite) return;
    suite.seen.tests++;
    if (test.skipped) suite.seen.skipped++;
    const meaning = meaningOf(test, this.#suites);
    const final = test.troubles.filter(isFinal).length;
    suite.seen.troubles += final;
    suite.seen.tried += test.troubles.length - final;
    if (meaning === "told already") return;
    if (final === 0 && meaning.isFailed) suite.seen.troubles++;
    if ("crash" in meaning) {
      this.#findings.crashed(meaning.crash);
      return;
    }
    suite.seen.others += meaning.attempt.attempts - 1;
    suite.tests.add(meaning.identity, meaning.attempt);
  }

  text(text: string): void {
    const target = this.#text;
    const element = this.#open.at(-1) ?? "";
    if (target === "output") {
      const printer = this.#cases.at(-1) ?? this.#suites.at(-1);
      if (printer) printer.output = `${printer.output}${text}`.slice(-longestOutput);
    } else if (target !== undefined) {
      // Surefire puts the output of an attempt next to its stack.
      if (target.text.length < longestText && !harmless.has(element))
        target.text += text.slice(0, longestText - target.text.length);
    } else if ((suites.has(element) || element === "testcase") && text.trim() !== "")
      throw this.#unreadable(`malformed: unexpected text inside <${element}>`);
  }

  #number(attributes: Record<string, string>, name: string): number {
    const value = Number(attributes[name]?.replaceAll(",", "") || 0);
    if (!Number.isInteger(value) || value < 0) throw this.#unreadable(`${name}: expected a number, got "${attributes[name]}"`);
    return value;
  }
}
