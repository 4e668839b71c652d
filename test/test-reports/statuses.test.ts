import { expect, test } from "vitest";
import { readText } from "./reports.ts";

// What the attributes of a test say about its result, and what its failures say.

async function statusOf(attributes: string, inside = ""): Promise<string> {
  const { passed, failed, flaky, skipped, unknown } = await readText(
    `<testsuite><testcase name="a" classname="c" ${attributes}>${inside}</testcase></testsuite>`,
  );
  const found = Object.entries({ passed, failed, flaky, skipped, unknown }).filter(([, number]) => number > 0);
  return found.map(([status]) => status).join();
}

test.each([
  [
    "failed",
    ["broken", "timeout", "timed out", "TIMED_OUT", "aborted", "Crashed", "KO", "not ok", "error", "interrupted", "unexpected"],
  ],
  ["passed", ["passed", "Pass", "OK", "success", "run", "completed", "", "  "]],
  [
    "skipped",
    [
      "notrun",
      "not_run",
      "Not Run",
      "disabled",
      "skipped",
      "ignored",
      "suppressed",
      "todo",
      "xfail",
      "expected failure",
      "pending",
    ],
  ],
  ["flaky", ["flaky"]],
  ["unknown", ["1", "gailed", "passedd", "maybe", "x".repeat(10_000)]],
])("%s", async (expected, words) => {
  for (const word of words) {
    expect.soft(await statusOf(`status="${word}"`), word).toBe(expected);
    expect.soft(await statusOf(`result="${word}"`), word).toBe(expected);
  }
});

test.each([
  ["GoogleTest: a test that is switched off", 'status="notrun" result="suppressed"', "", "skipped"],
  ["GoogleTest: a test that skips itself", 'status="run" result="skipped"', "", "skipped"],
  ["GoogleTest: a passing test", 'status="run" result="completed"', "", "passed"],
  ["of two words the worse counts", 'status="passed" result="failed"', "", "failed"],
  ["an unknown word is worse than a pass", 'status="passed" result="gailed"', "", "unknown"],
  ["an element is more than a word", 'status="passed"', "<failure/>", "failed"],
  ["a word is more than no element", 'status="failed"', "<skipped/>", "failed"],
  ["an unknown word is no pass, whatever the attribute is called", 'outcome="rainy"', "", "unknown"],
  ["nor is it as a state", 'state="gailed"', "", "unknown"],
  ["beside a pass", 'status="passed" state="gailed"', "", "unknown"],
  ["a known one is not", 'outcome="Failed"', "", "failed"],
  ["no success", 'success="false"', "", "failed"],
  ["success", 'success="True"', "", "passed"],
  ["another way to say no success", 'passed="False"', "", "failed"],
  ["a flag for a failure", 'failed="true"', "", "failed"],
  ["a flag that is not set", 'failed="false" skipped="0" flaky="no" executed="true"', "", "passed"],
  ["a flag for a test that did not run", 'disabled="true"', "", "skipped"],
  ["a test that was not executed", 'executed="False"', "", "skipped"],
  ["a flag for a test that failed before", 'flaky="true"', "", "flaky"],
  ["of a flag and a word the worse counts", 'status="passed" failed="1"', "", "failed"],
  ["a word that is no yes or no", 'failed="later" skipped="7"', "", "passed"],
  ["behave: a scenario after the first failure", 'status="untested"', "<skipped/>", "skipped"],
  ["behave: a hook that failed", 'status="hook_error"', "", "failed"],
  ["an element that only describes", "", "<description>it <b>fails</b></description><labels><label/></labels>", "passed"],
  ["an incomplete test", "", "<incomplete/>", "skipped"],
  ["node --test: a todo that fails", "", '<skipped type="todo" message="true"/><failure message="x">x</failure>', "skipped"],
  ["Testem: a todo", "", "<todo/>", "skipped"],
  ["an element for a test that did not run", "", "<ignored/>", "skipped"],
  ["an element for an attempt", "", "<flakyTimeout/>", "flaky"],
  ["a failure beside an ordinary skip", "", '<skipped type="pytest.skip"/><failure message="x"/>', "failed"],
  ["pytest: an expected failure", "", '<skipped type="pytest.xfail" message="later"/>', "skipped"],
  ["unittest: an unexpected success", "", '<error type="UnexpectedSuccess"/>', "failed"],
])("%s", async (_what, attributes, inside, expected) => {
  expect(await statusOf(attributes, inside)).toBe(expected);
});

test.each([
  ['class="App\\Tests\\LampTest" classname="App.Tests.LampTest" name="testOn"', "App\\Tests\\LampTest::testOn"],
  ['class="LampTest" classname="LampTest" name="testOn with data set #0"', "LampTest::testOn with data set #0 (1, 'a')"],
  ['class="LampTest" classname="LampTest" name="testOn"', 'LampTest::testOn with data set "dark" (1)'],
])("PHPUnit's name of a test is not its message: %s", async (attributes, first) => {
  const text = `${first}\nFailed asserting that false is true.\n\n/w/tests/LampTest.php:11`;
  const { failures } = await readText(
    `<testsuite><testcase ${attributes}><failure type="PHPUnit\\Framework\\ExpectationFailedException"><![CDATA[${text}]]></failure></testcase></testsuite>`,
  );
  expect(failures[0]?.message).toBe("Failed asserting that false is true.");
});

test("a test of unknown result is listed with its word, and never as passed", async () => {
  const results = await readText(
    '<testsuite tests="2" failures="1"><testcase name="a" status="gailed"/><testcase name="b"/></testsuite>',
  );
  expect(results).toMatchObject({ total: 2, passed: 1, failed: 0, unknown: 1 });
  expect(results.failures).toMatchObject([{ name: "a", status: "unknown", message: 'the report gives its status as "gailed"' }]);
});

test("a header that counts a failure which only a word describes is satisfied; with another word it is not", async () => {
  const report = (word: string) => `<testsuite tests="1" failures="1"><testcase name="a" status="${word}"/></testsuite>`;
  expect(await readText(report("failed"))).toMatchObject({ total: 1, failed: 1 });
  await expect(readText(report("passed"))).rejects.toThrow("damaged: expected 1 failures and errors");
});

test.each<[string, string, object]>([
  ["all failures of a test", '<failure message="first"/><failure message="second"/>', { message: "first\nsecond" }],
  ["the same failure twice", '<failure message="first"/><failure message="first"/>', { message: "first" }],
  [
    "the text, if the message is missing and the type is a class",
    '<failure type="PHPUnit\\Framework\\ExpectationFailedException">c::a\nFailed asserting that 3 matches 2.\n\ntests/A.php:11</failure>',
    { message: "Failed asserting that 3 matches 2." },
  ],
  [
    "the text, if the message is only a class",
    '<error message="java.lang.IllegalStateException" type="java.lang.IllegalStateException">java.lang.IllegalStateException: no lamp\n\tat a.B.c(B.java:3)</error>',
    { message: "java.lang.IllegalStateException: no lamp", errored: true },
  ],
  [
    "the class, if there is nothing else",
    '<error message="java.lang.IllegalStateException"/>',
    { message: "java.lang.IllegalStateException", errored: true },
  ],
  ["the type, if there is nothing else", '<failure type="AssertionError"/>', { message: "AssertionError" }],
  ["a message of one word", '<failure message="no">stack</failure>', { message: "no", stack: "stack" }],
  [
    "what it printed, if that is the only explanation",
    "<failure/><system-out>AssertionError: 3 is not 2</system-out>",
    { message: "AssertionError: 3 is not 2" },
  ],
  [
    "what it printed, if the failure only says that there was one",
    '<failure message="Failed"/><system-out>no such lamp: 7</system-out>',
    { message: "no such lamp: 7" },
  ],
  ["that there was one, if nothing else is known", '<failure message="Failed"/>', { message: "Failed" }],
  ["what it printed before", "<system-err>no lamp</system-err><failure></failure>", { message: "no lamp" }],
  [
    "of a long log the part about the error",
    `<failure/><system-out>${"started\n".repeat(3_000)}ERROR: the lamp is off\nstopped\n</system-out>`,
    { message: "ERROR: the lamp is off\nstopped" },
  ],
  [
    "not what it printed, if the failure has a message",
    '<failure message="no"/><system-out>log</system-out>',
    { message: "no", stack: "no" },
  ],
  ["an error and a failure", '<error message="x"/><failure message="y"/>', { message: "x\ny" }],
  ["the failure's own place", '<failure message="x" file="test/add.cpp" line="19"/>', { file: "test/add.cpp", line: 19 }],
])("a failure shows %s", async (_what, inside, expected) => {
  const { failures } = await readText(`<testsuite><testcase name="a" classname="c">${inside}</testcase></testsuite>`);
  expect(failures).toMatchObject([expected]);
  expect(failures[0]?.errored).toBe("errored" in expected ? true : undefined);
});

test("a failure's line counts only if it lies in the test's own file", async () => {
  const report = (file: string) =>
    `<testsuite><testcase name="a" file="a.cpp" line="3"><failure message="x" file="${file}" line="19"/></testcase></testsuite>`;
  expect((await readText(report("a.cpp"))).failures).toMatchObject([{ file: "a.cpp", line: 19 }]);
  expect((await readText(report("helper.cpp"))).failures).toMatchObject([{ file: "a.cpp", line: 3 }]);
});

test("tests inside of tests are read", async () => {
  const inner = '<testcase name="arrive" classname="c.ships" time="0.5"><failure message="late"/></testcase>';
  const results = await readText(
    `<testsuite tests="3" failures="1"><testcase name="ships" classname="c">${inner}<testcase name="leave"/></testcase></testsuite>`,
  );
  expect(results).toMatchObject({ total: 3, passed: 2, failed: 1 });
  expect(results.failures).toMatchObject([{ name: "c.ships › arrive", message: "late" }]);
});

test.each([
  ["0,160", 160],
  ["12,5", 12_500],
  ["1,234.5", 1_234_500],
  ["1.234,5", 1_234_500],
  ["1,234,567.25", 1_234_567_250],
  ["1,234,567", 1_234_567_000],
  ["1 234.5", 1_234_500],
  ["0.5s", 500],
  ["1e-3", 1],
  ["-3", 0],
  ["NaN", 0],
  ["soon", 0],
  ["", 0],
])("a time of %j", async (time, expected) => {
  expect(await readText(`<testsuite><testcase name="a" time="${time}"/></testsuite>`)).toMatchObject({
    passed: 1,
    durationMs: expected,
  });
});
