import type { TestStatus } from "../../model/test-results.ts";
import { type Findings, messageOf, type ReportedTest, stackOf } from "../reported.ts";
import type { XmlFormat } from "./format.ts";
import { HeldTests } from "./held-tests.ts";
import {
  countOf,
  type Refusal,
  readXml,
  requireDeclaredFailures,
  seconds,
  type XmlElement,
  type XmlEvents,
} from "./xml-events.ts";

/** The `output.xml` of Robot Framework, version 3 and later. */
export const robot: XmlFormat = {
  syntax: "xml",
  name: "robot",
  writers: ["Robot Framework"],
  roots: ["robot"],
  async read(file, text, findings) {
    const reader: { current?: RobotReader } = {};
    try {
      await readXml(file, text, (refusal) => {
        reader.current = new RobotReader(findings, refusal);
        return reader.current;
      });
    } catch (error) {
      // The failures before the damage are shown.
      reader.current?.reportTests();
      throw error;
    }
  },
};

const statuses = new Map<string, TestStatus>([
  ["PASS", "passed"],
  ["FAIL", "failed"],
  ["SKIP", "skipped"],
  ["NOT RUN", "skipped"],
]);

interface OpenSuite {
  element: XmlElement;
  /** The index of its first test. */
  from: number;
  /** Failed tests and crashed suites inside. */
  explained: number;
  /** The result of its tear-down, if that is not passed. */
  tearDown: TestStatus;
}

interface Ending {
  is: TestStatus;
  message: string;
  durationMs: number;
  attempts: number;
}

/** A suite's tear-down decides about all tests in the suite, but stands behind them. */
interface TearDown {
  from: number;
  /** The index after its last test. */
  to: number;
  status: TestStatus;
  message: string;
}

class RobotReader implements XmlEvents {
  readonly structure = new Set(["robot", "suite", "test", "statistics", "total"]);
  readonly #findings: Findings;
  readonly #refusal: Refusal;
  readonly #held = new HeldTests<ReportedTest>();
  readonly #suites: OpenSuite[] = [];
  readonly #tearDowns: TearDown[] = [];
  /** The `status` of the current test or suite: the last element in it. */
  #status: XmlElement | undefined;
  #failed = 0;
  #declared = { tests: 0, failed: 0 };
  #reported = false;

  constructor(findings: Findings, refusal: Refusal) {
    this.#findings = findings;
    this.#refusal = refusal;
  }

  open(element: XmlElement, parents: readonly XmlElement[]): boolean {
    const parent = parents.at(-1)?.name;
    if (element.name === "suite" && (parent === "suite" || parent === "robot")) {
      this.#suites.push({ element, from: this.#held.count, explained: 0, tearDown: "passed" });
      this.#status = undefined;
    } else if (isTest(element, parents)) this.#status = undefined;
    else if (element.name === "stat" && parent === "total") this.#declare(element);
    return isStatus(element, parents);
  }

  close(element: XmlElement, parents: readonly XmlElement[]): void {
    const parent = parents.at(-1)?.name;
    if (isStatus(element, parents)) this.#status = element;
    else if (isTest(element, parents)) this.#closeTest(element);
    else if (element.name === "suite" && (parent === "suite" || parent === "robot")) this.#closeSuite();
    else if (element.name === "status" && isTearDown(parents)) this.#tearDown(element);
    else if (parents.length === 0) this.#end();
  }

  #declare(stat: XmlElement): void {
    const count = (name: string) => countOf(stat, name, this.#refusal);
    const failed = count("fail");
    const tests = count("pass") + failed + count("skip");
    // Before version 4, critical tests are counted a second time.
    this.#declared = { tests: Math.max(this.#declared.tests, tests), failed: Math.max(this.#declared.failed, failed) };
  }

  #tearDown({ attributes }: XmlElement): void {
    const suite = this.#suites.at(-1);
    if (suite) suite.tearDown = statuses.get(attributes.status ?? "") ?? "unknown";
  }

  #closeTest({ attributes }: XmlElement): void {
    const status = this.#takeStatus();
    const suite = this.#suites.at(-1);
    if (status.is === "failed" && suite) suite.explained++;
    const file = this.#suites.findLast(({ element }) => element.attributes.source)?.element.attributes.source;
    const line = Number(attributes.line);
    this.#held.add({
      titles: [...this.#suites.map(({ element }) => element.attributes.name ?? ""), attributes.name ?? ""],
      status: status.is,
      durationMs: status.durationMs,
      attempts: status.attempts,
      ...(file === undefined ? {} : { file }),
      ...(line > 0 ? { line } : {}),
      ...(status.is === "passed" || status.is === "skipped" ? {} : textsOf(status.message)),
    });
  }

  #takeStatus(): Ending {
    const status = this.#status;
    this.#status = undefined;
    if (!status) return { is: "unknown", message: "the report does not say how it ended", durationMs: 0, attempts: 1 };
    const { attributes, text } = status;
    const is = statuses.get(attributes.status ?? "") ?? "unknown";
    return { durationMs: elapsed(attributes), ...afterMerge(is, text) };
  }

  #closeSuite(): void {
    const suite = this.#suites.pop();
    const status = this.#takeStatus();
    if (!suite) return;
    const [from, to] = [suite.from, this.#held.count];
    if (suite.tearDown !== "passed" && from < to) {
      this.#tearDowns.push({ from, to, status: suite.tearDown, message: status.message });
      if (suite.tearDown !== "skipped") suite.explained++;
    }
    if ((status.is === "failed" || status.is === "unknown") && suite.explained === 0) {
      suite.explained++;
      this.#findings.crashed({
        file: suite.element.attributes.source ?? suite.element.attributes.name ?? "",
        message: messageOf(status.message) || "the suite failed, though none of its tests did",
      });
    }
    const outer = this.#suites.at(-1);
    if (outer) outer.explained += suite.explained;
  }

  #end(): void {
    this.reportTests();
    requireDeclaredFailures("the report", this.#declared.failed, this.#failed, this.#refusal);
    if (this.#declared.tests > this.#held.count) this.#findings.declared?.(this.#declared.tests);
  }

  /** Once, at the end, when all tear-downs are known. */
  reportTests(): void {
    if (this.#reported) return;
    this.#reported = true;
    // From outside to inside, as they begin. They end from inside to outside.
    const tearDowns = this.#tearDowns.toReversed().sort((a, b) => a.from - b.from || b.to - a.to);
    let [index, next] = [0, 0];
    let around: TearDown[] = [];
    for (const held of this.#held) {
      while (tearDowns[next] && (tearDowns[next]?.from ?? 0) <= index) around.push(...tearDowns.slice(next, ++next));
      around = around.filter(({ to }) => index < to);
      const test = around.toReversed().reduce(afterTearDown, held);
      if (test.status === "failed") this.#failed++;
      this.#findings.test(test);
      index++;
    }
  }
}

/** As Robot Framework itself does: skipped tests stay skipped, and the messages of failed tests stay first. */
function afterTearDown(test: ReportedTest, { status, message }: TearDown): ReportedTest {
  if (test.status === "skipped") return test;
  if (status === "skipped") return test.status === "failed" ? test : { ...test, status };
  const own = test.status === "failed" ? `${test.message}\n\n` : "";
  return { ...test, status: test.status === "failed" ? "failed" : status, ...textsOf(`${own}${message}`) };
}

function isTest({ name }: XmlElement, parents: readonly XmlElement[]): boolean {
  return name === "test" && parents.at(-1)?.name === "suite";
}

/** Keywords have one, too. */
function isStatus({ name }: XmlElement, parents: readonly XmlElement[]): boolean {
  const [outer, parent] = [parents.at(-2)?.name, parents.at(-1)?.name];
  return name === "status" && (parent === "suite" || parent === "test") && (outer === "suite" || outer === "robot");
}

/** The keyword of a suite's tear-down. Before version 4, the type is in lower case. */
function isTearDown(parents: readonly XmlElement[]): boolean {
  const [outer, parent] = [parents.at(-2)?.name, parents.at(-1)];
  return outer === "suite" && parent?.name === "kw" && parent.attributes.type?.toLowerCase() === "teardown";
}

/** `rebot --merge` puts the earlier attempts of a test into its message. */
function afterMerge(is: TestStatus, text: string): Pick<Ending, "is" | "message" | "attempts"> {
  const [last = "", ...earlier] = text.split('<span class="old-status">');
  if (earlier.length === 0) return { is, message: plain(text), attempts: 1 };
  const attempts = earlier.length + 1;
  const failed = earlier.find((attempt) => attempt.includes('<span class="fail">'));
  const flaky = is === "passed" && failed !== undefined;
  const message = /<span class="(?:new|old)-message">[^<]*<\/span>(.*)/s.exec(flaky ? failed : last)?.[1];
  return { is: flaky ? "flaky" : is, message: plain(`*HTML*${message ?? ""}`), attempts };
}

/** A message with this mark is HTML. */
function plain(text: string): string {
  if (!text.startsWith("*HTML*")) return text;
  const lines = text.slice("*HTML*".length).replace(/<[bh]r[^<>]*>/gi, "\n");
  const bare = lines
    .replace(/<[^<>]*>/g, "")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"');
  return bare.replaceAll("&amp;", "&").trim();
}

function textsOf(text: string): { message: string; stack: string } {
  return { message: messageOf(text) || "the report gives no message", stack: stackOf(text) };
}

/** Since version 7 there is the time elapsed; before, there are two times such as `20261130 04:26:14.605`. */
function elapsed({ elapsed, starttime, endtime }: XmlElement["attributes"]): number {
  if (elapsed !== undefined) return seconds(elapsed) * 1_000;
  const [start, end] = [starttime, endtime].map((text) => Date.parse(`${text?.replace(/^(\d{4})(\d\d)(\d\d) /, "$1-$2-$3T")}Z`));
  return start !== undefined && end !== undefined && end > start ? end - start : 0;
}
