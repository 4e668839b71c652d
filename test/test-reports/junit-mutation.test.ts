import fc from "fast-check";
import { expect, test } from "vitest";
import type { TestCase } from "../../src/model/test-results.ts";
import { readResults } from "../../src/test-reports/read.ts";
import { UnreadableReport } from "../../src/test-reports/reported.ts";
import { whole, workspace } from "./reports.ts";

/**
 * No single change of a JUnit report turns a failed test into a passed one: an attribute that changes or is missing, an element that
 * is missing, written twice or moved, a dialect's attribute that appears. Without a header nothing shows that a failure is missing,
 * so that these reports have one.
 */

interface Element {
  name: string;
  attributes: Record<string, string>;
  inside: Element[];
}

function xml({ name, attributes, inside }: Element): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${value}"`);
  return `<${name}${written.join("")}>${inside.map(xml).join("")}</${name}>`;
}

const element = (name: string, attributes: Record<string, string> = {}, inside: Element[] = []): Element => ({
  name,
  attributes,
  inside,
});

/** How a test element ends, in the ways that tools write it. */
const endings: Record<string, { inside: Element[]; attributes?: Record<string, string>; troubles: number; fails: boolean }> = {
  pass: { inside: [], troubles: 0, fails: false },
  failure: { inside: [element("failure", { message: "no", type: "E" })], troubles: 1, fails: true },
  error: { inside: [element("error", { message: "no" }), element("system-out")], troubles: 1, fails: true },
  both: { inside: [element("failure", { message: "no" }), element("error", { message: "too" })], troubles: 2, fails: true },
  rerun: {
    inside: [element("failure", { message: "no" }), element("rerunFailure", { message: "no" })],
    troubles: 1,
    fails: true,
  },
  word: { inside: [], attributes: { status: "broken" }, troubles: 1, fails: true },
  flaky: { inside: [element("flakyFailure", { message: "no" })], troubles: 0, fails: false },
  skipped: { inside: [element("skipped", { message: "later" })], troubles: 0, fails: false },
};

const testcase = fc.record({
  name: fc.constantFrom("a", "b", "c", "d", "e"),
  classname: fc.constantFrom("x.Y", "x.Z"),
  file: fc.constantFrom(undefined, "a.py"),
  ending: fc.constantFrom(...Object.keys(endings)),
});

const suite = fc.record({
  name: fc.constantFrom("pytest", "unit", "com.x.Y", "TestCafe Tests: Chrome"),
  cases: fc.array(testcase, { minLength: 1, maxLength: 8 }),
});

const report = fc
  .record({ root: fc.constantFrom("pytest tests", "jest tests", ""), suites: fc.array(suite, { minLength: 1, maxLength: 3 }) })
  .map(({ root, suites }): Element => {
    const written = suites.map(({ name, cases }, index) => {
      const inside = cases.map(({ ending, name, classname, file }) => {
        const { attributes = {}, inside } = endings[ending] ?? { inside: [] };
        return element(
          "testcase",
          { name, classname: `${classname}${index}`, time: "0.1", ...(file ? { file } : {}), ...attributes },
          structuredClone(inside),
        );
      });
      const number = (count: (ending: string) => number) => String(cases.reduce((sum, { ending }) => sum + count(ending), 0));
      const isError = (ending: string) => endings[ending]?.inside.filter(({ name }) => name === "error").length ?? 0;
      const errors = number(isError);
      const failures = number((ending) => (endings[ending]?.troubles ?? 0) - isError(ending));
      const header = { name, tests: String(cases.length), errors, failures, skipped: "0" };
      // TestCafe writes one number twice.
      const sum = String(Number(errors) + Number(failures));
      return element("testsuite", name.startsWith("TestCafe") ? { ...header, errors: sum, failures: sum } : header, inside);
    });
    return element("testsuites", root ? { name: root } : {}, written);
  });

/** Every element, with the one around it. */
function all(element: Element, outer?: Element): { element: Element; outer: Element | undefined }[] {
  return [{ element, outer }, ...element.inside.flatMap((inside) => all(inside, element))];
}

const words = fc.constantFrom(
  "",
  "0",
  "1",
  "2",
  "99",
  "a",
  "b",
  "passed",
  "skipped",
  "todo",
  "true",
  "pytest",
  "x.Y",
  "run",
  "ok",
  "flaky",
  "none",
);
const names = fc.constantFrom(
  "status",
  "result",
  "success",
  "retries",
  "attempts",
  "type",
  "message",
  "name",
  "classname",
  "file",
  "tests",
  "failures",
  "line",
);
const change = fc.record({
  kind: fc.constantFrom("set", "add", "drop attribute", "drop", "repeat", "repeat at the end", "first"),
  at: fc.nat(),
  attribute: fc.nat(),
  name: names,
  word: words,
});

interface Change {
  kind: string;
  at: number;
  attribute: number;
  name: string;
  word: string;
}

/** One change, or `undefined` if there is nothing to change. */
function changed(original: Element, { kind, at, attribute, name, word }: Change): Element | undefined {
  const copy = structuredClone(original);
  const places = all(copy);
  const place = places[at % places.length];
  if (!place) return undefined;
  const { element, outer } = place;
  const keys = Object.keys(element.attributes);
  const key = keys[attribute % keys.length];
  if (kind === "add") element.attributes[name] = word;
  else if (kind === "set" || kind === "drop attribute") {
    if (key === undefined) return undefined;
    if (kind === "set") element.attributes[key] = word;
    else delete element.attributes[key];
  } else {
    if (!outer) return undefined;
    const index = outer.inside.indexOf(element);
    if (kind === "drop") outer.inside.splice(index, 1);
    else if (kind === "repeat") outer.inside.splice(index, 0, structuredClone(element));
    else if (kind === "repeat at the end") outer.inside.push(structuredClone(element));
    else outer.inside.unshift(...outer.inside.splice(index, 1));
  }
  return copy;
}

interface Outcome {
  trouble: number;
  /** How many tests of each name failed, and how many passed. */
  failed: Map<string, number>;
  passed: Map<string, number>;
}

async function outcome(text: string): Promise<Outcome | "refused"> {
  await using at = await workspace({ "r.xml": text });
  const [failed, passed] = [new Map<string, number>(), new Map<string, number>()];
  const onTest = ({ name, file, status }: TestCase) => {
    const counted = status === "passed" || status === "flaky" ? passed : status === "skipped" ? undefined : failed;
    const key = `${name} ${file}`;
    counted?.set(key, (counted.get(key) ?? 0) + 1);
  };
  try {
    const results = whole(await readResults({ cwd: at.cwd, reports: ["r.xml"], startedAt: 0, onTest }));
    return { trouble: results.failed + results.unknown + results.crashedSuites.length, failed, passed };
  } catch (error) {
    if (error instanceof UnreadableReport) return "refused";
    throw error;
  }
}

/** Attributes that say which test it is: with another name, a failed test is another one that failed. */
const naming = ["name", "classname", "file", "line"];

const runs = process.env.LONG ? 20_000 : 400;

test(
  "no change of a report turns a failed test into a passed one",
  async () => {
    const property = fc.asyncProperty(report, change, async (original, one) => {
      const before = await outcome(xml(original));
      const mutant = changed(original, one);
      if (!mutant) return;
      const after = await outcome(xml(mutant));
      if (after === "refused") return;
      if (before === "refused") throw new Error(`the original is refused: ${xml(original)}`);
      const changedElement = all(original)[one.at % all(original).length]?.element;
      // With a whole suite, its header is missing too.
      const isWholeSuite = one.kind === "drop" && changedElement?.name === "testsuite";
      // Beside a flaky test, a header with one test and one failure more is that of a tool that counts attempts.
      const isAttempt = one.kind === "drop" && changedElement?.name === "testcase" && xml(original).includes("flakyFailure");
      if (before.trouble > 0 && !isWholeSuite && !isAttempt) expect(after.trouble).toBeGreaterThan(0);
      const keys = Object.keys(changedElement?.attributes ?? {});
      const isRenamed = naming.includes((one.kind === "add" ? one.name : keys[one.attribute % keys.length]) ?? "");
      for (const [name, number] of before.failed) {
        const [failed = 0, passed = 0] = [after.failed.get(name), after.passed.get(name)];
        // Another test may have got this name.
        if (passed > (before.passed.get(name) ?? 0) && !isRenamed && !isAttempt)
          expect({ failed, name, before: xml(original), after: xml(mutant) }).toMatchObject({
            failed: expect.toSatisfy((now: number) => now >= number),
          });
      }
    });
    await fc.assert(property, { numRuns: runs });
  },
  process.env.LONG ? 600_000 : 60_000,
);
