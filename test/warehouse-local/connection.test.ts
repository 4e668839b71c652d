import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { connect as tlsConnect } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { connect, schema, type TestClient } from "./client.ts";

// The local warehouse is only useful if production's driver works with it unchanged: every result here went through the driver's
// own TLS, Thrift and Arrow code.
let warehouse: Warehouse;
let client: TestClient;

beforeAll(async () => {
  warehouse = await startWarehouse({ principals: { token: { user: "admin@school.test", grants: [], admin: true } } });
  await warehouse.createTables(schema);
  client = await connect(warehouse, "token");
});

afterAll(async () => {
  await client.close();
  await warehouse.stop();
});

describe("transport", () => {
  it("shows a certificate that only its own authority signed", async () => {
    const trusted = tlsConnect({
      host: "127.0.0.1",
      port: warehouse.port,
      servername: "localhost",
      ca: readFileSync(warehouse.certificateAuthority),
    });
    await once(trusted, "secureConnect");
    expect(trusted.authorized).toBe(true);
    trusted.destroy();
    const stranger = tlsConnect({ host: "127.0.0.1", port: warehouse.port, servername: "localhost" });
    const [error] = (await once(stranger, "error").catch((reason: unknown) => [reason])) as [Error & { code: string }];
    expect(error.code).toMatch(/SELF_SIGNED|UNABLE_TO/);
  });

  it("refuses an unknown token with 403", async () => {
    await expect(connect(warehouse, "wrong")).rejects.toMatchObject({ statusCode: 403 });
  });

  it("removes its certificate when it stops", async () => {
    const other = await startWarehouse({ principals: {} });
    expect(existsSync(other.certificateAuthority)).toBe(true);
    await other.stop();
    expect(existsSync(other.certificateAuthority)).toBe(false);
    await other.stop(); // a second time is harmless
  });
});

describe("results", () => {
  it("returns every type as the driver's own", async () => {
    await client.rows(
      `INSERT INTO classroom_sessions VALUES ('types', 'it\\'s', 3, 1.5, '2024-03-01T12:00:00+02:00', map('a', 'b', 'c', NULL))`,
    );
    const [row] = await client.rows(
      `SELECT *, array(1, 2) AS list, named_struct('x', 1, 'y', array('z')) AS thing, 9007199254740993L AS large, DATE '2024-02-29' AS day,
       1.5D AS number, true AS yes, CAST(NULL AS STRING) AS nothing FROM classroom_sessions WHERE id = 'types'`,
    );
    expect(row).toEqual({
      id: "types",
      title: "it's",
      students: 3,
      score: "1.50",
      created_at: new Date("2024-03-01T10:00:00Z"),
      settings: { a: "b", c: null },
      list: [1, 2],
      thing: { x: 1, y: ["z"] },
      large: 9007199254740993n,
      day: new Date("2024-02-29"),
      number: 1.5,
      yes: true,
      nothing: null,
    });
  });

  it("answers an empty result with no rows, and DDL with nothing", async () => {
    expect(await client.rows("SELECT id FROM classroom_sessions WHERE false")).toEqual([]);
    expect(await client.rows("CREATE TABLE empty_one (a INT)")).toEqual([]);
  });

  it("returns a large result in chunks, without losing or repeating a row", async () => {
    await warehouse.load("INSERT INTO users.teachers (id, logins) SELECT 't' || range, range FROM range(25000)");
    const operation = await client.session.executeStatement("SELECT logins FROM users.teachers ORDER BY logins", {
      maxRows: 3000,
    });
    const seen: bigint[] = [];
    do seen.push(...((await operation.fetchChunk({ maxRows: 7000 })) as { logins: bigint }[]).map((row) => row.logins));
    while (await operation.hasMoreRows());
    await operation.close();
    expect(seen).toEqual(Array.from({ length: 25_000 }, (_, index) => BigInt(index)));
  });

  it("lets the client poll for a statement that is not answered immediately", async () => {
    warehouse.faults.directResultsMs = 0;
    expect(await client.rows("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    expect((await client.failure("SELECT nothing FROM classroom_sessions")).sqlState).toBe("42703");
    warehouse.faults.directResultsMs = 5000;
  });

  it("reports how many rows changed, in the row and in the status", async () => {
    const operation = await client.session.executeStatement("INSERT INTO classroom_sessions (id) VALUES ('n1'), ('n2')");
    await operation.finished();
    expect(await operation.fetchAll()).toEqual([{ num_affected_rows: 2n, num_inserted_rows: 2n }]);
    expect((await operation.status()).numModifiedRows?.toNumber()).toBe(2);
    await operation.close();
  });

  it("keeps sessions apart: current schema, settings", async () => {
    const other = await connect(warehouse, "token", { initialCatalog: "classwaves", initialSchema: "users" });
    expect(await other.rows("SELECT current_schema() AS s")).toEqual([{ s: "users" }]);
    await other.rows("USE SCHEMA sessions");
    expect(await other.rows("SELECT current_schema() AS s")).toEqual([{ s: "sessions" }]);
    const third = await connect(warehouse, "token", { initialCatalog: "classwaves", initialSchema: "users" });
    expect(await third.rows("SELECT current_schema() AS s")).toEqual([{ s: "users" }]);
    await Promise.all([other.close(), third.close()]);
  });

  it("runs many statements concurrently", async () => {
    const writes = Array.from({ length: 20 }, (_, index) =>
      client.rows(
        `INSERT INTO classroom_sessions (id, students) VALUES ('many_${index}', ${index}), ('many_${index}', ${index})`,
      ),
    );
    const reads = Array.from({ length: 20 }, () =>
      client.rows("SELECT count(*) % 2 AS odd FROM classroom_sessions WHERE startswith(id, 'many_')"),
    );
    await Promise.all(writes);
    for (const rows of await Promise.all(reads)) expect(rows).toEqual([{ odd: 0n }]);
    expect(await client.rows("SELECT count(*) AS n FROM classroom_sessions WHERE startswith(id, 'many_')")).toEqual([{ n: 40n }]);
  });
});

describe("metadata calls", () => {
  it("that are not supported fail immediately, without retries", async () => {
    await expect(client.session.getTypeInfo()).rejects.toMatchObject({
      message: expect.stringContaining("does not support GetTypeInfo"),
    });
  });

  const read = async (operation: Awaited<ReturnType<TestClient["session"]["getTables"]>>) => {
    const rows = await operation.fetchAll();
    await operation.close();
    return rows;
  };

  it("list catalogs, schemas, tables and columns by pattern", async () => {
    expect(await read(await client.session.getCatalogs())).toEqual([{ TABLE_CAT: "classwaves" }]);
    expect(await read(await client.session.getSchemas({ catalogName: "classwaves", schemaName: "u%" }))).toEqual([
      { TABLE_SCHEM: "users", TABLE_CATALOG: "classwaves" },
    ]);
    expect(await read(await client.session.getTables({ schemaName: "users", tableName: "teach_rs" }))).toEqual([
      { TABLE_CAT: "classwaves", TABLE_SCHEM: "users", TABLE_NAME: "teachers", TABLE_TYPE: "TABLE", REMARKS: "" },
    ]);
    expect(await read(await client.session.getColumns({ tableName: "classroom_sessions", columnName: "score" }))).toMatchObject([
      { COLUMN_NAME: "score", TYPE_NAME: "DECIMAL(5,2)", COLUMN_SIZE: 5, DECIMAL_DIGITS: 2, ORDINAL_POSITION: 3 },
    ]);
  });
});
