import { isBad } from "../../history/ask/executions.ts";
import type { EnvironmentHealth, StageHealth } from "../../history/ask/health.ts";
import { count, numberText, percentText } from "../../lib/count.ts";
import { folded, html, type Markup, nothing } from "../../report/html/markup.ts";
import { sentence } from "../../report/words.ts";
import { amountOf, type Verdicts } from "../view/over-time.ts";
import { periodName, perUnit, span } from "../view/times.ts";
import type { DashboardView } from "../view/view.ts";
import { columns, lanes, strip, stripLegend } from "./charts.ts";
import { about, environmentId, firstSeen, type Section, statePill, table, time } from "./pieces.ts";

/** The environments, now and over time. */

export function healthNow({ environments, now, staleAfterMs }: DashboardView): Section {
  return {
    id: "now",
    title: "Environments now",
    short: "Now",
    content: html`${about(`The worst first. Ages are those at the time when this page was made. What passed is stale after ${span(staleAfterMs)}, and then says nothing about now. The strip shows the last 30 runs, the newest at the right.`)}
${environments.slice(0, mostEnvironments).map((one) => environment(one, now))}
${others(environments)}${stripLegend()}`,
  };
}

const mostEnvironments = 12;
const mostNamed = 50;
const mostLanes = 40;

const otherColumns = [{ title: "Environment" }, { title: "State" }, { title: "Newest run" }];

const stageColumns = [
  { title: "Stage" },
  { title: "Newest run" },
  { title: "Since" },
  { title: "Ended" },
  { title: "Commit" },
  { title: "Last 30 runs" },
];

function environment(one: EnvironmentHealth, now: number): Markup {
  const { name, access, state, stages } = one;
  const rows = stages.map((stage) => [
    html`<b>${sentence(stage.stage)}</b>`,
    verdictCell(stage),
    sinceCell(stage),
    html`${time(stage.last.finishedAt)}<div class="place">${span(now - Date.parse(stage.last.finishedAt))} old</div>`,
    commitCell(stage),
    strip(stage.executions.map(({ verdict }) => verdict)),
  ]);
  return html`<div class="environment" id="${environmentId(name)}"><h3>${name} ${statePill(state, firstSeen([one]))} <span class="about">${access}</span></h3>
${table({ title: `Stages of ${name}`, columns: stageColumns, rows })}</div>\n`;
}

function verdictCell({ state, last, isStale, ageMs }: StageHealth): Markup {
  const again = last.attempt > 1 ? html` <span class="place">attempt ${numberText(last.attempt)}</span>` : undefined;
  const old =
    state === "stale"
      ? html` <span class="place">was ${last.verdict}</span>`
      : isStale
        ? html` <span class="place">${span(ageMs)} ago</span>`
        : undefined;
  const [bad] = last.records.filter(({ verdict }) => verdict === last.verdict);
  const why = state === "failed" || state === "error" ? html`<div class="message">${bad?.reason}</div>` : undefined;
  return html`${statePill(state, last.finishedAt)}${again}${old}${why}`;
}

function sinceCell({ last, since, inARow, isSinceStart }: StageHealth): Markup {
  const first = isSinceStart ? " or longer" : "";
  // Failed and error are one stretch, and so are passed and degraded.
  const what = isBad(last.verdict) ? "none passed" : last.verdict === "skipped" ? "all skipped" : "none failed";
  return html`${time(since)}${first}<div class="place">${count(inARow, "run")}, ${what}</div>`;
}

function commitCell({ last }: StageHealth): Markup {
  const [first] = last.records;
  return html`<code class="nowrap">${(first?.commit.headSha ?? first?.commit.sha ?? "").slice(0, 8)}</code>${first?.branch === undefined ? undefined : html`<div class="place">${first.branch}</div>`}`;
}

/** The others are only named: those that are shown are the worst. */
function others(environments: readonly EnvironmentHealth[]): Markup {
  const rest = environments.slice(mostEnvironments);
  if (rest.length === 0) return nothing;
  const named = rest.slice(0, mostNamed).map(({ name, state, newest }) => [name, statePill(state, newest), time(newest)]);
  return table({
    title: "Further environments",
    columns: otherColumns,
    rows: named,
    of: rest.length,
    heading: "Further environments",
  });
}

export function healthOverTime({ verdicts: all, periods }: DashboardView): Section {
  const verdicts = all.slice(0, mostLanes);
  const names = periods.starts.map((_, at) => periodName(periods, at));
  const drawn = verdicts.map(({ environment, stage, total, periods: counts }) => {
    const runs = amountOf(total);
    const value = html`${goodOf(total)} <span class="place">of ${count(runs, "run")}</span>`;
    const plot = columns(`${stage} on ${environment}: ${words(total)}`, counts.map(partsOf), { height: 1 });
    return { label: html`<span><b>${environment}</b> ${stage}</span>`, plot, value };
  });
  const tables = [...Map.groupBy(verdicts, ({ environment }) => environment)].map(([environment, of]) =>
    table({
      title: `Verdicts on ${environment} by ${periods.unit}`,
      columns: [{ title: perUnit[periods.unit] }, ...of.map(({ stage }) => ({ title: sentence(stage) }))],
      rows: names.map((name, at) => [
        html`<span class="nowrap">${name}</span>`,
        ...of.map(({ periods }) => wordsAt(periods, at)),
      ]),
      heading: environment,
    }),
  );
  return {
    id: "over-time",
    title: "Health over time",
    short: "Over time",
    content: html`${about(`Each column is a ${periods.unit}: the share of its runs that failed (red, at the bottom), could not be checked (purple), were degraded or passed. The figure at the right counts degraded as passed. A ${periods.unit} without runs is empty, and the last one is not over. From ${names[0]} to ${names.at(-1)}.`)}
${lanes(drawn)}
${all.length > verdicts.length ? about(`${verdicts.length} of ${all.length} stages are shown, those of the worst environments.`) : nothing}${folded("The same as tables", tables)}`,
  };
}

function wordsAt(periods: readonly Verdicts[], at: number): string | undefined {
  const one = periods[at];
  return one === undefined || amountOf(one) === 0 ? undefined : words(one);
}

/** What is bad is at the bottom, where all columns start. */
function partsOf(verdicts: Verdicts) {
  const all = amountOf(verdicts);
  return (["failed", "error", "degraded", "skipped", "passed"] as const).map((what) => ({
    what: what === "passed" ? "fine" : what,
    amount: all === 0 ? 0 : verdicts[what] / all,
  }));
}

function goodOf(verdicts: Verdicts): string {
  const checked = amountOf(verdicts) - verdicts.skipped;
  return checked === 0 ? "nothing checked" : `${percentText((verdicts.passed + verdicts.degraded) / checked)} passed`;
}

function words(verdicts: Verdicts): string {
  return (["passed", "degraded", "failed", "error", "skipped"] as const)
    .filter((verdict) => verdicts[verdict] > 0)
    .map((verdict) => `${numberText(verdicts[verdict])} ${verdict}`)
    .join(", ");
}
