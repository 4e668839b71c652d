import { SaxesParser } from "saxes";
import type { ErrorCode } from "../../../model/error-codes/catalogue.ts";
import { type Findings, UnreadableReport } from "../../reported.ts";
import type { XmlFormat } from "../format.ts";
import { type JUnitCase, type JUnitSuite, reportCase, reportSuiteError } from "./case.ts";
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
  recognise: () => "junit",
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

  #unreadable(cause: string, code: ErrorCode = "EA6004"): UnreadableReport {
    return new UnreadableReport(code, this.#file, cause, `line ${this.#parser.line}, column ${this.#parser.column}`);
  }

  #openTag(name: string, attributes: Record<string, string>, selfClosing: boolean): void {
    const parent = this.#open.at(-1);
    if (this.#open.length >= deepestElement) throw this.#unreadable(`too deep: more than ${deepestElement} nested elements`);
    this.#open.push(name);
    if (parent === undefined) {
      if (!suites.has(name)) throw this.#unreadable(`unknown format: expected JUnit XML, got <${name}>`, "EA6005");
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
