import { codeBlock } from "../inert.ts";

/** Markdown's shapes. What is handed in must be harmless already; see `inert.ts`. */

export function tableHead(titles: readonly string[], numeric: ReadonlySet<number> = new Set()): string {
  return tableRow(titles) + tableRow(titles.map((_, column) => (numeric.has(column) ? "--:" : "---")));
}

export function tableRow(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |\n`;
}

export function table(titles: readonly string[], rows: readonly (readonly string[])[], numeric?: ReadonlySet<number>): string {
  return `${tableHead(titles, numeric)}${rows.map(tableRow).join("")}\n`;
}

/** Folded; `content` is Markdown, set off by blank lines because it stands between lines of HTML. */
export function details(summary: string, content: string): string {
  return `<details><summary>${summary}</summary>\n\n${content.trimEnd()}\n\n</details>\n\n`;
}

export function foldedOutput(summary: string, lines: readonly string[]): string {
  return details(summary, codeBlock(lines.join("\n")));
}
