import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fixtures, readText, trouble } from "../reports.ts";

// What all formats that are read as XML events have in common. That one changed byte hides nothing is tested in mutation.test.ts.

const reports = [
  "by-hand/trx.xml",
  "by-hand/nunit-3.xml",
  "by-hand/xunit.xml",
  "nunit/version-2.xml",
  "robot/mixed.xml",
  "robot/version-3.xml",
  "testng/mixed.xml",
];

function text(report: string): Promise<string> {
  return readFile(join(fixtures, report), "utf8");
}

test.each(reports)("%s cut anywhere is refused as truncated", async (report) => {
  const whole = (await text(report)).trimEnd();
  const start = whole.search(/<(?!\?|!)/) + 60;
  for (let end = start; end < whole.length; end += Math.ceil(whole.length / 40))
    await expect(readText(whole.slice(0, end))).rejects.toThrow(/truncated/);
});

/** The beginning of the element of a test that failed, and its end. */
const failedTests: Record<string, RegExp> = {
  "by-hand/trx.xml": /<UnitTestResult [^>]*outcome="Failed"[^>]*>\s*<Output>.*?<\/UnitTestResult>/s,
  "by-hand/nunit-3.xml": /<test-case [^>]*result="Failed"[^>]*>.*?<\/test-case>/s,
  "by-hand/xunit.xml": /<test [^>]*result="Fail"[^>]*>.*?<\/test>/s,
  "nunit/version-2.xml": /<test-case [^>]*result="Failure"[^>]*>.*?<\/test-case>/s,
  "robot/mixed.xml": /<test [^>]*name="Ends"[^>]*>.*?<\/test>/s,
  "robot/version-3.xml": /<test [^>]*name="Ends"[^>]*>.*?<\/test>/s,
  "testng/mixed.xml": /<test-method (?![^>]*is-config)[^>]*status="FAIL"[^>]*>.*?<\/test-method>/s,
};

test.each(reports)("%s without one of its failed tests is refused", async (report) => {
  const whole = await text(report);
  const found = failedTests[report]?.exec(whole)?.[0] ?? "";
  expect(found).not.toBe("");
  await expect(readText(whole.replace(found, ""))).rejects.toThrow(/damaged: expected \d+ failures/);
  // Twice is no better.
  expect(trouble(await readText(whole.replace(found, found + found)))).toBeGreaterThan(trouble(await readText(whole)));
});

test.each(reports)("%s keeps what it says when its elements have attributes in another order", async (report) => {
  const whole = await text(report);
  const turned = whole.replace(/<([\w-]+)((?: [\w-]+="[^"]*")+)/g, (_, name: string, attributes: string) => {
    const each = attributes.match(/ [\w-]+="[^"]*"/g) ?? [];
    return `<${name}${each.reverse().join("")}`;
  });
  const [before, after] = [await readText(whole), await readText(turned)];
  expect(after).toEqual(before);
});

const test1 = '<test name="a" type="C" result="Fail"><failure><message>';
const test2 = "</message></failure></test>";

function xunit(message: string): string {
  return `<assemblies><assembly name="A"><collection>${test1}${message}${test2}</collection></assembly></assemblies>`;
}

test("entities are refused", async () => {
  await expect(readText(`<!DOCTYPE a [<!ENTITY b "c">]>${xunit("&b;")}`)).rejects.toThrow("it declares entities");
});

test.each([
  ["\u001b[31mred", "\u{fffd}[31mred"],
  ["&#27;[31mred", "\u{fffd}[31mred"],
  ["&#x1b;[31mred", "\u{fffd}[31mred"],
  ["&#0;a&#xFFFF;b&#xD800;c", "\u{fffd}a\u{fffd}b\u{fffd}c"],
  ["&#9;a &#233; &#x1F600;", "a é 😀"],
  ["<![CDATA[a]]>&lt;<![CDATA[b]]>", "a<b"],
])("the message %j is %j", async (written, message) => {
  const { failures } = await readText(xunit(written));
  expect(failures[0]?.message).toBe(message);
});

test("a reference on the border of two chunks is one", async () => {
  const chunk = 128 * 1024;
  for (const before of [1, 2, 3, 4]) {
    const start = `<assemblies><!--${"x".repeat(chunk - "<assemblies><!---->".length - test1.length - 40 - before)}--><assembly name="A"><collection>${test1}`;
    const message = "y".repeat(chunk - before - start.length);
    const { failures } = await readText(`${start}${message}&#27;${test2}</collection></assembly></assemblies>`);
    expect(failures[0]?.message).toBe(`${message}\u{fffd}`);
  }
});

test("text between tests is damage", async () => {
  const xml = `<assemblies><assembly name="A"><collection><test>name="a" result="Fail"</test></collection></assembly></assemblies>`;
  await expect(readText(xml)).rejects.toThrow("text inside <test>");
});

test("elements without end are refused, deep ones are read", async () => {
  const deep = (levels: number) => `<assemblies>${"<a>".repeat(levels)}${"</a>".repeat(levels)}</assemblies>`;
  expect(await readText(deep(900))).toMatchObject({ total: 0 });
  await expect(readText(deep(1_000))).rejects.toThrow("too deep: more than 1000 nested elements");
});
