import { randomBytes } from "node:crypto";
import { appendLines } from "./append.ts";
import { readRun, warnOutside } from "./run.ts";

const run = readRun(process.env);

/** The run that these tests belong to, `<ms>_<8 hex>`. Tests that env-actions did not start get an id of the same form. */
export const runId: string = run.runId;

/** The prefix of test data, `integration_test_<ms>_<8 hex>`: for titles and keys as well as for ids. */
export const prefix: string = run.prefix;

/** The file that `track` appends to; undefined in tests that env-actions did not start. */
export const ledger: string | undefined = run.ledger;

/**
 * The longest table, `catalog.schema.table`, and the longest id or key, in characters. The reader of the ledger accepts no longer
 * ones.
 */
const longestTable = 767;
const longestName = 4096;
const shortestPrefix = 6;
const noLiteral = /[%*?[\]\\'"`\s]/;

/**
 * A new id that identifies itself as test data, so that cleanup finds it: `<prefix>_<ms>_<8 hex>_<16 hex>`. Unique across all
 * processes and threads.
 * @param given the prefix, such as `"integration_test"`: one of `testData.prefixes` in the configuration, with or without a final
 * `_` or `-`; the stage's own if absent
 * @throws Error for a prefix that is shorter than 6 characters, is not a literal, or is not listed: cleanup would not find the id
 */
export function testId(given: string = prefix): string {
  if (typeof given !== "string") throw new TypeError(`env-actions: the prefix is ${kindOf(given)}, and must be a text`);
  // A prefix read from ENV_ACTIONS_PREFIX already contains the run's id.
  if (given.replace(/[_-]$/, "") === prefix) return `${prefix}_${unique()}`;
  if (given.length < shortestPrefix)
    throw new Error(`env-actions: the prefix ${JSON.stringify(given)} is shorter than ${shortestPrefix} characters`);
  if (noLiteral.test(given))
    throw new Error(`env-actions: the prefix ${JSON.stringify(given)} has a wildcard, quote, backslash or space in it`);
  return `${asListed(given)}${runId}_${unique()}`;
}

/** 64 bits: with a million ids per run, a collision happens once in thirty million runs. */
function unique(): string {
  return randomBytes(8).toString("hex");
}

/** The part before the run's id exactly as configured, because cleanup compares every character. */
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
 * Records in the ledger that this run created rows whose ids don't show it, such as ids chosen by a server. Cleanup deletes them
 * and what depends on them. They are on disk when it returns; several ids in one call cost as much as one.
 * @param table `schema.table`
 * @returns whether they were recorded: false, with a warning, in tests that env-actions did not start
 * @throws Error with the reason if they could not be recorded; TypeError or RangeError for a table or id that is empty, too long
 * or not text. Then nothing of the call counts as recorded.
 */
export function track(table: string, ...ids: readonly string[]): boolean {
  check(table, "the table", longestTable);
  for (const id of ids) check(id, `the id of a row of ${table}`, longestName);
  return record(ids.map((id) => JSON.stringify({ table, id })));
}

/**
 * Records in the ledger that this run created Redis keys whose names don't show it; otherwise like `track`.
 * @returns whether they were recorded
 * @throws Error, TypeError, RangeError; then nothing of the call counts as recorded
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
  // No warehouse or Redis can store such text, so the stored id or key would be different.
  // String.prototype.isWellFormed exists since Node 20.
  if (/\p{Surrogate}/u.test(value))
    throw new RangeError(`env-actions: ${what} is no valid Unicode: it has half of a surrogate pair`);
}

function kindOf(value: unknown): string {
  return value === null || value === undefined ? String(value) : `of type ${typeof value}`;
}
