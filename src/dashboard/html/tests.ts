import { count, numberText, percentText } from "../../lib/count.ts";
import { folded, html, type Markup, nothing } from "../../report/html/markup.ts";
import { duration } from "../../report/words.ts";
import type { PassRate } from "../view/over-time.ts";
import { type FlakyTest, longWindow, shortWindow } from "../view/tests.ts";
import { periodName, perUnit } from "../view/times.ts";
import type { DashboardView } from "../view/view.ts";
import { columns, lanes, shareBar } from "./charts.ts";
import { about, placeText, type Section, table, testCell, time } from "./pieces.ts";

/** What the history says of tests. */

const mostFlaky = 20;
const mostSlow = 15;

export function flaky({ flaky }: DashboardView): Section {
  const [some, never] = [flaky.filter(({ long }) => long.flaky > 0), flaky.filter(({ long }) => long.flaky === 0)];
  const isCut = flaky.some(({ long }) => long.atLeast);
  return {
    id: "flaky",
    title: "Flaky and failing tests",
    short: "Tests",
    content:
      flaky.length === 0
        ? about(`No test failed in the last ${longWindow} runs.`)
        : html`${about(`Of the last ${longWindow} runs of the same stage, environment, job and cell. A test is flaky if it passed at a further attempt: of the test runner, or of the same workflow run. The most flaky is first; the rate is weighed by the number of runs.`)}
${some.length === 0 ? about("No test was flaky.") : ratesTable("Flaky tests", some)}
${never.length === 0 ? nothing : html`<h3>Failed, and never flaky</h3>\n${ratesTable("Tests that failed and were never flaky", never)}`}
${isCut ? about("Some records name only a part of their tests, so rates of those stages are at least as high as shown.") : nothing}`,
  };
}

function ratesTable(title: string, tests: readonly FlakyTest[]): Markup {
  const columns = [
    { title: "Test" },
    { title: "Flaky" },
    ...["Failed", "In quarantine"].map((title) => ({ title, numeric: true })),
    { title: "Where" },
    { title: "Last bad run" },
  ];
  const rows = tests
    .slice(0, mostFlaky)
    .map(({ long, short }) => [
      testCell(long.test),
      rateCell({ long, short }),
      long.failed === 0 ? "0" : html`<b class="bad">${numberText(long.failed)}</b>`,
      numberText(long.quarantined),
      placeText(long),
      time(long.lastBad),
    ]);
  return table({ title, columns, rows, of: tests.length });
}

function rateCell({ long, short }: FlakyTest): Markup {
  const { flaky, failed, quarantined, runs } = long;
  const all = `${flaky} flaky, ${failed} failed and ${quarantined} in quarantine of ${runs} runs`;
  const bar = shareBar(all, runs, [
    { what: "flaky", amount: flaky },
    { what: "failed", amount: failed },
    { what: "quarantined", amount: quarantined },
  ]);
  const atLeast = long.atLeast ? "at least " : "";
  return html`<b>${atLeast}${numberText(short.flaky)} of the last ${count(short.runs, "run")}</b>${runs > shortWindow ? html`<div class="place">${atLeast}${numberText(flaky)} of ${numberText(runs)}</div>` : nothing}${bar}`;
}

const mostLanes = 20;

export function passRates({ passRates: all, periods }: DashboardView): Section {
  const passRates = all.slice(0, mostLanes);
  const names = periods.starts.map((_, at) => periodName(periods, at));
  const worst = passRates.flatMap(({ periods }) => periods.flatMap((one) => (one.ran > 0 ? [1 - one.passed / one.ran] : [])));
  // Most tests pass: only what failed is drawn, up to the worst period.
  const most = Math.max(0.001, ...worst);
  const drawn = passRates.map(({ environment, stage, total, periods }) => ({
    label: html`<span><b>${environment}</b> ${stage}</span>`,
    plot: columns(
      `${stage} on ${environment}: ${rateText(total)} of tests passed`,
      periods.map((one) => [{ what: "failed", amount: one.ran === 0 ? 0 : 1 - one.passed / one.ran }]),
      { height: most },
    ),
    value: html`${rateText(total)} <span class="place">of ${count(total.ran, "test")}</span>`,
  }));
  const rows = names.map((name, at) => [
    html`<span class="nowrap">${name}</span>`,
    ...passRates.map(({ periods }) => {
      const one = periods[at];
      return one === undefined || one.runs === 0 ? undefined : `${rateText(one)} (${count(one.runs, "run")})`;
    }),
  ]);
  const tableColumns = [
    { title: perUnit[periods.unit] },
    ...passRates.map(({ environment, stage }) => ({ title: `${environment} ${stage}` })),
  ];
  return {
    id: "pass-rates",
    title: "Pass rates",
    short: "Pass rates",
    content:
      passRates.length === 0
        ? about("No run has results of tests.")
        : html`${about(`Columns show the tests that failed, by ${periods.unit}; the highest one is ${percentText(most)}. Flaky tests count as passed, skipped ones not at all. From ${names[0]} to ${names.at(-1)}.`)}
${lanes(drawn)}
${all.length > passRates.length ? about(`${passRates.length} of ${all.length} stages are shown.`) : nothing}${folded("The same as a table", table({ title: `Tests that passed, by ${periods.unit}`, columns: tableColumns, rows }))}`,
  };
}

function rateText({ passed, ran }: PassRate): string {
  return ran === 0 ? "no test ran" : percentText(passed / ran);
}

export function slowest({ slow }: DashboardView): Section {
  const columns = [
    { title: "Test" },
    ...["Median", "Slowest"].map((title) => ({ title, numeric: true })),
    { title: "Among the slowest" },
    { title: "Where" },
  ];
  const rows = slow
    .slice(0, mostSlow)
    .map(({ test, series, median, slowest, runs, of }) => [
      testCell(test),
      duration(median),
      duration(slowest),
      `in ${numberText(runs)} of ${count(of, "run")}`,
      placeText(series),
    ]);
  return {
    id: "slowest",
    title: "Slowest tests",
    short: "Slowest",
    content:
      rows.length === 0
        ? about("No run has results of tests.")
        : html`${about(`Of the last ${shortWindow} runs of each stage, environment, job and cell. Each test is named where it is the slowest.`)}
${table({ title: "Slowest tests", columns, rows, of: slow.length })}`,
  };
}
