import { suggestion } from "../lib/nearest.ts";
import type { z } from "../lib/zod.ts";
import type { ErrorCode } from "../model/error-codes/catalogue.ts";
import { type PlacedMistake, UserError } from "../model/user-error.ts";
import { type Path, showPath } from "./path.ts";

/** A range in the file's text, as offsets. */
export interface Span {
  start: number;
  end: number;
}

export interface Mistake {
  code: ErrorCode;
  /** The position in the file. */
  at: Span;
  path: Path;
  /** What is wrong, what was expected, and how to fix it. */
  message: string;
}

export interface SourceFile {
  /** The path as the user gave it. */
  name: string;
  text: string;
  /** Ranges that messages must hide, because they may contain a plain-text secret. */
  hidden: readonly Span[];
}

/** With more mistakes, excerpts would push the list off the screen. */
const excerpts = 5;
const excerptWidth = 120;

/**
 * Builds one message for all mistakes, in file order, each starting with `file:line:column`.
 * @param secrets values to hide wherever they occur, as a last safeguard
 */
export function mistakesError(source: SourceFile, mistakes: readonly Mistake[], secrets: readonly string[] = []): UserError {
  const sorted = [...mistakes].sort((a, b) => a.at.start - b.at.start);
  const count = sorted.length === 1 ? "a mistake" : `${sorted.length} mistakes`;
  let hides = false;
  const lines = sorted.flatMap((mistake, index) => {
    const shown = index < excerpts ? excerpt(source, mistake.at) : { lines: [], hides: false };
    hides ||= shown.hides;
    return [describe(source, mistake), ...shown.lines];
  });
  if (hides) lines.push("  (*** hides values that could be secrets)");
  const placed = sorted.map(({ code, at, path, message }) => {
    const { line, column } = positionOf(source.text, at.start);
    return { code, file: source.name, line, column, message: blot(printable(inWords(path, message)), secrets) };
  });
  return new UserError("EA1000", blot([`${source.name} has ${count}:`, ...lines].map(printable).join("\n"), secrets), {
    mistakes: placed,
  });
}

/** Where a path of the configuration is written. */
export type PlaceOf = (path: Path) => Pick<PlacedMistake, "file" | "line" | "column">;

/** The place is also apart from the words, so that an annotation or a list of findings doesn't show it twice. */
export function placedError(code: ErrorCode, placed: Omit<PlacedMistake, "code">): UserError {
  const { file, line, column, message } = placed;
  return new UserError(code, `${file}:${line}:${column}  ${message}`, { mistakes: [{ code, file, line, column, message }] });
}

/**
 * The environment of a stage is read-only, and the stage writes.
 * @param placeOf absent if the configuration's text isn't at hand
 */
export function readOnlyError(environment: string, placeOf: PlaceOf | undefined, what: string): UserError {
  const path = ["environments", environment, "access"];
  const message = inWords(path, what);
  return placeOf ? placedError("EA2002", { ...placeOf(path), message }) : new UserError("EA2002", message);
}

function inWords(path: Path, message: string): string {
  return [showPath(path), message].filter((part) => part !== "").join("  ");
}

function describe(source: SourceFile, { code, at, path, message }: Mistake): string {
  const { line, column } = positionOf(source.text, at.start);
  return `${source.name}:${line}:${column}  ${code}: ${inWords(path, message)}`;
}

/** Line and column start at 1, as in editors. */
export function positionOf(text: string, offset: number): { line: number; column: number; lineStart: number } {
  const lineStart = text.lastIndexOf("\n", offset - 1) + 1;
  return { line: text.slice(0, lineStart).split("\n").length, column: offset - lineStart + 1, lineStart };
}

function excerpt(source: SourceFile, at: Span): { lines: string[]; hides: boolean } {
  const { line, column, lineStart } = positionOf(source.text, at.start);
  const newline = source.text.indexOf("\n", lineStart);
  const lineEnd = newline < 0 ? source.text.length : newline;
  const shown = hide(source, lineStart, Math.min(lineEnd, lineStart + excerptWidth));
  if (shown.trim() === "" || column > excerptWidth) return { lines: [], hides: false };
  const gutter = `  ${line} | `;
  const marked = Math.max(1, Math.min(at.end, lineStart + shown.trimEnd().length) - at.start);
  return {
    lines: [`${gutter}${shown.trimEnd()}`, `${" ".repeat(gutter.length - 2)}| ${" ".repeat(column - 1)}${"^".repeat(marked)}`],
    hides: shown !== source.text.slice(lineStart, lineStart + shown.length),
  };
}

/** Keeps the length of the source, so that the caret points at the right place. */
function hide(source: SourceFile, from: number, to: number): string {
  const letters = [...source.text.slice(from, to).split("")];
  for (const { start, end } of source.hidden)
    for (let offset = Math.max(start, from); offset < Math.min(end, to); offset += 1) letters[offset - from] = "*";
  return letters.join("");
}

/** Removes control characters, which could control the terminal that shows the message. */
function printable(line: string): string {
  return line.replace(/\p{Cc}|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, " ");
}

/** Shorter values occur in ordinary words; hiding them would make the message unreadable. */
const shortestBlotted = 4;

function blot(message: string, secrets: readonly string[]): string {
  return secrets
    .filter((value) => value.length >= shortestBlotted)
    .toSorted((a, b) => b.length - a.length)
    .reduce((text, value) => text.replaceAll(value, "***"), message);
}

type RawIssue = z.core.$ZodRawIssue;

/** Zod's type names in plain words. */
const kinds: Record<string, string> = {
  array: "a list",
  boolean: "true or false",
  int: "a whole number",
  null: "nothing",
  number: "a number",
  object: "a group of keys",
  record: "a group of keys",
  string: "text",
};

/**
 * Says what was expected, for issues whose schema has no message of its own. Never includes the value, which may come from a
 * variable.
 */
export function explain(issue: RawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `expected ${kinds[issue.expected] ?? issue.expected}${found(issue.expected, issue.input)}`;
    case "invalid_value":
      return explainChoice(issue.values.map(String), issue.input);
    case "too_small":
      return issue.origin === "number" || issue.origin === "int"
        ? `expected ${issue.minimum} or more`
        : `expected at least ${amount(Number(issue.minimum), issue.origin)}`;
    case "too_big":
      return issue.origin === "number" || issue.origin === "int"
        ? `expected ${issue.maximum} or less`
        : `expected at most ${amount(Number(issue.maximum), issue.origin)}`;
    default:
      return issue.message ?? "invalid value: see the configuration reference";
  }
}

/** Checks over several keys set their own code; see {@link ErrorParams}. */
export function codeOf(issue: z.core.$ZodIssue): ErrorCode {
  if (issue.code === "custom") return (issue.params as Partial<ErrorParams> | undefined)?.error ?? "EA1010";
  return issue.code === "invalid_type" || issue.code === "invalid_union" ? "EA1009" : "EA1010";
}

/** `params` of a custom check that has a more precise code than "invalid value". */
export interface ErrorParams {
  error: ErrorCode;
}

/** Builds `params`, so that the compiler checks the code. */
export function withCode(error: ErrorCode): ErrorParams {
  return { error };
}

function found(expected: string, input: unknown): string {
  if (input === undefined) return "";
  // Often its keys are below it, in its own column.
  if (input === null)
    return expected === "object" || expected === "record" ? ", got nothing: indent its keys further than it" : ", got nothing";
  if (expected === "int" && typeof input === "number") return ", got a fraction";
  const cure = expected === "string" && typeof input !== "object" ? ": put it in quotes" : "";
  return `, got ${Array.isArray(input) ? kinds.array : (kinds[typeof input] ?? typeof input)}${cure}`;
}

function explainChoice(values: string[], input: unknown): string {
  const choice = values.map((value) => `"${value}"`).join(" or ");
  const expected = values.length === 1 ? `expected ${values[0]}` : `expected ${choice}`;
  if (typeof input !== "string") return expected;
  const near = suggestion(input, values);
  return near.startsWith("did you mean") ? `${expected}; ${near}` : expected;
}

function amount(count: number, origin: string): string {
  const unit = origin === "string" ? "character" : "entry";
  if (count === 1) return `one ${unit}`;
  return `${count} ${origin === "string" ? "characters" : "entries"}`;
}
