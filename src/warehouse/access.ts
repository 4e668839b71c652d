import { type WritableScope, whyNotChange } from "./changes.ts";
import { Connection, type Parameters, type Row, type WarehouseSettings } from "./connection.ts";
import { WarehouseFailure } from "./failure.ts";
import { whyNotCondition, whyNotReading } from "./statements.ts";
import {
  type CellWrite,
  deleteStatement,
  type OlderRows,
  type RowDeletion,
  restoreStatement,
  updateCells,
  whyNotDeleted,
  whyNotWritten,
} from "./writes.ts";

/** Identity and location of the session, as the warehouse reports them. */
export interface WarehouseIdentity {
  host: string;
  catalog: string;
  principal: string;
  /** ISO 8601. A real server always has one; a mock often answers null. */
  serverTime: string | undefined;
}

/** The only client in a read-only environment: it has no method that writes. */
export interface WarehouseReader {
  readonly catalog: string;
  /**
   * Runs one reading statement.
   * @throws WarehouseFailure; of kind `denied`, before anything is sent, if the statement may not be a read
   */
  query(statement: string, parameters?: Parameters): Promise<Row[]>;
  /** As reported when the connection was opened. */
  identity(): Promise<WarehouseIdentity>;
  close(): Promise<void>;
}

/**
 * A reader that can also delete rows by a condition, restore rows from an older version, and restore an old value in one column
 * of rows given by key: the only writes that test data needs.
 */
export interface TestDataWarehouse extends WarehouseReader {
  /**
   * Deletes every row with one of the values.
   * @returns how many rows were deleted; `undefined` if unknown
   * @throws WarehouseFailure; of kind `statement`, before anything is sent, for an unacceptable deletion
   */
  deleteRows(deletion: RowDeletion): Promise<number | undefined>;
  /**
   * Adds the rows that an older version has and the table doesn't, by key if there is one (see {@link missingRows}). Doing it
   * twice adds nothing, but two at the same moment would add everything twice, so it is only sent once.
   * @returns how many rows were added; `undefined` if unknown
   * @throws WarehouseFailure; of kind `statement`, before anything is sent, for an unacceptable condition
   */
  restoreRows(rows: OlderRows): Promise<number | undefined>;
  /**
   * Asks the warehouse to plan {@link restoreRows} without executing it, so that a column that takes no values is known before
   * anything is written.
   * @throws WarehouseFailure
   */
  tryRestoring(rows: OlderRows): Promise<void>;
  /**
   * Sets one column of the rows with these keys, but only where it has the expected value. Doing it twice changes nothing.
   * @returns how many rows were written; `undefined` if unknown
   * @throws WarehouseFailure; of kind `statement`, before anything is sent, for an unacceptable write
   */
  writeCells(write: CellWrite): Promise<number | undefined>;
}

/**
 * A reader that can also change a copy of production: create, alter, fill and drop what is within its scope. It must never be
 * opened for the original.
 */
export interface CopyWarehouse extends WarehouseReader {
  readonly scope: WritableScope;
  /**
   * Runs one statement that changes something within the scope, by its full name; see {@link whyNotChange}. It may read from
   * anywhere. It is sent again after a lost answer only if `again` says that running twice does no harm.
   * @returns how many rows were changed; `undefined` if unknown
   * @throws WarehouseFailure; of kind `denied`, before anything is sent, if it may change anything else
   */
  change(statement: string, parameters?: Parameters, options?: { again?: boolean }): Promise<number | undefined>;
}

export interface OpenOptions {
  signal: AbortSignal;
  /** Called when the warehouse turns out to be stopped. */
  onWaking?: (text: string) => void;
}

export { loadDriver } from "./connection.ts";

/** @throws WarehouseFailure */
export async function openReader(settings: WarehouseSettings, options: OpenOptions): Promise<WarehouseReader> {
  return reader(await Connection.open(settings, { ...options, first: whoAndWhere }), settings);
}

/** Only for environments whose access is `test-data`. @throws WarehouseFailure */
export async function openForTestData(settings: WarehouseSettings, options: OpenOptions): Promise<TestDataWarehouse> {
  const connection = await Connection.open(settings, { ...options, first: whoAndWhere });
  return {
    ...reader(connection, settings),
    async deleteRows(deletion) {
      const refusal = whyNotDeleted(deletion);
      if (refusal)
        throw new WarehouseFailure("statement", `a DELETE from ${deletion.table} was refused before sending: ${refusal}`, {
          code: "EA3010",
        });
      const { statement, parameters } = deleteStatement(settings.catalog, deletion);
      return (await connection.run(statement, parameters)).affected;
    },
    async restoreRows(rows) {
      refuseCondition(rows);
      return (await connection.run(restoreStatement(settings.catalog, rows), rows.parameters, { once: true })).affected;
    },
    async tryRestoring(rows) {
      refuseCondition(rows);
      await connection.run(`EXPLAIN ${restoreStatement(settings.catalog, rows)}`, rows.parameters);
    },
    async writeCells(write) {
      const refusal = whyNotWritten(write);
      if (refusal)
        throw new WarehouseFailure("statement", `an UPDATE of ${write.table} was refused before sending: ${refusal}`, {
          code: "EA3010",
        });
      const { statement, parameters } = updateCells(settings.catalog, write);
      return (await connection.run(statement, parameters)).affected;
    },
  };
}

/** Only for copies of production. @throws WarehouseFailure */
export async function openForCopy(
  settings: WarehouseSettings,
  scope: WritableScope,
  options: OpenOptions,
): Promise<CopyWarehouse> {
  const connection = await Connection.open(settings, { ...options, first: whoAndWhere });
  return {
    ...reader(connection, settings),
    scope,
    async change(statement, parameters = {}, { again = false } = {}) {
      const refusal = whyNotChange(statement, scope);
      if (refusal) throw new WarehouseFailure("denied", `a statement was refused before sending: ${refusal}`, { code: "EA3010" });
      return (await connection.run(statement, parameters, { once: !again })).affected;
    },
  };
}

function refuseCondition({ table, condition, parameters }: OlderRows): void {
  const refusal = whyNotCondition(condition, Object.keys(parameters));
  if (refusal)
    throw new WarehouseFailure("statement", `restoring rows of ${table} was refused before sending: ${refusal}`, {
      code: "EA3010",
    });
}

const whoAndWhere = "SELECT current_catalog() AS catalog, current_user() AS principal, current_timestamp() AS server_time";

function identityOf({ host }: WarehouseSettings, [row]: readonly Row[]): WarehouseIdentity {
  const time = row?.server_time;
  return {
    host: host.replace(/^https:\/\//, ""),
    catalog: String(row?.catalog ?? ""),
    principal: String(row?.principal ?? ""),
    serverTime: time instanceof Date ? time.toISOString() : typeof time === "string" ? time : undefined,
  };
}

function reader(connection: Connection, settings: WarehouseSettings): WarehouseReader {
  const query = async (statement: string, parameters: Parameters = {}): Promise<Row[]> => {
    const refusal = whyNotReading(statement);
    if (refusal)
      throw new WarehouseFailure("denied", `a statement was refused before sending: this connection only reads, and ${refusal}`, {
        code: "EA3010",
      });
    return (await connection.run(statement, parameters)).rows;
  };
  return {
    catalog: settings.catalog,
    query,
    close: () => connection.close(),
    identity: async () => identityOf(settings, connection.opened),
  };
}
