import type { TestStatus } from "../../model/test-results.ts";
import { type Findings, messageOf, type ReportedTest, stackOf } from "../reported.ts";
import type { XmlFormat } from "./format.ts";
import { HeldTests } from "./held-tests.ts";
import { countOf, type Refusal, readXml, requireDeclaredFailures, type XmlElement, type XmlEvents } from "./xml-events.ts";

/** The `testng-results.xml` of TestNG. */
export const testng: XmlFormat = {
  syntax: "xml",
  name: "testng",
  writers: ["TestNG"],
  roots: ["testng-results"],
  async read(file, text, findings) {
    const reader: { current?: TestNGReader } = {};
    try {
      await readXml(file, text, (refusal) => {
        reader.current = new TestNGReader(findings, refusal);
        return reader.current;
      });
    } catch (error) {
      // The failures before the damage are shown.
      reader.current?.reportClass();
      throw error;
    }
  },
};

/** `SUCCESS_PERCENTAGE_FAILURE` failed, but enough runs of the same method passed: TestNG lets it pass. */
const statuses = new Map<string, TestStatus>([
  ["PASS", "passed"],
  ["FAIL", "failed"],
  ["SKIP", "skipped"],
  ["SUCCESS_PERCENTAGE_FAILURE", "flaky"],
]);

/** Names that build tools and TestNG give a test that has none. */
const namesForAny = new Set(["Surefire test", "Command line test", "Default test", "Gradle test", "TestNG"]);

interface Method {
  test: ReportedTest;
  /** Equal for all attempts of one test. */
  identity: string;
  role: "last" | "retried" | "perhaps retried";
}

interface OpenMethod {
  element: XmlElement;
  parameters: string[];
  exception: { kind: string; message: string; stack: string } | undefined;
}

class TestNGReader implements XmlEvents {
  readonly structure = new Set(["testng-results", "suite", "test", "class", "test-method", "exception"]);
  readonly #findings: Findings;
  readonly #refusal: Refusal;
  #project: string | undefined;
  #className = "";
  #held = new HeldTests<Method>();
  #method: OpenMethod | undefined;
  /** Configuration methods of this class that failed already. */
  readonly #failedConfigurations = new Set<string>();
  readonly #seen = { results: 0, failed: 0 };
  #declared = { results: 0, failed: 0 };
  /** Before version 7, an attempt looks like a skipped test with the exception that it failed with. */
  #saysRetried = false;

  constructor(findings: Findings, refusal: Refusal) {
    this.#findings = findings;
    this.#refusal = refusal;
  }

  open(element: XmlElement, parents: readonly XmlElement[]): boolean {
    const { name, attributes } = element;
    if (parents.length === 0) this.#declare(element);
    else if (name === "test") this.#project = namesForAny.has(attributes.name ?? "") ? undefined : attributes.name;
    else if (name === "class" && parents.at(-1)?.name === "test") this.#className = attributes.name ?? "";
    else if (name === "test-method") this.#method = { element, parameters: [], exception: undefined };
    else if (name === "exception" && this.#method)
      this.#method.exception = { kind: attributes.class ?? "", message: "", stack: "" };
    return name === "message" || name === "full-stacktrace" || name === "short-stacktrace" || name === "value";
  }

  close(element: XmlElement, parents: readonly XmlElement[]): void {
    const { name } = element;
    if (name === "test-method") this.#closeMethod();
    else if (name === "class" && parents.at(-1)?.name === "test") this.reportClass();
    else if (name === "value" && parents.at(-1)?.name === "param") this.#method?.parameters.push(parameterOf(element));
    else if (parents.at(-1)?.name === "exception") this.#addText(element);
    else if (parents.length === 0) this.#end();
  }

  #declare(root: XmlElement): void {
    const count = (name: string) => countOf(root, name, this.#refusal);
    // The total has tests that were switched off, which are not described.
    const results = count("passed") + count("failed") + count("skipped") + count("retried");
    this.#declared = { results, failed: count("failed") };
    this.#saysRetried = root.attributes.retried !== undefined;
  }

  #addText({ name, text }: XmlElement): void {
    const exception = this.#method?.exception;
    if (!exception) return;
    if (name === "message") exception.message = text.trim();
    else if (name === "full-stacktrace" || exception.stack === "") exception.stack = text.trim();
  }

  #closeMethod(): void {
    const method = this.#method;
    this.#method = undefined;
    if (!method) return;
    const { attributes } = method.element;
    const status = statuses.get(attributes.status ?? "") ?? "unknown";
    if (attributes["is-config"] === "true") {
      if (status !== "passed" && status !== "skipped") this.#configurationFailed(method);
      return;
    }
    this.#seen.results++;
    if (status === "failed") this.#seen.failed++;
    const { name = "", signature = "" } = attributes;
    const parameters = method.parameters.map((text) => text.slice(0, 200));
    const title = parameters.length > 0 ? `${name}(${parameters.join(", ")})` : name;
    const role = this.#roleOf(method, status);
    const trouble = role !== "last" || !(status === "passed" || status === "skipped");
    this.#held.add({
      identity: JSON.stringify([name, signature, attributes["test-instance-name"], method.parameters]),
      role,
      test: {
        titles: [this.#className, title],
        status,
        durationMs: milliseconds(attributes["duration-ms"]),
        attempts: 1,
        ...(this.#project === undefined ? {} : { project: this.#project }),
        ...(trouble ? textsOf(method) : {}),
        // All tests of a class may be skipped for one reason.
        ...(role === "perhaps retried" ? { stack: undefined } : {}),
      },
    });
  }

  #roleOf({ element: { attributes }, exception }: OpenMethod, status: TestStatus): Method["role"] {
    if (attributes.retried === "true") return "retried";
    if (this.#saysRetried || status !== "skipped" || attributes.signature === undefined) return "last";
    return exception && exception.kind !== "org.testng.SkipException" ? "perhaps retried" : "last";
  }

  /** It runs before each test of a class, perhaps: once is enough. */
  #configurationFailed(method: OpenMethod): void {
    const name = method.element.attributes.name ?? "";
    if (this.#failedConfigurations.has(name)) return;
    this.#failedConfigurations.add(name);
    const { message } = textsOf(method);
    this.#findings.crashed({ file: this.#className, message: messageOf(`${name}: ${message}`) });
  }

  /** Attempts stand before or after the last one. */
  reportClass(): void {
    const attempts = new Map<string, Method[]>();
    for (const method of this.#held) {
      const { identity, role } = method;
      if (role === "last") continue;
      const known = attempts.get(identity);
      if (known) known.push(method);
      else attempts.set(identity, [method]);
    }
    for (const { identity, role, test } of this.#held) {
      if (role !== "last") continue;
      this.#findings.test(
        joined(
          test,
          (attempts.get(identity) ?? []).map((earlier) => earlier.test),
        ),
      );
      attempts.delete(identity);
    }
    for (const methods of attempts.values()) this.#reportUnfinished(methods);
    this.#held = new HeldTests();
    this.#failedConfigurations.clear();
  }

  /** Without its last attempt, a test has not been shown to pass. */
  #reportUnfinished(methods: readonly Method[]): void {
    const retried = methods.filter(({ role }) => role === "retried");
    const [first] = retried;
    if (first) this.#findings.test({ ...first.test, status: "failed", attempts: retried.length });
    for (const { role, test } of methods) {
      const { message: _message, stack: _stack, ...skipped } = test;
      if (role !== "retried") this.#findings.test(skipped);
    }
  }

  #end(): void {
    requireDeclaredFailures("the report", this.#declared.failed, this.#seen.failed, this.#refusal);
    if (this.#declared.results > this.#seen.results) this.#findings.declared?.(this.#declared.results);
  }
}

function joined(last: ReportedTest, earlier: readonly ReportedTest[]): ReportedTest {
  const [first] = earlier;
  if (!first) return last;
  const attempts = earlier.length + 1;
  const { message, stack } = first;
  // Skipped after failed attempts: it never passed.
  if (last.status === "skipped") return { ...last, status: "failed", attempts, message, stack };
  if (last.status !== "passed") return { ...last, attempts };
  return { ...last, status: "flaky", attempts, message, stack };
}

function textsOf({ exception }: OpenMethod): { message: string; stack: string } {
  const { kind = "", message = "", stack = "" } = exception ?? {};
  return { message: messageOf(message || stack || kind) || "the report gives no message", stack: stackOf(stack || message) };
}

function parameterOf({ attributes, text }: XmlElement): string {
  return attributes["is-null"] === "true" ? "null" : text.trim();
}

function milliseconds(text: string | undefined): number {
  const value = Number(text);
  return value > 0 && Number.isFinite(value) ? value : 0;
}
