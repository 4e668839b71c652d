import { utimes } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { TestResults } from "../../src/model/test-results.ts";
import { type CommandEnd, unreadableCheck } from "../../src/test-reports/judge/unreadable.ts";
import { readResults } from "../../src/test-reports/read.ts";
import { UnreadableReport } from "../../src/test-reports/reported.ts";
import { copyTo, readAnyway, readText, whole, workspace } from "./reports.ts";

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
const suite = (status: unknown) => ({
  ...jest,
  testResults: [{ name: "a", status: "passed", message: "", assertionResults: [{ ancestorTitles: [], title: "t", status }] }],
});

test.each<[string, string | Uint8Array, RegExp]>([
  ["empty", "", /report: empty$/],
  ["white space alone", " \n\t ", /report: empty$/],
  ["truncated XML", '<testsuite>\n<testcase name="a">', /line 2, column \d+: truncated: unclosed tag: testcase/],
  ["malformed XML", "<testsuite><testcase name=a/></testsuite>", /line 1, column 27: malformed XML/],
  ...["]]0a>", "]]Å&L>", "]<]>", "]x>"].map((end): [string, string, RegExp] => [
    `a text that ends with ${end}, so that the next test would be its text`,
    `<testsuite><testcase name="a"><failure><![CDATA[no${end}</failure></testcase><testcase name="b"><failure><![CDATA[no]]></failure></testcase></testsuite>`,
    /damaged: expected \]\]> at the end of a text, got /,
  ]),
  ["truncated JSON", '{"numTotalTests": 3,\n "testResults": [', /line 2: truncated/],
  ["malformed JSON", '{"a": 1 "b": 2}', /line 1, column 9: malformed JSON: Expected ',' or '}'/],
  [
    "an unexpected token",
    `{"long enough": "${"x".repeat(40)}",\n "b": },\n${" ".repeat(40)}}`,
    /line 2, column 7: malformed JSON: Unexpected token '}'/,
  ],
  [
    "a web page",
    "<!DOCTYPE html><html></html>",
    /unknown format: expected XML of JUnit, TRX, NUnit, xUnit.net, Robot Framework or TestNG, got <html>/,
  ],
  ["other JSON", '{"hello": "world"}', /unknown format: expected JSON of/],
  ["a list", "[1, 2]", /unknown format/],
  ["plain text", "3 tests passed", /unknown format: expected a report of Jest, .*, in JSON or XML/],
  [
    "bad bytes in the name of an element",
    Buffer.from([0x3c, 0x74, 0xff, 0xfe]),
    /expected XML of JUnit, TRX, NUnit, xUnit.net, Robot Framework or TestNG, got <t\u{fffd}\u{fffd}>/u,
  ],
  ["UTF-32", Buffer.from([0xff, 0xfe, 0, 0, 0x3c, 0, 0, 0]), /in UTF-32: expected UTF-8 or UTF-16$/],
  ["entities", '<!DOCTYPE a [<!ENTITY b "cccc">]><testsuite name="&b;"/>', /declares entities/],
  ["an undeclared entity", '<testsuite name="&b;"/>', /malformed XML: undefined entity/],
  ["XML too deep", deepXml, /too deep/],
  ["JSON too deep", JSON.stringify({ config: {}, errors: [], suites: [nestedSuite(80)] }), /too deep/],
  [
    "a status that is no word",
    JSON.stringify(suite(3)),
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

describe("one unreadable report never hides what the others say", () => {
  const failing =
    '<testsuite name="s" tests="2" failures="1"><testcase name="a"/><testcase name="b"><failure message="no"/></testcase>';

  test("their failures and crashed suites are there, and each unreadable report is named", async () => {
    const crash = { name: "c.ts", status: "failed", message: "● Test suite failed to run: x", assertionResults: [] };
    await using at = await workspace({
      "1.xml": "<testsuite><testcase",
      "2.xml": `${failing}</testsuite>`,
      "3.json": JSON.stringify({ ...jest, success: false, testResults: [crash] }),
      "4.json": '{"hello": "world"}',
      "5.xml": "",
    });
    const seen: string[] = [];
    const results = await readResults({ cwd: at.cwd, reports: ["*"], startedAt: 0, onTest: ({ name }) => seen.push(name) });
    expect(results).toMatchObject({ total: 2, passed: 1, failed: 1, failures: [{ name: "b", message: "no" }] });
    expect(results.crashedSuites).toMatchObject([{ file: "c.ts" }]);
    expect(seen).toEqual(["a", "b"]);
    expect(results.sources.map(({ file }) => file)).toEqual(["2.xml", "3.json"]);
    expect(results.unreadable).toEqual([
      {
        file: "1.xml",
        code: "EA6004",
        message: expect.stringMatching(/^1\.xml, line 1, .*truncated/),
        position: expect.any(String),
        tests: 0,
      },
      {
        file: "4.json",
        code: "EA6005",
        message: expect.stringMatching(/^4\.json, line 1: unknown format/),
        position: "line 1",
        tests: 0,
      },
      { file: "5.xml", code: "EA6004", message: "5.xml: empty", tests: 0 },
    ]);
  });

  test("what was read of a broken report before the fault counts, also of the only report", async () => {
    const results = await readAnyway(`${failing}<testcase name="c">`);
    expect(results).toMatchObject({ failed: 1, failures: [{ name: "b", message: "no" }], sources: [] });
    expect(results.unreadable).toMatchObject([{ file: "report", code: "EA6004", tests: 2 }]);
  });

  test.each([
    [
      "a test that had failed and not ended",
      '<testsuite><testcase name="a"/><testcase name="b"><failure message="no">at',
      ["b"],
      [],
    ],
    ["one that had not failed", '<testsuite><testcase name="a"/><testcase name="b">', [], []],
    [
      "suites in suites",
      '<testsuites><testsuite><testcase name="a"><error/></testcase><testsuite><testcase name="b"><failure/></testcase><testcase',
      ["b", "a"],
      [],
    ],
    [
      "pytest with retries",
      '<testsuites name="pytest tests"><testsuite name="pytest" tests="9"><testcase name="a"/><testcase name="a"><failure/></testcase>',
      ["a"],
      [],
    ],
    ["an error of the suite", '<testsuite name="s" errors="2"><error message="x"/></testsuite>', [], ["s"]],
  ])("%s", async (_what, text, failed, crashed) => {
    const results = await readAnyway(text);
    expect(results.unreadable).toHaveLength(1);
    expect(results.failures.map(({ name }) => name)).toEqual(failed);
    expect(results.crashedSuites.map(({ file }) => file)).toEqual(crashed);
  });

  test("a failure in a broken report beats a pass in another", async () => {
    await using at = await workspace({
      "1.xml": '<testsuite><testcase name="b"/></testsuite>',
      "2.xml": failing,
    });
    const results = await readResults({ cwd: at.cwd, reports: ["*"], startedAt: 0 });
    expect(results.failures.map(({ name, message }) => [name, message])).toEqual([["b", "no"]]);
    expect(results.unreadable).toMatchObject([{ file: "2.xml" }]);
  });

  test("a broken report doesn't disagree because of a test that it lacks", async () => {
    const tests = ["a", "b"].map((name) => ({ name, status: name === "a" ? "passed" : "failed", duration: 1 }));
    const ctrf = JSON.stringify({ results: { summary: { tests: 2, failed: 1, other: 0 }, tests } });
    const disagreements = async (xml: string) => {
      await using at = await workspace({ "1.json": ctrf, "2.xml": xml });
      return (await readResults({ cwd: at.cwd, reports: ["*"], startedAt: 0 })).disagreements;
    };
    const whole = '<testsuite><testcase name="a"/></testsuite>';
    expect(await disagreements(whole)).toEqual(['"b" failed in 1.json, but is missing in 2.xml: believed to have failed']);
    expect(await disagreements(whole.replace("</testsuite>", "<testcase"))).toEqual([]);
  });

  test("an old report is not read, a new one beside it is", async () => {
    await using at = await workspace({
      "old.xml": `${failing}</testsuite>`,
      "new.xml": '<testsuite><testcase name="a"/></testsuite>',
    });
    await utimes(join(at.cwd, "old.xml"), 0, 1_000);
    const results = await readResults({ cwd: at.cwd, reports: ["*.xml"], startedAt: Date.now() - 60_000 });
    expect(results).toMatchObject({ total: 1, passed: 1, failed: 0, sources: [{ file: "new.xml" }] });
    expect(results.unreadable).toMatchObject([{ file: "old.xml", code: "EA6003", tests: 0 }]);
  });

  test("all files are readable: nothing is listed", async () => {
    expect(await readText(`${failing}</testsuite>`)).not.toHaveProperty("unreadable");
  });
});

describe("of several globs", () => {
  const reports = ["*.xml", "{other,more}/*.json", "none.json"];

  test("one that matches is enough", async () => {
    await using at = await workspace({ "a.xml": '<testsuite><testcase name="a"/></testsuite>' });
    expect(await readResults({ cwd: at.cwd, reports, startedAt: 0 })).not.toHaveProperty("unreadable");
  });

  test("each must match if all are required", async () => {
    await using at = await workspace({ "a.xml": '<testsuite><testcase name="a"/></testsuite>' });
    const results = await readResults({ cwd: at.cwd, reports, all: true, startedAt: 0 });
    expect(results.passed).toBe(1);
    expect(results.unreadable?.map(({ file, code }) => [file, code])).toEqual([
      ["{other,more}/*.json", "EA6002"],
      ["none.json", "EA6002"],
    ]);
  });

  test("none that matches is one error that names all", async () => {
    await using at = await workspace({});
    const results = await readResults({ cwd: at.cwd, reports, startedAt: 0 });
    expect(results.unreadable).toMatchObject([{ file: "*.xml, {other,more}/*.json, none.json", code: "EA6002" }]);
  });
});

describe("a report that was written elsewhere is named", () => {
  const passing = '<testsuite><testcase name="a"/></testsuite>';
  const message = async (files: Record<string, string>, folder: string, glob: string) => {
    await using at = await workspace(files);
    await utimes(join(at.cwd, "old.xml"), 1, 1);
    const cwd = join(at.cwd, folder);
    const results = await readResults({ cwd, reports: [glob], startedAt: Date.now() - 60_000 });
    return results.unreadable?.[0]?.message.replaceAll(at.cwd, "ROOT");
  };
  const old = { "old.xml": passing };

  test.each([
    ["beside a misspelt name", "", "reports/intgration.xml"],
    ["in a folder of another name", "", "report/integration.xml"],
  ])("%s", async (_, folder, glob) => {
    expect(await message({ ...old, "reports/integration.xml": passing }, folder, glob)).toBe(
      `${glob}: missing: no file in ROOT matches it, but this run wrote reports/integration.xml (ROOT/reports/integration.xml)`,
    );
  });

  test("by a command that ran in the folder of an outer project", async () => {
    const files = { ...old, ".git/HEAD": "", "test/a.js": "", "reports/integration.xml": passing };
    expect(await message(files, "test", "reports/integration.xml")).toBe(
      "reports/integration.xml: missing: no file in ROOT/test matches it, but this run wrote ../reports/integration.xml (ROOT/reports/integration.xml)",
    );
  });

  test("one of an earlier run is not", async () => {
    expect(await message(old, "", "none.xml")).toBe(
      "none.xml: missing: no file in ROOT matches it, and no other report of this run was seen",
    );
  });
});

describe("the check", () => {
  const ended = (exitCode: number): CommandEnd => ({ words: `exit status ${exitCode}`, failed: exitCode !== 0 });
  const of = (code: string, tests = 0) => ({ file: "r.xml", code, message: "r.xml, line 2: broken", position: "line 2", tests });

  test("is an error for a report that could not be read, and a failure for one that was not written", () => {
    expect(unreadableCheck([of("EA6004")], ended(0)).verdict).toBe("error");
    expect(unreadableCheck([of("EA6005")], ended(0)).verdict).toBe("error");
    expect(unreadableCheck([of("EA6002"), of("EA6004")], ended(0)).verdict).toBe("error");
    for (const code of ["EA6001", "EA6002", "EA6003"]) expect(unreadableCheck([of(code)], ended(0)).verdict).toBe("failed");
  });

  test("names each report with what to do, and how much of it was read", () => {
    const { message } = unreadableCheck([of("EA6004", 2), { ...of("EA6005"), message: "s.txt: unknown format" }], ended(1));
    expect(message).toMatch(
      /^EA6004: r\.xml, line 2: broken; 2 tests before were read, and others may be missing\. EA6005: s\.txt: unknown format\./,
    );
    expect(message).toMatch(/Look at the named place in the file.*Let the tests write one of these formats\.$/);
    expect(unreadableCheck(Array(8).fill(of("EA6004")), ended(1)).message).toContain("And 3 more.");
  });
});
