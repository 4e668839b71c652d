import { createHash } from "node:crypto";
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findDelta } from "../../scripts/delta.ts";
import { inParallel } from "../../src/lib/in-parallel.ts";
import { type Compared, compareAnswers } from "./compare.ts";
import { argumentsOf, createTable, replaceRows, storedAs, tableKinds } from "./copies.ts";
import { type Recorded, type RecordedTable, recordingFolder } from "./record.ts";
import { outsideTexts } from "./replay.ts";
import { shapeOf } from "./shape.ts";
import { type Json, type Spark, SparkError, startSpark, withoutProcesses } from "./spark.ts";

// Every distinct shape of statement that `npm test` sends, once on Spark with Delta: the same answer, and after a write the same
// rows. Whatever else the tests send of the same shape differs in names, values and the length of lists only.
let spark: Spark;

/** Every compared statement, one JSON object per line, with the time that it took together with the copies of its tables. */
const logFile = join(recordingFolder, "..", "shapes.jsonl");

beforeAll(async () => {
  const found = findDelta();
  if ("missing" in found) throw new Error(found.missing);
  spark = await startSpark(found, withoutProcesses);
  await spark.run("CREATE SCHEMA recorded");
}, 300_000);
afterAll(() => spark.stop());

const isRecorded = existsSync(recordingFolder);

// In the short form, a missing recording is a failure.
it.skipIf(!isRecorded && process.env.DELTA_SHORT !== "1")(
  "each shape that the tests send has the same answer on Delta",
  async () => {
    const statements = recordedStatements();
    writeFileSync(logFile, "");
    const compared = await inParallel(3, [...statements.entries()], async ([index, recorded]) => {
      const started = performance.now();
      const result = { ...(await compare(recorded, index)), sql: recorded.sql };
      appendFileSync(logFile, `${JSON.stringify({ ...result, ms: Math.round(performance.now() - started) })}\n`);
      return result;
    });
    const differences = compared.filter(({ same }) => !same);
    console.log(`${compared.length} shapes of statements compared with Delta, ${differences.length} differences`);
    for (const [why, count] of leftOut()) console.log(`left out: ${count} parts of shapes, ${why}`);
    expect(differences.map(({ sql, why }) => ({ sql: sql.slice(0, 600), why }))).toEqual([]);
    // With fewer, the recording has not seen most of the tests.
    expect(compared.length).toBeGreaterThan(150);
  },
);

/** As few as have all parts of all shapes: always the statement next that brings most of what is missing. */
function recordedStatements(): Recorded[] {
  const files = readdirSync(recordingFolder).filter((file) => file.endsWith(".json"));
  const left = files.sort().map((file) => {
    const recorded = JSON.parse(readFileSync(join(recordingFolder, file), "utf8")) as Recorded;
    return { recorded, missing: new Set(shapeOf(recorded.sql)) };
  });
  const chosen: Recorded[] = [];
  for (;;) {
    const [best] = left.toSorted((a, b) => b.missing.size - a.missing.size);
    if (!best || best.missing.size === 0) return chosen;
    chosen.push(best.recorded);
    const parts = [...best.missing];
    for (const { missing } of left) for (const part of parts) missing.delete(part);
  }
}

/** How many parts of shapes no recorded statement has, by reason. */
function leftOut(): [why: string, count: number][] {
  const files = new Set(readdirSync(recordingFolder));
  const missed = [...files].filter((file) => file.endsWith(".missed") && !files.has(file.replace(".missed", ".part")));
  const reasons = missed.map((file) => readFileSync(join(recordingFolder, file), "utf8"));
  return [...Map.groupBy(reasons, (why) => why)].map(([why, all]) => [why, all.length]);
}

async function compare(recorded: Recorded, index: number): Promise<Compared> {
  const copied = new Map<string, Copy>();
  for (const table of recorded.tables)
    copied.set(table.name, await copyOf(table, table.name === recorded.written?.table ? index : undefined));
  try {
    const answer = await spark.run(translated(recorded, copied), argumentsOf(recorded.parameters));
    // A history's versions and times are the copy's own; the referee of whole runs compares them.
    if (/^DESCRIBE HISTORY/i.test(recorded.sql)) return { same: true };
    if (isAnyOf(recorded)) return { same: recorded.answer.rows.length === answer.rows.length, why: `${answer.rows.length} rows` };
    const compared = compareAnswers(recorded.sql, withoutNow(recorded.answer, recorded), withoutNow(answer, recorded));
    const { written } = recorded;
    if (!compared.same || !written) return compared;
    const rows = await spark.run(`SELECT * FROM ${copied.get(written.table)?.name}`);
    return compareAnswers("SELECT", withoutNow(written.after, recorded), withoutNow(rows, recorded));
  } catch (error) {
    if (!(error instanceof SparkError)) throw error;
    return { same: false, why: error.message };
  }
}

/** Whether the answer may be any of more rows: LIMIT without ORDER BY. */
function isAnyOf({ sql, answer }: Recorded): boolean {
  const limit = /(ORDER BY.*)?\bLIMIT (\d+)$/is.exec(sql);
  return limit !== null && limit[1] === undefined && Number(limit[2]) === answer.rows.length;
}

/** Of a statement that asks the clock, the times since it was recorded are only compared as times. */
function withoutNow<Some extends { rows: Json[][] }>(answer: Some, { sql, at }: Recorded): Some {
  if (!/\b(current_timestamp|current_date|now)\(\)/i.test(sql)) return answer;
  const earliest = new Date(at).toISOString().slice(0, 10);
  const earliestMs = Date.parse(earliest);
  const isNow = (value: Json): boolean =>
    typeof value === "string"
      ? /^\d{4}-\d\d-\d\d(T|$)/.test(value) && value >= earliest
      : // In milliseconds, as of `unix_millis`.
        typeof value === "number" && value >= earliestMs && value < earliestMs + 10 * 86_400_000;
  return { ...answer, rows: answer.rows.map((row) => row.map((value) => (isNow(value) ? someTime : value))) };
}

const someTime = "2000-01-01T00:00:00.000000";

interface Copy {
  name: string;
  /** The copy's versions by those of the table. */
  versions: Map<number, number>;
}

const copies = new Map<string, Promise<Copy>>();

/** Tables with the same rows share a copy, unless a statement writes to it. @param writer the statement's number */
function copyOf(table: RecordedTable, writer: number | undefined): Promise<Copy> {
  const { columns, rows, older } = table;
  const key = createHash("sha256")
    .update(JSON.stringify([columns, rows, older, writer]))
    .digest("hex")
    .slice(0, 20);
  const known = copies.get(key) ?? makeCopy(`recorded.t_${key}`, table);
  copies.set(key, known);
  return known;
}

async function makeCopy(name: string, { columns, rows, older }: RecordedTable): Promise<Copy> {
  // By the columns alone, so that a table of one run is stored in one way.
  const turn = createHash("sha256").update(JSON.stringify(columns)).digest().readUInt8() % tableKinds.length;
  const kind = tableKinds[turn] ?? "plain";
  const contents = [...older, ...(rows ? [{ version: undefined, rows }] : [])];
  // A partition for each of many rows would take longer than all the rest.
  const most = Math.max(...contents.map((content) => content.rows.length));
  const stored = storedAs(kind === "partitioned" && most > 20 ? "plain" : kind, columns);
  const versions = new Map<number, number>();
  let newest = -1;
  let there = "";
  for (const { version, rows: then } of contents) {
    const content = JSON.stringify(then);
    if (newest < 0) await createTable(spark, name, columns, stored, then);
    else if (content !== there) await replaceRows(spark, name, columns, then);
    if (content !== there) newest++;
    there = content;
    if (version !== undefined) versions.set(version, newest);
  }
  return { name, versions };
}

/** The same statement about the copies. */
function translated({ sql, tables, catalog, schema }: Recorded, copied: ReadonlyMap<string, Copy>): string {
  let text = sql;
  for (const { name } of tables) {
    const [ownCatalog = "", ownSchema = "", table = ""] = name.split(".");
    const { name: copy, versions } = copied.get(name) as Copy;
    const part = (one: string): string => `\`?${one.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}\`?`;
    const spellings = [`${part(ownCatalog)}\\.${part(ownSchema)}\\.${part(table)}`];
    if (ownCatalog === catalog.toLowerCase()) spellings.push(`${part(ownSchema)}\\.${part(table)}`);
    for (const spelling of spellings)
      text = outsideTexts(text, (code) =>
        code.replaceAll(new RegExp(`(?<![\\w\`'.])${spelling}(?![\\w\`.(])`, "gi"), () => copy),
      );
    if (ownCatalog === catalog.toLowerCase() && ownSchema === schema.toLowerCase())
      text = text.replaceAll(
        new RegExp(`\\b(FROM|INTO|OVERWRITE|JOIN|UPDATE|HISTORY) ${part(table)}(?![\\w\`.(])`, "gi"),
        (_, word: string) => `${word} ${copy}`,
      );
    const travel = new RegExp(`(${copy.replace(".", "\\.")} VERSION AS OF )(\\d+)`, "g");
    text = text.replace(new RegExp(`^MERGE INTO ${copy} USING`), `MERGE INTO ${copy} AS ${table} USING`);
    text = text.replaceAll(travel, (_, before: string, version: string) => before + versions.get(Number(version)));
  }
  return text;
}
