import type { Anatomy, Span } from "./anatomy.ts";
import type { Random } from "./random.ts";

/**
 * What a damage allows.
 *
 * - `cut`: the end is missing. If the report had a problem, it is refused or still has one; if it had none, it is refused, has
 *   one, or lacks no test, or has no test at all, which is no good run either.
 * - `same tests`: each test that failed is still there and failed, or the report is refused, or says that tests are missing.
 * - `other names`: a test may have another name now, so that only the number of problems counts, or that tests are missing is said.
 * - `fewer passed`: like `same tests`, and no more tests passed than before.
 * - `anything`: it is read or refused, no more.
 */
export type Rule = "cut" | "same tests" | "other names" | "fewer passed" | "anything";

export interface Mutation {
  bytes: Buffer;
  rule: Rule;
  /** What was done, for the message of a failed case. */
  what: string;
}

/** @returns `undefined` if the report has nothing to change in this way */
export type Operator = (report: Anatomy, random: Random) => Mutation | undefined;

/** TAP names its tests by the lines around them. */
const rule = (syntax: Anatomy["syntax"], otherwise: Rule): Rule => (syntax === "tap" ? "other names" : otherwise);

const replaced = (text: string, { start, end }: Span, by: string) =>
  Buffer.from(text.slice(0, start) + by + text.slice(end), "latin1");

function truncated({ text }: Anatomy, random: Random): Mutation {
  const end = random.below(text.trimEnd().length);
  return { bytes: Buffer.from(text.slice(0, end), "latin1"), rule: "cut", what: `cut at byte ${end}` };
}

function withoutAnEnd({ text, ends, syntax }: Anatomy, random: Random): Mutation | undefined {
  if (ends.length === 0) return undefined;
  const end = random.pick(ends);
  return {
    bytes: replaced(text, end, ""),
    rule: rule(syntax, "same tests"),
    what: `dropped ${JSON.stringify(text.slice(end.start, end.end))} at byte ${end.start}`,
  };
}

function miscounted({ text, counts }: Anatomy, random: Random): Mutation | undefined {
  if (counts.length === 0) return undefined;
  const count = random.pick(counts);
  const before = text.slice(count.start, count.end);
  const after = String(random.pick([0, Number(before) + 1, Math.max(0, Number(before) - 1), random.below(40)]));
  return { bytes: replaced(text, count, after), rule: "same tests", what: `count ${before} at byte ${count.start} is ${after}` };
}

function duplicated({ text, parts, syntax }: Anatomy, random: Random): Mutation | undefined {
  if (parts.length === 0) return undefined;
  const part = random.pick(parts);
  const copy = text.slice(part.start, part.end);
  const target = { start: part.end, end: part.end };
  return {
    bytes: replaced(text, target, syntax === "json" ? `,${copy}` : copy),
    rule: rule(syntax, "same tests"),
    what: `bytes ${part.start} to ${part.end} are there twice`,
  };
}

/** Words of no tool, and words of another. None of them means that a test passed. */
const otherWords = ["broken", "KO", "timeout", "aborted", "crashed", "passedd", "xyz", "PASS!"];
/** An empty attribute of XML says no more than an absent one. */
const otherWordsIn: Record<Anatomy["syntax"], readonly string[]> = {
  tap: ["nok", "failed", "not-ok", "broken"],
  xml: otherWords,
  json: [...otherWords, ""],
  lines: [...otherWords, ""],
};

function reworded({ text, words, syntax }: Anatomy, random: Random): Mutation | undefined {
  if (words.length === 0) return undefined;
  const word = random.pick(words);
  const after = random.pick(otherWordsIn[syntax]);
  const what = `${JSON.stringify(text.slice(word.start, word.end))} at byte ${word.start} is ${JSON.stringify(after)}`;
  return { bytes: replaced(text, word, after), rule: rule(syntax, "fewer passed"), what };
}

/** Bytes that form a format's structure do the most damage. */
const structural = "<>/\"'&[]{}:,\\!-?= \n\r\t\0a0#";

function inserted({ text, markers, syntax }: Anatomy, random: Random): Mutation | undefined {
  const at = random.below(text.length);
  const inside = ({ start, end }: Span) => (syntax === "tap" ? start <= at && at <= end : start < at && at < end);
  if (markers.some(inside)) return undefined;
  const length = 1 + random.below(3);
  let bytes = "";
  for (let nth = 0; nth < length; nth++)
    bytes += random.share() < 0.5 ? structural[random.below(structural.length)] : String.fromCharCode(random.below(256));
  return {
    bytes: replaced(text, { start: at, end: at }, bytes),
    rule: "other names",
    what: `${JSON.stringify(bytes)} inserted at byte ${at}`,
  };
}

function shredded({ text }: Anatomy, random: Random): Mutation {
  let shreds = text;
  const times = 1 + random.below(5);
  for (let nth = 0; nth < times; nth++) {
    const at = random.below(shreds.length + 1);
    const length = random.below(random.share() < 0.5 ? 8 : 2_000);
    const [head, tail] = [shreds.slice(0, at), shreds.slice(at)];
    const kind = random.below(4);
    if (kind === 0) shreds = head + tail.slice(length);
    else if (kind === 1) shreds = head + tail.slice(0, length) + tail;
    else if (kind === 2) shreds = head + String.fromCharCode(random.below(256)) + tail.slice(1);
    else shreds = tail + head;
  }
  return { bytes: Buffer.from(shreds, "latin1"), rule: "anything", what: `${times} times cut and pasted` };
}

export const operators: Record<string, Operator> = {
  truncated,
  "without an end": withoutAnEnd,
  miscounted,
  duplicated,
  reworded,
  inserted,
  shredded,
};
