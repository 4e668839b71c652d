import { type DataRun, type DataSums, type Leftover, type Sum, sumNames } from "../../history/ask/data.ts";
import { count, numberText } from "../../lib/count.ts";
import { folded, html, type Markup, nothing } from "../../report/html/markup.ts";
import { known } from "../../report/words.ts";
import { periodName, perUnit, span } from "../view/times.ts";
import type { DashboardView } from "../view/view.ts";
import { columns } from "./charts.ts";
import { about, type Section, sumText, table, time } from "./pieces.ts";

/** Test data: made, deleted, left. */

const mostLeftovers = 30;
const mostTables = 60;
const mostRuns = 20;

export function data(view: DashboardView): Section {
  const { data } = view;
  return {
    id: "data",
    title: "Test data",
    short: "Test data",
    content:
      data.runs.length === 0
        ? about("No run has looked for test data, so nothing is known about it.")
        : html`${lifecycle(view)}
<h3 id="leftovers">What is left now</h3>
${leftovers(view)}
<h3>By table</h3>
${byTable(view)}
<h3>Runs</h3>
${byRun(data.runs)}`,
  };
}

const titles: Record<keyof DataSums, string> = {
  made: "Rows made",
  deletedRows: "Rows deleted",
  deletedKeys: "Keys deleted",
  unexplained: "Rows unexplained",
  unexplainedKeys: "Keys unexplained",
  touched: "Real rows changed",
};

function lifecycle({ data, dataOverTime, periods }: DashboardView): Markup {
  const left = leftText(data.leftovers);
  const tone = ({ most }: Sum) => (most === 0 ? "" : "bad");
  const steps = [
    ["made", sumText(data.sums.made), ""],
    ["rows deleted", sumText(data.sums.deletedRows), ""],
    ["left now", left, data.leftovers.length > 0 ? "bad" : ""],
  ] as const;
  const odd = [
    ["rows unexplained", sumText(data.sums.unexplained), tone(data.sums.unexplained)],
    ["real rows changed", sumText(data.sums.touched), tone(data.sums.touched)],
  ] as const;
  const item = ([label, amount, tone]: readonly [string, string, string]) =>
    html`<li><span>${label}</span><b class="${tone}">${amount}</b></li>`;
  const names = periods.starts.map((_, at) => periodName(periods, at));
  const drawn = columns(
    `Rows made and deleted by ${periods.unit}; the table below has the numbers`,
    dataOverTime.map(({ made, deletedRows }) => [
      { what: "deleted", amount: deletedRows.least },
      { what: "made", amount: Math.max(0, made.least - deletedRows.least) },
    ]),
    { tall: true },
  );
  const rows = [
    ...names.map((name, at) => {
      const one = dataOverTime[at];
      return [
        html`<span class="nowrap">${name}</span>`,
        ...sumNames.map((key) => (one === undefined || one.deletedRows.runs === 0 ? undefined : sumText(one[key]))),
      ];
    }),
    [html`<b>All</b>`, ...sumNames.map((key) => html`<b>${sumText(data.sums[key])}</b>`)],
  ];
  const tableColumns = [{ title: perUnit[periods.unit] }, ...sumNames.map((key) => ({ title: titles[key], numeric: true }))];
  const books = data.runs.filter(({ made }) => made.runs > 0).length;
  return html`<div class="facts"><ol class="steps">${steps.map(item)}</ol><ul class="steps sums">${odd.map(item)}</ul></div>
${about(`Of ${count(data.runs.length, "run")} with test data; ${numberText(books)} of them kept books, and only those know what was made, unexplained or changed. Rows that were made and not deleted in the same ${periods.unit} are dark.`)}
${drawn}
${folded("The same as a table", table({ title: `Test data by ${periods.unit}`, columns: tableColumns, rows }))}`;
}

function leftText(leftovers: readonly Leftover[]): string {
  const isUnknown = leftovers.some(({ rows }) => rows === null);
  const sum = leftovers.reduce((before, { rows }) => before + (rows ?? 0), 0);
  if (!isUnknown) return numberText(sum);
  return sum === 0 ? "unknown" : `at least ${numberText(sum)}`;
}

function leftovers({ data, now }: DashboardView): Markup {
  if (data.leftovers.length === 0) return about("By the newest runs, no test data is left.");
  const columns = [
    { title: "Age" },
    { title: "Rows", numeric: true },
    { title: "Where" },
    { title: "Oldest" },
    { title: "Last seen" },
    { title: "By run" },
  ];
  const rows = data.leftovers
    .slice(0, mostLeftovers)
    .map(({ environment, table, rows, oldest, isRowTime, seenAt, runId, runs }) => [
      html`<b>${span(now - Date.parse(oldest))}</b>`,
      html`<b class="bad">${known(rows)}</b>`,
      html`${environment}${table === undefined ? nothing : html` · ${table}`}`,
      html`${time(oldest)} <span class="place">${isRowTime ? "the oldest row found" : "when it was left"}</span>`,
      time(seenAt),
      html`<code>${runId}</code>${runs > 1 ? html` <span class="place">and ${count(runs - 1, "run")} before</span>` : nothing}`,
    ]);
  return html`${about("The oldest first. What a run left of its own stays here until a sweep has deleted as much of that table, or swept everything.")}
${table({ title: "Test data that is left", columns, rows, of: data.leftovers.length })}`;
}

function byTable({ data }: DashboardView): Markup {
  const columns = [
    { title: "Table" },
    { title: "Environment" },
    ...["Made", "Deleted", "Left now", "Unexplained"].map((title) => ({ title, numeric: true })),
  ];
  const rows = data.tables
    .slice(0, mostTables)
    .map(({ environment, table, made, deleted, unexplained, leftover }) => [
      table,
      environment,
      sumText(made),
      sumText(deleted),
      leftover === undefined ? "none known" : html`<b class="bad">${known(leftover.rows)}</b>`,
      sumText(unexplained),
    ]);
  return table({ title: "Test data by table", columns, rows, of: data.tables.length });
}

function byRun(runs: readonly DataRun[]): Markup {
  const isOdd = ({ left, unexplained, touched }: DataRun) => left !== 0 || isAny(unexplained) || isAny(touched);
  const shown = [...runs.slice(0, mostRuns), ...runs.slice(mostRuns).filter(isOdd).slice(0, mostRuns)];
  const columns = [
    { title: "Run" },
    { title: "Where" },
    ...["Made", "Rows deleted", "Keys deleted", "Left", "Unexplained", "Real rows changed"].map((title) => ({
      title,
      numeric: true,
    })),
  ];
  const rows = shown.map((one) => [
    html`${time(one.at)} <code>${one.runId}</code>`,
    html`${one.environment} · ${one.stage}${one.scope === "run" ? nothing : `, ${one.scope}`}${one.dryRun ? ", dry run" : nothing}`,
    fromBooks(one.made),
    sumText(one.deletedRows),
    sumText(one.deletedKeys),
    one.left === 0 ? "0" : html`<b class="bad">${known(one.left)}</b>`,
    fromBooks(one.unexplained),
    fromBooks(one.touched),
  ]);
  return html`${about(`The newest ${mostRuns}, and of those before the newest ${mostRuns} with something left, unexplained or changed.`)}
${table({ title: "Test data by run", columns, rows, of: runs.length })}`;
}

/** Only books know it. */
function fromBooks(sum: Sum): string {
  return sum.runs === 0 ? "no books" : sumText(sum);
}

function isAny(sum: DataSums["touched"]): boolean {
  return sum.runs > 0 && sum.most !== 0;
}
