import { count, numberText } from "../../lib/count.ts";
import type { StageReport } from "../../model/report.ts";
import type { CrashedSuite, TestCase, TestCounts, TestResults } from "../../model/test-results.ts";
import { codeBlock, inlineCode, inlineText, tableCell } from "../inert.ts";
import { account, cut, duration, firstLine, passRate, place, reportFile } from "../words.ts";
import { details, table } from "./blocks.ts";
import type { Part } from "./budget.ts";

const longestName = 300;
const longestMessage = 4_000;
const longestStack = 12_000;
const mostFlaky = 50;

export function testParts(report: StageReport): Part[] {
  const { tests } = report;
  if (!tests) return [];
  return [
    { text: `### Tests\n\n${totals(tests)}\n\n` },
    ...failedParts(report, tests),
    ...crashedParts(tests.crashedSuites),
    ...criticalParts(tests.critical),
    ...quarantineParts(tests.quarantine),
    ...flakyParts(tests.flakyTests),
    ...slowestParts(tests.slowest),
    ...projectParts(tests.projects),
    ...disagreementParts(tests.disagreements),
  ];
}

function totals(tests: TestResults): string {
  const rate = passRate(tests);
  const excused = tests.failures.filter((test) => test.quarantinedUntil !== undefined).length;
  const numbers = [
    `**${numberText(tests.passed)} passed**`,
    `**${numberText(tests.failed)} failed**${excused > 0 ? ` (${numberText(excused)} in quarantine)` : ""}`,
    `${numberText(tests.flaky)} flaky`,
    `${numberText(tests.skipped)} skipped`,
  ].join(", ");
  return `${count(tests.total, "test")} in ${duration(tests.durationMs)}: ${numbers}; ${rate ? `pass rate ${rate}` : "no test ran"}.`;
}

function failedParts(report: StageReport, tests: TestResults): Part[] {
  if (tests.failures.length === 0) return [];
  const title = `#### ❌ ${count(tests.failures.length, "failed test")}\n\n`;
  const whole = tests.failures.length > 20 ? `Also in full in ${inlineCode(reportFile(report.stage))}.\n\n` : "";
  return [{ text: title + whole }, ...countingFirst(tests.failures).map(failedPart), { text: "\n" }];
}

/** What made the stage fail stands before what is known to fail. */
function countingFirst(failures: readonly TestCase[]): TestCase[] {
  const isExcused = (test: TestCase) => Number(test.quarantinedUntil !== undefined);
  return [...failures].sort((a, b) => isExcused(a) - isExcused(b));
}

function failedPart(test: TestCase): Part {
  const name = inlineText(cut(test.name, longestName));
  const where = place(test);
  const about = [
    ...(where ? [inlineCode(cut(where, longestName))] : []),
    ...(test.project ? [inlineText(cut(test.project, longestName))] : []),
    ...(test.attempts > 1 ? [`${test.attempts} attempts`] : []),
    ...(test.quarantinedUntil ? [`🚧 quarantined until ${inlineText(cut(test.quarantinedUntil, longestName))}`] : []),
    duration(test.durationMs),
  ].join(" · ");
  const summary = `❌ <b>${name}</b> · ${about}`;
  const { message, stack } = account(test);
  const messageBlock = message ? codeBlock(cut(message, longestMessage)) : "";
  const messageAlone = codeBlock(cut(test.message ?? stack ?? "The report holds no message.", longestMessage));
  const item = `- ❌ ${name}`;
  return {
    text: details(summary, stack ? messageBlock + codeBlock(cut(stack, longestStack)) : messageAlone),
    shorter: [
      ...(stack ? [{ text: details(summary, messageAlone), loses: "stack of a failed test" as const }] : []),
      { text: `${item}${where ? ` · ${inlineCode(cut(where, longestName))}` : ""}\n`, loses: "message of a failed test" },
      ...(where ? [{ text: `${item}\n`, loses: "place of a failed test" as const }] : []),
      { text: "", loses: "name of a failed test" },
    ],
  };
}

function crashedParts(suites: readonly CrashedSuite[]): Part[] {
  if (suites.length === 0) return [];
  const title = `#### 💥 ${count(suites.length, "suite")} could not be loaded, so none of the tests in ${suites.length === 1 ? "it" : "them"} ran\n\n`;
  return [{ text: title }, ...suites.map(crashedPart), { text: "\n" }];
}

function crashedPart({ file, message }: CrashedSuite): Part {
  const name = inlineCode(cut(file, longestName));
  return {
    text: details(`💥 ${name}`, codeBlock(cut(message, longestMessage))),
    shorter: [
      { text: `- 💥 ${name}\n`, loses: "message of a crashed suite" },
      { text: "", loses: "name of a crashed suite" },
    ],
  };
}

function criticalParts(critical: TestResults["critical"] = []): Part[] {
  if (critical.length === 0) return [];
  const rows = critical.map(({ glob, total, passed, failed, flaky, skipped }) => [
    failed > 0 || total === skipped ? "❌" : "✅",
    inlineCode(cut(glob, longestName)),
    ...[passed + flaky, failed, skipped].map(numberText),
  ]);
  const list = table(["", "Critical tests", "Passed", "Failed", "Skipped"], rows, new Set([2, 3, 4]));
  return [{ text: list, shorter: [{ text: "", loses: "table of critical tests" }] }];
}

function quarantineParts(quarantine: TestResults["quarantine"] = []): Part[] {
  if (quarantine.length === 0) return [];
  const rows = quarantine.map(({ test, until, reason, over, matched, failed }) => [
    inlineCode(cut(test, longestName)),
    `${tableCell(cut(until, longestName))}${over ? ", over" : ""}`,
    tableCell(cut(reason, longestName)),
    matched === 0 ? "⚠️ none" : numberText(matched),
    numberText(failed),
  ]);
  const list = table(["Quarantined", "Until", "Why", "Tests", "Failed"], rows, new Set([3, 4]));
  return [
    { text: `#### 🚧 Quarantine: ${count(quarantine.length, "entry", "entries")}\n\n` },
    { text: list, shorter: [{ text: "", loses: "list of quarantined tests" }] },
  ];
}

function flakyParts(tests: readonly TestCase[]): Part[] {
  if (tests.length === 0) return [];
  const rows = tests
    .slice(0, mostFlaky)
    .map((test) => [
      tableCell(cut(test.name, longestName)),
      placeCell(test),
      tableCell(cut(test.project ?? "", longestName)),
      String(test.attempts),
      tableCell(cut(firstLine(test.message ?? ""), longestName)),
    ]);
  const rest = tests.length > mostFlaky ? `and ${numberText(tests.length - mostFlaky)} more.\n\n` : "";
  const list = table(["Test", "Place", "Project", "Attempts", "First failure"], rows, new Set([3]));
  const title = `#### 🔁 ${count(tests.length, "flaky test")}: passed only when run again\n\n`;
  return [{ text: title }, { text: list + rest, shorter: [{ text: "", loses: "list of flaky tests" }] }];
}

function slowestParts(tests: readonly TestCase[]): Part[] {
  if (tests.length === 0) return [];
  const rows = tests.map((test) => [duration(test.durationMs), tableCell(cut(test.name, longestName)), placeCell(test)]);
  const list = table(["Took", "Test", "Place"], rows, new Set([0]));
  return [{ text: details("Slowest tests", list), shorter: [{ text: "", loses: "list of slowest tests" }] }];
}

function projectParts(projects: Readonly<Record<string, TestCounts>>): Part[] {
  const entries = Object.entries(projects);
  if (entries.length === 0) return [];
  const rows = entries.map(([name, counts]) => [
    tableCell(cut(name, longestName)),
    ...[counts.total, counts.passed, counts.failed, counts.flaky, counts.skipped].map(numberText),
  ]);
  const titles = ["Project", "Tests", "Passed", "Failed", "Flaky", "Skipped"];
  const list = table(titles, rows, new Set([1, 2, 3, 4, 5]));
  return [{ text: details("By project", list), shorter: [{ text: "", loses: "table of tests by project" }] }];
}

function disagreementParts(disagreements: readonly string[]): Part[] {
  if (disagreements.length === 0) return [];
  const lines = disagreements.map((line) => `- ⚠️ ${inlineText(cut(line, longestName))}\n`).join("");
  return [{ text: `#### The reports disagree\n\n${lines}\n`, shorter: [{ text: "", loses: "problem" }] }];
}

function placeCell(test: TestCase): string {
  const where = place(test);
  return where === undefined ? "" : inlineCode(cut(where, longestName));
}
