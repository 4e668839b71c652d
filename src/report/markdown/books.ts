import { amountText } from "../../lib/count.ts";
import type { Books, TableBooks } from "../../model/test-data.ts";
import { inlineCode, inlineText, tableCell } from "../inert.ts";
import { cut, versionSpan } from "../words.ts";
import { tableHead, tableRow } from "./blocks.ts";
import type { Part } from "./budget.ts";

const longestText = 500;

/** What the run wrote, by the tables' own history. The line stays whatever else is left out. */
export function booksParts(books: Books | undefined): Part[] {
  if (!books) return [];
  return [
    { text: `### Books\n\n${inlineText(cut(books.line, longestText))}\n\n` },
    ...tableParts(books.tables),
    ...keysPart(books.keys),
    ...listPart([...books.problems.map((text) => `❗ ${lineText(text)}`), ...books.advice.map((text) => `💡 ${lineText(text)}`)]),
  ];
}

function tableParts(tables: readonly TableBooks[]): Part[] {
  if (tables.length === 0) return [];
  const titles = ["Table", "Versions", "Made", "Deleted", "Unexplained", "Real rows touched", "Samples"];
  return [
    part(tableHead(titles, new Set([2, 3, 4, 5]))),
    ...tables.map((table) =>
      part(
        tableRow([
          inlineCode(cut(table.table, longestText)) +
            (table.why === undefined ? "" : `<br>${tableCell(cut(table.why, longestText))}`),
          versionSpan(table),
          ...[table.made, table.deleted, table.unexplained, table.touched].map(amountText),
          [...table.samples, ...table.touchedSamples, ...table.hangsOn]
            .map((text) => inlineCode(cut(text, longestText)))
            .join(" "),
        ]),
      ),
    ),
    { text: "\n" },
  ];
}

function keysPart(keys: Books["keys"]): Part[] {
  if (!keys || keys.unexplained.most === 0) return [];
  const samples = keys.samples.map((sample) => inlineCode(cut(sample, longestText))).join(" ");
  const why = keys.why === undefined ? "" : `, because ${inlineText(cut(keys.why, longestText))}`;
  return [part(`Redis, ${inlineText(keys.looked)}: unexplained ${amountText(keys.unexplained)}${why} ${samples}\n\n`)];
}

function lineText(text: string): string {
  return inlineText(cut(text, longestText));
}

function listPart(lines: readonly string[]): Part[] {
  if (lines.length === 0) return [];
  return [{ text: `${lines.map((line) => `- ${line}\n`).join("")}\n`, shorter: [{ text: "", loses: "list of notes" }] }];
}

function part(text: string): Part {
  return { text, shorter: [{ text: "", loses: "table of the books" }] };
}
