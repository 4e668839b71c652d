import { count, numberText } from "../../lib/count.ts";
import type { Verdict } from "../../model/report.ts";
import { type FailurePart, failureParts } from "../view/failure-text.ts";
import { type Block, type Entry, type EntryResult, entryResults } from "../view/shapes.ts";
import { callsTitle, cut, firstLine } from "../words.ts";
import { type Content, code, html, icon, type Markup, nothing } from "./markup.ts";
import type { Room } from "./room.ts";

/** Tests that did not pass, by file, with a filter that needs no script. */

const longestText = 16_000;
const longestName = 2_000;
/** Those after them have a line each, without what they said after its first line. */
const mostWholeEntries = 500;
/** With more, browsers need seconds to open the page. */
const mostEntries = 10_000;
const longestNameInLine = 300;
const longestFirstLine = 300;
/** The markup of a file, beside its name. */
const fileBytes = 300;
/** Of the room. */
const shareOfWholeEntries = 1 / 2;
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

interface Beside {
  /** What many entries have in common. */
  often: Markup;
  /** Where all entries are, and what is there. */
  elsewhere: Content;
  room: Room;
}

/** The first entries in full, those after them in a line each, while there is room. */
export function entries({ what, title, entries: all }: Entries, { often, elsewhere, room }: Beside): Markup {
  const files = new Set<string | undefined>();
  const beside = ({ file }: Entry) => {
    if (files.has(file)) return 0;
    files.add(file);
    return fileBytes + Buffer.byteLength(file ?? "");
  };
  const whole = room.fill(all, mostWholeEntries, test, { share: shareOfWholeEntries, beside });
  const lines = room.fill(all.slice(whole.length), mostEntries - whole.length, inLine, { beside });
  const groups = byFile(all, [...whole, ...lines]).filter(({ drawn }) => drawn.length > 0);
  const shown = whole.length + lines.length;
  const note = html`<p class="note">${numberText(shown)} of ${count(all.length, what)} ${shown === 1 ? "is" : "are"} shown, ${numberText(whole.length)} of them in full and the others in a line each. ${elsewhere}</p>`;
  const results = all.map(({ result }) => result);
  return filtered(results, html`<h4>${title}</h4>${often}${whole.length < all.length ? note : nothing}${groups.map(fileGroup)}`);
}

interface Group {
  file: string | undefined;
  /** Those that are not drawn count, too. */
  amounts: Map<EntryResult, number>;
  drawn: Markup[];
  open: boolean;
}

/** @param drawn the first of them */
function byFile(all: readonly Entry[], drawn: readonly Markup[]): Group[] {
  const groups = new Map<string | undefined, Group>();
  for (const [index, { file, result }] of all.entries()) {
    const group: Group = groups.get(file) ?? { file, amounts: new Map(), drawn: [], open: index < listedEntries };
    groups.set(file, group);
    group.amounts.set(result, (group.amounts.get(result) ?? 0) + 1);
    const markup = drawn[index];
    if (markup) group.drawn.push(markup);
  }
  return [...groups.values()];
}

function fileGroup({ file, amounts, drawn, open }: Group): Markup {
  const classes = [...amounts.keys()].map((result) => `has-${result}`).join(" ");
  const all = [...amounts.values()].reduce((sum, amount) => sum + amount, 0);
  const said = [...amounts].map(([result, amount]) =>
    result === "crashed" ? resultWords.crashed : `${numberText(amount)} ${resultWords[result]}`,
  );
  const shown = drawn.length < all ? [`${numberText(drawn.length)} of them shown`] : [];
  const name = file === undefined ? "No file in the test report" : code(cut(file, longestName));
  return html`<details class="file ${classes}"${open ? html` open` : nothing}><summary><span class="path">${name}</span> <span class="about">${[...said, ...shown].join(", ")}</span></summary>
${drawn}</details>\n`;
}

function test(entry: Entry, index: number): Markup {
  const { result, brief, whole = [] } = entry;
  const [own = brief, others = ""] = whole;
  return html`<details class="test ${result}"${index < openEntries ? html` open` : nothing}><summary>${icon(resultIcons[result])}<span class="head">${head(entry, longestName)}</span></summary>
<div class="account">${failureParts(cut(own, longestText)).map(part)}${others === "" ? nothing : fold(callsTitle(others), cut(others, longestText))}</div></details>\n`;
}

function inLine(entry: Entry): Markup {
  return html`<p class="test ${entry.result}">${head(entry, longestNameInLine)}</p>\n`;
}

/** Name, place and first line. */
function head({ name, result, file, place, about, brief }: Entry, mostOfName: number): Markup {
  const where =
    place !== undefined && file !== undefined && place.startsWith(`${file}:`) ? `line ${place.slice(file.length + 1)}` : "";
  // For the other results, `about` has more exact words.
  const how = result === "failed" || result === "crashed" ? resultWords[result] : "";
  const details = cut([how, where, ...about].filter(Boolean).join(" · "), longestName);
  const first = cut(firstLine(brief), longestFirstLine);
  // A crashed suite is named by its file, which its group already shows.
  const isCrash = typeof name === "object" && "code" in name && name.code === file;
  const title = isCrash ? first : plain(name, mostOfName);
  return html`<span class="name">${title}</span> <span class="about">${details}</span>${isCrash ? nothing : html`<span class="first">${first}</span>`}`;
}

function plain(name: Entry["name"], most: number): Content {
  if (typeof name === "string") return cut(name, most);
  if ("code" in name) return code(cut(name.code, most));
  return "strong" in name ? cut(name.strong, most) : name.verdict;
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
