import { count } from "../lib/count.ts";
import type { StageReport, Verdict } from "../model/report.ts";
import { codeBlock, inlineCode, inlineText, tableCell } from "./inert.ts";
import { gateView } from "./view/report.ts";
import {
  type Block,
  type Cell,
  type Entry,
  type EntryKind,
  type GateView,
  type Inline,
  type Line,
  type Omission,
  omissions,
  type StageView,
  type Table,
  type Tone,
  usedColumns,
} from "./view/shapes.ts";
import { cut, latencyText } from "./words.ts";

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
 * The job summary of one or more stages in GitHub's Markdown, at most `maxBytes` bytes of UTF-8. If space is short, the least
 * important parts are left out first, and the text says so; names of failed tests go last. All text in a report is untrusted and
 * is made safe here.
 */
export function toMarkdown(reports: StageReport | readonly StageReport[], { maxBytes = defaultMaxBytes } = {}): string {
  const view = gateView(Array.isArray(reports) ? reports : [reports]);
  const parts: Part[] = [...(view.stages.length === 1 ? [] : [{ text: overview(view) }]), ...view.stages.flatMap(stageParts)];
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
    inlineText(cut(stage.reason, longestName)),
    stage.time.text,
  ]);
  const missing = stops.flatMap((stop) => ("missing" in stop ? [stop.missing] : []));
  const rest = missing.length > 0 ? `Not reported: ${missing.join(", ")}.\n\n` : "";
  return `${heading}${plainTable(["Verdict", "Stage", "Environment", "Reason", "Time"], rows)}${rest}`;
}

/** The cell of the job's matrix; empty if the job has no matrix. */
function cellOf({ cell }: StageView): string {
  return cell ? ` (${inlineText(cut(cell, 200))})` : "";
}

function stageParts(view: StageView): Part[] {
  const { title, verdict, environment, reason, facts, sections } = view;
  const heading = `## ${verdictIcons[verdict]} ${title} on ${inlineText(cut(environment, 100))}${cellOf(view)}: ${verdict}`;
  const shown = facts.filter(({ detail }) => !detail);
  const values = shown.map(({ value }) => inline(value, { most: 100, inTable: true }));
  return [
    // The verdict and the reason are always kept.
    { text: `${heading}\n\n${inlineText(cut(reason, longestCell))}\n\n` },
    droppable(
      plainTable(
        shown.map(({ name }) => name),
        [values],
      ),
      "table of facts",
    ),
    ...sections.flatMap(({ title, blocks }) => [
      ...(title === undefined ? [] : [{ text: `### ${title}\n\n` }]),
      ...blocks.flatMap(blockParts),
    ]),
  ];
}

function blockParts(block: Block): Part[] {
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
        ...block.items.map((item) => droppable(`- ${toneMark(block.tone)}${inlineText(cut(item, longestText))}\n`, block.loses)),
        { text: "\n" },
      ];
    case "output": {
      const lines = block.text.split("\n").map((line) => cut(line, longestOutputLine));
      return [droppable(details(lineText(block.title, { most: longestName }), codeBlock(lines.join("\n"))), block.loses)];
    }
    case "entries": {
      const whole = block.entries.length > 20 ? `The report has all of them in full: ${inlineCode(block.file)}.\n\n` : "";
      const title = `#### ${entryIcons[block.what]} ${block.title}\n\n`;
      return [{ text: title + whole }, ...block.entries.map((entry) => entryPart(entry, block.what)), { text: "\n" }];
    }
    case "table":
      return tableParts(block);
  }
}

const entryIcons: Record<EntryKind, string> = { "failed test": "❌", "crashed suite": "💥" };

/** Shortened in steps: without the stack, the message, the place, and finally the name. */
function entryPart({ name, place, about, brief, whole }: Entry, what: EntryKind): Part {
  const bare = `${entryIcons[what]} ${inline(name, { most: longestName })}`;
  const where = place === undefined ? "" : ` · ${inlineCode(cut(place, longestName))}`;
  const heading = typeof name === "string" ? `${entryIcons[what]} <b>${inlineText(cut(name, longestName))}</b>` : bare;
  const summary = [heading + where, ...about.map((text) => inlineText(cut(text, longestName)))].join(" · ");
  const short = details(summary, codeBlock(cut(brief, longestMessage)));
  return {
    text: whole ? details(summary, whole.map((text) => codeBlock(cut(text, longestBlock))).join("")) : short,
    shorter: [
      ...(whole && what === "failed test" ? [{ text: short, loses: "stack of a failed test" as const }] : []),
      { text: `- ${bare}${where}\n`, loses: `message of a ${what}` },
      ...(where && what === "failed test" ? [{ text: `- ${bare}\n`, loses: "place of a failed test" as const }] : []),
      { text: "", loses: `name of a ${what}` },
    ],
  };
}

/** Row by row if the rows have a name for what is lost; otherwise the table as a whole. */
function tableParts(table: Table): Part[] {
  const columns = usedColumns(table, { details: false });
  const head = tableRow(columns.map(({ title }) => title)) + tableRow(columns.map(({ numeric }) => (numeric ? "--:" : "---")));
  const listed = table.rows.slice(0, table.mostInSummary);
  const rows = listed.map(({ cells, loses }) => ({ text: tableRow(columns.map(({ at }) => cell(cells[at]))), loses }));
  const said = table.rest?.(listed.length) ?? "";
  const rest = said === "" ? "" : `${inlineText(said)}\n\n`;
  if (rows.every(({ loses }) => loses === undefined)) {
    const text = `${head}${rows.map((row) => row.text).join("")}\n${rest}`;
    return [droppable(table.folded ? details(inlineText(table.title), text) : text, table.loses)];
  }
  return [
    droppable(head, table.loses),
    ...rows.map(({ text, loses }) => droppable(text, loses ?? table.loses)),
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
function details(summary: string, content: string): string {
  return `<details><summary>${summary}</summary>\n\n${content.trimEnd()}\n\n</details>\n\n`;
}

/** A piece of the document with its shorter alternatives. Each of them is shorter and loses something more important. */
interface Part {
  text: string;
  shorter?: { text: string; loses: Omission }[];
}

function droppable(text: string, loses: Omission): Part {
  return { text, shorter: [{ text: "", loses }] };
}

const importance = Object.keys(omissions) as Omission[];

/**
 * Joins the parts, shortened to fit into `maxBytes` bytes of UTF-8: least important first, and from the end among equals, so that
 * the top stays complete. The result is too long if even the shortest parts do not fit.
 */
function fitInto(parts: readonly Part[], maxBytes: number): { text: string; lost: Map<Omission, number> } {
  const texts = parts.map((part) => part.text);
  const lost = new Map<Omission, number>();
  let bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  for (const step of shortenings(parts)) {
    if (bytes <= maxBytes) break;
    bytes -= Buffer.byteLength(texts[step.part] ?? "") - Buffer.byteLength(step.text);
    texts[step.part] = step.text;
    lost.set(step.loses, (lost.get(step.loses) ?? 0) + 1);
  }
  return { text: texts.join(""), lost };
}

function shortenings(parts: readonly Part[]): { part: number; text: string; loses: Omission }[] {
  const rank = new Map(importance.map((omission, index) => [omission, index]));
  const steps = parts.flatMap(({ shorter = [] }, part) => shorter.map((step) => ({ part, ...step })));
  return steps.sort((a, b) => (rank.get(a.loses) ?? 0) - (rank.get(b.loses) ?? 0) || b.part - a.part);
}

/** `3 stacks of failed tests, 1 list of slowest tests`: most important first. */
function lossNote(lost: ReadonlyMap<Omission, number>, files: string): string {
  if (lost.size === 0) return "";
  const list = importance
    .toReversed()
    .flatMap((omission) => {
      const times = lost.get(omission);
      return times === undefined ? [] : [count(times, omission, omissions[omission])];
    })
    .join(", ");
  return `> ✂️ GitHub limits the size of a summary, so this was left out: ${list}. The whole report is in ${files}.\n\n`;
}

/** The losses that give the longest possible note. */
function everyLoss(parts: readonly Part[]): ReadonlyMap<Omission, number> {
  const times = new Map<Omission, number>(importance.map((omission) => [omission, 2]));
  for (const { loses } of parts.flatMap((part) => part.shorter ?? [])) times.set(loses, (times.get(loses) ?? 0) + 1);
  return times;
}

/** Cuts to a number of bytes of UTF-8, never inside a character. */
function cutBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  let end = Math.max(0, maxBytes);
  // Bytes of the form 10xxxxxx continue a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0b1100_0000) === 0b1000_0000) end--;
  return bytes.toString("utf8", 0, end);
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
