/** One row of a Markdown table. */
export function row(...cells: string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
}

/** Text as code; a backtick in it would end the code too early, so it must have none. */
export function code(text: string): string {
  return `\`${text}\``;
}

/** Plain text that Markdown would read as something else: a tag, emphasis, a formula. Text in backticks stays as it is. */
export function prose(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map((part, index) => (index % 2 === 1 ? part : part.replace(/[<*$]/g, "\\$&")))
    .join("");
}
