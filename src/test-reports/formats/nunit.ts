import type { TestStatus } from "../../model/test-results.ts";
import { type Findings, messageOf, wholeRun } from "../reported.ts";
import { assemblyOf, type Failure, placeOf, textsOf } from "./dotnet.ts";
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

/** The reports of NUnit 2 (`test-results`), and of NUnit 3 and later (`test-run`, or the suite alone where its engine is used). */
export const nunit: XmlFormat = {
  syntax: "xml",
  name: "nunit",
  writers: ["NUnit"],
  roots: ["test-run", "test-results", "test-suite"],
  read: (file, text, findings) => readXml(file, text, (refusal) => new NUnitReader(findings, refusal)),
};

const statuses = new Map<string, TestStatus>([
  ["Passed", "passed"],
  ["Success", "passed"],
  ["Warning", "passed"],
  ["Failed", "failed"],
  ["Failure", "failed"],
  ["Error", "failed"],
  ["Cancelled", "failed"],
  ["Invalid", "failed"],
  ["NotRunnable", "failed"],
  ["Skipped", "skipped"],
  ["Ignored", "skipped"],
  ["Explicit", "skipped"],
  ["Inconclusive", "skipped"],
]);

/** Suites around the cases of one class or test. Their names are no part of a test's. */
const groupings = new Set(["ParameterizedFixture", "GenericFixture", "ParameterizedMethod", "ParameterizedTest", "Theory"]);

interface OpenNode {
  element: XmlElement;
  failure: Failure | undefined;
  reason: string;
  /** Failed tests and crashed suites inside, which say why a suite failed. */
  explained: number;
}

class NUnitReader implements XmlEvents {
  readonly structure = new Set(["test-run", "test-results", "test-suite", "results", "test-case", "failure"]);
  readonly #findings: Findings;
  readonly #refusal: Refusal;
  /** The suites around the current element, and its test. */
  readonly #open: OpenNode[] = [];
  readonly #seen = { tests: 0, failed: 0 };
  #explained = 0;
  #declared = { tests: 0, failed: 0 };

  constructor(findings: Findings, refusal: Refusal) {
    this.#findings = findings;
    this.#refusal = refusal;
  }

  open(element: XmlElement, parents: readonly XmlElement[]): boolean {
    const { name } = element;
    if (parents.length === 0) this.#declare(element);
    if (isNode(name)) this.#open.push({ element, failure: undefined, reason: "", explained: 0 });
    else if (name === "failure" && isNode(parents.at(-1)?.name)) this.#current().failure = { message: "", stack: "" };
    else if (name === "property" && element.attributes.name === "_SKIPREASON" && this.#open.length > 0)
      this.#current().reason ||= element.attributes.value ?? "";
    return isText(name, parents);
  }

  close(element: XmlElement, parents: readonly XmlElement[]): void {
    if (isNode(element.name)) this.#close(element);
    else if (isText(element.name, parents)) this.#addText(element, parents.at(-1)?.name ?? "");
    if (parents.length === 0) this.#end(element);
  }

  #declare(root: XmlElement): void {
    const count = (name: string) => countOf(root, name, this.#refusal);
    const failed = root.name === "test-results" ? count("errors") + count("failures") + count("invalid") : count("failed");
    this.#declared = { tests: count("total"), failed };
  }

  #current(): OpenNode {
    const node = this.#open.at(-1);
    if (!node) throw this.#refusal("an element is outside of its suite");
    return node;
  }

  #addText({ name, text }: XmlElement, parent: string): void {
    const node = this.#current();
    if (parent === "reason") node.reason = text;
    else if (node.failure) node.failure[name === "message" ? "message" : "stack"] = text;
  }

  #close(element: XmlElement): void {
    const node = this.#open.pop();
    if (!node) return;
    if (element.name === "test-case") this.#closeCase(node);
    else this.#closeSuite(node);
    const outer = this.#open.at(-1);
    if (outer) outer.explained += node.explained;
    else this.#explained += node.explained;
  }

  #closeCase(node: OpenNode): void {
    const { attributes } = node.element;
    const said = statusOf(attributes) ?? "unknown";
    const status = node.failure && said !== "skipped" ? "failed" : said;
    const { className, titles } = this.#namesOf(attributes);
    // NUnit 2 does not count those that it did not run.
    if (attributes.executed?.toLowerCase() !== "false") this.#seen.tests++;
    if (status === "failed") {
      this.#seen.failed++;
      node.explained = 1;
    }
    const texts = status === "failed" || status === "unknown" ? this.#textsOf(node) : undefined;
    const assembly = this.#assembly();
    this.#findings.test({
      titles,
      status,
      durationMs: seconds(attributes.duration ?? attributes.time) * 1_000,
      attempts: 1,
      ...(assembly === undefined ? {} : { project: assembly }),
      ...(status === "failed" && (attributes.label ?? attributes.result) === "Error" ? { errored: true as const } : {}),
      ...(texts === undefined ? {} : { ...texts, ...placeOf(texts.stack, className.split("(", 1)[0]) }),
    });
  }

  /** NUnit 2 writes only at the suite why its set-up failed, and at its tests that it did. */
  #textsOf({ failure, reason, element }: OpenNode): Failure {
    const own = failure ?? { message: reason, stack: "" };
    const { attributes } = element;
    const word = !failure && statusOf(attributes) === "unknown" ? (attributes.result ?? "") : undefined;
    const outer = this.#open.findLast((suite) => suite.failure !== undefined)?.failure;
    if (own.stack.trim() !== "" || !outer?.stack.trim()) return textsOf(own, word);
    const told = own.message.includes(outer.message.trim());
    return textsOf({ message: told ? own.message : `${own.message.trim()}\n${outer.message.trim()}`, stack: outer.stack });
  }

  /** A suite fails because of a test in it, or in its own set-up or tear-down, which no test may show. */
  #closeSuite(node: OpenNode): void {
    const { attributes } = node.element;
    const site = attributes.site ?? /\((\w+)\)$/.exec(attributes.result ?? "")?.[1];
    const failed = hasFailed(attributes) || (statusOf(attributes) === undefined && node.failure !== undefined);
    if (!failed || site === "Parent") return;
    if (node.explained > 0 && !isOwn(site, node)) return;
    node.explained++;
    const text = node.failure?.message.trim() || node.failure?.stack || node.reason;
    this.#findings.crashed({
      file: attributes.fullname || this.#pathOf([...this.#open, node]),
      message: messageOf(text) || "the suite failed, though none of its tests did: its set-up or tear-down, perhaps",
    });
  }

  #assembly(): string | undefined {
    const suite = this.#open.find(({ element }) => element.attributes.type === "Assembly");
    return assemblyOf(suite?.element.attributes.name);
  }

  #pathOf(suites: readonly OpenNode[]): string {
    const named = suites.map(({ element: { attributes } }) => attributes).filter(({ type }) => type !== "Assembly");
    const parts = named.filter(({ type = "", name }) => name && !groupings.has(type)).map(({ name }) => name);
    return parts.join(".") || (suites.at(-1)?.element.attributes.name ?? "");
  }

  /** The class and the name of a test. NUnit 2 writes full names only, and in NUnit 3 only they have the fixture's arguments. */
  #namesOf(attributes: XmlElement["attributes"]): { className: string; titles: string[] } {
    const { name = "", fullname = name, classname } = attributes;
    if (fullname !== name && fullname.endsWith(`.${name}`)) {
      const before = fullname.slice(0, -name.length - 1);
      return { className: classname ?? before, titles: [before, name] };
    }
    const suite = this.#open.at(-1)?.element.attributes.name ?? "";
    const candidates = [classname ?? "", this.#pathOf(this.#open), suite];
    const before = candidates.find((candidate) => candidate !== "" && name.startsWith(`${candidate}.`));
    if (before !== undefined) return { className: before, titles: [before, name.slice(before.length + 1)] };
    const className = classname ?? (suite || this.#pathOf(this.#open));
    return { className, titles: className === "" ? [name] : [className, name] };
  }

  #end(root: XmlElement): void {
    requireDeclaredFailures("the report", this.#declared.failed, this.#seen.failed, this.#refusal);
    if (this.#declared.tests > this.#seen.tests) this.#findings.declared?.(this.#declared.tests);
    if (hasFailed(root.attributes) && this.#explained === 0)
      this.#findings.crashed({ file: wholeRun, message: "the report says that the run failed, though no test and no suite did" });
  }
}

function isNode(name: string | undefined): boolean {
  return name === "test-case" || name === "test-suite";
}

function isText(name: string, parents: readonly XmlElement[]): boolean {
  const parent = parents.at(-1)?.name;
  if (!isNode(parents.at(-2)?.name)) return false;
  return (
    (name === "message" && (parent === "failure" || parent === "reason")) || (name === "stack-trace" && parent === "failure")
  );
}

/** Early versions of NUnit 3 wrote `Failed(Child)`, and those before NUnit 2.5 only whether a test was a success. */
function statusOf({ result, executed, success }: XmlElement["attributes"]): TestStatus | undefined {
  if (result !== undefined) return statuses.get(result.replace(/\(\w+\)$/, "")) ?? "unknown";
  if (executed?.toLowerCase() === "false") return "skipped";
  if (success === undefined) return undefined;
  if (success.toLowerCase() === "true") return "passed";
  return success.toLowerCase() === "false" ? "failed" : "unknown";
}

/** What its tests say already has no stack of its own at the suite. */
function isOwn(site: string | undefined, { failure, element }: OpenNode): boolean {
  if (site === "TearDown") return true;
  if (site === "SetUp" || site === "Child" || element.attributes.fullname === undefined) return false;
  return failure !== undefined && failure.stack.trim() !== "";
}

/** A suite, or the run. A word that is not known hides no failure. */
function hasFailed(attributes: XmlElement["attributes"]): boolean {
  const status = statusOf(attributes);
  return status === "failed" || status === "unknown";
}
