/** One row of a Markdown table. */
export function row(...cells: string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
}

/** Formats text as code. The text must not contain a backtick, which would end the code early. */
export function code(text: string): string {
  return `\`${text}\``;
}

/** Escapes text that Markdown would interpret: tags, emphasis, formulas. Text in backticks is unchanged. */
export function prose(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map((part, index) => (index % 2 === 1 ? part : part.replace(/[<*$]/g, "\\$&")))
    .join("");
}
