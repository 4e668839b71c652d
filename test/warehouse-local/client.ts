import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { afterAll, beforeAll } from "vitest";
import { type Principal, startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";

type Driver = typeof import("@databricks/sql", { with: { "resolution-mode": "require" }});
const { DBSQLClient }: Driver = createRequire(import.meta.url)("@databricks/sql");

export type Session = Awaited<ReturnType<InstanceType<Driver["DBSQLClient"]>["openSession"]>>;
export type Row = Record<string, unknown>;
export type Options = NonNullable<Parameters<Session["executeStatement"]>[1]>;

export interface TestClient {
  session: Session;
  /** Runs a statement to its end and returns its rows. */
  rows(sql: string, options?: Options): Promise<Row[]>;
  /** Runs a statement that must fail, and returns the error. */
  failure(sql: string, options?: Options): Promise<{ sqlState: string; message: string }>;
  close(): Promise<void>;
}

/** Opens a session with the unmodified driver. */
export async function connect(
  warehouse: Warehouse,
  token: string,
  session: Parameters<InstanceType<Driver["DBSQLClient"]>["openSession"]>[0] = {
    initialCatalog: "classwaves",
    initialSchema: "sessions",
  },
): Promise<TestClient> {
  const client = new DBSQLClient({ logger: { log: () => undefined } });
  await client.connect({
    host: "localhost",
    port: warehouse.port,
    path: warehouse.path,
    token,
    customCaCert: readFileSync(warehouse.certificateAuthority),
    telemetryEnabled: false,
    useCloudFetch: false,
    useLZ4Compression: false,
    preserveBigNumericPrecision: true,
  } as Parameters<typeof client.connect>[0]);
  const opened = await client.openSession(session);
  const rows = async (sql: string, options: Options = {}): Promise<Row[]> => {
    const operation = await opened.executeStatement(sql, options);
    await operation.finished();
    const result = await operation.fetchAll();
    await operation.close();
    return result as Row[];
  };
  return {
    session: opened,
    rows,
    failure: async (sql, options) => {
      const error: unknown = await rows(sql, options).then(
        () => new Error(`expected a failure of ${sql}`),
        (reason: unknown) => reason,
      );
      const { message = "", response } = error as { message?: string; response?: { sqlState?: string } };
      return { message, sqlState: response?.sqlState ?? "" };
    },
    close: async () => {
      await opened.close();
      await client.close();
    },
  };
}

/** Two tables with all types. */
export const schema = {
  "classwaves.sessions.classroom_sessions": {
    columns: {
      id: "string",
      title: "string",
      students: "int",
      score: "decimal(5,2)",
      created_at: "timestamp",
      settings: "map<string,string>",
    },
  },
  "classwaves.users.teachers": { columns: { id: "string", email: "string", born: "date", active: "boolean", logins: "bigint" } },
} as const;

/** A warehouse for the tests of a file, with a session of its admin. */
export interface OwnWarehouse {
  warehouse: Warehouse;
  client: TestClient;
}

/**
 * Starts a warehouse before the tests of a file, and stops it after them.
 * @param others principals by token, besides the admin `token`
 */
export function ownWarehouse(others: Record<string, Principal> = {}): OwnWarehouse {
  const own = {} as OwnWarehouse;
  beforeAll(async () => {
    const admin = { user: "admin@school.test", grants: [], admin: true };
    own.warehouse = await startWarehouse({ principals: { token: admin, ...others } });
    own.client = await connect(own.warehouse, "token", { initialCatalog: "classwaves", initialSchema: "default" });
  });
  afterAll(async () => {
    await own.client.close();
    await own.warehouse.stop();
  });
  return own;
}
