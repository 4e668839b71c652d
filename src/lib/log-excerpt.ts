import { stripVTControlCharacters } from "node:util";

/** How a line begins that says what went wrong. It only chooses what to show: no verdict depends on it. */
const saysError = new RegExp(
  [
    // `TypeError: …`, `java.lang.IllegalStateException: …`, `Error [ERR_X]: …`
    String.raw`^\s*(?:Uncaught |Unhandled ?|Exception in thread "[^"]*" |Caused by: )?[\w.$]*(?:Error|Exception|Rejection)\b(?: \[\w+\])?(?::|$| in )`,
    String.raw`^\s*(?:error(?:\[\w+\])?|fatal|panic|critical)(?: error)? ?[:!]`,
    String.raw`\b(?:ERROR|FATAL|PANIC|CRITICAL)\b`,
    String.raw`^Traceback \(most recent call last\)`,
    String.raw`^thread '.*' (?:\(\d+\) )?panicked at`,
    String.raw`^\s*npm (?:ERR!|error)`,
    String.raw`^\s*(?:FAIL|✗|✘|×|❌)\s`,
    String.raw`^\s*"level":"(?:error|fatal)"|"level":"?(?:error|fatal|50|60)\b`,
    String.raw`\b(?:ECONN[A-Z]+|EADDRINUSE|EADDRNOTAVAIL|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ENOENT|EACCES|ENOMEM)\b`,
    String.raw`\b(?:out of memory|Segmentation fault|command not found|No such file or directory)\b`,
  ].join("|"),
);

/** Lines before the error, which often say what was being done. */
const before = 3;

/**
 * At most so many lines of a log: those around the first error near its end, otherwise the last ones. Runners print a summary after
 * the error, and servers a goodbye; the last lines alone would show only that.
 */
export function excerpt(lines: readonly string[], most: number): string[] {
  if (lines.length <= most) return [...lines];
  const last = lines.slice(-most);
  const at = last.some(isError) || most < 8 ? -1 : lines.findLastIndex(isError);
  if (at < 0) return last;
  // The end of the log keeps a quarter, and one line says what is left out.
  const end = Math.floor(most / 4);
  const start = Math.max(0, firstOfBlock(lines, at) - before);
  const shown = lines.slice(start, start + most - end - 1);
  return [...shown, leftOut(lines.length - end - (start + shown.length)), ...lines.slice(-end)];
}

/** Several errors in a row are one: the first of them is the cause. */
function firstOfBlock(lines: readonly string[], at: number): number {
  let first = at;
  while (first > 0 && isError(lines[first - 1] ?? "")) first--;
  return first;
}

function isError(line: string): boolean {
  return saysError.test(stripVTControlCharacters(line.slice(0, 2_000)));
}

function leftOut(lines: number): string {
  return `… (${lines} ${lines === 1 ? "line" : "lines"} left out)`;
}
