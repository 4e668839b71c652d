import { Redis } from "ioredis";
import { startRedis } from "../../local/redis.ts";
import { startWarehouse, type TableDefinition, type Warehouse } from "../../local/warehouse/index.ts";
import type { WritingPorts } from "../../src/cleanup/execute/execute.ts";
import { parseLedger } from "../../src/cleanup/ledger/ledger.ts";
import type { CleanupRequest } from "../../src/cleanup/plan/plan-cleanup.ts";
import { type Environment, environmentSchema, type Table, type TestDataConfig } from "../../src/config/schema.ts";
import { tableSchema, testDataSchema } from "../../src/config/test-data-schema.ts";
import { openRedisForTestData, type TestDataRedis } from "../../src/redis/connection.ts";
import { openForTestData, type TestDataWarehouse } from "../../src/warehouse/access.ts";
import { Connection, type Parameters as StatementParameters, type WarehouseSettings } from "../../src/warehouse/connection.ts";
import type { TableKind } from "../delta/copies.ts";
import { referee } from "../delta/referee.ts";

/** A real warehouse and a real Redis for test data; every catalog is a separate world. */
export interface TestStores {
  warehouse: Warehouse;
  redis: TestDataRedis;
  redisUrl: string;
  /** Sets and reads keys. */
  keys: Redis;
  /** Creates a catalog with these tables (`schema.table`), and a connection to it. */
  catalog(name: string, tables: Record<string, TableDefinition>): Promise<Catalog>;
  stop(): Promise<void>;
}

export interface Catalog {
  name: string;
  warehouse: TestDataWarehouse;
  insert(table: string, rows: readonly Record<string, string | null>[]): Promise<void>;
  /** Runs a statement as a user with all rights; `table` is in this catalog. */
  run(statement: (table: string) => string, table: string, parameters?: Record<string, string | null>): Promise<void>;
  rows(table: string): Promise<Record<string, unknown>[]>;
  /** Sets a column of the rows that another column selects, as a test would. */
  update(table: string, set: [column: string, value: string], where: [column: string, value: string]): Promise<void>;
  /** Runs a statement as another principal, by its token. */
  as(token: string, sql: string, parameters?: StatementParameters): Promise<void>;
  ports(changes?: Partial<WritingPorts>): WritingPorts;
  /** Ports with their own connection, which the signal closes. */
  reopened(signal: AbortSignal): Promise<WritingPorts & { warehouse: TestDataWarehouse }>;
  close(): Promise<void>;
}

const signal = new AbortController().signal;

/** @param kinds how Delta stores the tables, if it referees */
export async function startTestStores(kinds?: readonly TableKind[]): Promise<TestStores> {
  const [warehouse, server] = await Promise.all([
    startWarehouse({
      ...(await referee(kinds)),
      principals: {
        token: { user: "runner@school.example", grants: [], admin: true },
        ...Object.fromEntries(
          ["app", "production"].map((name) => [name, { user: `${name}@school.example`, grants: [], admin: true }]),
        ),
      },
    }),
    startRedis(),
  ]);
  const redis = await openRedisForTestData(server.url, signal);
  const owner = await Connection.open(settingsOf(warehouse, "classwaves"), { signal });
  const writers = new Map<string, Promise<Connection>>();
  const writer = (token: string): Promise<Connection> => {
    const known = writers.get(token) ?? Connection.open({ ...settingsOf(warehouse, "classwaves"), token }, { signal });
    writers.set(token, known);
    return known;
  };
  const keys = new Redis(server.url);
  return {
    warehouse,
    redis,
    redisUrl: server.url,
    keys,
    async catalog(name, tables) {
      const definitions = Object.entries(tables).map(([table, definition]) => [`${name}.${table}`, definition]);
      await warehouse.createTables(Object.fromEntries(definitions));
      return await openCatalog(name, { local: warehouse, owner, writer, redis, url: server.url });
    },
    async stop() {
      keys.disconnect();
      await Promise.all([redis.close(), owner.close(), ...[...writers.values()].map(async (one) => (await one).close())]);
      await Promise.all([warehouse.stop(), server.stop()]);
    },
  };
}

function settingsOf(local: Warehouse, catalog: string): WarehouseSettings {
  return {
    host: local.host,
    path: local.path,
    token: "token",
    catalog,
    certificateAuthority: local.certificateAuthority,
    startTimeoutMs: 5_000,
    runId: "0000000000000_00000000",
  };
}

async function openCatalog(
  name: string,
  {
    local,
    owner,
    writer,
    redis,
    url,
  }: {
    local: Warehouse;
    owner: Connection;
    writer: (token: string) => Promise<Connection>;
    redis: TestDataRedis;
    url: string;
  },
): Promise<Catalog> {
  const warehouse = await openForTestData(settingsOf(local, name), { signal });
  const environment = environmentOf(name, local, url);
  const told = { onStep: () => undefined, onRemaining: () => undefined, audit: async () => undefined };
  return {
    name,
    warehouse,
    async insert(table, rows) {
      const columns = Object.keys(rows[0] ?? {});
      const parameters: Record<string, string | null> = {};
      const values = rows.map((row, index) => {
        for (const column of columns) parameters[`${column}_${index}`] = row[column] ?? null;
        return `(${columns.map((column) => `:${column}_${index}`).join(", ")})`;
      });
      await owner.run(`INSERT INTO ${name}.${table} (${columns.join(", ")}) VALUES ${values.join(", ")}`, parameters);
    },
    async run(statement, table, parameters = {}) {
      await owner.run(statement(`${name}.${table}`), parameters);
    },
    async update(table, [column, value], [by, which]) {
      await owner.run(`UPDATE ${name}.${table} SET ${column} = :value WHERE ${by} = :which`, { value, which });
    },
    rows: (table) => warehouse.query(`SELECT * FROM ${table}`),
    async as(token, sql, parameters) {
      await (token === "token" ? owner : await writer(token)).run(sql, parameters);
    },
    ports: (changes = {}) => ({ warehouse, redis, environment, signal, ...told, ...changes }),
    async reopened(ends) {
      const own = await openForTestData(settingsOf(local, name), { signal: ends });
      return { warehouse: own, redis, environment, signal: ends, ...told };
    },
    close: () => warehouse.close(),
  };
}

export function environmentOf(catalog: string, warehouse: { host: string; warehouseId: string }, redisUrl: string): Environment {
  return environmentSchema.parse({
    access: "test-data",
    databricks: {
      host: warehouse.host,
      warehouse: warehouse.warehouseId,
      token: "token",
      catalog,
      expect: { host: warehouse.host, principal: "runner@school.example" },
    },
    redis: { url: redisUrl, expect: { host: "127.0.0.1" } },
  });
}

export function table(written: Partial<Parameters<typeof tableSchema.parse>[0] & object>): Table {
  return tableSchema.parse(written);
}

/** The time of the tested run; everything else is older or newer than this. */
export const runStarted = Date.UTC(2026, 5, 1, 12);
export const runId = `${runStarted}_1a2b3c4d`;

export function requestFor(
  tables: Record<string, Table>,
  changes: Partial<Omit<CleanupRequest, "testData">> & { testData?: Partial<TestDataConfig> } = {},
): CleanupRequest {
  return {
    scope: "run",
    runId,
    runStarted,
    tables,
    ledger: parseLedger(""),
    now: runStarted + 600_000,
    ...changes,
    testData: { ...testDataSchema.parse({ prefixes: ["integration_test_"] }), ...changes.testData },
  };
}
