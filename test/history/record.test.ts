import fc from "fast-check";
import { expect, test } from "vitest";
import { mostRecordBytes } from "../../src/history/record/bounded.ts";
import { recordOf } from "../../src/history/record/of-report.ts";
import { readRecord } from "../../src/history/record/schema.ts";
import { Redactor, redacted } from "../../src/lib/redaction/redactor.ts";
import type { HistoryRecord } from "../../src/model/history.ts";
import type { StageReport } from "../../src/model/report.ts";
import { anyCase } from "../redaction/cases.ts";
import { leaks } from "../redaction/searcher.ts";
import { hostileText, withTexts } from "../report/hostile.ts";
import { everyReport, failedIntegration, hostileNames } from "../report/sample.ts";

/** A record is what is left of a report for a year: small, without persons, values and messages, and harmless where it is shown. */

const bytesOf = (record: HistoryRecord) => Buffer.byteLength(JSON.stringify(record));
const json = (record: HistoryRecord): unknown => JSON.parse(JSON.stringify(record));

function* textsOf(value: unknown): Generator<string> {
  if (typeof value === "string") yield value;
  else if (typeof value === "object" && value !== null)
    // One of a few words, whatever the test puts there.
    for (const [key, member] of Object.entries(value)) if (key !== "outcome") yield* textsOf(member);
}

test.each(everyReport().map((report) => [report.stage, report] as const))(
  "the record of a report of %s is read back as it was",
  (_, report) => {
    const record = recordOf(report, { branch: "feature/x", event: "push", isDefaultBranch: true });
    expect(readRecord(json(record))).toEqual(json(record));
    expect(bytesOf(record)).toBeLessThan(20_000);
    expect(record).not.toHaveProperty("more");
  },
);

test("nobody is named, and no message, stack, sample or output is remembered", () => {
  for (const report of everyReport()) {
    const text = JSON.stringify(recordOf(report));
    const { actor } = report.origin;
    const private_ = [
      ...(actor ? [actor] : []),
      ...(report.tests?.failures ?? []).flatMap(({ message, stack }) => [message, stack]),
      ...report.checks.flatMap(({ observed, message }) => [observed, message]),
      ...report.commands.flatMap(({ command, tail = [] }) => [command, ...tail]),
      ...report.servers.flatMap(({ tail = [] }) => tail),
      ...(report.cleanup?.tables ?? []).flatMap(({ samples, statement }) => [...samples, statement]),
      ...(report.books?.tables ?? []).flatMap(({ samples }) => samples),
    ].filter((one) => one !== undefined && one.length > 12 && !report.reason.includes(one));
    for (const one of private_) expect(text).not.toContain(JSON.stringify(one).slice(1, -1));
    expect(text).not.toContain('"actor"');
  }
});

const hostileReport = fc
  .tuple(fc.constantFrom(...everyReport()), fc.infiniteStream(fc.oneof(hostileText, fc.constantFrom(...hostileNames))))
  .map(([report, texts]) => withTexts(report, () => texts.next().value));

test("whatever names are, a record has one line for each, without anything that a terminal obeys", () => {
  fc.assert(
    fc.property(hostileReport, hostileText, (report, branch) => {
      const record = recordOf(report, { branch, event: branch });
      for (const text of textsOf(record)) {
        expect(text).toBe(text.toWellFormed());
        expect(text).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\u200b\ufeff]/u);
        expect([...text].length).toBeLessThanOrEqual(300);
      }
      expect(bytesOf(record)).toBeLessThanOrEqual(mostRecordBytes);
    }),
    { numRuns: 60 },
  );
});

test("no record shows a secret that was redacted in the report, however it is written and cut", () => {
  fc.assert(
    fc.property(anyCase, fc.nat(300), ({ secret, text }, before) => {
      const redactor = new Redactor();
      redactor.add(secret);
      const shown = `${"a ".repeat(before / 2)}${text} y`;
      const report = withTexts(failedIntegration(), () => shown);
      const record = recordOf(redacted(report, (one) => redactor.redact(one)));
      expect(leaks(JSON.stringify(record), [secret])).toEqual([]);
    }),
    { numRuns: 15 },
  );
});

/** As many of everything as nobody has, with names as long as they may be. */
function enormous(size: number, unit: string): StageReport {
  const report = failedIntegration();
  const many = <Value>(make: (name: string) => Value) =>
    Array.from({ length: size }, (_, index) => make(`${index} ${unit.repeat(400)}`));
  const [check] = report.checks;
  const [table] = report.cleanup?.tables ?? [];
  const { tests, cleanup } = report;
  if (!check || !table || !tests || !cleanup) throw new Error("the sample has changed");
  const latency = { count: 200, p50: 1, p95: 2, max: 3, samples: Array.from({ length: 200 }, (_, index) => index + 0.123) };
  const case_ = (name: string) => ({ name, file: name, project: name, status: "failed" as const, durationMs: 1, attempts: 1 });
  return {
    ...report,
    reason: unit.repeat(5000),
    checks: many((id) => ({ ...check, id, title: id, cause: id, latency, verdict: "failed" as const })),
    tests: { ...tests, failures: many(case_), flakyTests: many(case_), slowest: many(case_) },
    servers: many((name) => ({ name, ended: name })),
    cleanup: { ...cleanup, tables: many((name) => ({ ...table, table: name })) },
  };
}

test.each([
  [600, "漢"],
  [600, '"'],
  [3_000, "👩"],
])("the record of an enormous report (%i of everything, named %s…) is small, and says what it lacks", (size, unit) => {
  const report = enormous(size, unit);
  const sent = Object.fromEntries(Array.from({ length: size }, (_, index) => [`cause ${index}`, new Date(index).toISOString()]));
  const record = recordOf(report, { branch: unit.repeat(1000), alerts: { slack: { sent, open: true } } });
  expect(bytesOf(record)).toBeLessThanOrEqual(mostRecordBytes);
  expect(readRecord(json(record))).toEqual(json(record));
  // Everything is kept, or is counted as cut off.
  const cutOff = (what: string) =>
    (record.more ?? []).reduce((sum, line) => {
      const [, number = "0"] = new RegExp(`^([\\d,]+) more ${what}`).exec(line) ?? [];
      return sum + Number(number.replaceAll(",", ""));
    }, 0);
  expect(record.checks.length + cutOff("check")).toBe(size);
  expect((record.tests?.failures.length ?? 0) + cutOff("failed test")).toBe(size + (report.tests?.crashedSuites.length ?? 0));
  expect((record.tests?.flakyTests.length ?? 0) + cutOff("flaky test")).toBe(size);
  expect((record.data?.tables.length ?? 0) + cutOff("table")).toBe(size + booksOnly(report));
  expect((record.servers?.length ?? 0) + cutOff("server")).toBe(size);
  expect(Object.keys(record.alerts?.slack?.sent ?? {}).length + cutOff("cause")).toBe(size);
});

/** Tables that only the books name. */
function booksOnly({ cleanup, books }: StageReport): number {
  const cleaned = new Set(cleanup?.tables.map(({ table }) => table));
  return (books?.tables ?? []).filter(({ table }) => !cleaned.has(table)).length;
}

test("of what ends, each is named once, the soonest first, and a quarantine that matches nothing is there", () => {
  const report = failedIntegration();
  const [first, second] = report.checks;
  if (!first || !second) throw new Error("the sample has changed");
  const certificate = { what: "certificate" as const, name: "db.example" };
  const { expires } = recordOf({
    ...report,
    checks: [
      { ...first, expires: [{ ...certificate, at: "2027-01-02T00:00:00Z" }] },
      { ...second, verdict: "passed", expires: [{ ...certificate, at: "2027-01-01T00:00:00Z" }] },
    ],
  });
  expect(expires).toContainEqual({ ...certificate, at: "2027-01-01T00:00:00Z" });
  expect(expires?.filter(({ name }) => name === "db.example")).toHaveLength(1);
  for (const { test, matched } of report.tests?.quarantine ?? []) {
    if (matched === 0) expect(test).toBe("*old export*");
    expect(expires).toContainEqual(expect.objectContaining({ what: "quarantine", name: test }));
  }
  const times = (expires ?? []).map(({ at }) => Date.parse(at));
  expect(times).toEqual([...times].sort((a, b) => a - b));
});
