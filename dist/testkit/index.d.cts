/** The run that these tests belong to, `<ms>_<8 hex>`. Tests that env-actions did not start get one of the same shape. */
export declare const runId: string;
/** What the names of test data begin with, `integration_test_<ms>_<8 hex>`: for titles and keys as well as for ids. */
export declare const prefix: string;
/** The file that `track` appends to; undefined in tests that env-actions did not start. */
export declare const ledger: string | undefined;
/**
 * A new id that shows by itself whose it is, so that cleanup finds it: `<prefix>_<ms>_<8 hex>_<16 hex>`. No other call returns
 * the same, in whatever process or thread.
 * @param given what it begins with, such as `"integration_test"`: one of `testData.prefixes` of the configuration, with or
 *   without the `_` or `-` at its end; left out, the stage's own
 * @throws Error for a prefix that is shorter than 6 characters, is no literal, or is not listed: cleanup would not find the id
 */
export declare function testId(given?: string): string;
/**
 * Notes in the ledger that this run made rows whose ids do not show it, such as ids that a server chose: cleanup deletes them, and
 * what hangs on them. When it returns, they are on the disk; several ids in one call cost as much as one.
 * @param table `schema.table`
 * @returns whether they were recorded: false, with a warning, in tests that env-actions did not start
 * @throws Error when they could not be recorded, and why; TypeError or RangeError for a table or an id that is empty, too long, or no
 *   text. Nothing of the call counts as recorded then.
 */
export declare function track(table: string, ...ids: readonly string[]): boolean;
/**
 * Notes in the ledger that this run made Redis keys whose names do not show it: otherwise as `track`.
 * @returns whether they were recorded
 * @throws Error, TypeError, RangeError when nothing of the call counts as recorded
 */
export declare function trackKey(...keys: readonly string[]): boolean;
