import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Warehouse } from "../../local/warehouse/index.ts";
import { openForTestData, openReader, type TestDataWarehouse, type WarehouseReader } from "../../src/warehouse/access.ts";
import type { RowDeletion } from "../../src/warehouse/writes.ts";
import { rowsWith } from "../harness/deletion.ts";
import { disguisedWrites } from "./disguised-writes.ts";
import { failureOf, settingsFor, startSchool } from "./harness.ts";

// The reader signs in as a user who may write, so only the client stops anything here. The warehouse's record proves that nothing
// was sent.
let school: Warehouse;
let reader: WarehouseReader;
let writer: TestDataWarehouse;

beforeAll(async () => {
  school = await startSchool();
  const options = { signal: new AbortController().signal };
  [reader, writer] = await Promise.all([openReader(settingsFor(school), options), openForTestData(settingsFor(school), options)]);
});
afterAll(async () => {
  await Promise.all([reader.close(), writer.close()]);
  await school.stop();
});

async function expectNothingSent(work: () => Promise<unknown>, kind: string): Promise<void> {
  const seen = school.statements.length;
  expect(await failureOf(work())).toMatchObject({ kind });
  expect(school.statements.slice(seen)).toEqual([]);
}

it("knows at least 60 disguises of a write", () => {
  expect(new Set(disguisedWrites).size).toBeGreaterThanOrEqual(60);
});

it.each(disguisedWrites)("a reader doesn't send %j", async (statement) => {
  await expectNothingSent(() => reader.query(statement), "denied");
});

it("a reader doesn't send a write after any mixture of comments, strings, names and blanks", async () => {
  const noise = fc.constantFrom(
    "/* x */",
    "-- x\n",
    "-- x\r",
    " ",
    "\n",
    "\t",
    "'text;'",
    "`a name`",
    '"text"',
    "(",
    ")",
    "1",
    ",",
    "r'\\'",
    "''''",
    "/* ; -- */",
    "/*+ h */",
    "$$",
    "\\",
    "'\\''",
  );
  const write = fc.constantFrom(
    "DELETE FROM t",
    "drop table t",
    "INSERT INTO t VALUES (1)",
    "MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE",
  );
  const joint = fc.constantFrom(";", " ", ")", "\r", "\n");
  await fc.assert(
    fc.asyncProperty(fc.array(noise, { maxLength: 8 }), joint, write, (before, between, statement) =>
      expectNothingSent(() => reader.query(`SELECT 1 ${before.join(" ")}${between}${statement}`), "denied"),
    ),
    { numRuns: 300 },
  );
});

it("a reader has no method that writes", () => {
  expect(Object.keys(reader).sort()).toEqual(["catalog", "close", "identity", "query"]);
});

it("a connection for test data has three methods that write, and one that tries", () => {
  expect(Object.keys(writer).sort()).toEqual([
    "catalog",
    "close",
    "deleteRows",
    "identity",
    "query",
    "restoreRows",
    "tryRestoring",
    "writeCells",
  ]);
});

it.each(disguisedWrites)("a connection for test data doesn't send %j as a query either", async (statement) => {
  await expectNothingSent(() => writer.query(statement), "denied");
});

it("reports its identity and location, with the warehouse's own clock", async () => {
  const identity = await reader.identity();
  expect(identity).toMatchObject({ host: school.host, catalog: "classwaves", principal: "runner@school.example" });
  expect(new Date(identity.serverTime ?? "").toISOString()).toBe(identity.serverTime);
});

it("marks every statement with its run", async () => {
  await reader.query("SELECT 42");
  expect(school.statements.at(-1)?.sql).toBe("/* env-actions run 1763920000000_1a2b3c4d */ SELECT 42");
  // A run id may come from a report, which is a file.
  const options = { signal: new AbortController().signal };
  const named = await openReader(settingsFor(school, { runId: "*/ DROP TABLE sessions.classroom_sessions --\n" }), options);
  await named.query("SELECT 43");
  await named.close();
  expect(school.statements.at(-1)?.sql).toBe("/* env-actions run DROPTABLEsessions.classroom_sessions-- */ SELECT 43");
});

describe("a delete", () => {
  const rows = rowsWith("sessions.classroom_sessions", "id", "a");
  const [column] = rows.columns;
  it.each([
    [{ columns: [] }, "it has no condition"],
    [{ columns: [{ ...column, column: "id", values: [] }] }, "a column has no values"],
    [{ columns: [{ ...column, column: "", values: ["a"] }] }, "a column has no name"],
    [{ table: "classroom_sessions" }, "not written as schema.table"],
    [{ table: "a.b.c" }, "not written as schema.table"],
    [{ columns: [{ column: "id", type: "STRING", values: Array<string>(5_001).fill("a") }] }, "more than 5000 values"],
    [
      { columns: [{ column: "id", type: "STRING", values: Array.from({ length: 201 }, (_, at) => `'${at}`) }] },
      "200 values that",
    ],
    // It would be sent as a question mark, and could match another row.
    [{ columns: [{ column: "id", type: "STRING", values: ["\ud800"] }] }, "well-formed"],
  ])("is not sent with %j", async (change, why) => {
    const seen = school.statements.length;
    const failure = await failureOf(writer.deleteRows({ ...rows, ...change } as RowDeletion));
    expect(failure).toMatchObject({ kind: "statement", message: expect.stringContaining(why) });
    expect(school.statements.slice(seen)).toEqual([]);
  });

  it("has plain values as texts, so that files are skipped, and all others as parameters", async () => {
    const values = ["integration_test_1_a", "O'Neil", "a\\b", "${x}", "名前"];
    await writer.deleteRows(rowsWith("sessions.classroom_sessions", "id", ...values));
    expect(school.statements.at(-1)?.sql).toMatch(/WHERE `id` IN \('integration_test_1_a', :p0, :p1, :p2, :p3\)$/);
    await writer.deleteRows({ ...rows, columns: [{ column: "id", type: "STRING COLLATE UTF8_LCASE", values: ["gone"] }] });
    expect(school.statements.at(-1)?.sql).toMatch(/WHERE CAST\(`id` AS STRING\) IN \('gone'\)$/);
  });

  it("deletes what its values name, literally, and reports how many", async () => {
    const wild = ["%", "_", "a%", "O'Neil", "back\\slash", "名前", "`; DROP TABLE x; --", "null", ""];
    for (const id of wild)
      await school.load(`INSERT INTO sessions.classroom_sessions (id) VALUES ('${id.replaceAll("'", "''")}')`);
    for (const id of wild) expect(await writer.deleteRows(rowsWith("sessions.classroom_sessions", "id", id)), id).toBe(1);
    expect(await school.query("SELECT id FROM sessions.classroom_sessions ORDER BY id")).toEqual([
      { id: "a" },
      { id: "b" },
      { id: "c" },
    ]);
  });
});

describe("restoring an old value", () => {
  const write = {
    table: "sessions.classroom_sessions",
    key: "id",
    keys: ["a"],
    column: "title",
    type: "STRING",
    now: "test",
    value: "real",
  };
  it.each([
    [{ keys: [] }, "it has no rows"],
    [{ keys: Array<string>(201).fill("a") }, "more than 200 rows"],
    [{ column: "ID" }, "identifies a row"],
    [{ column: "" }, "has no name"],
    [{ table: "classroom_sessions" }, "not written as schema.table"],
    [{ table: "a.b.c" }, "not written as schema.table"],
    [{ keys: ["\ud800"] }, "well-formed"],
    [{ value: "\udc00" }, "well-formed"],
    [{ type: "TIMESTAMP" }, "type TIMESTAMP"],
    [{ type: "DOUBLE", value: "0.1" }, "type DOUBLE"],
    [{ type: "DECIMAL", value: "1e3" }, "type DECIMAL"],
    [{ type: "STRING) = 1; --" }, "type STRING) = 1; --"],
    [{ type: "MAP<STRING, STRING>" }, "type MAP"],
  ])("is not sent if %j", async (change, why) => {
    const seen = school.statements.length;
    const failure = await failureOf(writer.writeCells({ ...write, ...change }));
    expect(failure).toMatchObject({ kind: "statement", message: expect.stringContaining(why) });
    expect(school.statements.slice(seen)).toEqual([]);
  });

  it("is one UPDATE of one column, by key and current value, with every value as a parameter", async () => {
    await school.load(
      "INSERT INTO sessions.classroom_sessions (id, title) VALUES ('w1', 'test'), ('w2', 'test'), ('w3', 'else')",
    );
    const wild = "'; DROP TABLE x; --`";
    expect(await writer.writeCells({ ...write, keys: ["w1", "w3", "gone"], value: wild })).toBe(1);
    expect(school.statements.at(-1)?.sql).toMatch(
      /UPDATE `classwaves`\.`sessions`\.`classroom_sessions` SET `title` = :before WHERE CAST\(`id` AS STRING\) IN \(:k0, :k1, :k2\) AND CAST\(`title` AS STRING\) <=> :now$/,
    );
    // A second time changes nothing.
    expect(await writer.writeCells({ ...write, keys: ["w1", "w3", "gone"], value: wild })).toBe(0);
    expect(await writer.writeCells({ ...write, keys: ["w2"], value: null })).toBe(1);
    const found = await school.query("SELECT id, title FROM sessions.classroom_sessions WHERE id LIKE 'w%' ORDER BY id");
    expect(found).toEqual([
      { id: "w1", title: wild },
      { id: "w2", title: null },
      { id: "w3", title: "else" },
    ]);
    await school.load("DELETE FROM sessions.classroom_sessions WHERE id LIKE 'w%'");
  });
});
