import type { Block } from "./diagnostics.ts";
import type { Point } from "./point.ts";

/** A test, and what the report says about it around its line. */
export interface Told {
  point: Point;
  titles: readonly string[];
  /** The file that the outermost test names. */
  file: string | undefined;
  block: Block | undefined;
  /** The text that follows. */
  comments: string[];
  /** The comments before. */
  said: readonly string[];
}

export type Values = ReadonlyMap<string, string>;

export function identityOf(told: Told, values: Values): { titles: readonly string[]; file?: string; line?: number } {
  const place = placeOf(told, values);
  const source = place?.file ?? told.file;
  return { titles: told.titles, ...(source ? { file: source } : {}), ...(place?.line ? { line: place.line } : {}) };
}

/** Where the test is, or where it failed. */
function placeOf({ comments, file }: Told, values: Values): { file: string; line: number } | undefined {
  const at = values.get("location") ?? values.get("at");
  if (at !== undefined) {
    const found = /^(?:.*\()?(?:file:\/\/)?(.+?):(\d+)(?::\d+)?\)?$/.exec(at.slice(0, longestPlace));
    // Vitest names the place of the failure absolutely, and the file of the test relatively.
    if (found) return { file: file && found[1]?.endsWith(file) ? file : (found[1] ?? ""), line: Number(found[2]) };
  }
  for (const [fileKey, lineKey] of placeKeys) {
    const [named, line] = [values.get(fileKey), Number(values.get(lineKey))];
    if (named !== undefined && line > 0) return { file: named.replace(/^file:\/\//, ""), line };
  }
  // Bats and Perl.
  const said = /(?:in test file|at) (\S+?),? line (\d+)/.exec(comments.join("\n").slice(0, longestPlace));
  return said ? { file: said[1] ?? "", line: Number(said[2]) } : undefined;
}

const longestPlace = 1_000;

const placeKeys = [
  ["at.fileName", "at.lineNumber"],
  ["at.file", "at.line"],
  ["file", "line"],
] as const;

export function durationOf({ point }: Told, values: Values): number {
  const duration = Number(values.get("duration_ms") ?? point.timeMs);
  return duration >= 0 && Number.isFinite(duration) ? duration : 0;
}

interface Subtests {
  complaint: string | undefined;
}

/** @param subtests absent if it has none */
export function troubleOf(told: Told, values: Values, subtests: Subtests | undefined): { message: string; stack: string } {
  const named = ["error", "message", "error.message"].map((name) => values.get(name)).find((text) => text);
  const stack = values.get("stack") ?? "";
  const message = ownMessage(named, told, values) || subtests?.complaint || exit(values);
  const text = message || (subtests ? ofItsOwn : "the report gives no message");
  return { message: text, stack: [text, stack.startsWith(text) ? stack.slice(text.length).trimStart() : stack].join("\n") };
}

const ofItsOwn = "it failed although none of its subtests did: a hook, perhaps";

function ownMessage(named: string | undefined, { comments, said }: Told, values: Values): string | undefined {
  // node says so of every file that could not be loaded.
  if (named === "test failed" && said.length > 0) return errorIn(said);
  if (named !== undefined) return named;
  const stack = values.get("stack") ?? "";
  const [firstOfStack = ""] = stack.split("\n", 1);
  // node-tap's stack begins with the first frame.
  const parts = [
    values.get("diff") ?? (/^\w*(?:Error|Exception)\b/.test(firstOfStack) ? firstOfStack : undefined),
    difference(values),
    // Perl names the place in the second line.
    comments
      .filter((line) => !/^\s*at \S+ line \d+\.$/.test(line))
      .join("\n")
      .trim() || undefined,
  ];
  return parts.filter((text) => text !== undefined).join("\n");
}

/** The error among other output. */
function errorIn(said: readonly string[]): string {
  const first = said.findIndex((line) => /^(?:Uncaught )?\w*Error\b/.test(line));
  return said.slice(Math.max(first, 0)).join("\n");
}

function difference(values: Values): string | undefined {
  if (values.has("diff")) return undefined;
  const [expected, actual] = [values.get("expected") ?? values.get("wanted"), values.get("actual") ?? values.get("found")];
  return expected === undefined || actual === undefined ? undefined : `expected ${expected}, got ${actual}`;
}

function exit(values: Values): string | undefined {
  const [code, signal] = [values.get("exitCode"), values.get("signal")];
  if (signal !== undefined && signal !== "null" && signal !== "~") return `it was ended by ${signal}`;
  return code === undefined ? undefined : `it ended with exit status ${code}`;
}
