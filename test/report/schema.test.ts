import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { reportJsonSchema } from "../../scripts/report-schema.ts";
import type { StageReport } from "../../src/model/report.ts";
import { UserError } from "../../src/model/user-error.ts";
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
    "%s is read back unchanged",
    (_, report) => {
      expect(parseReport(JSON.stringify(report), "x.json")).toEqual(JSON.parse(JSON.stringify(report)));
    },
  );

  test("a report of a version that knew no unknown results has none", () => {
    const report = failedIntegration();
    const older = JSON.stringify(report).replaceAll(',"unknown":0', "");
    expect(older).not.toContain('"unknown":');
    expect(parseReport(older, "x.json").tests).toEqual(report.tests);
  });

  test("an invalid report is refused with the file, every place, and what to do", () => {
    const report: Record<string, unknown> & Partial<StageReport> = {
      ...failedIntegration(),
      verdict: "passed!" as "passed",
      extra: 1,
    };
    delete report.runId;
    const [first] = report.checks ?? [];
    if (first) first.durationMs = -1;
    const message = refusal(JSON.stringify(report));
    expect(message).toMatch(/^reports\/e2e\.json does not match the format of a report:\n/);
    for (const place of [
      '  verdict: expected "passed" or ',
      "  runId: missing\n",
      "  checks[0].durationMs: expected 0 or more\n",
      '  top level: unexpected: "extra"\n',
    ])
      expect(message).toContain(place);
    expect(message).toMatch(/\nRun the stage again with this version of env-actions\.$/);
  });

  test("a report that is empty, incomplete or of another version is refused with that reason", () => {
    expect(refusal("")).toMatch(/^reports\/e2e\.json is empty\. It may have been cut off: run the stage again\./);
    expect(refusal(JSON.stringify(failedIntegration()).slice(0, 500))).toMatch(
      /is not valid JSON\. It may have been cut off: run the stage again\./,
    );
    expect(refusal(JSON.stringify({ ...failedIntegration(), schemaVersion: 2 }))).toBe(
      "reports/e2e.json was written by another version of env-actions: expected schemaVersion 1, got 2. Run the stage again with this version of env-actions.",
    );
  });

  const noReport = "not a stage report. Give the path of a report, such as .env-actions/reports/cleanup.json";
  test.each([
    ["XML", '<testsuite name="secret"/>', `reports/e2e.json is not JSON, so it is ${noReport}`],
    ["a list", "[]", `reports/e2e.json is JSON, but ${noReport}`],
    ["a file of repair", '{"dryRun":true,"rows":[]}', `reports/e2e.json is JSON, but ${noReport}`],
    ["evidence", '{"schemaVersion":1,"stage":"e2e","reportDigest":"0"}', `reports/e2e.json is JSON, but ${noReport}`],
    ["nothing", "null", `reports/e2e.json is JSON, but ${noReport}`],
  ])("a file that is no report is refused with that reason: %s", (_, text, message) => {
    expect(refusal(text)).toBe(message);
  });

  test("text in a report cannot control the terminal", () => {
    const message = refusal(JSON.stringify({ ...failedIntegration(), "\u001b[2Jx": 1, stage: "\u001b[2J" }));
    expect(message).toContain("top level: unexpected: ");
    expect(message).not.toContain("\u001b");
  });

  // A tampered count must not come back as "nothing left".
  test("an unknown number stays unknown, and a missing one is an error", () => {
    const report = failedIntegration();
    if (report.cleanup) report.cleanup.leftOver = null;
    expect(parseReport(JSON.stringify(report), "x.json").cleanup?.leftOver).toBeNull();
    const without = JSON.parse(JSON.stringify(report));
    delete without.cleanup.leftOver;
    expect(refusal(JSON.stringify(without))).toContain("cleanup.leftOver: ");
  });
});

test("the published JSON Schema matches the code", async () => {
  const published = await readFile(new URL("../../schema/report.schema.json", import.meta.url), "utf8");
  expect(published).toBe(`${JSON.stringify(reportJsonSchema(), null, 2)}\n`);
});

interface Described {
  description?: string;
  properties?: Record<string, Described>;
  items?: Described;
  additionalProperties?: Described | boolean;
  anyOf?: Described[];
}

/** Returns the paths of fields without a description. */
function undescribed(schema: Described, path = ""): string[] {
  const { properties = {}, items, additionalProperties: values, anyOf = [] } = schema;
  return [
    ...Object.entries(properties).flatMap(([name, field]) => [
      ...(field.description?.endsWith(".") ? [] : [path + name]),
      ...undescribed(field, `${path}${name}.`),
    ]),
    ...(items ? undescribed(items, `${path}[].`) : []),
    ...(typeof values === "object" ? undescribed(values, `${path}<name>.`) : []),
    ...anyOf.flatMap((one) => undescribed(one, path)),
  ];
}

test("every field of the report has a sentence that describes it, including fields of optional groups", () => {
  const schema = reportJsonSchema() as Described;
  expect(undescribed({ properties: { a: { items: { properties: { b: {} } } } } })).toEqual(["a", "a.[].b"]);
  expect(undescribed(schema)).toEqual([]);
});
