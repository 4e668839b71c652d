import { appendFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { WarehouseOptions } from "../../local/warehouse/index.ts";
import { findDelta } from "../../scripts/delta.ts";
import type { TableKind } from "./copies.ts";
import { Mirror, type Seen } from "./mirror.ts";
import { type Spark, startSpark, withoutProcesses } from "./spark.ts";

/**
 * Under `npm run test:delta`, tests that start the warehouse with these options run every statement on Spark with Delta as well.
 * Any difference fails the test file.
 */
export const isRefereed = process.env.DELTA === "1";

/** Every compared statement, one JSON object per line. */
const logFile = join(import.meta.dirname, "..", "..", ".cache", "delta", "statements.jsonl");

/** One Spark serves all files of a worker. */
let spark: Promise<Spark> | undefined;
const seen: Seen[] = [];

/** @param kinds how Delta stores the tables */
export async function referee(kinds?: readonly TableKind[]): Promise<Pick<WarehouseOptions, "watch" | "faults">> {
  if (!isRefereed) return {};
  spark ??= start();
  const started = await spark;
  return {
    // Delta without Databricks has no history inside of queries.
    faults: { historyInQueries: false },
    watch: (execute, world) => new Mirror(started, world, record, { kinds }).watch(execute),
  };
}

/** What was compared since the last call. */
export function comparedStatements(): Seen[] {
  return seen.splice(0);
}

export async function stopReferee(): Promise<void> {
  const started = spark;
  spark = undefined;
  await (await started)?.stop();
}

async function start(): Promise<Spark> {
  const found = findDelta();
  if ("missing" in found) throw new Error(found.missing);
  mkdirSync(dirname(logFile), { recursive: true });
  return await startSpark(found, withoutProcesses);
}

function record(one: Seen): void {
  seen.push(one);
  appendFileSync(logFile, `${JSON.stringify(one)}\n`);
}
