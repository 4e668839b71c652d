import { count, numberText } from "../../lib/count.ts";
import type { Attachment, TestCase, TestCounts, TestResults } from "../../model/test-results.ts";
import { account, attachmentState, bytes, cut, duration, firstLine, passRate, place } from "../words.ts";
import { html, type Markup, nothing } from "./markup.ts";
import { code, dataTable, folded, icon, notes, preformatted, stackedBar } from "./parts.ts";

const longestStack = 16_000;
/** With more, a browser would not open the page. Messages are shown for all. */
const mostStacks = 500;
/** So many failures are open from the start; with more of them the page would hide its own end. */
const openFailures = 3;

export function testsPart(tests: TestResults | undefined): Markup {
  if (!tests) return nothing;
  return html`<h3>Tests</h3>
${totals(tests)}
${notes("bad", "The reports disagree", tests.disagreements)}
${failures(tests.failures)}
${crashedSuites(tests)}
${critical(tests.critical)}
${quarantine(tests.quarantine)}
${flaky(tests.flakyTests)}
${slowest(tests.slowest)}
${projects(tests.projects)}`;
}

function totals(tests: TestResults): Markup {
  const kinds = ["passed", "flaky", "failed", "skipped"] as const;
  const parts = kinds.map((kind) => ({ kind, amount: tests[kind] }));
  const rate = passRate(tests);
  return html`<p>${count(tests.total, "test")} in ${duration(tests.durationMs)}; ${rate ? `pass rate ${rate}` : "no test ran"}.</p>
${stackedBar("Tests by result, as in the list that follows", parts)}
<ul class="legend">${parts.map(({ kind, amount }) => html`<li><svg class="swatch" viewBox="0 0 10 10" aria-hidden="true"><rect class="${kind}" width="10" height="10" rx="2"/></svg><b>${numberText(amount)}</b> ${kind}</li>`)}</ul>`;
}

function failures(tests: readonly TestCase[]): Markup {
  if (tests.length === 0) return nothing;
  const shown = tests.map((test, index) => (index < mostStacks ? test : { ...test, stack: undefined }));
  const left =
    tests.length > mostStacks ? html`<p>Stacks are shown for the first ${mostStacks}; the report's file has all.</p>` : nothing;
  return html`<h4>${count(tests.length, "failed test")}</h4>${left}${shown.map((test, index) => failure(test, index < openFailures))}`;
}

function failure(test: TestCase, open: boolean): Markup {
  const { message, stack } = account(test);
  const about = [
    ...(test.project ? [test.project] : []),
    ...(test.attempts > 1 ? [`${test.attempts} attempts`] : []),
    ...(test.quarantinedUntil ? [`quarantined until ${test.quarantinedUntil}`] : []),
    duration(test.durationMs),
  ].join(" · ");
  const text =
    [cut(message, longestStack), stack && cut(stack, longestStack)].filter(Boolean).join("\n") || "The report holds no message.";
  return folded(
    html`${icon("failed")}<span class="name">${test.name}</span><span class="about">${code(place(test))} ${about}</span>`,
    preformatted(text, "Message and stack"),
    open,
  );
}

function crashedSuites({ crashedSuites }: TestResults): Markup {
  if (crashedSuites.length === 0) return nothing;
  const suites = crashedSuites.map(({ file, message }) =>
    folded(html`${icon("failed")}${code(file)}`, preformatted(cut(message, longestStack), "Why it could not be loaded"), true),
  );
  return html`<h4>${count(crashedSuites.length, "suite")} could not be loaded: none of the tests in ${crashedSuites.length === 1 ? "it" : "them"} ran</h4>${suites}`;
}

function critical(globs: TestResults["critical"] = []): Markup {
  if (globs.length === 0) return nothing;
  const rows = globs.map(({ glob, total, passed, failed, flaky, skipped }) => [
    code(glob),
    failed > 0 ? "failed" : total === skipped ? "none ran" : "passed",
    ...[passed + flaky, failed, skipped].map(numberText),
  ]);
  const numbers = ["Passed", "Failed", "Skipped"].map((title) => ({ title, numeric: true }));
  return html`<h4>Critical tests</h4>${dataTable("Critical tests", [{ title: "Tests" }, { title: "Result" }, ...numbers], rows)}`;
}

function quarantine(entries: TestResults["quarantine"] = []): Markup {
  if (entries.length === 0) return nothing;
  const rows = entries.map(({ test, until, reason, over, matched, failed }) => [
    code(test),
    over ? `${until}, over` : until,
    reason,
    matched === 0 ? "none" : numberText(matched),
    numberText(failed),
  ]);
  const columns = [
    ...["Quarantined", "Until", "Why"].map((title) => ({ title })),
    ...["Tests", "Failed"].map((title) => ({ title, numeric: true })),
  ];
  return html`<h4>Quarantine: ${count(entries.length, "entry", "entries")}</h4>${dataTable("Quarantine", columns, rows)}`;
}

export function attachmentsPart(attachments: readonly Attachment[] = []): Markup {
  if (attachments.length === 0) return nothing;
  const rows = attachments.map((attachment) => [
    code(attachment.file),
    attachment.test,
    bytes(attachment.bytes),
    attachmentState(attachment),
  ]);
  const columns = [{ title: "File" }, { title: "Test" }, { title: "Size", numeric: true }, { title: "State" }];
  const title = `${count(attachments.length, "file")} left behind by failed tests`;
  return folded(title, dataTable("Left behind by failed tests", columns, rows));
}

function flaky(tests: readonly TestCase[]): Markup {
  if (tests.length === 0) return nothing;
  const rows = tests.map((test) => [nameAndPlace(test), test.project, test.attempts, cut(firstLine(test.message ?? ""), 300)]);
  const columns = [{ title: "Test" }, { title: "Project" }, { title: "Attempts", numeric: true }, { title: "First failure" }];
  return html`<h4>${count(tests.length, "flaky test")}: passed only when run again</h4>${dataTable("Flaky tests", columns, rows)}`;
}

function slowest(tests: readonly TestCase[]): Markup {
  if (tests.length === 0) return nothing;
  const rows = tests.map((test) => [duration(test.durationMs), nameAndPlace(test)]);
  return folded("Slowest tests", dataTable("Slowest tests", [{ title: "Took", numeric: true }, { title: "Test" }], rows));
}

function nameAndPlace(test: TestCase): Markup {
  return html`<div>${test.name}<br>${code(place(test))}</div>`;
}

function projects(byName: Readonly<Record<string, TestCounts>>): Markup {
  const entries = Object.entries(byName);
  if (entries.length === 0) return nothing;
  const numbers = ["total", "passed", "failed", "flaky", "skipped"] as const;
  const rows = entries.map(([name, counts]) => [name, ...numbers.map((number) => numberText(counts[number]))]);
  const columns = [
    { title: "Project" },
    ...["Tests", "Passed", "Failed", "Flaky", "Skipped"].map((title) => ({ title, numeric: true })),
  ];
  return folded("By project", dataTable("Tests by project", columns, rows));
}
