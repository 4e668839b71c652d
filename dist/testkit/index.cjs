Object.defineProperty(exports, Symbol.toStringTag, { value: "Module" });
let node_crypto = require("node:crypto");
let node_fs = require("node:fs");
let node_path = require("node:path");
// build/src/testkit/append.js
/**
* Appends lines to a file that other processes append to as well: all of them or, as far as the caller can rely on it, none. They
* are on disk when it returns.
* @throws Error with the reason if they were not recorded
*/
function appendLines(file, lines) {
	const record = Buffer.from(`\n${lines.join("\n")}\n`);
	try {
		const descriptor = (0, node_fs.openSync)(file, "a");
		try {
			writeWhole(descriptor, record);
			sync(descriptor);
		} finally {
			(0, node_fs.closeSync)(descriptor);
		}
	} catch (error) {
		throw new Error(`env-actions: not recorded in the ledger ${file}: ${reason(error)}`, { cause: error });
	}
}
/** A single write: the system appends it as a whole, and no other process's bytes come in between. */
function writeWhole(descriptor, record) {
	if ((0, node_fs.writeSync)(descriptor, record) === record.length) return;
	const written = (0, node_fs.writeSync)(descriptor, record);
	if (written !== record.length) throw new Error(`only ${written} of ${record.length} bytes were written`);
}
/** On file systems that delay writes, such as NFS, a full disk shows up only here. Synced data also survives a power loss. */
function sync(descriptor) {
	try {
		(0, node_fs.fdatasyncSync)(descriptor);
	} catch (error) {
		if (![
			"EINVAL",
			"ENOSYS",
			"ENOTSUP"
		].includes(codeOf(error))) throw error;
	}
}
const reasons = {
	ENOSPC: "the disk is full",
	EDQUOT: "the disk quota is used up",
	EACCES: "this user may not write it",
	EPERM: "this user may not write it",
	EROFS: "it is on a read-only file system",
	ENOENT: "its folder is gone"
};
function reason(error) {
	const known = reasons[codeOf(error)];
	const { message } = error;
	return known === void 0 ? String(message ?? error) : `${known} (${String(message)})`;
}
/** Not instanceof: under Jest, the error comes from another realm. */
function codeOf(error) {
	const { code } = error ?? {};
	return typeof code === "string" ? code : "";
}
// build/src/testkit/run.js
const runIdPattern = /^\d{13}_[0-9a-f]{8}$/;
const runIdAtEnd = /\d{13}_[0-9a-f]{8}$/;
/** @throws Error if ENV_ACTIONS_RUN_ID is not a run id: cleanup would never find data with it */
function readRun(env) {
	const named = env.ENV_ACTIONS_RUN_ID || void 0;
	const prefix = env.ENV_ACTIONS_PREFIX || void 0;
	if (named !== void 0 && !runIdPattern.test(named)) throw new Error(`env-actions: ENV_ACTIONS_RUN_ID is ${JSON.stringify(named)}, which is no run's id (<ms>_<8 hex>)`);
	const runId = named ?? (prefix && runIdAtEnd.exec(prefix)?.[0]) ?? shared().runId;
	return {
		runId,
		prefix: prefix ?? `integration_test_${runId}`,
		ledger: env.ENV_ACTIONS_LEDGER ? (0, node_path.resolve)(env.ENV_ACTIONS_LEDGER) : void 0,
		listed: env.ENV_ACTIONS_PREFIXES?.split(" ").filter((listed) => listed !== ""),
		underWay: named !== void 0 || prefix !== void 0
	};
}
/** Warns once per process that nothing is recorded. */
function warnOutside() {
	const state = shared();
	if (state.warned) return;
	state.warned = true;
	process.emitWarning("these tests were not started by env-actions: what they track is recorded nowhere, and nothing deletes it", "EnvActionsWarning");
}
function shared() {
	const holder = globalThis;
	const key = Symbol.for("env-actions.testkit");
	const state = holder[key] ?? {
		runId: `${Date.now()}_${(0, node_crypto.randomBytes)(4).toString("hex")}`,
		warned: false
	};
	holder[key] = state;
	return state;
}
// build/src/testkit/index.js
const run = readRun(process.env);
/** The run that these tests belong to, `<ms>_<8 hex>`. Tests that env-actions did not start get an id of the same form. */
const runId = run.runId;
/** The prefix of test data, `integration_test_<ms>_<8 hex>`: for titles and keys as well as for ids. */
const prefix = run.prefix;
/** The file that `track` appends to; undefined in tests that env-actions did not start. */
const ledger = run.ledger;
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
function testId(given = prefix) {
	if (typeof given !== "string") throw new TypeError(`env-actions: the prefix is ${kindOf(given)}, and must be a text`);
	if (given.replace(/[_-]$/, "") === prefix) return `${prefix}_${unique()}`;
	if (given.length < shortestPrefix) throw new Error(`env-actions: the prefix ${JSON.stringify(given)} is shorter than ${shortestPrefix} characters`);
	if (noLiteral.test(given)) throw new Error(`env-actions: the prefix ${JSON.stringify(given)} has a wildcard, quote, backslash or space in it`);
	return `${asListed(given)}${runId}_${unique()}`;
}
/** 64 bits: with a million ids per run, a collision happens once in thirty million runs. */
function unique() {
	return (0, node_crypto.randomBytes)(8).toString("hex");
}
/** The part before the run's id exactly as configured, because cleanup compares every character. */
function asListed(given) {
	const spellings = /[_-]$/.test(given) ? [given] : [
		`${given}_`,
		`${given}-`,
		given
	];
	if (run.listed === void 0) return spellings[0] ?? given;
	const found = spellings.find((spelling) => run.listed?.includes(spelling));
	if (found !== void 0) return found;
	throw new Error(`env-actions: cleanup would not find ids that begin with ${JSON.stringify(given)}: testData.prefixes lists ${run.listed.join(", ")}`);
}
/**
* Records in the ledger that this run created rows whose ids don't show it, such as ids chosen by a server. Cleanup deletes them
* and what depends on them. They are on disk when it returns; several ids in one call cost as much as one.
* @param table `schema.table`
* @returns whether they were recorded: false, with a warning, in tests that env-actions did not start
* @throws Error with the reason if they could not be recorded; TypeError or RangeError for a table or id that is empty, too long
* or not text. Then nothing of the call counts as recorded.
*/
function track(table, ...ids) {
	check(table, "the table", longestTable);
	for (const id of ids) check(id, `the id of a row of ${table}`, longestName);
	return record(ids.map((id) => JSON.stringify({
		table,
		id
	})));
}
/**
* Records in the ledger that this run created Redis keys whose names don't show it; otherwise like `track`.
* @returns whether they were recorded
* @throws Error, TypeError, RangeError; then nothing of the call counts as recorded
*/
function trackKey(...keys) {
	for (const key of keys) check(key, "the key", longestName);
	return record(keys.map((key) => JSON.stringify({ key })));
}
function record(lines) {
	if (ledger === void 0) {
		if (run.underWay) throw new Error("env-actions: ENV_ACTIONS_LEDGER is not set, though ENV_ACTIONS_RUN_ID or ENV_ACTIONS_PREFIX is: pass on both, or nothing can be recorded");
		warnOutside();
		return false;
	}
	if (lines.length > 0) appendLines(ledger, lines);
	return true;
}
function check(value, what, longest) {
	if (typeof value !== "string") throw new TypeError(`env-actions: ${what} is ${kindOf(value)}, and must be a text`);
	if (value === "") throw new RangeError(`env-actions: ${what} is empty`);
	if (value.length > longest) throw new RangeError(`env-actions: ${what} is longer than ${longest} characters`);
	if (/\p{Surrogate}/u.test(value)) throw new RangeError(`env-actions: ${what} is no valid Unicode: it has half of a surrogate pair`);
}
function kindOf(value) {
	return value === null || value === void 0 ? String(value) : `of type ${typeof value}`;
}
exports.ledger = ledger;
exports.prefix = prefix;
exports.runId = runId;
exports.testId = testId;
exports.track = track;
exports.trackKey = trackKey;
