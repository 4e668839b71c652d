import { count } from "../lib/count.ts";
import type { StageReport, Verdict } from "../model/report.ts";
import { cutBytes, droppable, everyLoss, type Form, Forms, fitInto, fold, lossNote, type Part } from "./fit.ts";
import { codeBlock, inlineCode, inlineText, tableCell } from "./inert.ts";
import { textTimeline } from "./text-timeline.ts";
import { gateView } from "./view/report.ts";
import {
  type Block,
  type Cell,
  type Entry,
  type EntryKind,
  type EntryResult,
  type GateView,
  type Inline,
  type Line,
  type Row,
  type Section,
  type StageView,
  type Table,
  type Tone,
  usedColumns,
} from "./view/shapes.ts";
import { callsTitle, cut, duration, latencyText, sentence } from "./words.ts";

/** Draws the view of a report in GitHub's Markdown, and shortens it to GitHub's limit. It knows no field of a report. */

/** GitHub silently drops a summary over 1 MiB. This leaves room for the output of others in the same step. */
const defaultMaxBytes = 1_000_000;

const longestName = 300;
const longestText = 1_500;
const longestCell = 500;
const longestMessage = 4_000;
const longestBlock = 12_000;
const longestOutputLine = 2_000;

/**
 * The job summary of one or more stages in GitHub's Markdown, at most `maxBytes` bytes of UTF-8: of each its verdict and reason, what
 * needs attention, its facts, and the other sections of its view. In a gate, a stage that passed is folded. If space is short, the least
 * important parts are left out first, and the text says so; names of failed tests go last. All text in a report is untrusted and
 * is made safe here.
 */
export function toMarkdown(reports: StageReport | readonly StageReport[], { maxBytes = defaultMaxBytes } = {}): string {
  const view = gateView(Array.isArray(reports) ? reports : [reports]);
  const isGate = view.stages.length !== 1;
  const forms = new Forms(maxBytes);
  const parts: Part[] = [
    ...(isGate ? [{ text: overview(view) }] : []),
    ...view.urgent.flatMap((stage) => stageParts(stage, isGate, forms)),
    ...timelineParts(view),
  ];
  const whole = fitInto(parts, maxBytes);
  if (whole.lost.size === 0) return cutBytes(whole.text, maxBytes);
  const files = view.stages.map(({ file }) => inlineCode(file)).join(", ");
  const room = maxBytes - Buffer.byteLength(lossNote(everyLoss(parts), files));
  const fitted = fitInto(parts, room);
  return cutBytes(lossNote(fitted.lost, files) + fitted.text, maxBytes);
}

const verdictIcons: Record<Verdict, string> = { passed: "✅", degraded: "⚠️", failed: "❌", error: "🛑", skipped: "⏭️" };
const toneIcons: Record<Tone, string> = { bad: "❌", warning: "⚠️", good: "✅", info: "ℹ️", advice: "💡" };

function overview({ verdict, title, explanation, stages, stops }: GateView): string {
  const heading = `# ${verdictIcons[verdict]} ${title}\n\n`;
  if (stages.length === 0) return `${heading}${explanation}\n\n`;
  const rows = stages.map((stage) => [
    verdictText(stage.verdict),
    stage.title + cellOf(stage),
    inlineText(cut(stage.environment, 100)),
    inlineText(cut(stage.tally, longestName)),
    duration(stage.time.used),
  ]);
  const missing = Map.groupBy(
    stops.flatMap((stop) => ("missing" in stop ? [stop] : [])),
    ({ word }) => word,
  );
  const rest = [...missing]
    .map(([word, group]) => `${sentence(word)}: ${group.map((stop) => stop.missing).join(", ")}.\n\n`)
    .join("");
  return `${heading}${plainTable(["Verdict", "Stage", "Environment", "What", "Time"], rows)}${rest}`;
}

/** The cell of the job's matrix; empty if the job has no matrix. */
function cellOf({ cell }: StageView): string {
  return cell ? ` (${inlineText(cut(cell, 200))})` : "";
}

/** What needs attention comes right after the verdict. In a gate, a stage that passed is folded. */
function stageParts(view: StageView, isGate: boolean, forms: Forms): Part[] {
  const { title, verdict, environment, reason, time, sections } = view;
  const name = `${title} on ${inlineText(cut(environment, 100))}${cellOf(view)}: ${verdict}`;
  const lead = sections
    .filter(({ what }) => what === "lead")
    .flatMap(({ blocks }) => blocks.flatMap((block) => blockParts(block, forms)));
  const others = sections.filter(({ what }) => what !== "lead");
  const rest = [...facts(view), ...others.flatMap((section) => sectionParts(section, forms))];
  if (isGate && verdict === "passed") {
    // The table above says what it did.
    const line = `${verdictIcons[verdict]} <b>${name}</b> · ${duration(time.used)}`;
    return fold(line, [...lead, ...rest], { bare: `${line}\n\n` });
  }
  // The verdict and the reason are always kept.
  return [{ text: `## ${verdictIcons[verdict]} ${name}\n\n${inlineText(cut(reason, longestCell))}\n\n` }, ...lead, ...rest];
}

function timelineParts({ timeline }: GateView): Part[] {
  if (!timeline) return [];
  return fold(`<b>${inlineText(timeline.title)}</b>`, [droppable(`${textTimeline(timeline)}\n`, "timeline")]);
}

/** What became of test data, in one line: `Created 75 rows → Deleted 75 rows, 239 keys → Left 0`. */
function chartParts({ chart }: Section): Part[] {
  if (chart?.kind !== "flow") return [];
  const steps = chart.steps.map(({ label, amount, tone }) => {
    const shown = inline({ strong: amount, ...(tone ? { tone } : {}) }, { most: 100 });
    return `${inlineText(label)} ${shown}`;
  });
  return [droppable(`${steps.join(" → ")}\n\n`, "note")];
}

function facts({ facts }: StageView): Part[] {
  const shown = facts.filter(({ detail }) => !detail);
  const values = shown.map(({ value }) => inline(value, { most: 100, inTable: true }));
  return [
    droppable(
      plainTable(
        shown.map(({ name }) => name),
        [values],
      ),
      "table of facts",
    ),
  ];
}

function sectionParts(section: Section, forms: Forms): Part[] {
  const { title, brief, quiet, blocks } = section;
  const parts = [...chartParts(section), ...blocks.flatMap((block) => blockParts(block, forms))];
  if (title === undefined) return parts;
  if (!quiet) return [{ text: `### ${title}\n\n` }, ...parts];
  return fold(`<b>${title}</b>${brief ? `: ${inlineText(cut(brief, longestName))}` : ""}`, parts);
}

function blockParts(block: Block, forms: Forms): Part[] {
  switch (block.kind) {
    case "title":
      return [{ text: `#### ${block.text}\n\n` }];
    case "text": {
      const text = `${toneMark(block.tone)}${lineText(block.line, { most: longestText })}\n\n`;
      return [block.loses ? droppable(text, block.loses) : { text }];
    }
    case "counts": {
      const counts = block.counts.map(({ verdict, amount, remark }) => {
        const text = count(amount, verdict, verdict);
        return (amount > 0 ? `**${text}**` : text) + (remark === undefined ? "" : ` (${remark})`);
      });
      return [{ text: `${counts.join(", ")}\n\n` }];
    }
    case "list":
      return [
        ...(block.title === undefined ? [] : [{ text: `#### ${block.title}\n\n` }]),
        ...block.items.map((item) => {
          const draw = () => `- ${toneMark(block.tone)}${inlineText(cut(item, longestText))}\n`;
          return forms.part([{ loses: block.loses, draw }]);
        }),
        { text: "\n" },
      ];
    case "output": {
      const lines = block.text.split("\n").map((line) => cut(line, longestOutputLine));
      const text = details(lineText(block.title, { most: longestName }), codeBlock(lines.join("\n")), block);
      return [droppable(text, block.loses)];
    }
    case "entries": {
      const whole = block.entries.length > 20 ? `${lineText(block.elsewhere, { most: longestName })}\n\n` : "";
      const title = `#### ${entryIcons[block.what]} ${block.title}\n\n`;
      return [
        { text: title + whole },
        ...(block.often ? tableParts(block.often, forms) : []),
        ...block.entries.map((entry, index) => forms.part(entryForms(entry, block.what, index === 0))),
        { text: "\n" },
      ];
    }
    case "table":
      return tableParts(block, forms);
  }
}

const entryIcons: Record<EntryKind, string> = { "failed test": "❌", "crashed suite": "💥" };

const resultIcons: Record<EntryResult, string> = {
  failed: "❌",
  errored: "🛑",
  unknown: "❓",
  crashed: "💥",
  quarantined: "⚠️",
  flaky: "⚠️",
};

/** Shortened in steps: without the stack, the message, the place, and finally the name. The first one is open. */
function entryForms({ name, result, place, about, brief, whole }: Entry, what: EntryKind, open: boolean): Form[] {
  const icon = resultIcons[result];
  const where = () => (place === undefined ? "" : ` · ${inlineCode(cut(place, longestName))}`);
  const bare = () => `${icon} ${inline(name, { most: longestName })}`;
  const drawn = (content: string) => {
    const heading = typeof name === "string" ? `${icon} <b>${inlineText(cut(name, longestName))}</b>` : bare();
    const summary = [heading + where(), ...about.map((text) => inlineText(cut(text, longestName)))].join(" · ");
    return open ? `${summary}\n\n${content}\n` : details(summary, content);
  };
  return [
    ...(whole ? [{ loses: "stack of a failed test" as const, draw: () => drawn(wholeText(whole, open)) }] : []),
    { loses: `message of a ${what}`, draw: () => drawn(codeBlock(cut(brief, longestMessage))) },
    ...(place !== undefined && what === "failed test"
      ? [{ loses: "place of a failed test" as const, draw: () => `- ${bare()}${where()}\n` }]
      : []),
    { loses: `name of a ${what}`, draw: () => `- ${bare()}\n` },
  ];
}

/** What went wrong, then the calls of others: folded if the rest is not. */
function wholeText([own = "", ...others]: readonly string[], open: boolean): string {
  const blocks = others.map((text) => {
    const calls = codeBlock(cut(text, longestBlock));
    return open ? `\n${details(callsTitle(text), calls).trimEnd()}\n` : calls;
  });
  return codeBlock(cut(own, longestBlock)) + blocks.join("");
}

/** Row by row if the rows have a name for what is lost; otherwise the table as a whole. */
function tableParts(table: Table, forms: Forms): Part[] {
  const columns = usedColumns(table, { details: false });
  const head = tableRow(columns.map(({ title }) => title)) + tableRow(columns.map(({ numeric }) => (numeric ? "--:" : "---")));
  const listed = table.rows.slice(0, table.mostInSummary);
  const drawn = ({ cells }: Row) => tableRow(columns.map(({ at }) => cell(cells[at])));
  const said = table.rest?.(listed.length) ?? "";
  const rest = said === "" ? "" : `${inlineText(said)}\n\n`;
  if (listed.every(({ loses }) => loses === undefined)) {
    const text = `${head}${listed.map(drawn).join("")}\n${rest}`;
    return [droppable(table.folded ? details(inlineText(table.title), text) : text, table.loses)];
  }
  return [
    droppable(head, table.loses),
    ...listed.map((row) => forms.part([{ loses: row.loses ?? table.loses, draw: () => drawn(row) }])),
    { text: `\n${rest}` },
  ];
}

interface Room {
  most: number;
  /** Keeps line breaks. */
  inTable?: boolean;
}

function cell(content: Cell): string {
  const room = { most: longestCell, inTable: true };
  if (content === undefined) return "";
  if (typeof content === "string") return inline(content, room);
  if ("samples" in content) return content.samples.map((code) => inline({ code }, room)).join(" ");
  if ("latency" in content) return latencyText(content.latency);
  if (!("line" in content)) return inline(content, room);
  const below = content.below.map((piece) => (piece === undefined ? "" : inline(piece, { most: 1_000, inTable: true })));
  return [lineText(content.line, room), ...below].filter(Boolean).join("<br>");
}

function lineText(line: Line, room: Room): string {
  return line
    .map((piece) => inline(piece, room))
    .join("")
    .trimEnd();
}

function inline(piece: Inline, { most, inTable = false }: Room): string {
  const harmless = (text: string) => (inTable ? tableCell : inlineText)(cut(text, most));
  if (typeof piece === "string") {
    // Trimming removes the spaces that separate it from its neighbours, so they are added back.
    const text = harmless(piece);
    return text === ""
      ? piece.slice(0, 1).replace(/[^ ]/, "")
      : (/^ /.exec(piece)?.[0] ?? "") + text + (/ $/.exec(piece)?.[0] ?? "");
  }
  if ("code" in piece) return piece.code === "" ? "" : inlineCode(cut(piece.code, most));
  if ("verdict" in piece) return verdictText(piece.verdict);
  const text = harmless(piece.strong);
  return text === "" ? "" : `${toneMark(piece.tone)}**${text}**`;
}

/** Icon and word, joined by a non-breaking space: some people cannot read the icon alone. */
function verdictText(verdict: Verdict): string {
  return `${verdictIcons[verdict]}\u00a0${verdict}`;
}

function toneMark(tone: Tone | undefined): string {
  return tone === undefined ? "" : `${toneIcons[tone]} `;
}

function tableRow(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |\n`;
}

/** For cells that are already safe. */
function plainTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  return `${tableRow(titles)}${tableRow(titles.map(() => "---"))}${rows.map(tableRow).join("")}\n`;
}

/** A folded section. `content` is Markdown, so it needs blank lines between the lines of HTML. */
function details(summary: string, content: string, { open = false } = {}): string {
  return `<details${open ? " open" : ""}><summary>${summary}</summary>\n\n${content.trimEnd()}\n\n</details>\n\n`;
}

/** Fits below GitHub's limit together with a stage's largest summary. */
const mostBytes = 40_000;

/** What servers and tests wrote to the job's summary, as plain text because it is untrusted; empty if there is nothing. */
export function childSummary(text: string): string {
  if (text.trim() === "") return "";
  for (let length = text.length; ; length = Math.floor(length / 2)) {
    const rest = length < text.length ? "\n(the rest is left out)" : "";
    const shown = `<details><summary>What servers and tests wrote to this summary</summary>\n\n${codeBlock(text.slice(0, length) + rest)}\n</details>\n\n`;
    if (Buffer.byteLength(shown) <= mostBytes) return shown;
  }
}
