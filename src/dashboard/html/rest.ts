import { count, numberText } from "../../lib/count.ts";
import { html, type Markup, nothing } from "../../report/html/markup.ts";
import { known, sentence } from "../../report/words.ts";
import { span, until } from "../view/times.ts";
import type { DashboardView } from "../view/view.ts";
import { soonMs } from "./lead.ts";
import { about, type Section, table, time } from "./pieces.ts";

/** Copies of production, what expires, and what the page does not know. */

export function copies({ copies, now }: DashboardView): Section {
  const columns = [
    { title: "Environment" },
    { title: "Copy in use" },
    { title: "Rows", numeric: true },
    { title: "Leaks", numeric: true },
    { title: "Kept until" },
    { title: "Newest attempt" },
    { title: "Structure" },
  ];
  const rows = copies.map(({ environment, used, unused, drift }) => [
    environment,
    used
      ? html`<b>${span(now - Date.parse(used.at))}</b> old <span class="place">${used.by} at ${time(used.at)}</span>`
      : "unknown",
    used ? numberText(used.rows) : undefined,
    used ? (used.by === "seed" ? "made up" : leaksText(used.leaks)) : undefined,
    used?.keepUntil === undefined
      ? undefined
      : html`${time(used.keepUntil)} <span class="place">${until(Date.parse(used.keepUntil) - now)}</span>`,
    unused
      ? html`<b class="bad">not switched</b> <span class="place">${time(unused.at)}, leaks: ${known(unused.leaks)}</span>`
      : undefined,
    drift ? html`${driftText(drift)} <span class="place">${time(drift.at)}</span>` : "not compared",
  ]);
  return {
    id: "copies",
    title: "Copies of production",
    short: "Copies",
    content:
      rows.length === 0
        ? about("No run has filled a copy, or compared one with its original.")
        : html`${about("Leaks are values of production that the search found in the copy. A copy with leaks is not switched to: the one before it stays in use.")}
${table({ title: "Copies of production", columns, rows })}`,
  };
}

function leaksText(leaks: number | undefined): Markup {
  return leaks === 0 ? html`0` : html`<b class="bad">${known(leaks)}</b>`;
}

function driftText({ verdict, differences, unseen }: NonNullable<DashboardView["copies"][number]["drift"]>): Markup {
  if (verdict === "equal") return html`equal to the original`;
  if (verdict === "different") return html`<b class="bad">${count(differences, "difference")}</b>`;
  return html`<b class="warning">${numberText(unseen)} not seen</b>`;
}

const mostExpiries = 40;

export function expires({ expiries, now }: DashboardView): Section {
  const columns = [
    { title: "Ends" },
    { title: "What" },
    { title: "Name" },
    { title: "Environment" },
    { title: "At" },
    { title: "Last seen" },
  ];
  const rows = expiries.slice(0, mostExpiries).map(({ what, name, environment, at, seenAt, hasEnded }) => {
    const left = Date.parse(at) - now;
    const tone = hasEnded ? "bad" : left < soonMs ? "warning" : "";
    return [
      html`<b class="${tone}">${hasEnded ? "ended " : nothing}${until(left)}</b>`,
      sentence(what),
      name,
      environment,
      time(at),
      time(seenAt),
    ];
  });
  return {
    id: "expires",
    title: "What expires",
    short: "Expires",
    content:
      rows.length === 0
        ? about("No run has found anything with an end.")
        : html`${about("Certificates, tokens, tests in quarantine, exceptions and copies, the soonest first, as the newest runs saw them.")}
${table({ title: "What expires", columns, rows, of: expiries.length })}`,
  };
}

const mostUnreadable = 20;
const mostCut = 20;

/** What is missing on this page. */
export function unknown({ unreadable, cut, records, span: of, periods }: DashboardView): Section {
  const files = unreadable.slice(0, mostUnreadable).map(({ name, why }) => html`<li><code>${name}</code>: ${why}</li>`);
  const more = unreadable.length - files.length;
  const lost =
    files.length === 0
      ? about("Every file of the history could be read.")
      : html`<div class="notes bad"><h3>${count(unreadable.length, "file")} of the history could not be read, so ${unreadable.length === 1 ? "its runs are" : "their runs are"} missing</h3><ul>${files}</ul>${more > 0 ? html`<p class="note">and ${numberText(more)} more</p>` : nothing}</div>`;
  const short = cut
    .slice(0, mostCut)
    .map(({ record, more }) => [
      html`<code>${record.runId}</code>`,
      `${record.environment.name} · ${record.stage}`,
      more.join("; "),
    ]);
  const cutOff =
    short.length === 0
      ? about("No record was cut off.")
      : html`${about("To stay small, these records leave something out:")}${table({ title: "Records that were cut off", columns: [{ title: "Run" }, { title: "Where" }, { title: "Left out" }], rows: short, of: cut.length })}`;
  return {
    id: "unknown",
    title: "What this page does not show",
    short: "Not shown",
    content: html`${about(html`It has ${count(records, "record")}${of ? html`, from ${time(of.oldest)} to ${time(of.newest)}` : nothing}. Older runs are counted together by ${periods.unit}. A stage, a test or a check without a record is not known here, and not passed.`)}
${lost}
${cutOff}`,
  };
}
