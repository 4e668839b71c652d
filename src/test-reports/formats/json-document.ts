import { z } from "../../lib/zod.ts";
import { UnreadableReport } from "../reported.ts";
import { unreadable } from "./json/document.ts";
import type { Place } from "./json/rows.ts";
import { JsonMistake, JsonScanner, nothing, TooDeep } from "./json/scanner.ts";

/** For a text in memory. @throws UnreadableReport */
export function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw mistakeIn(file, text);
  }
}

/** The engine's own message doesn't always have the position. */
function mistakeIn(file: string, text: string): UnreadableReport {
  const scanner = new JsonScanner(nothing);
  try {
    scanner.write(text);
    scanner.end();
  } catch (error) {
    if (error instanceof JsonMistake) {
      const lines = text.slice(0, error.at).split("\n");
      return unreadable(file, error, lines.length, (lines.at(-1)?.length ?? 0) + 1);
    }
    if (!(error instanceof TooDeep)) throw error;
  }
  return new UnreadableReport("EA6004", file, "malformed JSON");
}

/** @param place of the value, if it is a part of the document @throws UnreadableReport with the first place that doesn't fit the format */
export function validate<T>(file: string, format: string, schema: z.ZodType<T>, value: unknown, place?: Place): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = (issue?.path ?? []).map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`)).join("");
  throw new UnreadableReport(
    "EA6004",
    file,
    `not what ${format} writes: ${issue?.message ?? "unknown reason"}`,
    `${place?.() ?? ""}${path}`.replace(/^\./, "") || undefined,
  );
}

/** If the header declares more failures than the body has, a part is missing. Some writers declare fewer, which is harmless. */
export function requireDeclaredCount(file: string, what: string, declared: number | null | undefined, seen: number): void {
  if (declared != null && declared > seen)
    throw new UnreadableReport("EA6004", file, `damaged: expected ${declared} ${what} as declared, got ${seen}`);
}

/** Counts are never negative or NaN. */
export const count = z.int().min(0);

/**
 * Makes something of whatever is there, also of nothing. Not with `transform`: for each value it makes a function that keeps the
 * function before it in memory, until the next full garbage collection.
 */
function made<T>(from: (value: unknown) => T): z.ZodType<T> {
  return z.unknown().default(null).overwrite(from) as unknown as z.ZodType<T>;
}

/** A clock that is set back makes negative durations. What is no duration is 0, because no result depends on it. */
export const milliseconds = made((value) => (typeof value === "number" && value > 0 && value < Infinity ? value : 0));

/** Like durations: a test without a usable line is a test all the same. */
export const lineNumber = made((value) =>
  typeof value === "number" && Number.isInteger(value) && value > 0 ? value : undefined,
);

/** A text that only explains, such as a message. What is no text is absent, because no result depends on it. */
export const text = made((value) => (typeof value === "string" ? value : undefined));

/** For titles: also numbers, and nothing for anything else. */
export const title = made((value) => (typeof value === "string" ? value : typeof value === "number" ? `${value}` : ""));

/** A word that decides how a test ended. Without it, the result is unknown. */
export const statusWord = z
  .string()
  .nullable()
  .default(null)
  .overwrite((word) => word ?? "") as unknown as z.ZodType<string>;

/** How often a test was tried again, or the like: what is no count is 0. */
export const retryCount = made((value) => (typeof value === "number" && Number.isInteger(value) && value > 0 ? value : 0));

/** The elements of a list; anything else has none. */
export function listOf<T>(element: z.ZodType<T>): z.ZodType<T[]> {
  return made((value): unknown[] => (Array.isArray(value) ? value : [])).pipe(z.array(element));
}

/** The message of a test whose status is a word that the format doesn't have. */
export function unknownStatusMessage(word: string): string {
  if (word === "") return "the report gives no status";
  return `the report gives its status as "${word.slice(0, longestWord)}"`;
}

const longestWord = 100;
