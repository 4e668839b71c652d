import { count, numberText } from "../../lib/count.ts";
import type { StageName } from "../../model/report.ts";
import type { Attachment, CrashedSuite, TestCase, TestCounts, TestResults } from "../../model/test-results.ts";
import { account, attachmentState, bytes, duration, firstLine, passRate, place, reportFile } from "../words.ts";
import type { Block, Cell, Column, CountKind, Entry, Inline, Row, Section } from "./shapes.ts";

/** The results of the project's own tests. */
export function testsSection(tests: TestResults | undefined, stage: StageName): Section | undefined {
  if (!tests) return undefined;
  return {
    title: "Tests",
    blocks: [
      ...totals(tests),
      ...failures(tests.failures, stage),
      ...crashedSuites(tests.crashedSuites, stage),
      ...disagreements(tests.disagreements),
      ...critical(tests.critical),
      ...quarantine(tests.quarantine),
      ...flaky(tests.flakyTests),
      ...slowest(tests.slowest),
      ...projects(tests.projects),
    ],
  };
}

const countKinds: readonly CountKind[] = ["passed", "flaky", "failed", "skipped"];

function totals(tests: TestResults): Block[] {
  const rate = passRate(tests);
  const excused = tests.failures.filter((test) => test.quarantinedUntil !== undefined).length;
  const counts = countKinds.map((verdict) => ({
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

function failures(tests: readonly TestCase[], stage: StageName): Block[] {
  if (tests.length === 0) return [];
  // Failures that count come before known failures.
  const isExcused = (test: TestCase) => Number(test.quarantinedUntil !== undefined);
  const entries = [...tests].sort((a, b) => isExcused(a) - isExcused(b)).map(failure);
  return [{ kind: "entries", what: "failed test", title: count(tests.length, "failed test"), entries, file: reportFile(stage) }];
}

function failure(test: TestCase): Entry {
  const { message, stack } = account(test);
  const where = place(test);
  return {
    name: test.name,
    ...(where ? { place: where } : {}),
    about: [
      ...(test.project ? [test.project] : []),
      ...(test.attempts > 1 ? [`${test.attempts} attempts`] : []),
      ...(test.quarantinedUntil ? [`quarantined until ${test.quarantinedUntil}`] : []),
      duration(test.durationMs),
    ],
    brief: (test.message || stack) ?? "The test report has no message.",
    ...(stack ? { whole: message ? [message, stack] : [stack] } : {}),
  };
}

function crashedSuites(suites: readonly CrashedSuite[], stage: StageName): Block[] {
  if (suites.length === 0) return [];
  const title = `${count(suites.length, "suite")} could not be loaded, so none of ${suites.length === 1 ? "its" : "their"} tests ran`;
  const entries = suites.map(({ file, message }): Entry => ({ name: { code: file }, about: [], brief: message }));
  return [{ kind: "entries", what: "crashed suite", title, entries, file: reportFile(stage) }];
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
    (test): Row => ({ cells: [nameAndPlace(test), test.project, String(test.attempts), firstLine(test.message ?? "")] }),
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

function nameAndPlace(test: TestCase): Cell {
  const where = place(test);
  return { line: [test.name], below: where === undefined ? [] : [{ code: where }] };
}

function projects(byName: Readonly<Record<string, TestCounts>>): Block[] {
  const entries = Object.entries(byName);
  if (entries.length === 0) return [];
  const rows = entries.map(
    ([name, counts]): Row => ({
      cells: [name, ...[counts.total, ...countKinds.map((kind) => counts[kind])].map(numberText)],
    }),
  );
  const columns = [...titled("Project"), ...numeric("Tests", "Passed", "Flaky", "Failed", "Skipped")];
  return [{ kind: "table", title: "Tests by project", folded: true, columns, rows, loses: "table of tests by project" }];
}

function disagreements(lines: readonly string[]): Block[] {
  if (lines.length === 0) return [];
  return [{ kind: "list", title: "The test reports disagree", tone: "warning", items: lines, loses: "problem" }];
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
