import { isBad } from "../../history/ask/executions.ts";
import type { CommitGate, GateTry } from "../../history/ask/gates.ts";
import { count } from "../../lib/count.ts";
import { gateStages } from "../../model/report.ts";
import { html, icon, type Markup, nothing } from "../../report/html/markup.ts";
import { sentence } from "../../report/words.ts";
import type { DashboardView } from "../view/view.ts";
import { about, type Section, table, time } from "./pieces.ts";

/** The gate of the newest commits. */

const mostCommits = 25;
/** Of more attempts, only the newest are shown. */
const mostTries = 4;

export function gates({ gates }: DashboardView): Section {
  const columns = [{ title: "Commit" }, { title: "Newest run" }, ...gateStages.map((stage) => ({ title: sentence(stage) }))];
  const rows = gates.slice(0, mostCommits).map((commit) => [commitCell(commit), time(commit.at), ...stageCells(commit)]);
  const turned = gates.filter(({ stages }) => stages.some(({ turnedGreen }) => turnedGreen)).length;
  return {
    id: "gate",
    title: "The gate of each commit",
    short: "Gate",
    content: html`${about(`The newest ${count(rows.length, "commit")} of ${count(gates.length, "commit")}. A stage that was run again shows each result: a failure doesn't disappear when a further attempt passes. That happened to ${count(turned, "commit")}.`)}
${table({ title: "Stages of each commit", columns, rows, of: gates.length })}`,
  };
}

function commitCell({ sha, branch, isDefaultBranch }: CommitGate): Markup {
  return html`<code class="nowrap">${sha.slice(0, 8)}</code>${branch === undefined ? nothing : html`<div class="place">${branch}${isDefaultBranch ? " (default)" : ""}</div>`}`;
}

function stageCells({ stages }: CommitGate): Markup[] {
  return gateStages.map((stage) => {
    const tries = stages.filter((one) => one.stage === stage);
    if (tries.length === 0) return html`<span class="try missing">not run</span>`;
    return html`${tries.map(tried)}`;
  });
}

function tried({ environment, executions, turnedGreen }: GateTry): Markup {
  const shown = executions.slice(-mostTries);
  const earlier = executions.slice(0, -mostTries);
  const bad = earlier.filter(({ verdict }) => isBad(verdict)).length;
  const more = bad > 0 ? `${earlier.length} earlier (${bad} failed),` : `${earlier.length} earlier,`;
  return html`<div class="tries">${earlier.length > 0 ? html`<span class="place">${more}</span>` : nothing}${shown.map(({ verdict }, at) => html`${at > 0 ? "→ " : nothing}<span class="try">${icon(verdict)}${verdict}</span>`)} <span class="place">${environment}</span>${turnedGreen ? html` <span class="turned">${executions.length > 1 && executions.at(-1)?.attempt === 1 ? "opened in a further run" : `opened at attempt ${executions.at(-1)?.attempt}`}</span>` : nothing}</div>`;
}
