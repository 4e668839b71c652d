import { Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { verdictMarks } from "../../src/app/progress.ts";
import { Screen, type ScreenOptions } from "../../src/cli/screen.ts";
import { wrapped } from "../../src/cli/wrap.ts";
import type { Check, StageReport } from "../../src/model/report.ts";
import { failedIntegration, passedPreflight } from "../report/sample.ts";

/** Shows a stage as it runs, and returns the lines without styles. */
function shown(report: StageReport, options: Partial<ScreenOptions> = {}, columns?: number): string[] {
  let text = "";
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  const screen = new Screen(Object.assign(stream, { columns }) as unknown as NodeJS.WriteStream, { verbose: false, ...options });
  const { stage, environment, budgetMs } = report;
  screen.show({ kind: "stage-started", stage, environment: environment.name, budgetMs });
  screen.show({ kind: "step", stage, text: "starting backend" });
  for (const check of report.checks) screen.show({ kind: "check-finished", stage, check });
  screen.show({ kind: "stage-finished", stage, report });
  screen.close();
  return text.split("\n").filter((line) => line !== "");
}

describe("the terminal", () => {
  test("says of a stage that passed one line; with -v each step and check", () => {
    expect(shown(passedPreflight())).toEqual([
      "  ✔ preflight passed on staging in 8.4 s (7 % of the 2 min budget): All 13 checks passed",
    ]);
    const verbose = shown(passedPreflight(), { verbose: true });
    expect(verbose).toHaveLength(2 + 13 + 1);
    expect(verbose[1]).toBe("  · starting backend");
    expect(verbose[2]).toBe("  ✔ Required variables – 6 of 6  1 ms");
  });

  test("says of a stage that passed only the verdict if it is quiet, in a gate nothing, and all of one that failed", () => {
    expect(shown(passedPreflight(), { quiet: true })).toEqual([expect.stringMatching(/^ {2}✔ preflight passed on staging in /)]);
    expect(shown(passedPreflight(), { quiet: true, listFollows: true })).toEqual([]);
    const skipped: Check = { id: "identity", title: "Identity", verdict: "skipped", message: "not configured", durationMs: 1 };
    const report = { ...passedPreflight(), checks: [skipped] };
    expect(shown(report).join("\n")).toContain("○ Identity");
    expect(shown(report, { quiet: true }).join("\n")).not.toContain("○");
    expect(shown(failedIntegration(), { quiet: true })).toEqual(shown(failedIntegration()));
  });

  test("says each reason of a failure once", () => {
    const report = failedIntegration();
    const lines = shown(report, { listFollows: true });
    expect(lines.slice(0, 3)).toEqual([
      "  ✘ Every suite was loaded – 1 not loaded, expected all loaded",
      "  ✘ Test data deleted and gone – 254 rows and 28 keys deleted, 3 left, expected 0 left – Test data is still there. sessions.transcriptions: 3 rows came back while they were deleted",
      "  ✘ integration failed on staging in 4 min 3 s (27 % of the 15 min budget)",
    ]);
    const text = lines.join("\n");
    for (const once of ["could not be loaded", "AssertionError: expected 500 to be 201", "exit status", "came back"])
      expect(text.split(once), once).toHaveLength(2);
    expect(shown(report).at(2)).toMatch(
      /budget\): 3 tests failed, 1 test file could not be loaded, Test data deleted and gone failed$/,
    );
  });

  test("says what was observed once, if the message is about it; a short value stays", () => {
    const port = "not started: port 3000 is already in use by pid 7 (node)";
    const message = `server api was ${port}`;
    const check: Check = {
      id: "application",
      title: "Application starts",
      verdict: "error",
      observed: port,
      message,
      durationMs: 1,
    };
    const exit: Check = { id: "e", title: "Exit", verdict: "failed", observed: "3", message: "It ended with 3.", durationMs: 1 };
    const [first, second] = shown({ ...failedIntegration(), checks: [check, exit] });
    expect(first).toBe(`  ${verdictMarks.error} Application starts – ${message}`);
    expect(second).toBe("  ✘ Exit – 3 – It ended with 3.");
  });

  test("does not repeat a message that another check of the stage had", () => {
    const wrong = (title: string, message: string): Check => ({ id: title, title, verdict: "error", message, durationMs: 1 });
    const checks = [wrong("Redis PING", "EA4001: Redis does not answer"), wrong("Redis keys", "EA4001: redis does not answer")];
    expect(shown({ ...passedPreflight(), verdict: "error", checks }).slice(0, 2)).toEqual([
      "  ■ Redis PING – EA4001: Redis does not answer",
      "  ■ Redis keys – for the same reason as Redis PING",
    ]);
  });

  test("breaks lines at 80 columns, and indents further lines like the text", () => {
    const lines = shown(failedIntegration(), {}, 80);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    const at = lines.findIndex((line) => line.startsWith("  ✘ Test data"));
    expect(lines.slice(at, at + 3)).toEqual([
      "  ✘ Test data deleted and gone – 254 rows and 28 keys deleted, 3 left, expected",
      "    0 left – Test data is still there. sessions.transcriptions: 3 rows came back",
      "    while they were deleted",
    ]);
  });

  test("shows the log around the error if no test explains the failure", () => {
    const { tests: _, ...report } = failedIntegration();
    const tail = ["TypeError: no id", "    at a.ts:1:2", ...Array.from({ length: 30 }, (_, index) => `bye ${index}`)];
    const lines = shown({ ...report, commands: [], servers: [{ name: "backend", ended: "died", tail }] });
    expect(lines.filter((line) => line.startsWith("    │")).slice(0, 2)).toEqual([
      "    │ TypeError: no id",
      "    │     at a.ts:1:2",
    ]);
  });
});

test("a check that another one explains is not shown, unless everything is", () => {
  const report = failedIntegration();
  const exit = report.checks.find(({ cause }) => cause !== undefined) as Check;
  const has = (lines: string[]) => lines.some((line) => line.startsWith(`  ✘ ${exit.title}`));
  expect(has(shown(report))).toBe(false);
  expect(has(shown(report, { verbose: true }))).toBe(true);
});

describe("wrapping", () => {
  const plain = (text: string, columns?: number) =>
    wrapped([{ text, style: undefined }], columns).map((line) => line.map((piece) => piece.text).join(""));

  test("does not change a line that fits, nor one of an unknown or tiny width", () => {
    for (const columns of [undefined, 10, 100]) expect(plain("  ✘ one two three four five six seven", columns)).toHaveLength(1);
  });

  test("keeps styles, loses no word, and breaks no path", () => {
    const path = `tests/${"very-long/".repeat(12)}a.test.ts`;
    const lines = wrapped(
      [
        { text: "    ✘ ", style: "red" },
        { text: `fails in ${path} because of a long reason that needs more room than there is`, style: "gray" },
      ],
      60,
    );
    const text = lines.map((line) => line.map((piece) => piece.text).join(""));
    expect(text.map((line) => line.trim()).join(" ")).toBe(
      `✘ fails in ${path} because of a long reason that needs more room than there is`,
    );
    expect(text.slice(1).every((line) => line.startsWith("      ") && !line.startsWith("       "))).toBe(true);
    expect(lines[0]?.[0]?.style).toBe("red");
    expect(lines.at(-1)?.at(-1)?.style).toBe("gray");
  });
});
