import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { reportJsonSchema } from "../../scripts/report-schema.ts";
import { type StageReport, UserError } from "../../src/model.ts";
import { parseReport } from "../../src/report/schema.ts";
import { everyReport, failedIntegration } from "./sample.ts";

function refusal(text: string): string {
  try {
    parseReport(text, "reports/e2e.json");
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  throw new Error("the report was accepted");
}

describe("reading a report back", () => {
  test.each(everyReport().map((report): [string, StageReport] => [report.stage, report]))(
    "%s comes back as it was written",
    (_, report) => {
      expect(parseReport(JSON.stringify(report), "x.json")).toEqual(JSON.parse(JSON.stringify(report)));
    },
  );

  test("a wrong one is refused with the file, every place, and what to do", () => {
    const report: Record<string, unknown> & Partial<StageReport> = {
      ...failedIntegration(),
      verdict: "passed!" as "passed",
      extra: 1,
    };
    delete report.runId;
    const [first] = report.checks ?? [];
    if (first) first.durationMs = -1;
    const message = refusal(JSON.stringify(report));
    expect(message).toMatch(/^reports\/e2e\.json is not a report of this version of env-actions:\n/);
    for (const place of ["  verdict: ", "  runId: ", "  checks[0].durationMs: ", "extra"]) expect(message).toContain(place);
    expect(message).toContain("Let the stage write it again");
  });

  test("a report that is empty, cut short or of another version says so", () => {
    expect(refusal("")).toContain("reports/e2e.json is empty");
    expect(refusal(JSON.stringify(failedIntegration()).slice(0, 500))).toContain("is not JSON");
    expect(refusal("[]")).toContain("the whole: ");
    expect(refusal(JSON.stringify({ ...failedIntegration(), schemaVersion: 2 }))).toContain("schemaVersion: ");
  });

  // A tampered count must not come back as "nothing left".
  test("unknown stays unknown: null is not zero, and no number is not a number", () => {
    const report = failedIntegration();
    if (report.cleanup) report.cleanup.leftOver = null;
    expect(parseReport(JSON.stringify(report), "x.json").cleanup?.leftOver).toBeNull();
    const without = JSON.parse(JSON.stringify(report));
    delete without.cleanup.leftOver;
    expect(refusal(JSON.stringify(without))).toContain("cleanup.leftOver: ");
  });
});

test("the published JSON Schema is what the code says", async () => {
  const published = await readFile(new URL("../../schema/report.schema.json", import.meta.url), "utf8");
  expect(published).toBe(`${JSON.stringify(reportJsonSchema(), null, 2)}\n`);
});
