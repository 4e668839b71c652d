import { afterEach, beforeEach, expect, it } from "vitest";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { connect, type TestClient } from "./client.ts";

// Versions 1 to 4: rows, more rows, fewer rows, more rows.
const table = "classwaves.default.t";
let warehouse: Warehouse;
let client: TestClient;

beforeEach(async () => {
  warehouse = await startWarehouse({ principals: { token: { user: "admin@school.test", grants: [], admin: true } } });
  client = await connect(warehouse, "token", { initialCatalog: "classwaves", initialSchema: "default" });
  await client.rows("CREATE TABLE t (id STRING)");
  await client.rows("INSERT INTO t VALUES ('a')");
  await client.rows("INSERT INTO t VALUES ('b')");
  await client.rows("DELETE FROM t WHERE id = 'a'");
  await client.rows("INSERT INTO t VALUES ('c')");
});

afterEach(async () => {
  await client.close();
  await warehouse.stop();
});

const count = (version: number): Promise<unknown> => client.rows(`SELECT count(*) AS n FROM t VERSION AS OF ${version}`);
const failure = (version: number): Promise<{ sqlState: string; message: string }> =>
  client.failure(`SELECT * FROM t VERSION AS OF ${version} WHERE id = 'a'`);

it.each([
  ["databricks", "[FAILED_READ_FILE.DBR_FILE_NOT_EXIST] Error while reading file"],
  ["spark", "[FAILED_READ_FILE.FILE_NOT_EXIST] Encountered error while reading file"],
] as const)("a version whose files are gone cannot be read, in the words of %s", async (wording, message) => {
  await warehouse.vacuum(table, wording);
  for (const version of [1, 2])
    expect(await failure(version)).toMatchObject({ sqlState: "KD001", message: expect.stringContaining(message) });
  // Without rows, there are no files; and what was only added to is still there.
  expect([await count(0), await count(3), await count(4)]).toEqual([[{ n: 0n }], [{ n: 1n }], [{ n: 2n }]]);
  expect((await client.failure("INSERT INTO t SELECT * FROM t VERSION AS OF 2")).sqlState).toBe("KD001");
  expect((await client.failure("RESTORE TABLE t TO VERSION AS OF 2")).sqlState).toBe("KD001");
  const history = await client.rows("DESCRIBE HISTORY t");
  expect(history.slice(0, 3).map(({ version, operation }) => [version, operation])).toEqual([
    [6n, "VACUUM END"],
    [5n, "VACUUM START"],
    [4n, "WRITE"],
  ]);
  expect(await count(6)).toEqual([{ n: 2n }]);
  await client.rows("DELETE FROM t");
  expect(await count(6)).toEqual([{ n: 2n }]);
});

it("a row that was put back doesn't bring its old version back", async () => {
  await client.rows("INSERT INTO t VALUES ('a')");
  await warehouse.vacuum(table);
  expect((await failure(2)).sqlState).toBe("KD001");
});

it("a version from before an ALTER goes as well", async () => {
  await client.rows("ALTER TABLE t ADD COLUMN n INT");
  expect(await count(2)).toEqual([{ n: 2n }]);
  await warehouse.vacuum(table);
  expect((await failure(2)).sqlState).toBe("KD001");
  expect(await count(3)).toEqual([{ n: 1n }]);
});

it("a version whose log is lost is neither listed nor found", async () => {
  warehouse.loseLog(table, 3);
  expect((await client.rows("DESCRIBE HISTORY t")).map(({ version }) => version)).toEqual([4n, 3n]);
  expect(await failure(2)).toMatchObject({
    sqlState: "22003",
    message: expect.stringContaining(
      "[DELTA_VERSION_NOT_FOUND] Cannot time travel Delta table to version 2. Available versions: [3, 4].",
    ),
  });
  expect((await client.failure("SELECT * FROM t TIMESTAMP AS OF '2001-01-01'")).sqlState).toBe("42816");
  expect(await count(3)).toEqual([{ n: 1n }]);
  expect(() => warehouse.loseLog(table, 5)).toThrow("expected a version of classwaves.default.t from 0 to 4, got 5");
});
