import { flakiestOf, longWindow } from "../dashboard/view/tests.ts";
import { span, until } from "../dashboard/view/times.ts";
import type { DashboardView } from "../dashboard/view/view.ts";
import { count, numberText } from "../lib/count.ts";
import { inlineCode, inlineText, tableCell } from "../report/inert.ts";
import { cut } from "../report/words.ts";

/** The job summary of a dashboard: what somebody must see first. All texts of records are untrusted. */

const mostEnvironments = 20;
const mostNotes = 20;
const mostCharacters = 120;
const mostNoted = 600;

export interface SummaryFacts {
  /** What was not collected or joined. */
  notes: readonly string[];
  /** Whether the page is published, in words. */
  decision: string;
}

export function dashboardSummary(view: DashboardView, { notes, decision }: SummaryFacts): string {
  return [
    `## ${inlineText(cut(view.title, mostCharacters))}\n`,
    age(view),
    environments(view),
    lead(view),
    `The page: ${inlineText(decision)}.\n`,
    ...listed(notes),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

function age({ span: of, now, records }: DashboardView): string {
  if (!of) return "No run has left a record yet.\n";
  return `${count(records, "record")}; the newest run ended ${span(Math.max(0, now - Date.parse(of.newest)))} ago.\n`;
}

/** The worst first, as on the page. */
function environments({ environments: all, now }: DashboardView): string {
  if (all.length === 0) return "";
  const rows = all.slice(0, mostEnvironments).map(({ name, state, stages, newest }) => {
    const bad = stages.filter((stage) => stage.state === state && state !== "passed").map(({ stage }) => stage);
    return `| ${tableCell(cut(name, mostCharacters))} | ${state}${bad.length > 0 ? ` (${bad.join(", ")})` : ""} | ${span(Math.max(0, now - Date.parse(newest)))} ago |`;
  });
  const more = all.length - rows.length;
  return `${["| Environment | State | Newest run |", "| --- | --- | --- |", ...rows].join("\n")}\n${more > 0 ? `\n${count(more, "further environment")}.\n` : ""}`;
}

function lead({ flaky, data, expiries, now }: DashboardView): string {
  const test = flakiestOf(flaky);
  const [oldest] = data.leftovers;
  const next = expiries.find(({ hasEnded }) => !hasEnded);
  const ended = expiries.filter(({ hasEnded }) => hasEnded).length;
  return [
    test
      ? `- Flakiest test: ${inlineCode(cut(test.long.test.name, mostCharacters))}, flaky in ${test.long.flaky} of the last ${test.long.runs} runs`
      : `- No test was flaky in the last ${longWindow} runs`,
    oldest
      ? `- Oldest leftover: ${oldest.rows === null ? "an unknown number of rows" : numberText(oldest.rows)}${oldest.table === undefined ? "" : ` in ${inlineCode(cut(oldest.table, mostCharacters))}`} of ${inlineText(cut(oldest.environment, mostCharacters))}, ${span(Math.max(0, now - Date.parse(oldest.oldest)))} old`
      : "- No test data is known to be left",
    next
      ? `- Ends next: ${next.what} ${inlineCode(cut(next.name, mostCharacters))} of ${inlineText(cut(next.environment, mostCharacters))}, ${until(Date.parse(next.at) - now)}`
      : "",
    ended > 0 ? `- ${count(ended, "thing has", "things have")} already ended` : "",
    "",
  ]
    .filter((line, index, all) => line !== "" || index === all.length - 1)
    .join("\n");
}

function listed(notes: readonly string[]): string[] {
  if (notes.length === 0) return [];
  const more = notes.length - mostNotes;
  return [
    "Not in the dashboard:\n",
    [...notes.slice(0, mostNotes), ...(more > 0 ? [`and ${more} more`] : [])]
      .map((note) => `- ${inlineText(cut(note, mostNoted))}`)
      .join("\n"),
    "",
  ];
}
