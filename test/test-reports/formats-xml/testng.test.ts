import { expect, test } from "vitest";
import { readText } from "../reports.ts";

function report(methods: string, attributes = "", name = "Surefire test"): string {
  return `<testng-results ${attributes}><suite name="s"><test name="${name}"><class name="a.b.CartTest">${methods}</class></test></suite></testng-results>`;
}

function method(name: string, status: string, attributes = "", inside = ""): string {
  return `<test-method name="${name}" signature="${name}()" status="${status}" ${attributes}>${inside}</test-method>`;
}

function exception(message: string): string {
  const stack = `java.lang.X: ${message}\n\tat org.Y.z(Y.java:1)\n\tat a.b.CartTest.run(CartTest.java:12)`;
  return `<exception class="java.lang.X"><message><![CDATA[${message}]]></message><full-stacktrace><![CDATA[${stack}]]></full-stacktrace></exception>`;
}

test.each([
  ["PASS", "passed"],
  ["FAIL", "failed"],
  ["SKIP", "skipped"],
  // TestNG lets it pass, because enough other runs of the method passed.
  ["SUCCESS_PERCENTAGE_FAILURE", "flaky"],
  ["EXPLODED", "unknown"],
])("the status %s is %s", async (status, expected) => {
  const results = await readText(report(method("m", status)));
  expect(results).toMatchObject({ total: 1, [expected]: 1, sources: [{ format: "testng" }] });
});

test("a test without a status is unknown", async () => {
  expect(await readText(report('<test-method name="m"/>'))).toMatchObject({ total: 1, unknown: 1 });
});

test("a test has its class, its parameters, its place, its message and its duration", async () => {
  const parameters =
    '<params><param index="0"><value><![CDATA[blue]]></value></param><param index="1"><value is-null="true"/></param></params>';
  const { failures } = await readText(
    report(method("m", "FAIL", 'duration-ms="250"', parameters + exception("broke")), "", "chrome"),
  );
  expect(failures).toMatchObject([
    {
      name: "a.b.CartTest › m(blue, null)",
      project: "chrome",
      file: "a/b/CartTest.java",
      line: 12,
      message: "broke",
      durationMs: 250,
    },
  ]);
  expect(failures[0]?.stack).toContain("org.Y.z");
});

test("the name that a build tool gives is no project", async () => {
  expect((await readText(report(method("m", "PASS")))).projects).toEqual({});
});

test("a configuration method is no test, and failed it is a crashed suite, once", async () => {
  const passed = method("before", "PASS", 'is-config="true"');
  const failed = method("before", "FAIL", 'is-config="true"', exception("no server"));
  const skipped = method("after", "SKIP", 'is-config="true"');
  const results = await readText(report(passed + failed + failed + skipped + method("m", "SKIP")));
  expect(results).toMatchObject({ total: 1, skipped: 1 });
  expect(results.crashedSuites).toEqual([{ file: "a.b.CartTest", message: "before: no server" }]);
});

test("a configuration method of an unknown status has not passed", async () => {
  expect((await readText(report(method("before", "EXPLODED", 'is-config="true"')))).crashedSuites).toHaveLength(1);
});

const retried = method("m", "SKIP", 'retried="true"', exception("first"));

test.each([
  ["before", (last: string) => retried + retried + last],
  ["after", (last: string) => last + retried + retried],
  ["around", (last: string) => retried + last + retried],
])("attempts %s the last one are joined", async (_, all) => {
  expect(await readText(report(all(method("m", "PASS"))))).toMatchObject({
    total: 1,
    flakyTests: [{ attempts: 3, message: "first" }],
  });
  expect(await readText(report(all(method("m", "FAIL", "", exception("last")))))).toMatchObject({
    total: 1,
    failures: [{ attempts: 3, message: "last" }],
  });
  expect(await readText(report(all(method("m", "SKIP"))))).toMatchObject({
    total: 1,
    failures: [{ attempts: 3, message: "first" }],
  });
});

test("attempts without a last one have failed", async () => {
  expect(await readText(report(retried + retried))).toMatchObject({ total: 1, failures: [{ attempts: 2, message: "first" }] });
});

test("attempts belong to one row", async () => {
  const row = (value: string) => `<params><param index="0"><value>${value}</value></param></params>`;
  const rows = method("m", "PASS", "", row("1")) + method("m", "PASS", "", row("2"));
  const results = await readText(report(rows + method("m", "SKIP", 'retried="true"', row("2") + exception("first"))));
  expect(results).toMatchObject({ total: 2, passed: 1, flakyTests: [{ name: "a.b.CartTest › m(2)" }] });
});

test("fewer failures than declared are damage, fewer results are told", async () => {
  const declares = 'passed="1" failed="1" skipped="0" retried="0" ignored="7" total="9"';
  await expect(readText(report(method("m", "PASS"), declares))).rejects.toThrow("expected 1 failures");
  expect((await readText(report(method("m", "FAIL"), declares))).sources).toMatchObject([{ tests: 1, declared: 2 }]);
  const both = await readText(report(method("m", "FAIL") + method("n", "PASS"), declares));
  expect(both.sources).toEqual([{ file: "report", format: "testng", tests: 2 }]);
});

test("before version 7, an attempt looks skipped, with its exception", async () => {
  const attempt = method("m", "SKIP", "", exception("first"));
  const skipped = method("n", "SKIP", "", '<exception class="org.testng.SkipException"><message>no</message></exception>');
  const notRun = method("o", "SKIP", "", exception("no server"));
  const results = await readText(report(attempt + method("m", "PASS") + attempt + skipped + notRun));
  expect(results).toMatchObject({ total: 3, skipped: 2, flakyTests: [{ attempts: 3, message: "first" }] });
  expect(await readText(report(attempt + method("m", "FAIL")))).toMatchObject({ total: 1, failures: [{ attempts: 2 }] });
  // Newer versions say it, and then a skipped test is one.
  const said = await readText(report(attempt + method("m", "PASS"), 'retried="0"'));
  expect(said).toMatchObject({ total: 2, passed: 1, skipped: 1 });
});
