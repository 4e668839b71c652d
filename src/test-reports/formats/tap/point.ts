/** One line of TAP, without its indentation. */

export interface Point {
  ok: boolean;
  name: string;
  directive?: "skip" | "todo";
  reason: string;
  /** What node-tap and Vitest write behind the name. */
  timeMs?: number;
  /** Its subtests follow, in braces. */
  opens: boolean;
  /** Between number and name there was a dash. Tape writes none. */
  dashed: boolean;
}

const point = /^(not )?ok\b(?:[ \t]+(\d+))?(?:[ \t]+(-)(?=[ \t]|$))?[ \t]*(.*)$/;
const directive = /^(skip\S*|todo\b)[:\s]*(.*)$/i;
const time = /^time=([\d.]+)(ms|s|m)?\b/;
const unitMs: Record<string, number> = { ms: 1, s: 1_000, m: 60_000 };

/** @returns `undefined` if the line is something else */
export function pointIn(text: string): Point | undefined {
  const found = point.exec(text);
  if (!found) return undefined;
  const opens = /[ \t]\{$/.test(text);
  const rest = (opens ? (found[4] ?? "").slice(0, -1) : (found[4] ?? "")).trim();
  const [name = "", ...comments] = parts(rest);
  const result: Point = { ok: found[1] === undefined, name, reason: "", opens, dashed: found[3] !== undefined };
  let description = name;
  for (const comment of comments) {
    const told = directive.exec(comment);
    const timed = time.exec(comment);
    if (told && result.directive === undefined) {
      result.directive = told[1]?.toLowerCase() === "todo" ? "todo" : "skip";
      result.reason = told[2] ?? "";
    } else if (timed) result.timeMs = Number(timed[1]) * (unitMs[timed[2] ?? "ms"] ?? 1);
    else description += ` # ${comment}`;
  }
  result.name = description.trim();
  return result;
}

/** The name, and what stands behind each `#`. An escaped one belongs to the name. */
function parts(text: string): string[] {
  const found: string[] = [];
  let part = "";
  for (let index = 0; index < text.length; index++) {
    const letter = text[index] ?? "";
    const next = text[index + 1];
    if (letter === "\\" && (next === "#" || next === "\\")) {
      part += next;
      index++;
    } else if (letter === "#" && (index === 0 || /\s/.test(text[index - 1] ?? ""))) {
      found.push(part.trim());
      part = "";
    } else part += letter;
  }
  return [...found, part.trim()];
}

/** @returns the number of tests, and whether all of them are skipped */
export function planIn(text: string): { tests: number; skipped: string | undefined } | undefined {
  const found = /^1\.\.(\d+)(?:[ \t]*(?:#[ \t]*(.*))?)?$/.exec(text);
  if (!found) return undefined;
  return { tests: Number(found[1]), skipped: /^skip/i.test(found[2] ?? "") ? found[2] : undefined };
}
