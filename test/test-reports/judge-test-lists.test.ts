import { describe, expect, test } from "vitest";
import type { Check } from "../../src/model/report.ts";
import type { TestResults } from "../../src/model/test-results.ts";
import { judgeTests } from "../../src/test-reports/judge/judge.ts";
import { TestListMatcher, type TestLists } from "../../src/test-reports/judge/test-lists.ts";
import { readResults } from "../../src/test-reports/read.ts";
import { workspace } from "./reports.ts";

/**
 * From a report to the verdicts about single tests. A critical test that didn't run, or an expired quarantine, must not look like
 * a pass: in practice, such lists go wrong in these two ways.
 */

const report = `<testsuites>
  <testsuite name="critical" file="tests/critical/sign-in.test.ts">
    <testcase name="signs in" file="tests/critical/sign-in.test.ts" time="0.01"/>
    <testcase name="signs out" file="tests/critical/sign-in.test.ts" time="0.01"/>
  </testsuite>
  <testsuite name="mail" file="tests/mail.test.ts">
    <testcase name="sends a mail" file="tests/mail.test.ts"><failure message="no server">no server</failure></testcase>
    <testcase name="[critical] bounces" file="tests/mail.test.ts"><failure message="timeout">timeout</failure></testcase>
    <testcase name="[critical] later" file="tests/mail.test.ts"><skipped/></testcase>
    <testcase name="reads" file="tests/mail.test.ts" time="0.02"/>
  </testsuite>
</testsuites>`;

const today = "2026-11-23";

async function seen(marks: Partial<TestLists>, text = report): Promise<TestResults> {
  await using at = await workspace({ "r.xml": text });
  const marked = new TestListMatcher({ critical: [], quarantine: [], ...marks }, today);
  const results = await readResults({ cwd: at.cwd, reports: ["r.xml"], startedAt: 0, onTest: (test) => marked.see(test) });
  return marked.addTo(results);
}

async function judged(id: string, marks: Partial<TestLists>, text?: string): Promise<Check | undefined> {
  const checks = judgeTests(await seen(marks, text), { passRate: 0.95 }, { exitCode: 1, durationMs: 5 });
  return checks.find((check) => check.id === `tests.${id}`);
}

describe("critical tests", () => {
  test.each([
    ["a folder", "tests/critical/**", "passed", "tests/critical/**: 2 of 2 passed"],
    ["a folder, named from another one", "critical/*", "passed", "critical/*: 2 of 2 passed"],
    ["brackets in a name are brackets", "*[critical]*", "failed", "*[critical]*: 0 of 1 passed"],
    ["a glob that matches nothing", "tests/crtical/**", "failed", "tests/crtical/**: none ran"],
    ["a glob whose tests were all skipped", "*later", "failed", "*later: none ran"],
  ])("%s", async (_what, glob, verdict, observed) => {
    expect(await judged("critical", { critical: [glob] })).toMatchObject({ verdict, observed });
  });

  test("each test that failed or did not run is named with the reason", async () => {
    const check = await judged("critical", { critical: ["*bounces", "*later", "nowhere/**"] });
    expect(check?.message).toBe(
      "1 critical test of *bounces failed. No critical test of *later ran: all of its tests were skipped. No critical test of nowhere/** ran: the glob matches no file and no name in the reports.",
    );
  });

  test("quarantine doesn't excuse a critical test", async () => {
    const quarantine = [{ test: "*bounces", until: "2026-12-31", reason: "mail server moves" }];
    expect(await judged("critical", { critical: ["*bounces"], quarantine })).toMatchObject({
      verdict: "failed",
      message: expect.stringContaining("A quarantine does not excuse a critical test."),
    });
  });

  test("one of unknown result has not passed", async () => {
    const text = '<testsuite><testcase name="pays" status="gailed"/><testcase name="pays back"/></testsuite>';
    expect(await judged("critical", { critical: ["pays*"] }, text)).toMatchObject({
      verdict: "failed",
      observed: "pays*: 1 of 2 passed",
      message: "It is unknown how 1 critical test of pays* ended.",
    });
    const quarantine = [{ test: "pays*", until: "2026-12-31", reason: "mail server moves" }];
    expect(await judged("statuses", { quarantine }, text)).toMatchObject({ verdict: "error", observed: "1 unknown" });
  });

  test("without a list there is no check", async () => {
    expect(await judged("critical", {})).toBeUndefined();
  });
});

describe("quarantine", () => {
  const mail = { test: "*mail.test.ts", until: today, reason: "mail server moves" };

  test("until the end of its last day, failures don't count and are shown", async () => {
    const results = await seen({ quarantine: [mail] });
    expect(results.failures.map((failure) => failure.quarantinedUntil)).toEqual([today, today]);
    expect(await judged("pass-rate", { quarantine: [mail] })).toMatchObject({
      verdict: "passed",
      observed: "100 % (3 of 3, beside 2 quarantined)",
    });
    expect(await judged("exit", { quarantine: [mail] })).toMatchObject({ verdict: "degraded" });
    expect(await judged("quarantine", { quarantine: [mail] })).toMatchObject({
      verdict: "degraded",
      observed: "1 entry, 2 failures excused",
      message: `2 tests of *mail.test.ts (mail server moves) failed, quarantined until ${today}.`,
    });
  });

  test("afterwards they count again, and the entry is named", async () => {
    const over = { ...mail, until: "2026-11-22" };
    expect(await judged("pass-rate", { quarantine: [over] })).toMatchObject({ verdict: "failed", observed: "60 % (3 of 5)" });
    expect(await judged("quarantine", { quarantine: [over] })).toMatchObject({
      verdict: "failed",
      message: "The quarantine of *mail.test.ts (mail server moves) ended on 2026-11-22, and 2 tests of it still failed.",
    });
  });

  test("expired while the tests pass: a warning to remove it", async () => {
    const over = { test: "reads", until: "2026-01-01", reason: "slow" };
    expect(await judged("quarantine", { quarantine: [over] })).toMatchObject({
      verdict: "degraded",
      message: "The quarantine of reads (slow) ended on 2026-01-01: take the entry out.",
    });
  });

  test("an entry that matches nothing is reported", async () => {
    const gone = { test: "no such test", until: "2027-01-01", reason: "slow" };
    expect(await judged("quarantine", { quarantine: [gone] })).toMatchObject({
      verdict: "degraded",
      message: "The quarantine of no such test (slow) matches no test that was reported: take the entry out.",
    });
  });

  test("of two entries for one test, the one in force counts, in any order", async () => {
    const old = { ...mail, until: "2026-11-22" };
    const results = await seen({ quarantine: [old, mail] });
    expect(results.quarantine).toMatchObject([
      { over: true, matched: 4, failed: 0 },
      { over: false, matched: 4, failed: 2 },
    ]);
  });

  describe("of a test file that crashed", () => {
    const crashing =
      '<testsuites><testsuite name="tests/mail.test.ts" errors="1"><error message="no mail server"/></testsuite><testsuite name="s"><testcase name="a"/></testsuite></testsuites>';
    const judge = (quarantine: TestLists["quarantine"], id: string) => judged(id, { quarantine }, crashing);

    test("it does not count until the end of the last day, and is shown", async () => {
      expect((await seen({ quarantine: [mail] }, crashing)).crashedSuites).toEqual([
        { file: "tests/mail.test.ts", message: "no mail server", quarantinedUntil: today },
      ]);
      expect(await judge([mail], "suites-loaded")).toMatchObject({
        verdict: "degraded",
        observed: "1 not loaded, 1 of them quarantined",
        message:
          "Tests are missing from the results, because these could not run, which are in quarantine: tests/mail.test.ts. The first says: no mail server",
      });
      expect(await judge([mail], "exit")).toMatchObject({
        verdict: "degraded",
        message: "The command failed because of 1 test file that could not be loaded, which quarantine and pass rate tolerate.",
      });
      expect(await judge([mail], "quarantine")).toMatchObject({
        verdict: "degraded",
        observed: "1 entry, 1 failure excused",
        message: `1 test file of *mail.test.ts (mail server moves) failed, quarantined until ${today}.`,
      });
    });

    test("afterwards, and without an entry that matches its file, it counts", async () => {
      const over = { ...mail, until: "2026-11-22" };
      expect(await judge([over], "suites-loaded")).toMatchObject({ verdict: "failed", observed: "1 not loaded" });
      expect(await judge([over], "exit")).toMatchObject({ verdict: "failed" });
      expect(await judge([over], "quarantine")).toMatchObject({
        verdict: "failed",
        message: "The quarantine of *mail.test.ts (mail server moves) ended on 2026-11-22, and 1 test file of it still failed.",
      });
      expect(await judge([{ ...mail, test: "a" }], "suites-loaded")).toMatchObject({ verdict: "failed" });
    });

    test("another that crashed counts all the same", async () => {
      const two = crashing.replace("</testsuites>", '<testsuite name="b.test.ts"><error message="x"/></testsuite></testsuites>');
      expect(await judged("suites-loaded", { quarantine: [mail] }, two)).toMatchObject({
        verdict: "failed",
        observed: "2 not loaded, 1 of them quarantined",
        message: expect.stringMatching(/could not run: b\.test\.ts\. The first says: x$/),
      });
      expect(await judged("exit", { quarantine: [mail] }, two)).toMatchObject({ verdict: "failed" });
    });
  });

  test("there is no pass rate with only quarantined tests", async () => {
    const everything = { ...mail, test: "*" };
    const alone = '<testsuite name="s"><testcase name="a"><failure message="x">x</failure></testcase></testsuite>';
    expect(await judged("pass-rate", { quarantine: [everything] }, alone)).toMatchObject({ verdict: "error" });
  });
});
