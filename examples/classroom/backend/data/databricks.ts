import { DBSQLClient } from "@databricks/sql";
import type { WarehouseSettings } from "../settings.ts";

export type Row = Record<string, unknown>;
export type Parameters = Record<string, string | number | boolean | null>;

type Session = Awaited<ReturnType<DBSQLClient["openSession"]>>;

/** The driver's own default would keep a request waiting for a quarter of an hour. */
const socketTimeoutMs = 60_000;

/** One session on a SQL warehouse, opened when first needed, and anew after a failure. */
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

  /** BIGINT and DECIMAL come as bigint and text: nothing is rounded. */
  async query(statement: string, parameters: Parameters = {}): Promise<Row[]> {
    this.#session ??= this.#open();
    try {
      const session = await this.#session;
      const operation = await session.executeStatement(statement, {
        namedParameters: parameters,
        // Answers are small, and both need more than this connection.
        useCloudFetch: false,
        useLZ4Compression: false,
      });
      try {
        // A failing INSERT looks successful to one who does not wait for it.
        await operation.finished();
        return (await operation.fetchAll()) as Row[];
      } finally {
        await operation.close();
      }
    } catch (error) {
      this.#session = undefined;
      // Some of the driver's errors are no Error, so that a stack would be lost.
      throw error instanceof Error ? error : new Error(`Databricks: ${String(error)}`, { cause: error });
    }
  }

  async close(): Promise<void> {
    const session = await this.#session?.catch(() => undefined); // one that never opened needs no closing
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
