/** A text with its style; the style is of no interest here. */
export interface Styled<Style> {
  text: string;
  style: Style | undefined;
}

/** Narrower than this, nothing would be left beside the indentation. */
const narrowest = 40;
const deepest = 24;

/**
 * Breaks a line at spaces, so that it fits into the columns. Further lines are indented like the first word of the text, behind its
 * indentation and its mark. Long words, such as paths, are not broken.
 */
export function wrapped<Style>(parts: readonly Styled<Style>[], columns: number | undefined): Styled<Style>[][] {
  const length = parts.reduce((sum, { text }) => sum + text.length, 0);
  if (columns === undefined || columns < narrowest || length <= columns) return [[...parts]];
  const indentation = " ".repeat(hangOf(parts.map(({ text }) => text).join("")));
  const lines: Styled<Style>[][] = [[]];
  let used = 0;
  let isStart = true;
  for (const { text, style } of parts) {
    for (const piece of text.match(/ +|[^ ]+/g) ?? []) {
      const isSpace = piece.startsWith(" ");
      if (!isSpace && !isStart && used + piece.length > columns) {
        trimEnd(lines.at(-1));
        lines.push([{ text: indentation, style: undefined }]);
        used = indentation.length;
        isStart = true;
      }
      // Spaces at the start of a further line are its indentation already.
      if (isSpace && isStart && lines.length > 1) continue;
      lines.at(-1)?.push({ text: piece, style });
      used += piece.length;
      if (!isSpace) isStart = false;
    }
  }
  return lines.map(joined);
}

/** The columns in front of the text: `  ✘ ` are four. */
function hangOf(text: string): number {
  const [start = ""] = /^ *(?:[✔▲✘■○·│…•-] )?/u.exec(text) ?? [];
  return Math.min(start.length, deepest);
}

function trimEnd<Style>(line: Styled<Style>[] = []): void {
  while (line.length > 0 && line.at(-1)?.text.trim() === "") line.pop();
}

/** Pieces of one style as one, so that the terminal gets few escapes. */
function joined<Style>(pieces: readonly Styled<Style>[]): Styled<Style>[] {
  const all: Styled<Style>[] = [];
  for (const piece of pieces) {
    const last = all.at(-1);
    if (last && last.style === piece.style) last.text += piece.text;
    else all.push({ ...piece });
  }
  return all;
}
