import { DBSQLClient } from "@databricks/sql";
import type { WarehouseSettings } from "../settings.ts";

export type Row = Record<string, unknown>;
export type Parameters = Record<string, string | number | boolean | null>;

type Session = Awaited<ReturnType<DBSQLClient["openSession"]>>;

/** The driver's default would let a request wait for 15 minutes. */
const socketTimeoutMs = 60_000;

/** One session on a SQL warehouse, opened on first use and again after a failure. */
export class DatabricksConnection {
  readonly #settings: WarehouseSettings;
  readonly #client = new DBSQLClient({
    // The driver's own logger writes every connection to the console.
    logger: { log: () => undefined },
  });
  #session: Promise<Session> | undefined;

  constructor(settings: WarehouseSettings) {
    this.#settings = settings;
  }

  /** BIGINT and DECIMAL are returned as bigint and text, so nothing is rounded. */
  async query(statement: string, parameters: Parameters = {}): Promise<Row[]> {
    this.#session ??= this.#open();
    try {
      const session = await this.#session;
      const operation = await session.executeStatement(statement, {
        namedParameters: parameters,
        // Results are small, and both options need more than this connection.
        useCloudFetch: false,
        useLZ4Compression: false,
      });
      try {
        // A failing INSERT looks successful unless this is awaited.
        await operation.finished();
        return (await operation.fetchAll()) as Row[];
      } finally {
        await operation.close();
      }
    } catch (error) {
      this.#session = undefined;
      // Some of the driver's errors are not Errors, so the stack would be lost.
      throw error instanceof Error ? error : new Error(`Databricks: ${String(error)}`, { cause: error });
    }
  }

  async close(): Promise<void> {
    const session = await this.#session?.catch(() => undefined); // a session that never opened needs no closing
    await session?.close();
    await this.#client.close();
  }

  async #open(): Promise<Session> {
    const { host, port, path, token } = this.#settings;
    await this.#client.connect({
      host,
      port,
      path,
      token,
      telemetryEnabled: false,
      preserveBigNumericPrecision: true,
      socketTimeout: socketTimeoutMs,
    });
    return this.#client.openSession({ initialCatalog: this.#settings.catalog });
  }
}
