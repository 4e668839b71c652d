import { stringify } from "yaml";

/** Texts for the written YAML files. */

/** A text as a value on a line of its own, quoted only where YAML needs it. */
export function scalar(text: string): string {
  return stringify(text, { lineWidth: 0, blockQuote: false }).trimEnd();
}

/** A text inside `[…]` or `{…}`. */
export function inFlow(text: string): string {
  return /^[A-Za-z_./][\w./@-]*$/.test(text) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text)
    ? text
    : JSON.stringify(text);
}

export function flowList(texts: readonly string[]): string {
  return `[${texts.map(inFlow).join(", ")}]`;
}

/** What somebody has to answer. `init` prints these lines again, with their places. */
export function todo(question: string): string {
  return `# TODO: ${plain(question)}`;
}

export function comment(text: string): string {
  return `# ${plain(text)}`;
}

/** Texts of the repository may contain anything: a line break would end the comment. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069\ufeff]+/gu, " ").trim();
}

export function indented(spaces: number, lines: readonly string[]): string[] {
  return lines.map((line) => (line === "" ? "" : `${" ".repeat(spaces)}${line}`));
}
