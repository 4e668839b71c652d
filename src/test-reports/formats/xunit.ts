import type { TestStatus } from "../../model/test-results.ts";
import { type Findings, messageOf, wholeRun } from "../reported.ts";
import { assemblyOf, type Failure, type Place, placeOf, textsOf, titlesOf } from "./dotnet.ts";
import type { XmlFormat } from "./format.ts";
import {
  countOf,
  type Refusal,
  readXml,
  requireDeclaredFailures,
  seconds,
  type XmlElement,
  type XmlEvents,
} from "./xml-events.ts";

/** The reports of xUnit.net: `assemblies` since version 2, a single `assembly` before. */
export const xunit: XmlFormat = {
  syntax: "xml",
  name: "xunit",
  writers: ["xUnit.net"],
  roots: ["assemblies", "assembly"],
  read: (file, text, findings) => readXml(file, text, (refusal) => new XUnitReader(findings, refusal)),
};

const statuses = new Map<string, TestStatus>([
  ["Pass", "passed"],
  ["Fail", "failed"],
  ["Skip", "skipped"],
  ["NotRun", "skipped"],
]);

interface Assembly {
  name: string;
  project: string | undefined;
  declared: { tests: number; failed: number; errors: number };
  seen: { tests: number; failed: number; errors: number };
}

class XUnitReader implements XmlEvents {
  readonly structure = new Set(["assemblies", "assembly", "class", "collection", "test", "errors", "error"]);
  readonly #findings: Findings;
  readonly #refusal: Refusal;
  #assembly: Assembly | undefined;
  #failure: Failure | undefined;
  readonly #all = { declared: 0, seen: 0 };

  constructor(findings: Findings, refusal: Refusal) {
    this.#findings = findings;
    this.#refusal = refusal;
  }

  open(element: XmlElement, parents: readonly XmlElement[]): boolean {
    const parent = parents.at(-1)?.name;
    if (parents.length === 0 && element.name === "assemblies") return false;
    if (parents.length < 2 && (element.name === "assembly" || parents.length === 0)) this.#openAssembly(element);
    if (element.name === "failure" && (parent === "test" || parent === "error")) this.#failure = { message: "", stack: "" };
    return isText(element.name, parents);
  }

  close(element: XmlElement, parents: readonly XmlElement[]): void {
    const parent = parents.at(-1)?.name;
    if (element.name === "test" && parent !== "traits") this.#closeTest(element);
    else if (element.name === "error" && parent === "errors") this.#closeError(element);
    else if (element.name === "assembly" && parents.length < 2) this.#closeAssembly();
    else if (isText(element.name, parents)) this.#addText(element);
    if (parents.length === 0 && this.#all.declared > this.#all.seen) this.#findings.declared?.(this.#all.declared);
  }

  #openAssembly(element: XmlElement): void {
    const count = (name: string) => countOf(element, name, this.#refusal);
    const path = element.attributes.name;
    this.#assembly = {
      name: path ?? wholeRun,
      project: assemblyOf(path),
      declared: { tests: count("total"), failed: count("failed"), errors: count("errors") },
      seen: { tests: 0, failed: 0, errors: 0 },
    };
  }

  #addText({ name, text }: XmlElement): void {
    if (this.#failure) this.#failure[name === "message" ? "message" : "stack"] = text;
  }

  #closeTest({ attributes }: XmlElement): void {
    const said = statuses.get(attributes.result ?? "") ?? "unknown";
    const status = this.#failure && said === "passed" ? "failed" : said;
    const className = attributes.type ?? "";
    const failure = this.#takeFailure();
    const texts =
      status === "failed" ? textsOf(failure) : status === "unknown" ? textsOf(failure, attributes.result ?? "") : undefined;
    if (this.#assembly) {
      this.#assembly.seen.tests++;
      if (status === "failed") this.#assembly.seen.failed++;
    }
    const project = this.#assembly?.project;
    this.#findings.test({
      titles: titlesOf(className, attributes.name || attributes.method || ""),
      status,
      durationMs: seconds(attributes.time) * 1_000,
      attempts: 1,
      ...(project === undefined ? {} : { project }),
      ...texts,
      ...placeOfTest(attributes, texts === undefined ? {} : placeOf(texts.stack, className)),
    });
  }

  #takeFailure(): Failure {
    const failure = this.#failure ?? { message: "", stack: "" };
    this.#failure = undefined;
    return failure;
  }

  /** Fixtures and clean-up fail outside of tests. */
  #closeError({ attributes }: XmlElement): void {
    const { message, stack } = this.#takeFailure();
    if (this.#assembly) this.#assembly.seen.errors++;
    const kind = attributes.type ? `${attributes.type}: ` : "";
    const text = message.trim() || stack;
    this.#findings.crashed({
      file: attributes.name || this.#assembly?.name || wholeRun,
      message: text.trim() ? messageOf(`${kind}${text.trim()}`) : `${kind}the report gives no message`,
    });
  }

  #closeAssembly(): void {
    const assembly = this.#assembly;
    if (!assembly) return;
    const { name, declared, seen } = assembly;
    requireDeclaredFailures(name, declared.failed, seen.failed, this.#refusal);
    requireDeclaredFailures(name, declared.errors, seen.errors, this.#refusal);
    this.#all.declared += Math.max(declared.tests, seen.tests);
    this.#all.seen += seen.tests;
    this.#assembly = undefined;
  }
}

function isText(name: string, parents: readonly XmlElement[]): boolean {
  const [outer, parent] = [parents.at(-2)?.name, parents.at(-1)?.name];
  return (name === "message" || name === "stack-trace") && parent === "failure" && (outer === "test" || outer === "error");
}

/** Version 3 has the place of the test itself. The line where it failed is better, if it is in the same file. */
function placeOfTest(attributes: XmlElement["attributes"], failed: Place): Place {
  const file = attributes["source-file"];
  const line = Number(attributes["source-line"]);
  if (!file || failed.file === file) return failed;
  return { file, ...(line > 0 ? { line } : {}) };
}
