/**
 * Text that others wrote (test names, messages, server output, configured values) made harmless for the place where it is shown.
 * Each function is for one kind of place; all of them first make visible what a terminal or a reader would not see.
 */

const esc = "\u001b";
const bell = "\u0007";

/** One pass over ECMA-48: control sequences, strings with their terminator, and two-character escapes; also the 8-bit forms. */
const ansi = new RegExp(
  [
    `(?:${esc}\\[|\u009b)[0-?]*[ -/]*[@-~]`,
    `(?:${esc}[\\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^${bell}${esc}\u009c]*(?:${bell}|${esc}\\\\|\u009c)`,
    `${esc}[ -/]*[0-Z\\\\-~]`,
  ].join("|"),
  "g",
);

/** Line breaks of every kind, so that no renderer sees one that we did not. */
const lineBreak = /\r\n|[\n\r\u2028\u2029]/g;

/** Controls, and format characters that hide, reorder or spoof. The two joiners stay: scripts and emoji are written with them. */
const unseen = /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}]/gu;

/** Nearly every text is, and is done with one look instead of three passes. */
const ordinary = /^[\n\t -~]*$/;

/** What breaks a word for GitHub's filters, which look for mentions and links after Markdown was rendered. */
const zeroWidthSpace = "&#8203;";

/** Text without terminal escapes, with `\n` for every line break, and with a visible sign for every unseen character. */
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
 * For Markdown, within a line. Character references in place of backslashes: they form no structure in Markdown, and read the same
 * inside HTML such as `<summary>`, so this holds in a paragraph, a heading, a table cell and an HTML block alike.
 */
export function inlineText(text: string): string {
  return withoutActive(plainText(text).replace(/\s+/g, " ").trim());
}

/** For a cell of a Markdown table: line breaks are kept as `<br>`. */
export function tableCell(text: string): string {
  return plainText(text).split("\n").map(inlineText).filter(Boolean).join("<br>");
}

/** For Markdown, as code within a line. Not with backticks, because those cannot be told from text in HTML and in cells. */
export function inlineCode(text: string): string {
  return `<code>${inlineText(text)}</code>`;
}

/** For Markdown, as a block of code of its own, ended by a line break. The fence is longer than any inside. */
export function codeBlock(text: string): string {
  // Nothing in a block is Markdown, but the text may still be printed to a runner's log.
  const code = plainText(text)
    .replace(/^[^\S\n]*::.*$/gm, withoutCommands)
    .replaceAll("##[", "# #[");
  // One by one: as arguments, the backticks of a long log would overflow the stack.
  const longest = [...code.matchAll(/`+/g)].reduce((most, [run]) => Math.max(most, run.length), 2);
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${code.replace(/\n+$/, "")}\n${fence}\n`;
}

/** For an HTML document: as text, and as the value of an attribute in quotes. */
export function htmlText(text: string): string {
  return plainText(text).replace(/[&<>"'`]/g, reference);
}

/**
 * For one line of a runner's log. The runner obeys `::command::` and `##[command]` in whatever is printed; a space breaks them,
 * because the runner's comparison may skip an invisible character, but not a space.
 */
export function logLine(text: string): string {
  return withoutCommands(plainText(text).replaceAll("\n", " ⏎ "));
}

function withoutCommands(line: string): string {
  return line.replace(/:(?=:)/g, ": ").replaceAll("##[", "# #[");
}

/**
 * Whatever Markdown, HTML or GitHub's own filters act on: mentions, issue references, bare links, emoji short codes, formulas, and
 * what begins a block or a command at the start of a line. An underscore inside of a word does nothing and stays readable.
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
