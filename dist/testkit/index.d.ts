/** The run that these tests belong to, `<ms>_<8 hex>`. Tests that env-actions did not start get an id of the same form. */
export declare const runId: string;
/** The prefix of test data, `integration_test_<ms>_<8 hex>`: for titles and keys as well as for ids. */
export declare const prefix: string;
/** The file that `track` appends to; undefined in tests that env-actions did not start. */
export declare const ledger: string | undefined;
/**
 * A new id that identifies itself as test data, so that cleanup finds it: `<prefix>_<ms>_<8 hex>_<16 hex>`. Unique across all
 * processes and threads.
 * @param given the prefix, such as `"integration_test"`: one of `testData.prefixes` in the configuration, with or without a final
 * `_` or `-`; the stage's own if absent
 * @throws Error for a prefix that is shorter than 6 characters, is not a literal, or is not listed: cleanup would not find the id
 */
export declare function testId(given?: string): string;
/**
 * Records in the ledger that this run created rows whose ids don't show it, such as ids chosen by a server. Cleanup deletes them
 * and what depends on them. They are on disk when it returns; several ids in one call cost as much as one.
 * @param table `schema.table`
 * @returns whether they were recorded: false, with a warning, in tests that env-actions did not start
 * @throws Error with the reason if they could not be recorded; TypeError or RangeError for a table or id that is empty, too long
 * or not text. Then nothing of the call counts as recorded.
 */
export declare function track(table: string, ...ids: readonly string[]): boolean;
/**
 * Records in the ledger that this run created Redis keys whose names don't show it; otherwise like `track`.
 * @returns whether they were recorded
 * @throws Error, TypeError, RangeError; then nothing of the call counts as recorded
 */
export declare function trackKey(...keys: readonly string[]): boolean;
