import { describe, expect, test } from "vitest";
import { alertView, cleanupLines, endView, type ToldEvent } from "../../src/report/view/messages.ts";
import { degradedSmoke, dryCleanup, failedIntegration, failedSmoke, flakyE2e } from "./sample.ts";

describe("the end of a stage in the terminal", () => {
  test("shows the verdict, the time and the reason, and one line for each failed test", () => {
    const { title, text, failures, tails, problems } = endView(failedIntegration());
    expect(title + text).toBe(
      "integration failed in 4 min 3 s (27 % of the 15 min budget): 3 tests failed, 1 suite could not be loaded, and 3 rows of test data are still there.",
    );
    expect(failures[0]).toBe("sessions › creates a session and shows its access code – AssertionError: expected 500 to be 201");
    expect(failures).toHaveLength(3);
    expect(tails, "the failed tests say more").toEqual([]);
    expect(problems).toHaveLength(1);
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
