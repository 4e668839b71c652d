import { count } from "../../lib/count.ts";

/** What may be left out when room is short, the least important first. */
export const losses = [
  "list of slowest tests",
  "list of deleting statements",
  "table of tests by project",
  "list of attachments",
  "stack of a failed test",
  "output of a server or command",
  "list of flaky tests",
  "table of the score",
  "passed check",
  "table of critical tests",
  "list of quarantined tests",
  "list of notes",
  "message of a failed test",
  "message of a crashed suite",
  "test data table",
  "table of the books",
  "table of servers or commands",
  "table of facts",
  "alert",
  "changed real row",
  "problem",
  "check",
  "place of a failed test",
  "name of a crashed suite",
  "name of a failed test",
] as const;
export type Loss = (typeof losses)[number];

const plurals: Partial<Record<Loss, string>> = {
  "stack of a failed test": "stacks of failed tests",
  "output of a server or command": "outputs of servers and commands",
  "message of a failed test": "messages of failed tests",
  "message of a crashed suite": "messages of crashed suites",
  "list of slowest tests": "lists of slowest tests",
  "list of deleting statements": "lists of deleting statements",
  "table of tests by project": "tables of tests by project",
  "table of the score": "tables of the score",
  "list of flaky tests": "lists of flaky tests",
  "list of notes": "lists of notes",
  "list of attachments": "lists of attachments",
  "list of quarantined tests": "lists of quarantined tests",
  "table of critical tests": "tables of critical tests",
  "table of servers or commands": "tables of servers or commands",
  "table of facts": "tables of facts",
  "table of the books": "tables of the books",
  "place of a failed test": "places of failed tests",
  "name of a crashed suite": "names of crashed suites",
  "name of a failed test": "names of failed tests",
};

/** A piece of the document, whole, and what may stand in its place: each shorter, each losing something more important. */
export interface Part {
  text: string;
  shorter?: { text: string; loses: Loss }[];
}

export interface Fitted {
  text: string;
  /** How often each thing was left out; empty when all is there. */
  lost: Map<Loss, number>;
}

/**
 * Joins the parts, shortened until they fit into so many bytes of UTF-8: the least important first, and of equal ones the last
 * first, so that what stands at the top stays whole. It may still be over when every part is at its shortest.
 */
export function fitInto(parts: readonly Part[], maxBytes: number): Fitted {
  const texts = parts.map((part) => part.text);
  const lost = new Map<Loss, number>();
  let bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  for (const step of shortenings(parts)) {
    if (bytes <= maxBytes) break;
    bytes -= Buffer.byteLength(texts[step.part] ?? "") - Buffer.byteLength(step.text);
    texts[step.part] = step.text;
    lost.set(step.loses, (lost.get(step.loses) ?? 0) + 1);
  }
  return { text: texts.join(""), lost };
}

function shortenings(parts: readonly Part[]): { part: number; text: string; loses: Loss }[] {
  const steps = parts.flatMap(({ shorter = [] }, part) => shorter.map((step) => ({ part, ...step })));
  return steps.sort((a, b) => losses.indexOf(a.loses) - losses.indexOf(b.loses) || b.part - a.part);
}

/** `3 stacks of failed tests, 1 list of slowest tests`, the most important first. */
export function listLosses(lost: ReadonlyMap<Loss, number>): string {
  return [...losses]
    .reverse()
    .flatMap((loss) => {
      const times = lost.get(loss);
      return times === undefined ? [] : [count(times, loss, plurals[loss])];
    })
    .join(", ");
}

/** Cuts to so many bytes of UTF-8, never inside a character. */
export function cutBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  let end = Math.max(0, maxBytes);
  // 10xxxxxx is the inside of a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0b1100_0000) === 0b1000_0000) end--;
  return bytes.toString("utf8", 0, end);
}
