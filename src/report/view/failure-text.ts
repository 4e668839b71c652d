import { isCall } from "./frames.ts";

/** The text of a failure in parts, for media that can draw a difference or a code frame. */
export interface FailurePart {
  /**
   * `difference`: lines that begin with `-` or `+`, or say what was expected and received, among unchanged ones. `source`: numbered
   * lines of code; `>` marks the failed one. `calls`: a stack.
   */
  kind: "text" | "difference" | "source" | "calls";
  lines: readonly string[];
}

type Kind = FailurePart["kind"] | "blank";

/** ` 12 | code`, `> 12 | code`, `    | ^`, also without spaces. */
const numbered = /^\s*(?:>|❯)?\s*\d+\s*[|│]|^\s*[|│]\s*\^|^\s*[|│]\s*[~^]+/;

const changed = /^\s{0,4}[-+](?:\s|$)/;
const differenceHead =
  /^\s*(?:[-+] (?:Expected|Received|Actual|expected|received|actual)\b|[-+]{3} |@@ |(?:Expected|Received)(?: \w+)?:\s)/;

export function failureParts(text: string): FailurePart[] {
  const parts: FailurePart[] = [];
  for (const { kind, lines } of paragraphs(text)) {
    const last = parts.at(-1);
    if (kind === "text" && last?.kind === "text") parts[parts.length - 1] = { kind, lines: [...last.lines, "", ...lines] };
    else parts.push({ kind, lines });
  }
  return parts;
}

/** Consecutive lines of one kind. Blank lines separate them and are left out. */
function paragraphs(text: string): { kind: FailurePart["kind"]; lines: string[] }[] {
  const all: { kind: FailurePart["kind"]; lines: string[] }[] = [];
  let open: Kind = "blank";
  for (const line of text.split("\n")) {
    const kind = kindOf(line, open);
    const last = all.at(-1);
    if (kind === "blank") {
      // Unchanged lines of a difference may be empty.
      if (open !== "difference") open = "blank";
      else last?.lines.push(line);
      continue;
    }
    if (open === kind && last) last.lines.push(line);
    else all.push({ kind, lines: [line] });
    open = kind;
  }
  for (const one of all) while (one.lines.at(-1)?.trim() === "") one.lines.pop();
  return all;
}

function kindOf(line: string, open: Kind): Kind {
  if (line.trim() === "") return "blank";
  if (numbered.test(line)) return "source";
  if (isCall(line)) return "calls";
  if (differenceHead.test(line)) return "difference";
  // A list in a message has minus signs too: only a head opens a difference.
  if (open === "difference" && (changed.test(line) || /^\s{2}/.test(line))) return "difference";
  return "text";
}
