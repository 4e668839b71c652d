import { expect, test } from "vitest";
import { readText } from "../reports.ts";

function report(inside: string, attributes = "", errors = "<errors/>"): string {
  return `<assemblies><assembly name="/bin/A.Tests.dll" ${attributes}>${errors}<collection name="c">${inside}</collection></assembly></assemblies>`;
}

const failure =
  '<failure exception-type="E"><message>broke</message><stack-trace>at N.C.a() in /src/C.cs:line 9</stack-trace></failure>';

test.each([
  ["Pass", "passed"],
  ["Fail", "failed"],
  ["Skip", "skipped"],
  ["NotRun", "skipped"],
  ["Exploded", "unknown"],
])("the result %s is %s", async (result, status) => {
  const results = await readText(report(`<test name="N.C.a" type="N.C" method="a" result="${result}"/>`));
  expect(results).toMatchObject({ total: 1, [status]: 1, sources: [{ format: "xunit" }] });
});

test("a test without a result is unknown, and with a failure it has failed", async () => {
  expect(await readText(report('<test name="a" type="C"/>'))).toMatchObject({ total: 1, unknown: 1 });
  expect(await readText(report(`<test name="a" type="C" result="Pass">${failure}</test>`))).toMatchObject({ failed: 1 });
});

test("a test has its class, assembly, place, message and duration", async () => {
  const { failures } = await readText(
    report(`<test name="N.C.a(x: 1)" type="N.C" method="a" time="1,25" result="Fail">${failure}</test>`),
  );
  expect(failures).toMatchObject([
    { name: "N.C › a(x: 1)", project: "A.Tests", file: "/src/C.cs", line: 9, message: "broke", durationMs: 1_250 },
  ]);
});

test("version 3 has the place of the test itself", async () => {
  const source = (file: string) =>
    `<test name="a" type="N.C" result="Fail" source-file="${file}" source-line="7">${failure}</test>`;
  const { failures } = await readText(report(source("/src/C.cs") + source("/src/Base.cs")));
  expect(failures).toMatchObject([
    { file: "/src/C.cs", line: 9 },
    { file: "/src/Base.cs", line: 7 },
  ]);
});

test("errors outside of tests are crashed suites", async () => {
  const error = (name: string) => `<error type="test-class-cleanup" ${name}>${failure}</error>`;
  const errors = `<errors>${error('name="N.C"')}${error("")}</errors>`;
  const { crashedSuites, passed } = await readText(report('<test name="a" result="Pass"/>', 'errors="2"', errors));
  expect(passed).toBe(1);
  expect(crashedSuites).toEqual([
    { file: "N.C", message: "test-class-cleanup: broke" },
    { file: "/bin/A.Tests.dll", message: "test-class-cleanup: broke" },
  ]);
});

test("fewer failures or errors than an assembly declares are damage, fewer tests are told", async () => {
  const one = `<test name="a" result="Fail">${failure}</test>`;
  await expect(readText(report(one, 'failed="2"'))).rejects.toThrow("expected 2 failures as /bin/A.Tests.dll declares, got 1");
  await expect(readText(report(one, 'failed="1" errors="1"'))).rejects.toThrow("expected 1 failures");
  expect((await readText(report(one, 'failed="1" total="3"'))).sources).toMatchObject([{ tests: 1, declared: 3 }]);
});

test("version 1 has a single assembly, with classes", async () => {
  const one = `<test name="N.C.a" type="N.C" method="a" result="Fail" time="0.5">${failure}</test>`;
  const xml = `<assembly name="C:\\bin\\A.dll" total="1" failed="1"><class name="N.C" total="1">${one}</class></assembly>`;
  expect(await readText(xml)).toMatchObject({ failed: 1, failures: [{ name: "N.C › a", project: "A" }] });
  await expect(readText(xml.replace('failed="1"', 'failed="2"'))).rejects.toThrow("damaged");
});
