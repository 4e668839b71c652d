import { expect, test } from "vitest";
import { readText } from "./reports.ts";

test.each([
  ["TRX", (word: string) => `<TestRun><Results><UnitTestResult testName="a" outcome="${word}"/></Results></TestRun>`],
  ["NUnit", (word: string) => `<test-run><test-case name="a" fullname="a" result="${word}"/></test-run>`],
  [
    "xUnit.net",
    (word: string) => `<assemblies><assembly name="a.dll"><test name="a" type="T" result="${word}"/></assembly></assemblies>`,
  ],
  ["JUnit", (word: string) => `<testsuite><testcase name="a" status="${word}"/></testsuite>`],
])("%s: an unknown word is said, because there may be nothing else to say", async (_tool, report) => {
  const results = await readText(report("Exploded"));
  expect(results).toMatchObject({
    passed: 0,
    unknown: 1,
    failures: [{ status: "unknown", message: 'the report gives its status as "Exploded"' }],
  });
});
