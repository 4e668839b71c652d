import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { executeCleanup, prove } from "../../src/cleanup/execute/execute.ts";
import { planCleanup } from "../../src/cleanup/plan/plan-cleanup.ts";
import { executeUndo, planUndo, type TableUndo } from "../../src/cleanup/undo/restore-rows.ts";
import type { Table } from "../../src/config/schema.ts";
import { type Catalog, requestFor, runId, startTestStores, type TestStores, table } from "./test-stores.ts";

// The columns of a table change between a cleanup and its undo. Each value must come back in its own column, or the table must be
// refused with the reason: a value in another column would be worse than a lost one.
let stores: TestStores;
let count = 0;

beforeAll(async () => {
  // Delta drops no column by which it clusters or partitions.
  stores = await startTestStores(["plain", "deletion vectors"]);
});
afterAll(() => stores.stop());

const name = "school.lessons";
const mine = `integration_test_${runId}`;
const declared: Record<string, Table> = { [name]: table({ key: "id", match: [{ column: "title", prefix: true }] }) };
const columns = {
  id: "string",
  title: "string",
  a: "string",
  b: "string",
  n: "int",
  exact: "decimal(10,2)",
  tags: "map<string,string>",
  place: "struct<room:string,floor:int>",
  list: "array<string>",
  raw: "binary",
};
const named = "SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')";
const row = (id: string, title: string) =>
  `SELECT '${id}', '${title}', 'A-${id}', 'B-${id}', 7, CAST(1.25 AS DECIMAL(10,2)), map('k', '${id}'), named_struct('room', 'R', 'floor', 3), array('x', '${id}'), unhex('00FF')`;

interface Outcome {
  undone: TableUndo | undefined;
  /** By id. */
  rows: Map<string, Record<string, unknown>>;
  before: Map<string, Record<string, unknown>>;
}

/** Deletes two test rows, changes the table, and undoes. */
async function undoneAfter(changes: readonly string[], declaration = declared): Promise<Outcome> {
  const school: Catalog = await stores.catalog(`columns${count++}`, { [name]: { columns } });
  const run = (text: string) => school.run((full) => text.replaceAll("$t", full), name);
  try {
    await run(`ALTER TABLE $t ${named}`);
    await run(
      `INSERT INTO $t ${[row("one", `${mine} maths`), row("two", `${mine} art`), row("real", "Maths")].join(" UNION ALL ")}`,
    );
    const rows = async () => new Map((await school.rows(name)).map((found) => [String(found.id ?? found.ident), found]));
    const before = await rows();
    const ports = school.ports();
    const cleanup = await executeCleanup(await prove(ports), await planCleanup(ports, requestFor(declaration)));
    expect(cleanup).toMatchObject({ deletedRows: 2, leftOver: 0 });
    for (const change of changes) await run(change);
    const report = { runId, environment: { name: "sandbox", access: "test-data" as const }, cleanup };
    const plan = await planUndo(school.warehouse, { report, tables: declaration, protectedTables: [] });
    const { environment } = ports;
    const audit = async () => undefined;
    const undone = await executeUndo({ warehouse: school.warehouse, environment, audit }, plan, new Map());
    return { undone: undone.tables[0], rows: await rows(), before };
  } finally {
    await school.close();
  }
}

/** The row as it must be afterwards. */
type Expected = (before: Record<string, unknown>) => Record<string, unknown>;
const as: Expected = (before) => before;
const without = (before: Record<string, unknown>, ...gone: string[]) =>
  Object.fromEntries(Object.entries(before).filter(([column]) => !gone.includes(column)));

describe("rows come back as they were", () => {
  it.each<[string, string[], Expected]>([
    ["nothing changed", [], as],
    ["a column was moved", ["ALTER TABLE $t ALTER COLUMN a AFTER b"], as],
    ["a column was moved to the front", ["ALTER TABLE $t ALTER COLUMN b FIRST"], as],
    ["the key was moved", ["ALTER TABLE $t ALTER COLUMN id AFTER n"], as],
    ["several columns were moved", ["ALTER TABLE $t ALTER COLUMN n FIRST", "ALTER TABLE $t ALTER COLUMN a AFTER list"], as],
    ["a column was added", ["ALTER TABLE $t ADD COLUMN c string"], (before) => ({ ...before, c: null })],
    ["a column was added in front", ["ALTER TABLE $t ADD COLUMN c string FIRST"], (before) => ({ ...before, c: null })],
    ["a column was added between", ["ALTER TABLE $t ADD COLUMN c string AFTER a"], (before) => ({ ...before, c: null })],
    ["columns were added", ["ALTER TABLE $t ADD COLUMNS (c string, d int)"], (before) => ({ ...before, c: null, d: null })],
    ["a column was renamed", ["ALTER TABLE $t RENAME COLUMN a TO c"], (before) => ({ ...without(before, "a"), c: before.a })],
    [
      "two columns changed their names",
      ["ALTER TABLE $t RENAME COLUMN a TO c", "ALTER TABLE $t RENAME COLUMN b TO a", "ALTER TABLE $t RENAME COLUMN c TO b"],
      (before) => ({ ...before, a: before.b, b: before.a }),
    ],
    [
      "a column was renamed and another added under its name",
      ["ALTER TABLE $t RENAME COLUMN a TO c", "ALTER TABLE $t ADD COLUMN a string"],
      (before) => ({ ...before, c: before.a, a: null }),
    ],
    ["a column was added and dropped again", ["ALTER TABLE $t ADD COLUMN c int", "ALTER TABLE $t DROP COLUMN c"], as],
    ["a check was added that they pass", ["ALTER TABLE $t ADD CONSTRAINT small CHECK (n < 10)"], as],
    ["properties were set", ["ALTER TABLE $t SET TBLPROPERTIES ('team' = 'school')"], as],
    ["other rows were written", ["INSERT INTO $t (id, title) VALUES ('late', 'late')"], as],
    ["all other rows were changed", ["UPDATE $t SET a = 'else'"], as],
  ])("%s", async (_, changes, expected) => {
    const { undone, rows, before } = await undoneAfter(changes);
    expect(undone).toMatchObject({ restorable: 2, restored: 2 });
    expect(undone?.problem).toBeUndefined();
    for (const id of ["one", "two"]) expect(rows.get(id), id).toEqual(expected(before.get(id) ?? {}));
  });
});

describe("nothing is written, and the reason is said", () => {
  it.each<[string, string[], RegExp]>([
    ["a column was dropped", ["ALTER TABLE $t DROP COLUMN a"], /column a was dropped.*version \d/],
    [
      "a column was dropped and another added under its name",
      ["ALTER TABLE $t DROP COLUMN a", "ALTER TABLE $t ADD COLUMN a string AFTER title"],
      /column a was dropped/,
    ],
    [
      "a column was dropped and another added in its place",
      ["ALTER TABLE $t DROP COLUMN a", "ALTER TABLE $t ADD COLUMN c string AFTER title"],
      /column a was dropped/,
    ],
    [
      "a column was renamed and then dropped",
      ["ALTER TABLE $t RENAME COLUMN a TO c", "ALTER TABLE $t DROP COLUMN c"],
      /column c was dropped/,
    ],
    // RESTORE takes renames back: to the version of the cleanup's delete, and to the one before the rows.
    [
      "two columns changed their names, and the table was set back",
      [
        "ALTER TABLE $t RENAME COLUMN a TO c",
        "ALTER TABLE $t RENAME COLUMN b TO a",
        "ALTER TABLE $t RENAME COLUMN c TO b",
        "RESTORE TABLE $t TO VERSION AS OF 3",
      ],
      /set back to an older version/,
    ],
    [
      "the key was renamed, and a row with its value exists again",
      ["ALTER TABLE $t RENAME COLUMN id TO ident", "INSERT INTO $t (ident, title) VALUES ('again', 'written again')"],
      /key id was renamed/,
    ],
    ["the key was dropped", ["ALTER TABLE $t DROP COLUMN id", "ALTER TABLE $t ADD COLUMN ident string"], /id/],
    ["a check was added that they don't pass", ["ALTER TABLE $t ADD CONSTRAINT none CHECK (a <> 'A-one')"], /CHECK|constraint/i],
  ])("%s", async (_, changes, why) => {
    const { undone, rows } = await undoneAfter(changes);
    expect(undone?.problem).toMatch(why);
    expect(undone?.restored).toBeUndefined();
    expect([...rows.keys()].filter((id) => id === "one" || id === "two")).toEqual([]);
  });
});
