import type { TestStatus } from "../../model/test-results.ts";
import { type Findings, messageOf, type ReportedTest, wholeRun } from "../reported.ts";
import { assemblyOf, type Failure, placeOf, textsOf, titlesOf } from "./dotnet.ts";
import type { XmlFormat } from "./format.ts";
import { HeldTests } from "./held-tests.ts";
import { countOf, type Refusal, readXml, requireDeclaredFailures, type XmlElement, type XmlEvents } from "./xml-events.ts";

/** TRX, which `dotnet test`, VSTest, MSTest and Microsoft.Testing.Platform write. */
export const trx: XmlFormat = {
  syntax: "xml",
  name: "trx",
  writers: ["TRX"],
  roots: ["TestRun"],
  read: (file, text, findings) => readTrx(file, text, findings),
};

async function readTrx(file: string, text: AsyncIterable<string>, findings: Findings): Promise<void> {
  const reader: { current?: TrxReader } = {};
  try {
    await readXml(file, text, (refusal) => {
      reader.current = new TrxReader(findings, refusal);
      return reader.current;
    });
  } catch (error) {
    // The failures before the damage are shown.
    reader.current?.reportTests();
    throw error;
  }
}

/** The words of Microsoft's enumeration of outcomes. `Completed` is documented as without judgement. */
const outcomes = new Map<string, TestStatus>([
  ["Passed", "passed"],
  ["PassedButRunAborted", "passed"],
  ["Warning", "passed"],
  ["Failed", "failed"],
  ["Error", "failed"],
  ["Timeout", "failed"],
  ["Aborted", "failed"],
  ["Disconnected", "failed"],
  ["NotRunnable", "failed"],
  ["NotExecuted", "skipped"],
  ["Inconclusive", "skipped"],
  ["Pending", "skipped"],
  ["Completed", "unknown"],
  ["InProgress", "unknown"],
]);

/** A run, or a message of it, with one of these is no failure. */
const goodRuns = new Set(["Completed", "Passed", "Warning", "Inconclusive", "NotExecuted"]);

/** Counters of failures, whatever they are called. */
const failureCounters = ["failed", "error", "timeout", "aborted", "disconnected", "notRunnable"];

/** xUnit.net writes each failed test again as an error of the run. */
const failedTestLine = /^\[xUnit\.net [^\]]*\]\s*(.*) \[FAIL\]$/s;

/** Microsoft.Testing.Platform writes its exit status as an error of the run; 2 means that a test failed. */
const failedTestsStatus = /^[^']{0,200}'2'/;

const mostRunErrors = 100;

interface Outcome {
  status: TestStatus;
  test: ReportedTest;
  /** Of its definition, which stands behind all results. */
  testId: string;
  role: "test" | "row" | "parent of rows";
}

interface OpenResult extends Outcome {
  /** That says the status. */
  word: string;
  failure: Failure;
  output: string;
  /** How many results are inside, and how many of them failed. */
  inside: number;
  failedInside: number;
}

interface Definition {
  className: string;
  assembly: string | undefined;
}

class TrxReader implements XmlEvents {
  readonly structure = new Set([
    "TestRun",
    "Results",
    "InnerResults",
    "UnitTestResult",
    "TestDefinitions",
    "UnitTest",
    "ResultSummary",
    "RunInfos",
    "RunInfo",
    "ErrorInfo",
  ]);
  readonly #findings: Findings;
  readonly #refusal: Refusal;
  readonly #held = new HeldTests<Outcome>();
  readonly #open: OpenResult[] = [];
  readonly #definitions = new Map<string, Definition>();
  /** Each class once, instead of once for each test. */
  readonly #classes = new Map<string, Definition>();
  /** For each definition with rows beside the result of all: whether a row failed. */
  readonly #rows = new Map<string, boolean>();
  readonly #failedNames = new Set<string>();
  readonly #runErrors: string[] = [];
  readonly #seen = { results: 0, failed: 0 };
  #moreRunErrors = false;
  #declared = { total: 0, failed: 0 };
  #runOutcome: string | undefined;
  #reported = false;

  constructor(findings: Findings, refusal: Refusal) {
    this.#findings = findings;
    this.#refusal = refusal;
  }

  open(element: XmlElement, parents: readonly XmlElement[]): boolean {
    const parent = parents.at(-1)?.name;
    if (isResult(parents)) this.#open.push(openResult(element, this.#open.at(-1)));
    else if (element.name === "TestMethod" && parent === "UnitTest") this.#define(element, parents.at(-1));
    else if (element.name === "Counters" && parent === "ResultSummary") this.#declare(element);
    else if (element.name === "ResultSummary") this.#runOutcome = element.attributes.outcome;
    return isText(element.name, parents);
  }

  close(element: XmlElement, parents: readonly XmlElement[]): void {
    if (isResult(parents)) this.#close();
    else if (element.name === "Text" && parents.at(-1)?.name === "RunInfo") this.#runInfo(element.text, parents.at(-1));
    else if (parents.length === 0) this.#end();
    else if (isText(element.name, parents)) this.#addText(element);
  }

  #define({ attributes }: XmlElement, test: XmlElement | undefined): void {
    const className = attributes.className?.split(",", 1)[0] ?? "";
    const assembly = assemblyOf(attributes.codeBase || test?.attributes.storage);
    const key = `${className}\n${assembly ?? ""}`;
    const definition = this.#classes.get(key) ?? structuredClone({ className, assembly });
    if (!this.#classes.has(key)) this.#classes.set(copied(key), definition);
    this.#definitions.set(keyOf(test?.attributes.id ?? ""), definition);
  }

  #declare(counters: XmlElement): void {
    const failures = failureCounters.map((name) => countOf(counters, name, this.#refusal));
    const total = countOf(counters, "total", this.#refusal);
    const sum = failures.reduce((all, one) => all + one, 0);
    const passed = countOf(counters, "passed", this.#refusal);
    // Some writers count the same failure under two names.
    this.#declared = { total, failed: sum + passed > total ? Math.max(...failures) : sum };
  }

  #runInfo(text: string, info: XmlElement | undefined): void {
    if (goodRuns.has(info?.attributes.outcome ?? "") || this.#isExplained(text.trim())) return;
    if (this.#runErrors.length < mostRunErrors) this.#runErrors.push(copied(text.trim()));
    else this.#moreRunErrors = true;
  }

  #addText({ name, text }: XmlElement): void {
    const result = this.#open.at(-1);
    if (!result) return;
    if (name === "Message") result.failure.message = text;
    else if (name === "StackTrace") result.failure.stack = text;
    else result.output += text;
  }

  #close(): void {
    const result = this.#open.pop();
    if (!result) return;
    const { test, testId, status, failure, inside, failedInside } = result;
    const outer = this.#open.at(-1);
    this.#seen.results++;
    if (status === "failed") this.#seen.failed++;
    if (outer) {
      outer.inside++;
      if (status === "failed" || failedInside > 0) outer.failedInside++;
    }
    if (status === "failed") this.#failedNames.add(copied(test.titles.at(-1) ?? ""));
    if (result.role === "row") this.#rows.set(copied(testId), (this.#rows.get(testId) ?? false) || status === "failed");
    // What happened inside says it already, unless the failure is its own.
    const trouble = status === "failed" || status === "unknown";
    if (inside > 0 && (!trouble || failedInside > 0)) return;
    const texts = failure.message || failure.stack ? failure : { message: result.output, stack: "" };
    const role = inside > 0 ? "test" : result.role;
    this.#held.add({
      status,
      testId,
      role,
      test: { ...test, status, ...(trouble ? textsOf(texts, status === "unknown" ? result.word : undefined) : {}) },
    });
  }

  #end(): void {
    requireDeclaredFailures("the report", this.#declared.failed, this.#seen.failed, this.#refusal);
    this.reportTests();
    if (this.#declared.total > this.#seen.results) this.#findings.declared?.(this.#declared.total);
    this.#reportRun();
  }

  /** Once, at the end: the classes stand behind the results. */
  reportTests(): void {
    if (this.#reported) return;
    this.#reported = true;
    for (const { test, testId, role } of this.#held) {
      const failedRows = this.#rows.get(testId);
      // The same as for rows inside of it.
      if (role === "parent of rows" && failedRows !== undefined && (failedRows || test.stack === undefined)) continue;
      const { className, assembly } = this.#definitions.get(keyOf(testId)) ?? { className: "", assembly: undefined };
      const place = test.stack === undefined ? {} : placeOf(test.stack, className);
      const names = titlesOf(className, test.titles[0] ?? "");
      const titles = [...names, ...test.titles.slice(1)];
      this.#findings.test({ ...test, titles, ...place, ...(assembly === undefined ? {} : { project: assembly }) });
    }
  }

  /** The run can fail without a test that did, such as when its process ended early. */
  #reportRun(): void {
    const errors = this.#runErrors.filter((text) => !this.#isExplained(text));
    const outcome = this.#runOutcome;
    const failed = outcome !== undefined && !goodRuns.has(outcome) && (outcome !== "Failed" || this.#seen.failed === 0);
    if (errors.length === 0 && this.#moreRunErrors) errors.push(`the run had more than ${mostRunErrors} errors`);
    const reason = errors.length > 0 ? messageOf(errors.join("\n")) : undefined;
    if (reason === undefined && !failed) return;
    const message = reason ?? `the report says that the run ended as "${outcome}", not why`;
    this.#findings.crashed({ file: this.#onlyAssembly() ?? wholeRun, message });
  }

  /** `dotnet test` writes a report for each assembly. */
  #onlyAssembly(): string | undefined {
    const assemblies = new Set([...this.#classes.values()].map(({ assembly }) => assembly));
    return assemblies.size === 1 ? [...assemblies][0] : undefined;
  }

  #isExplained(text: string): boolean {
    if (this.#seen.failed === 0) return false;
    return failedTestsStatus.test(text) || this.#failedNames.has(failedTestLine.exec(text)?.[1] ?? "\n");
  }
}

/** Tests of other kinds have elements of other names. */
function isResult(parents: readonly XmlElement[]): boolean {
  const parent = parents.at(-1)?.name;
  return (parent === "Results" && parents.length === 2) || parent === "InnerResults";
}

function isText(name: string, parents: readonly XmlElement[]): boolean {
  const [outer, parent] = [parents.at(-2)?.name, parents.at(-1)?.name];
  if (parent === "ErrorInfo") return outer === "Output" && (name === "Message" || name === "StackTrace");
  if (parent === "Output") return outer !== "ResultSummary" && (name === "StdOut" || name === "StdErr");
  return parent === "RunInfo" && name === "Text";
}

function openResult({ attributes }: XmlElement, outer: OpenResult | undefined): OpenResult {
  const name = attributes.testName ?? "";
  // A row has its own name, which usually begins with that of the test.
  const before = outer?.test.titles.filter((title) => !name.startsWith(title)) ?? [];
  const status = outcomes.get(attributes.outcome ?? "") ?? "unknown";
  const kinds = { DataDrivenTest: "parent of rows", DataDrivenDataRow: "row" } as const;
  const kind = attributes.resultType;
  const testId = attributes.testId || outer?.testId || "";
  return {
    status,
    word: attributes.outcome ?? "",
    testId,
    role: kind === "DataDrivenTest" || kind === "DataDrivenDataRow" ? kinds[kind] : "test",
    test: {
      titles: [...before, name],
      status,
      durationMs: milliseconds(attributes.duration),
      attempts: 1,
      ...(attributes.outcome === "Error" ? { errored: true as const } : {}),
    },
    failure: { message: "", stack: "" },
    output: "",
    inside: 0,
    failedInside: 0,
  };
}

/** `00:00:01.2345678`, with days before it if there are any. */
function milliseconds(text: string | undefined): number {
  const parts = /^(?:(\d+)\.)?(\d+):(\d+):(\d+(?:\.\d+)?)$/.exec(text ?? "");
  if (!parts) return 0;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = parts.slice(1).map((part) => Number(part ?? 0));
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000;
}

/** The 16 bytes of a GUID, because there is one for each test. */
function keyOf(id: string): string {
  const guid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(id);
  return guid ? Buffer.from(id.replaceAll("-", ""), "hex").toString("latin1") : copied(id);
}

/** A part of a text would keep the whole chunk of the report in memory. */
function copied(text: string): string {
  return Buffer.from(text).toString();
}
