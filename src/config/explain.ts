import { suggestion } from "../lib/nearest.ts";
import type { z } from "../lib/zod.ts";
import type { ErrorCode } from "../model/error-codes/catalogue.ts";

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
  if (input === null) return ", got nothing";
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
