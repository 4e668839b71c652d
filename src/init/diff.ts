/** A comparison of two texts, line by line. */

const context = 3;
/** Beyond this, the middle is shown as replaced: people don't read the smallest difference of two such files. */
const mostCells = 4_000_000;

interface Line {
  sign: " " | "-" | "+";
  text: string;
}

/** As `diff -u` shows it, without a heading; empty if the texts are equal. */
export function difference(before: string, after: string): string[] {
  if (before === after) return [];
  const lines = compared(linesOf(before), linesOf(after));
  const shown = new Set<number>();
  for (const [index, { sign }] of lines.entries())
    if (sign !== " ") for (let near = index - context; near <= index + context; near++) shown.add(near);
  const result: string[] = [];
  let [left, right, last] = [1, 1, -2];
  for (const [index, { sign, text }] of lines.entries()) {
    if (shown.has(index)) {
      if (index !== last + 1) result.push(`@@ -${left} +${right} @@`);
      result.push(`${sign}${text}`);
      last = index;
    }
    if (sign !== "+") left++;
    if (sign !== "-") right++;
  }
  return result;
}

/** A missing line break at the end is a difference too. */
function linesOf(text: string): string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  else lines[lines.length - 1] += "\\ no line break at the end";
  return lines;
}

function compared(before: readonly string[], after: readonly string[]): Line[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  const most = Math.min(before.length, after.length) - start;
  while (end < most && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  const same = (lines: readonly string[]): Line[] => lines.map((text) => ({ sign: " ", text }));
  return [
    ...same(before.slice(0, start)),
    ...middle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...same(before.slice(before.length - end)),
  ];
}

/** The longest common subsequence. */
function middle(before: readonly string[], after: readonly string[]): Line[] {
  const removed = (text: string): Line => ({ sign: "-", text });
  const added = (text: string): Line => ({ sign: "+", text });
  if (before.length * after.length > mostCells) return [...before.map(removed), ...after.map(added)];
  const width = after.length + 1;
  const common = new Uint32Array((before.length + 1) * width);
  const at = (row: number, column: number) => common[row * width + column] ?? 0;
  for (let row = before.length - 1; row >= 0; row--)
    for (let column = after.length - 1; column >= 0; column--)
      common[row * width + column] =
        before[row] === after[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
  const lines: Line[] = [];
  let [row, column] = [0, 0];
  while (row < before.length || column < after.length) {
    const [old, now] = [before[row], after[column]];
    if (old !== undefined && old === now) {
      lines.push({ sign: " ", text: old });
      row++;
      column++;
    } else if (old !== undefined && (now === undefined || at(row + 1, column) >= at(row, column + 1))) {
      lines.push(removed(old));
      row++;
    } else {
      lines.push(added(now ?? ""));
      column++;
    }
  }
  return lines;
}
