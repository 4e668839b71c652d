import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import {
  type OpenOptions,
  openForTestData,
  openReader,
  type TestDataWarehouse,
  type WarehouseReader,
} from "../../src/warehouse/access.ts";
import type { WarehouseSettings } from "../../src/warehouse/connection.ts";
import { WarehouseFailure } from "../../src/warehouse/failure.ts";

export const reading = (["USE CATALOG", "USE SCHEMA", "SELECT"] as const).map((privilege) => ({ privilege, on: "classwaves" }));

/** A real warehouse with one table, `sessions.classroom_sessions`, of three rows. */
export async function startSchool(): Promise<Warehouse> {
  const warehouse = await startWarehouse({
    principals: {
      writer: { user: "runner@school.example", grants: [...reading, { privilege: "MODIFY", on: "classwaves" }] },
      reader: { user: "reader@school.example", grants: reading },
    },
  });
  await warehouse.createTables({
    "classwaves.sessions.classroom_sessions": { columns: { id: "string", title: "string", created_at: "timestamp" } },
  });
  await warehouse.load("INSERT INTO sessions.classroom_sessions (id, title) VALUES ('a', 'one'), ('b', 'two'), ('c', 'three')");
  return warehouse;
}

export function settingsFor(warehouse: Warehouse, changes: Partial<WarehouseSettings> = {}): WarehouseSettings {
  return {
    host: warehouse.host,
    path: warehouse.path,
    token: "writer",
    catalog: "classwaves",
    certificateAuthority: warehouse.certificateAuthority,
    startTimeoutMs: 10_000,
    runId: "1763920000000_1a2b3c4d",
    ...changes,
  };
}

const whenever: OpenOptions = { signal: new AbortController().signal };

/** Opens, works and always closes. */
export async function reads<Result>(
  settings: WarehouseSettings,
  work: (reader: WarehouseReader) => Promise<Result>,
  options: OpenOptions = whenever,
): Promise<Result> {
  return await closing(await openReader(settings, options), work);
}

export async function deletes<Result>(
  settings: WarehouseSettings,
  work: (warehouse: TestDataWarehouse) => Promise<Result>,
  options: OpenOptions = whenever,
): Promise<Result> {
  return await closing(await openForTestData(settings, options), work);
}

async function closing<Client extends { close(): Promise<void> }, Result>(
  client: Client,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** The failure that this work must end with. */
export async function failureOf(work: Promise<unknown>): Promise<WarehouseFailure> {
  const outcome: unknown = await work.then(
    (result) => new Error(`it succeeded with ${JSON.stringify(result)}`),
    (error: unknown) => error,
  );
  if (outcome instanceof WarehouseFailure) return outcome;
  throw outcome;
}
