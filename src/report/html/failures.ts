import { count, numberText } from "../../lib/count.ts";
import type { Verdict } from "../../model/report.ts";
import { type FailurePart, failureParts } from "../view/failure-text.ts";
import { type Block, type Entry, type EntryResult, entryResults } from "../view/shapes.ts";
import { callsTitle, cut, firstLine } from "../words.ts";
import { type Content, code, html, icon, type Markup, nothing } from "./markup.ts";

/** Tests that did not pass, by file, with a filter that needs no script. */

const longestText = 16_000;
const longestName = 2_000;
/** With more, browsers need seconds to open the page. */
const mostWholeEntries = 500;
const mostEntries = 5_000;
/** Entries of each list that are open at first; with more, readers would not find the end of the page. */
const openEntries = 3;
/** The groups of so many entries are open at first. */
const listedEntries = 40;
/** With more, the rest of a stack is folded. */
const mostOwnCalls = 12;

export type Entries = Extract<Block, { kind: "entries" }>;

const resultIcons: Record<EntryResult, Verdict> = {
  failed: "failed",
  errored: "error",
  unknown: "error",
  crashed: "failed",
  quarantined: "degraded",
  flaky: "degraded",
};

const resultWords: Record<EntryResult, string> = {
  failed: "failed",
  errored: "ended with an error",
  unknown: "with an unknown result",
  crashed: "could not be loaded",
  quarantined: "in quarantine",
  flaky: "flaky",
};

/** Radio buttons; the style sheet hides what is not chosen. Browsers that cannot do that show all, without the buttons. */
export function filter(stage: string, amounts: ReadonlyMap<EntryResult, number>): Markup {
  const present = entryResults.flatMap((result) => {
    const amount = amounts.get(result) ?? 0;
    return amount > 0 ? [{ result, amount }] : [];
  });
  if (present.length < 2) return nothing;
  const all = present.reduce((sum, { amount }) => sum + amount, 0);
  const choice = (value: string, words: string, amount: number, checked: Content) =>
    html`<label><input type="radio" name="${stage}-show" value="${value}"${checked}><span>${words} <b>${numberText(amount)}</b></span></label>`;
  return html`<fieldset class="filter"><legend>Show tests</legend>${choice("all", "all", all, html` checked`)}${present.map(({ result, amount }) => choice(result, resultWords[result], amount, nothing))}</fieldset>\n`;
}

/** A part of the results that the filter shows or hides as a whole. */
function filtered(results: readonly EntryResult[], content: Content): Markup {
  return html`<div class="part ${[...new Set(results)].map((result) => `has-${result}`).join(" ")}">${content}</div>\n`;
}

export function entries({ what, title, entries, file }: Entries): Markup {
  const shown = entries.slice(0, mostEntries);
  const groups = byFile(shown.map((entry, index) => ({ entry, index })));
  const body = groups.map(({ file, members }) => {
    const isOpen = (members[0]?.index ?? 0) < listedEntries;
    return fileGroup(
      file,
      members,
      members.map(({ entry, index }) => test(entry, index)),
      isOpen,
    );
  });
  const results = entries.map(({ result }) => result);
  return filtered(results, html`<h4>${title}</h4>${body}${notDrawn(entries, what, file)}`);
}

/** What the page leaves out, and where it is. Stacks that the report itself lacks are nowhere. */
function notDrawn(all: readonly Entry[], what: Entries["what"], file: string): Markup {
  const rest = all.length - mostEntries;
  const stacks = all.filter(({ whole }) => whole !== undefined).length;
  const drawn = all.slice(0, mostWholeEntries).filter(({ whole }) => whole !== undefined).length;
  const lines: Markup[] = [
    ...(rest > 0
      ? [
          html`${count(rest, `more ${what}`)} ${rest === 1 ? "is" : "are"} not drawn here. ${code(file)} has the names and messages of all ${numberText(all.length)}.`,
        ]
      : []),
    ...(drawn < stacks
      ? [
          html`Stacks are drawn for the first ${numberText(drawn)}. ${code(file)} has ${stacks === all.length ? "all of them" : `those of ${numberText(stacks)}`}.`,
        ]
      : []),
    ...(stacks > 0 && stacks < all.length && all.length > mostWholeEntries
      ? [html`No stacks were kept of the other ${numberText(all.length - stacks)}.`]
      : []),
  ];
  return lines.length === 0 ? nothing : html`<p class="note">${lines.map((line) => html`${line} `)}</p>`;
}

interface Member {
  entry: Entry;
  index: number;
}

function byFile(members: readonly Member[]): { file: string | undefined; members: Member[] }[] {
  const groups = new Map<string | undefined, Member[]>();
  for (const member of members) {
    const group = groups.get(member.entry.file);
    if (group) group.push(member);
    else groups.set(member.entry.file, [member]);
  }
  return [...groups].map(([file, members]) => ({ file, members }));
}

function fileGroup(file: string | undefined, members: readonly Member[], tests: readonly Markup[], open: boolean): Markup {
  const amounts = new Map<EntryResult, number>();
  for (const { entry } of members) amounts.set(entry.result, (amounts.get(entry.result) ?? 0) + 1);
  const classes = [...amounts.keys()].map((result) => `has-${result}`).join(" ");
  const said = [...amounts].map(([result, amount]) =>
    result === "crashed" ? resultWords.crashed : `${numberText(amount)} ${resultWords[result]}`,
  );
  const name = file === undefined ? "No file in the test report" : code(file);
  return html`<details class="file ${classes}"${open ? html` open` : nothing}><summary><span class="path">${name}</span> <span class="about">${said.join(", ")}</span></summary>
${tests}</details>\n`;
}

function test({ name, result, file, place, about, brief, whole }: Entry, index: number): Markup {
  const [own = brief, others = ""] = (index < mostWholeEntries ? whole : undefined) ?? [];
  const where =
    place !== undefined && file !== undefined && place.startsWith(`${file}:`) ? `line ${place.slice(file.length + 1)}` : "";
  // For the other results, `about` has more exact words.
  const how = result === "failed" || result === "crashed" ? resultWords[result] : "";
  const details = [how, where, ...about].filter(Boolean).join(" · ");
  // A crashed suite is named by its file, which its group already shows.
  const isCrash = typeof name === "object" && "code" in name && name.code === file;
  const title = isCrash ? cut(firstLine(brief), 300) : plain(name);
  return html`<details class="test ${result}"${index < openEntries ? html` open` : nothing}><summary>${icon(resultIcons[result])}<span class="head"><span class="name">${title}</span> <span class="about">${details}</span>${isCrash ? nothing : html`<span class="first">${cut(firstLine(brief), 300)}</span>`}</span></summary>
<div class="account">${failureParts(cut(own, longestText)).map(part)}${others === "" ? nothing : fold(callsTitle(others), cut(others, longestText))}</div></details>\n`;
}

function plain(name: Entry["name"]): Content {
  if (typeof name === "string") return cut(name, longestName);
  if ("code" in name) return code(name.code);
  return "strong" in name ? name.strong : name.verdict;
}

function part(one: FailurePart, at: number): Markup {
  switch (one.kind) {
    case "text":
      return html`<pre class="${at === 0 ? "said first-said" : "said"}">${one.lines.join("\n")}</pre>`;
    case "source":
      return html`<pre class="source" tabindex="0" role="group" aria-label="Source">${one.lines.map((line) => (/^\s*(?:>|❯)/.test(line) ? html`<b>${line}</b>\n` : `${line}\n`))}</pre>`;
    case "difference":
      return html`<pre class="difference">${one.lines.map(changedLine)}</pre>`;
    case "calls":
      return html`<pre class="calls">${one.lines.slice(0, mostOwnCalls).join("\n")}</pre>${more(one.lines.slice(mostOwnCalls))}`;
  }
}

function more(calls: readonly string[]): Markup {
  return calls.length === 0 ? nothing : fold(count(calls.length, "more call"), calls.join("\n"));
}

function fold(title: string, calls: string): Markup {
  return html`<details class="more"><summary>${title}</summary><pre class="calls">${calls}</pre></details>`;
}

/** The sign or word says it; the colour only helps. */
function changedLine(line: string): Content {
  const [sign] = /^(?:[-+]|Expected|Received)/.exec(line.trimStart()) ?? [];
  if (sign === undefined) return `${line}\n`;
  // The runners print what was expected with a minus, but a line with its word in green.
  const kind = sign === "-" || sign === "Received" ? "removed" : "added";
  return html`<span class="${kind}">${line}</span>\n`;
}
