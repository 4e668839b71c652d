import { randomBytes } from "node:crypto";
import { appendLines } from "./append.ts";
import { readRun, warnOutside } from "./run.ts";

const run = readRun(process.env);

/** The run that these tests belong to, `<ms>_<8 hex>`. Tests that env-actions did not start get one of the same shape. */
export const runId: string = run.runId;

/** What the names of test data begin with, `integration_test_<ms>_<8 hex>`: for titles and keys as well as for ids. */
export const prefix: string = run.prefix;

/** The file that `track` appends to; undefined in tests that env-actions did not start. */
export const ledger: string | undefined = run.ledger;

/** Longest table, `catalog.schema.table`, and longest id or key, in characters. The reader of the ledger takes no longer ones. */
const longestTable = 767;
const longestName = 4096;
const shortestPrefix = 6;
const noLiteral = /[%*?[\]\\'"`\s]/;

/**
 * A new id that shows by itself whose it is, so that cleanup finds it: `<prefix>_<ms>_<8 hex>_<16 hex>`. No other call returns
 * the same, in whatever process or thread.
 * @param given what it begins with, such as `"integration_test"`: one of `testData.prefixes` of the configuration, with or
 *   without the `_` or `-` at its end; left out, the stage's own
 * @throws Error for a prefix that is shorter than 6 characters, is no literal, or is not listed: cleanup would not find the id
 */
export function testId(given: string = prefix): string {
  if (typeof given !== "string") throw new TypeError(`env-actions: the prefix is ${kindOf(given)}, and must be a text`);
  // Whoever read ENV_ACTIONS_PREFIX for themselves has the run's id in it already.
  if (given.replace(/[_-]$/, "") === prefix) return `${prefix}_${unique()}`;
  if (given.length < shortestPrefix)
    throw new Error(`env-actions: the prefix ${JSON.stringify(given)} is shorter than ${shortestPrefix} characters`);
  if (noLiteral.test(given))
    throw new Error(`env-actions: the prefix ${JSON.stringify(given)} has a wildcard, quote, backslash or space in it`);
  return `${asListed(given)}${runId}_${unique()}`;
}

/** 64 bits: among a million ids of one run, two are the same once in thirty million runs. */
function unique(): string {
  return randomBytes(8).toString("hex");
}

/** What stands before the run's id, for cleanup compares to the letter. */
function asListed(given: string): string {
  const spellings = /[_-]$/.test(given) ? [given] : [`${given}_`, `${given}-`, given];
  if (run.listed === undefined) return spellings[0] ?? given;
  const found = spellings.find((spelling) => run.listed?.includes(spelling));
  if (found !== undefined) return found;
  throw new Error(
    `env-actions: cleanup would not find ids that begin with ${JSON.stringify(given)}: testData.prefixes lists ${run.listed.join(", ")}`,
  );
}

/**
 * Notes in the ledger that this run made rows whose ids do not show it, such as ids that a server chose: cleanup deletes them, and
 * what hangs on them. When it returns, they are on the disk; several ids in one call cost as much as one.
 * @param table `schema.table`
 * @returns whether they were recorded: false, with a warning, in tests that env-actions did not start
 * @throws Error when they could not be recorded, and why; TypeError or RangeError for a table or an id that is empty, too long, or no
 *   text. Nothing of the call counts as recorded then.
 */
export function track(table: string, ...ids: readonly string[]): boolean {
  check(table, "the table", longestTable);
  for (const id of ids) check(id, `the id of a row of ${table}`, longestName);
  return record(ids.map((id) => JSON.stringify({ table, id })));
}

/**
 * Notes in the ledger that this run made Redis keys whose names do not show it: otherwise as `track`.
 * @returns whether they were recorded
 * @throws Error, TypeError, RangeError when nothing of the call counts as recorded
 */
export function trackKey(...keys: readonly string[]): boolean {
  for (const key of keys) check(key, "the key", longestName);
  return record(keys.map((key) => JSON.stringify({ key })));
}

function record(lines: readonly string[]): boolean {
  if (ledger === undefined) {
    if (run.underWay)
      throw new Error(
        "env-actions: ENV_ACTIONS_LEDGER is not set, though ENV_ACTIONS_RUN_ID or ENV_ACTIONS_PREFIX is: pass on both, or nothing can be recorded",
      );
    warnOutside();
    return false;
  }
  if (lines.length > 0) appendLines(ledger, lines);
  return true;
}

function check(value: unknown, what: string, longest: number): void {
  if (typeof value !== "string") throw new TypeError(`env-actions: ${what} is ${kindOf(value)}, and must be a text`);
  if (value === "") throw new RangeError(`env-actions: ${what} is empty`);
  if (value.length > longest) throw new RangeError(`env-actions: ${what} is longer than ${longest} characters`);
  // No warehouse and no Redis has such a text: an id or key that was stored has lost it.
  // String.prototype.isWellFormed is not there before Node 20.
  if (/\p{Surrogate}/u.test(value))
    throw new RangeError(`env-actions: ${what} is no valid Unicode: it has half of a surrogate pair`);
}

function kindOf(value: unknown): string {
  return value === null || value === undefined ? String(value) : `of type ${typeof value}`;
}
