import { describe, expect, test } from "vitest";
import { alertView, cleanupLines, endReason, endView, type ToldEvent } from "../../src/report/view/messages.ts";
import { degradedSmoke, dryCleanup, failedIntegration, failedSmoke, flakyE2e } from "./sample.ts";

describe("the end of a stage in the terminal", () => {
  test("shows the verdict, the time and the reason, and one line for each failed test and crashed suite", () => {
    const { title, time, reason, failures, follows, tails, problems } = endView(failedIntegration());
    expect(title + time).toBe("integration failed on staging in 4 min 3 s (27 % of the 15 min budget)");
    expect(reason).toBe("3 tests failed, 1 test file could not be loaded, Test data deleted and gone failed");
    expect(failures[0]).toBe(
      "sessions › creates a session and shows its access code – AssertionError: expected 500 to be 201 (tests/integration/sessions.test.ts:48)",
    );
    expect(failures).toHaveLength(4);
    expect(failures[3]).toBe(
      "tests/integration/guidance.test.ts could not be loaded – Error: Cannot find module '@classwaves/shared'",
    );
    expect(follows).toBe(`Not counted again: "Command's exit status" (1, expected 0) follows from "Every suite was loaded".`);
    expect(tails, "the failed tests say more").toEqual([]);
    expect(problems).toHaveLength(1);
  });

  test("of a stage that opens the gate says what it did", () => {
    expect(endReason(flakyE2e())).toBe(
      "57 of 57 tests passed, 2 of them only when run again; nothing is left behind; tests: 55 passed, 2 flaky, 3 skipped; 31 rows and 9 keys deleted, 0 left; books: unexplained rows 1 to 4, changed real rows 1",
    );
    expect(endReason(degradedSmoke())).toBe("Databricks SELECT is degraded");
    expect(endReason(failedSmoke())).toBe("score 87.5 % of 90 % to pass, GET /api/v1/sessions failed");
  });

  test("tells failed tests from those that ended with an error or in an unknown way", () => {
    const report = failedIntegration();
    const [first, second] = report.tests?.failures ?? [];
    Object.assign(first ?? {}, { errored: true });
    Object.assign(second ?? {}, { status: "unknown" });
    expect(endReason(report)).toMatch(/^1 test ended with an error, 1 test ended in an unknown way, 1 test failed, /);
  });

  test("tells failures in quarantine, and errors, from failures that count", () => {
    const report = failedIntegration();
    const [first, second] = report.tests?.failures ?? [];
    Object.assign(first ?? {}, { errored: true });
    Object.assign(second ?? {}, { quarantinedUntil: "2026-12-31" });
    const [crashed] = report.tests?.crashedSuites ?? [];
    Object.assign(crashed ?? {}, { quarantinedUntil: "2026-12-31" });
    const { failures, excused } = endView(report);
    expect(failures[0]).toMatch(/^sessions › creates a session and shows its access code ended with an error – AssertionError/);
    expect(failures).toHaveLength(2);
    expect(excused).toHaveLength(2);
    expect(excused[0]?.startsWith(`${second?.name} – `)).toBe(true);
    expect(excused[1]).toMatch(/guidance\.test\.ts could not be loaded – .*, quarantined until 2026-12-31$/);
  });

  test("shows the last lines of each server and command if no test explains the failure, and none if the stage passed", () => {
    const { tests: _, ...report } = failedIntegration();
    expect(endView(report).tails.map((tail) => tail.at(0))).toEqual([
      "listening on :::3000",
      " Test Files  2 failed | 1 crashed | 27 passed (30)",
    ]);
    expect(endView({ ...report, verdict: "degraded" })).toMatchObject({ tails: [], problems: [] });
  });
});

describe("the terminal lines of a cleanup", () => {
  test("name each table, the changed rows, the keys, and the digest", () => {
    const { cleanup } = failedIntegration();
    const lines = cleanup ? cleanupLines(cleanup) : [];
    const said = (start: string) => lines.find(({ text }) => text.startsWith(start));
    expect(said("sessions.student_groups ")?.text).toMatch(/ 36 rows {2}integration_test_/);
    expect(said("sessions.transcriptions ")?.text, "what was not deleted").toMatch(/ 58 of 61 planned rows /);
    expect(said("users.teachers.school_id")).toEqual({
      text: "users.teachers.school_id, row 7f1c9a52-real-teacher: a test changed it to integration_test_1763917800000_9f3c1a7e_school; before: north-school (version 812)",
      tone: "bad",
    });
    expect(said("12 more cells of real rows were changed")?.tone).toBe("bad");
    expect(said("Redis ")?.text).toMatch(/ 28 keys /);
    expect(lines.at(-1)?.text).toBe(`Digest of the plan: ${cleanup?.digest}`);
  });

  test("of a dry run show what is planned", () => {
    const { cleanup } = dryCleanup();
    const lines = cleanup ? cleanupLines(cleanup).map(({ text }) => text) : [];
    expect(lines[0]).toMatch(/^sessions\.classroom_sessions +18 rows {2}e2e-session-1763626364000, /);
    expect(lines).toContain("7 Redis test keys are kept, because their age cannot be told");
  });
});

test.each<[ToldEvent, string]>([
  ["failed", "Smoke failed on production"],
  ["error", "Smoke ended with an error on production"],
  ["degraded", "Smoke is degraded on production"],
  ["recovered", "Smoke passed again on production"],
])("an alert about %s has the title: %s", (event, title) => {
  expect(alertView({ event, report: degradedSmoke() }).title).toBe(title);
});

test("an alert has the checks that decided, the rollback, and the link to the run", () => {
  const view = alertView({ event: "failed", report: failedSmoke() }, "https://github.example");
  expect(view.checks.map(({ id, text }) => [id, text])).toEqual([["api.sessions", "It is down."]]);
  expect(view.rollback).toMatch(/^The rollback of deployment 4711 could not be requested \(workflow_dispatch of rollback\.yml/);
  expect(view.url).toBe("https://github.example/classwaves/classwaves/actions/runs/19622481730");
  expect(alertView({ event: "failed", report: { ...flakyE2e(), origin: { kind: "terminal" } } }).url).toBeUndefined();
});
