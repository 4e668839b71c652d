import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UserError } from "../../src/model/user-error.ts";
import { mistakeAnnotations, toAnnotations } from "../../src/report/annotations.ts";
import { hostileText, withTexts } from "./hostile.ts";
import { degradedSmoke, everyReport, failedIntegration, flakyE2e, passedPreflight } from "./sample.ts";

describe("annotations of a stage", () => {
  test("a failed test is annotated at its line; crashed suites, checks and problems follow, each cause once", () => {
    const errors = toAnnotations(failedIntegration()).filter(({ level }) => level === "error");
    expect(errors[0]).toMatchObject({
      title: "Test failed: sessions › creates a session and shows its access code",
      file: "tests/integration/sessions.test.ts",
      line: 48,
    });
    expect(errors[0]?.message).toMatch(/^AssertionError: expected 500 to be 201\n {4}at createSession/);
    const titles = errors.map(({ title }) => title);
    expect(titles.slice(0, 3).every((title) => title.startsWith("Test failed: "))).toBe(true);
    expect(titles.slice(3)).toEqual([
      "Could not be loaded: tests/integration/guidance.test.ts",
      "Every suite was loaded: failed",
      "Test data deleted and gone: failed",
      "Integration: problem",
    ]);
  });

  test("files are relative to the repository, also if the workspace is a folder in it", () => {
    const report = failedIntegration();
    const [first] = report.tests?.failures ?? [];
    if (!report.tests || !first) throw new Error("the sample has failed tests");
    const files = ["src/a.test.ts", "../lib/b.test.ts", "/app/c.test.ts", "C:\\app\\d.test.ts"];
    report.tests.failures = files.map((file) => ({ ...first, file, line: 3 }));
    const seen = (folder?: string) => toAnnotations(report, folder).flatMap(({ file, line }) => (line === 3 ? [file] : []));
    expect(seen()).toEqual(files);
    expect(seen("apps/school")).toEqual([
      "apps/school/src/a.test.ts",
      "apps/lib/b.test.ts",
      "/app/c.test.ts",
      "C:\\app\\d.test.ts",
    ]);
    expect(seen("apps\\school")[0]).toBe("apps/school/src/a.test.ts");
  });

  test("a degraded check and flaky tests are warnings, a skipped check is a notice, and a pass has no annotation", () => {
    expect(toAnnotations(degradedSmoke()).map(({ level, title }) => [level, title])).toEqual([
      ["warning", "Databricks SELECT: degraded"],
      ["notice", "Auth: test tokens are off: skipped"],
    ]);
    expect(toAnnotations(flakyE2e()).map(({ level }) => level)).toEqual(["warning", "warning"]);
    expect(toAnnotations(passedPreflight())).toEqual([]);
  });

  test("a hundred failed tests leave room for other errors, and the tenth annotation counts the rest", () => {
    const report = failedIntegration();
    const [first] = report.tests?.failures ?? [];
    if (!report.tests || !first) throw new Error("the sample has failed tests");
    report.tests.failures = Array.from({ length: 100 }, (_, index) => ({ ...first, name: `case ${index}` }));
    const errors = toAnnotations(report).filter(({ level }) => level === "error");
    expect(errors.map(({ title }) => title)).toEqual([
      ...Array.from({ length: 6 }, (_, index) => `Test failed: case ${index}`),
      "Could not be loaded: tests/integration/guidance.test.ts",
      "Every suite was loaded: failed",
      "Integration: problem",
      "Integration: 95 more errors",
    ]);
  });

  test("with any text: at most ten of each level, no line without a file, and no terminal escape", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...everyReport()),
        fc.array(hostileText, { minLength: 1 }),
        fc.nat({ max: 30 }),
        (sample, texts, many) => {
          let next = 0;
          const report = withTexts(sample, () => texts[next++ % texts.length] ?? "");
          report.problems = Array.from({ length: many }, () => texts[0] ?? "");
          const annotations = toAnnotations(report);
          for (const level of ["error", "warning", "notice"])
            expect(annotations.filter((one) => one.level === level).length).toBeLessThanOrEqual(10);
          for (const { title, message, file, line } of annotations) {
            expect(title).not.toMatch(/\p{Cc}/u);
            expect(message).not.toMatch(/(?![\n\t])\p{Cc}/u);
            if (line !== undefined) expect(file).toBeDefined();
          }
        },
      ),
    );
  });
});

describe("annotations of mistakes in the configuration", () => {
  const at = (line: number, message: string) => ({
    code: "EA1007" as const,
    file: ".github/env-actions.yml",
    line,
    column: 5,
    message,
  });

  test("each mistake is annotated at its line, in the folder of the project", () => {
    const mistakes = [
      at(12, "environments.staging.acess  unknown key; did you mean access?"),
      at(30, "stages.e2e.budget  expected a duration"),
    ];
    const error = new UserError("EA1000", ".github/env-actions.yml has 2 mistakes: …", { mistakes });
    expect(mistakeAnnotations(error, "apps/school")).toEqual(
      mistakes.map(({ line, message }) => ({
        level: "error",
        title: "env-actions: invalid configuration",
        message: `EA1007: ${message}`,
        file: "apps/school/.github/env-actions.yml",
        line,
        column: 5,
      })),
    );
    expect(mistakeAnnotations(error)[0]?.file).toBe(".github/env-actions.yml");
  });

  test("a mistake without a position is one annotation, even if its message looks like a position", () => {
    for (const message of ['the input `budget` is "soon", but must be a duration such as 15m', "a.yml:3:1  looks like a place"])
      expect(mistakeAnnotations(new UserError("EA1104", message))).toEqual([
        { level: "error", title: "env-actions: invalid input or configuration", message: `EA1104: ${message}` },
      ]);
  });

  test("more than ten mistakes end with a count of the rest", () => {
    const mistakes = Array.from({ length: 14 }, (_, index) => at(index + 1, `mistake ${index}`));
    const annotations = mistakeAnnotations(new UserError("EA1000", "14 mistakes", { mistakes }));
    expect(annotations).toHaveLength(10);
    expect(annotations.at(-1)?.title).toBe("env-actions: 5 more mistakes");
  });
});

test("a test that ended with an error or in an unknown way is not called failed", () => {
  const report = failedIntegration();
  const [first, second] = report.tests?.failures ?? [];
  Object.assign(first ?? {}, { errored: true });
  Object.assign(second ?? {}, { status: "unknown" });
  const titles = toAnnotations(report).map(({ title }) => title.split(":")[0]);
  expect(titles.slice(0, 3)).toEqual(["Test ended with an error", "Test ended in an unknown way", "Test failed"]);
});

test("a failed test in quarantine is a warning, because it did not fail the stage", () => {
  const report = failedIntegration();
  const [first] = report.tests?.failures ?? [];
  if (first) first.quarantinedUntil = "2026-12-18";
  const about = toAnnotations(report).filter(({ title }) => title.includes(first?.name ?? "none"));
  expect(about.map(({ level, title }) => `${level}: ${title.split(":")[0]}`)).toEqual(["warning: Test failed in quarantine"]);
});
