import { count, numberText } from "../../lib/count.ts";
import type { Attachment, FileCounts, TestCase, TestCounts, TestResults } from "../../model/test-results.ts";
import { attachmentState, bytes, duration, headline, passRate, place } from "../words.ts";
import { flakyBefore } from "./past.ts";
import type { Block, Cell, Column, CountKind, Inline, Row, Section } from "./shapes.ts";

/** The results of the project's own tests, without failures, which lead the report. */
export function testsSection(tests: TestResults | undefined): Section | undefined {
  if (!tests) return undefined;
  return {
    what: "tests",
    title: "Tests",
    brief: `${testsBrief(tests)}, in ${duration(tests.durationMs)}`,
    quiet: true,
    blocks: [
      ...totals(tests),
      ...critical(tests.critical),
      ...quarantine(tests.quarantine),
      ...flaky(tests.flakyTests),
      ...slowest(tests.slowest),
      ...projects(tests.projects),
      ...files(tests.files),
      ...testReports(tests),
    ],
  };
}

const countKinds: readonly CountKind[] = ["passed", "flaky", "failed", "skipped"];

/** The counts to show: an unknown result is rare, and too bad to be shown as a zero. */
function kindsOf({ unknown }: TestCounts): readonly CountKind[] {
  return unknown > 0 ? [...countKinds, "unknown"] : countKinds;
}

/** `63 passed, 4 failed`: what is zero is left out. */
export function testsBrief(tests: TestCounts): string {
  const parts = kindsOf(tests).filter((kind) => tests[kind] > 0);
  return parts.length === 0 ? "no test" : parts.map((kind) => `${numberText(tests[kind])} ${kind}`).join(", ");
}

function totals(tests: TestResults): Block[] {
  const rate = passRate(tests);
  const excused = tests.failures.filter((test) => test.quarantinedUntil !== undefined).length;
  const counts = kindsOf(tests).map((verdict) => ({
    verdict,
    amount: tests[verdict],
    ...(verdict === "failed" && excused > 0 ? { remark: `${numberText(excused)} in quarantine` } : {}),
  }));
  const sentence = `${count(tests.total, "test")} in ${duration(tests.durationMs)}; ${rate ? `pass rate ${rate}` : "no test ran"}.`;
  return [
    { kind: "text", line: [sentence] },
    { kind: "counts", label: "Tests by result", counts },
  ];
}

function critical(globs: TestResults["critical"] = []): Block[] {
  if (globs.length === 0) return [];
  const rows = globs.map(({ glob, total, passed, failed, flaky, skipped }): Row => {
    const result: Inline =
      failed > 0
        ? { strong: "failed", tone: "bad" }
        : total === skipped
          ? { strong: "none ran", tone: "bad" }
          : { strong: "passed", tone: "good" };
    return { cells: [result, { code: glob }, ...[passed + flaky, failed, skipped].map(numberText)] };
  });
  const columns = [...titled("Result", "Critical tests"), ...numeric("Passed", "Failed", "Skipped")];
  return [
    { kind: "title", text: "Critical tests" },
    { kind: "table", title: "Critical tests", columns, rows, loses: "table of critical tests" },
  ];
}

function quarantine(entries: TestResults["quarantine"] = []): Block[] {
  if (entries.length === 0) return [];
  const rows = entries.map(({ test, until, reason, over, matched, failed }): Row => {
    const found: Inline = matched === 0 ? { strong: "none", tone: "warning" } : numberText(matched);
    return { cells: [{ code: test }, over ? `${until} (expired)` : until, reason, found, numberText(failed)] };
  });
  const columns = [...titled("Quarantined tests", "Until", "Reason"), ...numeric("Found", "Failed")];
  return [
    { kind: "title", text: `Quarantine: ${count(entries.length, "entry", "entries")}` },
    { kind: "table", title: "Quarantine", columns, rows, loses: "list of quarantined tests" },
  ];
}

function flaky(tests: readonly TestCase[]): Block[] {
  if (tests.length === 0) return [];
  const rows = tests.map(
    (test): Row => ({
      cells: [nameAndPlace(test, flakyBefore(test.past)), test.project, String(test.attempts), headline(test.message ?? "")],
    }),
  );
  return [
    { kind: "title", text: `${count(tests.length, "flaky test")}: passed only after a retry` },
    {
      kind: "table",
      title: "Flaky tests",
      columns: [...titled("Test", "Project"), ...numeric("Attempts"), ...titled("First failure")],
      rows,
      loses: "list of flaky tests",
      mostInSummary: 50,
      rest: (listed) => more(tests.length - listed),
    },
  ];
}

function slowest(tests: readonly TestCase[]): Block[] {
  if (tests.length === 0) return [];
  const rows = tests.map((test): Row => ({ cells: [duration(test.durationMs), nameAndPlace(test)] }));
  const columns = [...numeric("Time"), ...titled("Test")];
  return [{ kind: "table", title: "Slowest tests", folded: true, columns, rows, loses: "list of slowest tests" }];
}

function nameAndPlace(test: TestCase, before: readonly string[] = []): Cell {
  const where = place(test);
  return { line: [test.name], below: [...(where === undefined ? [] : [{ code: where }]), ...before] };
}

function projects(byName: Readonly<Record<string, TestCounts>>): Block[] {
  const entries = Object.entries(byName);
  if (entries.length === 0) return [];
  const rows = entries.map(
    ([name, counts]): Row => ({
      cells: [name, ...[counts.total, ...countKinds.map((kind) => counts[kind])].map(numberText), unknownText(counts)],
    }),
  );
  const columns = [...titled("Project"), ...numeric("Tests", "Passed", "Flaky", "Failed", "Skipped", "Unknown")];
  return [{ kind: "table", title: "Tests by project", folded: true, columns, rows, loses: "table of tests by project" }];
}

function files(all: readonly FileCounts[] = []): Block[] {
  if (all.length === 0) return [];
  const rows = all.map(
    (counts): Row => ({
      cells: [
        { code: counts.file },
        ...[counts.total, ...countKinds.map((kind) => counts[kind])].map(numberText),
        unknownText(counts),
      ],
    }),
  );
  const columns = [...titled("File"), ...numeric("Tests", "Passed", "Flaky", "Failed", "Skipped", "Unknown")];
  return [
    {
      kind: "table",
      title: "Tests by file",
      folded: true,
      columns,
      rows,
      loses: "table of tests by file",
      mostInSummary: 100,
      rest: (listed) => more(all.length - listed),
    },
  ];
}

/** The reports that were read, those that could not be read first; what is unusual about one stands beside it. */
function testReports({ sources, unreadable = [] }: TestResults): Block[] {
  if (sources.length + unreadable.length === 0) return [];
  const rows = [
    ...unreadable.map(
      ({ file, tests, code, message }): Row => ({
        cells: [{ code: file }, { strong: "not read", tone: "bad" }, numberText(tests), `${code}: ${message}`],
      }),
    ),
    ...sources.map(({ file, format, tests, declared, notes = [] }): Row => {
      const short = declared !== undefined && declared > tests ? [`its header counts ${numberText(declared)} tests`] : [];
      return { cells: [{ code: file }, format, numberText(tests), [...short, ...notes].join("; ")] };
    }),
  ];
  const columns = [...titled("Test report", "Format"), ...numeric("Tests"), ...titled("Remark")];
  return [
    {
      kind: "table",
      title: "Test reports",
      folded: true,
      columns,
      rows,
      loses: "list of test reports",
      mostInSummary: 50,
      rest: (listed) => more(rows.length - listed),
    },
  ];
}

/** Empty if there are none, so that the column is only shown if it matters. */
function unknownText({ unknown }: TestCounts): string {
  return unknown > 0 ? numberText(unknown) : "";
}

/** Screenshots, traces and videos, including those that could not be kept. */
export function attachmentsSection(attachments: readonly Attachment[] = []): Section | undefined {
  if (attachments.length === 0) return undefined;
  const rows = attachments.map((attachment): Row => {
    const state = attachmentState(attachment);
    return {
      cells: [
        { code: attachment.file },
        attachment.test,
        bytes(attachment.bytes),
        attachment.leftOut === undefined ? state : { strong: state, tone: "warning" },
      ],
    };
  });
  return {
    what: "attachments",
    quiet: true,
    blocks: [
      {
        kind: "table",
        title: `${count(attachments.length, "file")} left behind by failed tests`,
        folded: true,
        columns: [...titled("File", "Test"), ...numeric("Size"), ...titled("State")],
        rows,
        loses: "list of attachments",
        mostInSummary: 100,
        rest: (listed) => more(attachments.length - listed),
      },
    ],
  };
}

function more(left: number): string {
  return left > 0 ? `${numberText(left)} more are in the report.` : "";
}

function titled(...titles: string[]): Column[] {
  return titles.map((title) => ({ title }));
}

function numeric(...titles: string[]): Column[] {
  return titles.map((title) => ({ title, numeric: true }));
}
