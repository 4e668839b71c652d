import type { Parameters } from "../warehouse/connection.ts";
import { quoteName } from "../warehouse/statements.ts";

/**
 * Exactly which rows of a table are test data: those with these keys, those whose parent column holds one of these ids, and
 * those whose column has one of these values. All are literal values that were read before; there is no pattern in it. The one
 * object makes the statement that counts and the statement that deletes, so a plan is what runs.
 */
export interface Selection {
  /** Column → the values that select a row. */
  values: Map<string, Set<string>>;
}

export function emptySelection(): Selection {
  return { values: new Map() };
}

export function select(selection: Selection, column: string, values: Iterable<string>): void {
  const known = selection.values.get(column) ?? new Set<string>();
  for (const value of values) known.add(value);
  if (known.size > 0) selection.values.set(column, known);
}

export function isEmpty(selection: Selection): boolean {
  return selection.values.size === 0;
}

/**
 * The condition, with the values as JSON in one parameter a column: the warehouse allows 256 parameters a statement, and test
 * data has thousands of ids.
 */
export function conditionOf(selection: Selection): { text: string; parameters: Parameters } {
  const parameters: Parameters = {};
  const terms = [...selection.values].map(([column, values], index) => {
    const parameter = `values${index}`;
    parameters[parameter] = JSON.stringify([...values].sort());
    return `${quoteName(column)} IN (SELECT explode(from_json(:${parameter}, 'array<string>')))`;
  });
  return { text: terms.join(" OR "), parameters };
}

/** How a row shows by one of its columns that it is test data; exactly one of the three. */
export interface Rule {
  column: string;
  prefixes?: readonly string[];
  suffix?: string;
  equals?: string;
}

/** Rows that show by themselves that they may be test data: what a plan begins with. */
export function candidatesOf(rules: readonly Rule[]): { text: string; parameters: Parameters } {
  const names = new Map<string, string>();
  // One parameter a value, however many columns it is compared with.
  const parameter = (value: string): string => {
    const name = names.get(value) ?? `p${names.size}`;
    names.set(value, name);
    return `:${name}`;
  };
  // startswith, never LIKE: the underscore in every prefix would be a wildcard there.
  const terms = rules.flatMap((rule) => {
    const column = quoteName(rule.column);
    if (rule.prefixes) return rule.prefixes.map((prefix) => `startswith(${column}, ${parameter(prefix)})`);
    if (rule.suffix !== undefined) return [`endswith(${column}, ${parameter(rule.suffix)})`];
    return [`${column} = ${parameter(rule.equals ?? "")}`];
  });
  return { text: terms.join(" OR "), parameters: Object.fromEntries([...names].map(([value, name]) => [name, value])) };
}
