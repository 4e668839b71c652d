import { expect, test } from "vitest";
import { readText } from "../reports.ts";

function report(suites: string, total = ""): string {
  return `<robot generator="Robot 7.5">${suites}<statistics><total>${total}</total></statistics><errors/></robot>`;
}

function suite(name: string, inside: string, status = '<status status="PASS"/>'): string {
  return `<suite name="${name}" source="/src/${name}.robot">${inside}${status}</suite>`;
}

function one(name: string, status: string, message = ""): string {
  return `<test name="${name}" line="4"><kw name="Log"><status status="FAIL">inner</status></kw><status status="${status}">${message}</status></test>`;
}

const failing = '<status status="FAIL"/>';

test.each([
  ["PASS", "passed"],
  ["FAIL", "failed"],
  ["SKIP", "skipped"],
  ["NOT RUN", "skipped"],
  ["EXPLODED", "unknown"],
])("the status %s is %s, whatever its keywords are", async (status, expected) => {
  const results = await readText(report(suite("s", one("a", status))));
  expect(results).toMatchObject({ total: 1, [expected]: 1, sources: [{ format: "robot" }], crashedSuites: [] });
});

test("a test without a status is unknown", async () => {
  expect(await readText(report(suite("s", '<test name="a"><kw name="k"><status status="PASS"/></kw></test>')))).toMatchObject({
    unknown: 1,
  });
});

test("a test has the titles of its suites, its place and its message", async () => {
  const { failures } = await readText(
    report(suite("outer", suite("inner", one("a", "FAIL", "no <b>way</b>".replaceAll("<", "&lt;")), failing), failing)),
  );
  expect(failures).toMatchObject([{ name: "outer › inner › a", file: "/src/inner.robot", line: 4, message: "no <b>way</b>" }]);
});

test("version 7 has the time elapsed, older ones have two times", async () => {
  const times = [
    'elapsed="1.5"',
    'starttime="20261130 04:26:14.605" endtime="20261130 04:26:16.605"',
    'starttime="N/A" endtime="N/A"',
    "",
  ];
  const tests = times.map((time, i) => `<test name="t${i}"><status status="PASS" ${time}/></test>`);
  const { slowest } = await readText(report(suite("s", tests.join(""))));
  expect(slowest.map(({ durationMs }) => durationMs)).toEqual([2_000, 1_500, 0, 0]);
});

function tearDown(status: string, type = "TEARDOWN"): string {
  return `<kw name="Clean" type="${type}"><kw name="x"><status status="PASS"/></kw><status status="${status}"/></kw>`;
}

test.each(["TEARDOWN", "teardown"])(
  "a failed tear-down (%s) of a suite fails its tests, but not the skipped ones",
  async (type) => {
    const tests = one("a", "PASS") + one("b", "FAIL", "own") + one("c", "SKIP");
    const cleaned = suite("inner", tests + tearDown("FAIL", type), '<status status="FAIL">Suite teardown failed:\ngone</status>');
    const xml = report(
      suite("outer", cleaned + suite("other", one("d", "PASS")), failing),
      '<stat pass="1" fail="2" skip="1">All Tests</stat>',
    );
    expect(await readText(xml)).toMatchObject({
      passed: 1,
      failed: 2,
      skipped: 1,
      crashedSuites: [],
      failures: [
        { name: "outer › inner › a", message: "Suite teardown failed:\ngone" },
        { name: "outer › inner › b", message: "own\n\nSuite teardown failed:\ngone" },
      ],
    });
  },
);

test("tear-downs of nested suites add up, from inside to outside", async () => {
  const inner = suite("inner", one("a", "PASS") + tearDown("FAIL"), '<status status="FAIL">first</status>');
  const { failures } = await readText(report(suite("outer", inner + tearDown("FAIL"), '<status status="FAIL">second</status>')));
  expect(failures).toMatchObject([{ message: "first\n\nsecond" }]);
});

test("a skipped tear-down skips the tests that did not fail", async () => {
  const xml = report(
    suite("s", one("a", "PASS") + one("b", "FAIL", "own") + tearDown("SKIP"), '<status status="SKIP">later</status>'),
  );
  expect(await readText(xml)).toMatchObject({ passed: 0, skipped: 1, failed: 1 });
});

test("a suite that failed without a failed test is a crashed suite", async () => {
  const xml = report(suite("s", one("a", "SKIP"), '<status status="FAIL">Suite setup failed:\nno server</status>'));
  const { crashedSuites } = await readText(xml);
  expect(crashedSuites).toEqual([{ file: "/src/s.robot", message: "Suite setup failed:\nno server" }]);
});

test("fewer failures than the statistics have are damage, fewer tests are told", async () => {
  const stats = '<stat pass="0" fail="1">Critical Tests</stat><stat pass="2" fail="1" skip="0">All Tests</stat>';
  await expect(readText(report(suite("s", one("a", "PASS")), stats))).rejects.toThrow("expected 1 failures");
  expect((await readText(report(suite("s", one("a", "FAIL"), failing), stats))).sources).toMatchObject([
    { tests: 1, declared: 3 },
  ]);
});

function merged(now: string, ...before: string[]): string {
  const spans = [
    `*HTML* <span class="merge">merged</span><hr><span class="new-status">New status:</span> <span class="${now}">${now}</span><br>`,
  ];
  if (now === "fail") spans.push('<span class="new-message">New message:</span> 1 &lt; 2 again<br>');
  for (const status of before) {
    spans.push(`<hr><span class="old-status">Old status:</span> <span class="${status}">${status}</span><br>`);
    if (status === "fail") spans.push('<span class="old-message">Old message:</span> 1 &lt; 2<br>');
  }
  return spans.join("").replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

test("rebot --merge shows earlier attempts: passed after a failure is flaky", async () => {
  const tests = [
    one("flaky", "PASS", merged("pass", "fail", "fail")),
    one("passed", "PASS", merged("pass", "pass")),
    one("failed", "FAIL", merged("fail", "fail")),
  ];
  expect(await readText(report(suite("s", tests.join(""), failing)))).toMatchObject({
    passed: 1,
    flakyTests: [{ name: "s › flaky", attempts: 3, message: "1 < 2" }],
    failures: [{ name: "s › failed", attempts: 2, message: "1 < 2 again" }],
  });
});
