import type { EnvironmentHealth, StageHealth } from "../../history/ask/health.ts";
import { count, numberText, percentText } from "../../lib/count.ts";
import { html, type Markup, nothing } from "../../report/html/markup.ts";
import { sentence } from "../../report/words.ts";
import { flakiestOf, longWindow } from "../view/tests.ts";
import { span, until } from "../view/times.ts";
import type { DashboardView } from "../view/view.ts";
import { environmentId, firstSeen, placeText, statePill, time } from "./pieces.ts";

/** What somebody must see within ten seconds, each with a link to more. */

export function lead(view: DashboardView): Markup {
  return html`<h2 class="hidden" id="lead">At a glance</h2>
<ul class="lead" aria-labelledby="lead">${worst(view)}${flakiest(view)}${oldest(view)}${expiresNext(view)}</ul>\n`;
}

function item(state: string, kicker: string, head: Markup, ...lines: readonly Markup[]): Markup {
  return html`<li class="${state}"><span class="kicker">${kicker}</span><span class="head">${head}</span>${lines}</li>\n`;
}

function link(target: string, text: string): Markup {
  return html`<a href="#${target}">${text}</a>`;
}

function worst({ environments, staleAfterMs }: DashboardView): Markup {
  const [first, ...others] = environments;
  if (!first) return nothing;
  const allOf = (state: string) => environments.every((one) => one.state === state);
  const oldest = firstSeen(environments);
  if (allOf("passed"))
    return item(
      "",
      environments.length === 1 ? "The environment" : "All environments",
      html`${link("now", environments.length === 1 ? first.name : `all ${environments.length}`)} ${statePill("passed", oldest)}`,
      html`<p data-at="${Date.parse(oldest)}"><span class="if-fresh">Each stage of ${environments.map(({ name }) => name).join(", ")} passed in its newest run.</span><span class="if-late">What passed is more than ${span(staleAfterMs)} old: nobody knows how the environments are now.</span></p>`,
    );
  const rest = others
    .filter(({ state }) => state !== "passed")
    .map(({ name, state, stages }) => {
      const those = stages.filter((stage) => stage.state === state).map(({ stage }) => stage);
      return `${name} ${state} (${those.join(", ")})`;
    });
  return item(
    first.state,
    "Worst environment",
    html`${link(environmentId(first.name), first.name)} ${statePill(first.state, firstSeen([first]))}`,
    html`<p>${reasonsOf(first)}</p>`,
    rest.length === 0 ? nothing : html`<p>Also: ${rest.join(", ")}.</p>`,
  );
}

/** Why it is the worst: the stages that make it so. */
function reasonsOf({ state, stages }: EnvironmentHealth): Markup {
  const those = stages.filter((stage) => stage.state === state);
  const said = those.slice(0, 3).map((stage, at) => html`${at > 0 ? "; " : nothing}${reasonOf(stage)}`);
  return html`${said}${those.length > 3 ? `; and ${count(those.length - 3, "more stage")}` : nothing}.`;
}

function reasonOf({ stage, state, since, inARow, last, ageMs, isStale }: StageHealth): Markup {
  const name = sentence(stage);
  if (state === "stale") return html`<b>${name}</b> last ran ${span(ageMs)} ago (${last.verdict})`;
  const old = isStale ? `, and has not run for ${span(ageMs)}` : "";
  if (state === "failed" || state === "error") {
    const now = html`<b>${name}</b> ${state === "failed" ? "failed" : "could not be checked"} at ${time(last.startedAt)}${old}`;
    // Of these, some failed and others could not be checked.
    return inARow === 1 ? now : html`${now}; none of the last ${numberText(inARow)} runs passed, since ${time(since)}`;
  }
  return html`<b>${name}</b> is ${state} at ${time(last.finishedAt)}`;
}

function flakiest({ flaky }: DashboardView): Markup {
  const found = flakiestOf(flaky);
  if (!found)
    return item(
      "",
      "Flakiest test",
      html`${link("flaky", "none")}`,
      html`<p>No test passed only at a further attempt in the last ${longWindow} runs.</p>`,
    );
  const { short, long } = found;
  // The long rate decides which test is named; the short one says whether that is still so.
  const lately = long.runs > short.runs ? html`<p>${short.flaky} of the last ${short.runs} runs</p>` : nothing;
  return item(
    "degraded",
    "Flakiest test",
    link("flaky", long.test.name),
    html`<p><b>Flaky in ${long.flaky} of the last ${count(long.runs, "run")}</b> (${percentText(long.flaky / long.runs)})</p>`,
    lately,
    html`<p>${placeText(long)}${long.test.file === undefined ? "" : ` · ${long.test.file}`}</p>`,
  );
}

function oldest({ data, now }: DashboardView): Markup {
  const [first, ...others] = data.leftovers;
  if (data.runs.length === 0)
    return item("", "Oldest leftover", link("data", "unknown"), html`<p>No run has looked for test data.</p>`);
  if (!first) return item("", "Oldest leftover", link("data", "none"), html`<p>By the newest runs, no test data is left.</p>`);
  const rows =
    first.rows === null
      ? "an unknown number of rows"
      : count(first.rows, first.table === undefined ? "row or key" : "row", first.table === undefined ? "rows or keys" : "rows");
  return item(
    first.rows === null ? "error" : "failed",
    "Oldest leftover",
    link("leftovers", span(now - Date.parse(first.oldest))),
    html`<p><b>${rows}${first.table === undefined ? "" : ` of ${first.table}`}</b> in ${first.environment}, ${first.isRowTime ? "since" : "left at"} ${time(first.oldest)}</p>`,
    others.length === 0 ? nothing : html`<p>and ${count(others.length, "further leftover")}</p>`,
  );
}

function expiresNext({ expiries, now }: DashboardView): Markup {
  const ended = expiries.filter(({ hasEnded }) => hasEnded);
  const next = expiries.find(({ hasEnded }) => !hasEnded);
  const shown = next ?? ended[0];
  if (!shown)
    return item("", "Expires next", link("expires", "nothing known"), html`<p>No run has found anything with an end.</p>`);
  const left = Date.parse(shown.at) - now;
  const isSoon = left < soonMs;
  return item(
    shown.hasEnded ? "failed" : isSoon ? "degraded" : "",
    "Expires next",
    link("expires", `${until(left)}`),
    html`<p><b>${sentence(shown.what)}</b> ${shown.name}, ${shown.environment}</p>`,
    ended.length === 0
      ? nothing
      : html`<p><b class="bad">${count(ended.length, "thing has", "things have")} already ended</b></p>`,
  );
}

/** What ends within two weeks should be looked at. */
export const soonMs = 14 * 86_400_000;
