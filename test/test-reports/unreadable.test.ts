import { utimes } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { TestResults } from "../../src/model/test-results.ts";
import { readResults } from "../../src/test-reports/read.ts";
import { UnreadableReport } from "../../src/test-reports/reported.ts";
import { copyTo, readText, whole, workspace } from "./reports.ts";

// Anything unreadable must be reported with file, position and reason, and must never count as a result.

async function refusal(reading: Promise<TestResults>): Promise<UnreadableReport> {
  const error = await reading.then(whole).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof UnreadableReport)) throw new Error(`expected UnreadableReport, got ${String(error)}`);
  return error;
}

const deepXml = `${"<testsuite>".repeat(70)}${"</testsuite>".repeat(70)}`;

function nestedSuite(depth: number): object {
  const rest = depth === 0 ? {} : { suites: [nestedSuite(depth - 1)] };
  return { title: `d${depth}`, file: "a.ts", specs: [], ...rest };
}

const jest = { success: true, numTotalTests: 0, numFailedTests: 0, testResults: [] };
const suite = (status: string) => ({
  ...jest,
  testResults: [{ name: "a", status: "passed", message: "", assertionResults: [{ ancestorTitles: [], title: "t", status }] }],
});

test.each<[string, string | Uint8Array, RegExp]>([
  ["empty", "", /report: empty$/],
  ["white space alone", " \n\t ", /report: empty$/],
  ["truncated XML", '<testsuite>\n<testcase name="a">', /line 2, column \d+: truncated: unclosed tag: testcase/],
  ["malformed XML", "<testsuite><testcase name=a/></testsuite>", /line 1, column 27: malformed XML/],
  ["truncated JSON", '{"numTotalTests": 3,\n "testResults": [', /line 2: truncated/],
  ["malformed JSON", '{"a": 1 "b": 2}', /line 1, column 9: malformed JSON: Expected ',' or '}'/],
  [
    "an unexpected token",
    `{"long enough": "${"x".repeat(40)}",\n "b": },\n${" ".repeat(40)}}`,
    /line 2, column 7: malformed JSON: Unexpected token '}'/,
  ],
  ["a web page", "<!DOCTYPE html><html></html>", /unknown format: expected XML of JUnit, got <html>/],
  ["other JSON", '{"hello": "world"}', /unknown format: expected JSON of/],
  ["a list", "[1, 2]", /unknown format/],
  ["plain text", "3 tests passed", /unknown format: expected a report of Jest, .*, in JSON or XML/],
  [
    "bad bytes in the name of an element",
    Buffer.from([0x3c, 0x74, 0xff, 0xfe]),
    /expected XML of JUnit, got <t\u{fffd}\u{fffd}>/u,
  ],
  ["UTF-32", Buffer.from([0xff, 0xfe, 0, 0, 0x3c, 0, 0, 0]), /in UTF-32: expected UTF-8 or UTF-16$/],
  ["entities", '<!DOCTYPE a [<!ENTITY b "cccc">]><testsuite name="&b;"/>', /declares entities/],
  ["an undeclared entity", '<testsuite name="&b;"/>', /malformed XML: undefined entity/],
  ["XML too deep", deepXml, /too deep/],
  ["JSON too deep", JSON.stringify({ config: {}, errors: [], suites: [nestedSuite(80)] }), /too deep/],
  [
    "an unknown status",
    JSON.stringify(suite("gailed")),
    /testResults\[0\]\.assertionResults\[0\]\.status: not what vitest-json writes/,
  ],
  ["a missing status", JSON.stringify({ ...jest, testResults: [{}] }), /testResults\[0\]\./],
  ["fewer tests than declared", JSON.stringify({ ...jest, numTotalTests: 3 }), /expected 3 tests as declared, got 0/],
  [
    "fewer failures than declared",
    '<testsuite failures="1" tests="1"><testcase name="a"/></testsuite>',
    /expected 1 failures and errors as .* declares, got 0/,
  ],
  [
    "an unknown element in a test",
    '<testsuite><testcase name="a"><gailure/></testcase></testsuite>',
    /<gailure> is unknown inside a test/,
  ],
  ["an unknown element in a suite", '<testsuite><uestcase name="a"/></testsuite>', /<uestcase> is unknown inside a suite/],
  ["unexpected text", '<testsuite><testcase name="a">failure/></testcase></testsuite>', /unexpected text inside <testcase>/],
  ["an invalid count", '<testsuite tests="-1"/>', /tests: expected a number, got "-1"/],
])("%s is refused", async (_what, content, message) => {
  const error = await refusal(readText(content));
  expect(error.message).toMatch(message);
  expect(error.file).toBe("report");
});

test("a glob that matches nothing is refused and named", async () => {
  await using at = await workspace({ "a.xml": "<testsuite/>" });
  const reports = ["*.xml", "reports/**/*.json"];
  const error = await refusal(readResults({ cwd: at.cwd, reports, all: true, startedAt: 0 }));
  expect(error.file).toBe("reports/**/*.json");
  expect(error.message).toContain("missing");
});

test("no report at all is refused", async () => {
  await refusal(readResults({ cwd: ".", reports: [], startedAt: 0 }));
});

test("a directory is refused", async () => {
  await using at = await workspace({ "reports/a.xml": "<testsuite/>" });
  expect((await refusal(readResults({ cwd: at.cwd, reports: ["reports"], startedAt: 0 }))).message).toContain("missing");
});

test("a report older than the run is refused; one from this run is read", async () => {
  await using at = await workspace({});
  await copyTo(at.cwd, "vitest/green.json");
  const file = join(at.cwd, "green.json");
  const startedAt = Date.UTC(2026, 0, 2, 3, 4, 5, 500);
  const reading = () => readResults({ cwd: at.cwd, reports: ["*.json"], startedAt });

  await utimes(file, 0, (startedAt - 60_000) / 1000);
  expect((await refusal(reading())).message).toMatch(/older than the run: written at 2026-01-02T03:03:05\.500Z/);
  await utimes(file, 0, (startedAt + 1_000) / 1000);
  expect((await reading()).passed).toBe(2);
  // The same second, on a file system with whole seconds.
  await utimes(file, 0, Math.floor(startedAt / 1000));
  expect((await reading()).passed).toBe(2);
});

test("harmless oddities are read: a byte order mark, raw terminal escapes, a plain doctype", async () => {
  const report =
    '\u{feff}\n<!DOCTYPE testsuite><testsuite tests="1"><testcase name="a"><failure>\u001b[31mred\u001b[39m</failure></testcase></testsuite>';
  expect((await readText(report)).failures[0]?.message).toContain("red");
});
