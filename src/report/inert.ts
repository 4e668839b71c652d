/**
 * Makes text from others (test names, messages, server output, configured values) safe for the place where it is shown. There is
 * one function for each kind of place. All of them first make invisible characters visible.
 */

const esc = "\u001b";
const bell = "\u0007";

/** Matches ECMA-48 in one pass: control sequences, strings with their terminator, two-character escapes, and the 8-bit forms. */
const ansi = new RegExp(
  [
    `(?:${esc}\\[|\u009b)[0-?]*[ -/]*[@-~]`,
    `(?:${esc}[\\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^${bell}${esc}\u009c]*(?:${bell}|${esc}\\\\|\u009c)`,
    `${esc}[ -/]*[0-Z\\\\-~]`,
  ].join("|"),
  "g",
);

/** All kinds of line breaks, so that no renderer sees one that we missed. */
const lineBreak = /\r\n|[\n\r\u2028\u2029]/g;

/**
 * Control characters, and format characters that hide, reorder or spoof text. The two joiners are kept, because scripts and emoji
 * need them.
 */
const unseen = /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}]/gu;

/**
 * Matches nearly every text, and saves four passes over it: ASCII, Latin, Greek, Cyrillic and punctuation such as `›`, without what
 * is unseen or a line break.
 */
const ordinary = /^[\n\t -~\u00a1-\u00ac\u00ae-\u058f\u2010-\u2027\u2030-\u205e]*$/;

/** Splits words for GitHub's filters, which look for mentions and links after rendering Markdown. */
const zeroWidthSpace = "&#8203;";

/** Removes terminal escapes, converts line breaks to `\n`, and replaces invisible characters with visible signs. */
export function plainText(text: string): string {
  if (ordinary.test(text)) return text;
  return text.toWellFormed().replace(ansi, "").replace(lineBreak, "\n").replace(unseen, visible);
}

function visible(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
}

/**
 * For Markdown within a line. Uses character references instead of backslashes. They create no Markdown structure and work inside
 * HTML such as `<summary>`, so the result is safe in paragraphs, headings, table cells and HTML blocks.
 */
export function inlineText(text: string): string {
  return withoutActive(plainText(text).replace(/\s+/g, " ").trim());
}

/** For a cell of a Markdown table: line breaks become `<br>`. */
export function tableCell(text: string): string {
  return plainText(text).split("\n").map(inlineText).filter(Boolean).join("<br>");
}

/** For Markdown, as inline code. Not with backticks, which HTML and table cells may show as plain text. */
export function inlineCode(text: string): string {
  return `<code>${inlineText(text)}</code>`;
}

/** For Markdown, as a separate code block that ends with a line break. The fence is longer than any fence in the text. */
export function codeBlock(text: string): string {
  // Markdown has no effect in a block, but the text may also be printed to a runner's log.
  const code = plainText(text)
    .replace(/^[^\S\n]*::.*$/gm, withoutCommands)
    .replaceAll("##[", "# #[");
  // One by one, because spreading all backticks of a long log as arguments would overflow the stack.
  const longest = [...code.matchAll(/`+/g)].reduce((most, [run]) => Math.max(most, run.length), 2);
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${code.replace(/\n+$/, "")}\n${fence}\n`;
}

/** For HTML documents, as text or as a quoted attribute value. */
export function htmlText(text: string): string {
  return plainText(text).replace(/[&<>"'`]/g, reference);
}

/**
 * For JSON that is printed. JSON has no escapes for C1 and format characters, which terminals obey as well, and the runner obeys
 * `##[command]` anywhere. Written as escapes, the values stay the same.
 */
export function printedJson(value: unknown): string {
  return JSON.stringify(value, undefined, 2)
    .replace(unseen, jsonEscapes)
    .replace(/[\u2028\u2029]/g, jsonEscapes)
    .replaceAll("##[", "##\\u005b");
}

/** Some are two units. */
function jsonEscapes(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}

/**
 * For one line of a runner's log. The runner obeys `::command::` and `##[command]` in any output. A space breaks them; an
 * invisible character may not, because the runner's comparison can ignore it.
 */
export function logLine(text: string): string {
  return withoutCommands(plainText(text).replaceAll("\n", " ⏎ "));
}

function withoutCommands(line: string): string {
  return line.replace(/:(?=:)/g, ": ").replaceAll("##[", "# #[");
}

/**
 * Everything that Markdown, HTML or GitHub's filters act on: mentions, issue references, bare links, emoji short codes, formulas,
 * and characters that start a block or a command. Underscores inside words are harmless and stay readable.
 */
const active =
  /[&<>[\]*`~|\\!$]|(?<![a-z\d])_|_(?![a-z\d])|[@#]|:(?=\/\/|(?!\d+:)[\w+-]+:)|(?<![a-z\d])(?:www(?=\.)|gh(?=-\d))|^[-+=:]|^\d+(?=[.)](?:\s|$))/gi;

function withoutActive(line: string): string {
  return line.replace(active, (found) => {
    if (/^[@#:]/.test(found)) return reference(found) + zeroWidthSpace;
    return /^\w/.test(found) && found !== "_" ? found + zeroWidthSpace : reference(found);
  });
}

function reference(character: string): string {
  return `&#${character.codePointAt(0)};`;
}
