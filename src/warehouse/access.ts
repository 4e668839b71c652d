import { Connection, type Parameters, type Row, type WarehouseSettings } from "./connection.ts";
import { WarehouseFailure } from "./failure.ts";
import { qualifiedName, quoteName, whyNotCondition, whyNotReading } from "./statements.ts";

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
   * @param table `schema.table`
   * @param condition must only read, and must compare with at least one of the named parameters, because nothing else limits the
   * delete
   * @returns how many rows were deleted; `undefined` if unknown
   * @throws WarehouseFailure; of kind `statement`, before anything is sent, for an unacceptable condition
   */
  deleteRows(table: string, condition: string, parameters: Parameters): Promise<number | undefined>;
  /**
   * Adds the rows that an older version has and the table doesn't, by key if there is one (see {@link missingRows}). Doing it
   * twice adds nothing, but two at the same moment would add everything twice, so it is only sent once.
   * @returns how many rows were added; `undefined` if unknown
   * @throws WarehouseFailure; of kind `statement`, before anything is sent, for an unacceptable condition
   */
  restoreRows(rows: OlderRows): Promise<number | undefined>;
  /**
   * Sets one column of the rows with these keys, but only where it has the expected value. Doing it twice changes nothing.
   * @returns how many rows were written; `undefined` if unknown
   * @throws WarehouseFailure; of kind `statement`, before anything is sent, for an unacceptable write
   */
  writeCells(write: CellWrite): Promise<number | undefined>;
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
    async deleteRows(table, condition, parameters) {
      const refusal = whyNotCondition(condition, Object.keys(parameters));
      if (refusal)
        throw new WarehouseFailure("statement", `a DELETE from ${table} was refused before sending: ${refusal}`, {
          code: "EA3010",
        });
      const statement = `DELETE FROM ${qualifiedName(settings.catalog, table)} WHERE ${condition}`;
      return (await connection.run(statement, parameters)).affected;
    },
    async restoreRows(rows) {
      const refusal = whyNotCondition(rows.condition, Object.keys(rows.parameters));
      if (refusal)
        throw new WarehouseFailure("statement", `restoring rows of ${rows.table} was refused before sending: ${refusal}`, {
          code: "EA3010",
        });
      return (
        await connection.run(
          `INSERT INTO ${qualifiedName(settings.catalog, rows.table)} ${missingRows(settings.catalog, rows)}`,
          rows.parameters,
          { once: true },
        )
      ).affected;
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

/** Restores the old value of one column in some rows of a table. */
export interface CellWrite {
  /** `schema.table` */
  table: string;
  /** The key column, and the rows' keys as text. */
  key: string;
  keys: readonly string[];
  column: string;
  /** The column's type, in upper case. */
  type: string;
  /** Only rows with this value are written. */
  now: string;
  /** `null` for NULL. */
  value: string | null;
}

/** A statement may have 256 parameters. */
export const mostKeysWritten = 200;

/**
 * The only UPDATE that test data needs. Names are quoted, every value is a parameter, and rows with another value are left alone.
 */
export function updateCells(catalog: string, write: CellWrite): { statement: string; parameters: Parameters } {
  const { table, key, keys, column, now, value } = write;
  const named = keys.map((text, index) => [`k${index}`, text] as const);
  const list = named.map(([name]) => `:${name}`).join(", ");
  return {
    statement: `UPDATE ${qualifiedName(catalog, table)} SET ${quoteName(column)} = ${valueSql(write)} WHERE ${asString(key)} IN (${list}) AND ${asString(column)} <=> :now`,
    parameters: { ...Object.fromEntries(named), now, ...(value === null ? {} : { before: value }) },
  };
}

/** Why this must not be sent; `undefined` if it may. */
export function whyNotWritten(write: CellWrite): string | undefined {
  const { table, key, keys, column, type, now, value } = write;
  if (!/^[^.]+\.[^.]+$/.test(table)) return "the table is not written as schema.table";
  if (key === "" || column === "") return "a column has no name";
  if (key.toLowerCase() === column.toLowerCase()) return `${column} is the column that identifies a row`;
  if (keys.length === 0) return "it has no rows";
  if (keys.length > mostKeysWritten) return `it has more than ${mostKeysWritten} rows`;
  // A lone surrogate is sent as a question mark, which could match another row's key.
  if (![...keys, now, value ?? ""].every((text) => text.isWellFormed())) return "a value is not well-formed Unicode";
  return whyTypeNotWritable(type, value);
}

/** Why a value of this type cannot be written from its text; `undefined` if it can. @param type in upper case */
export function whyTypeNotWritable(type: string, value: string | null): string | undefined {
  if (value === null || expressionOf(type, value) !== undefined) return undefined;
  return `a value of type ${type} cannot be restored exactly from its text`;
}

function valueSql({ type, value }: CellWrite): string {
  return value === null ? "NULL" : (expressionOf(type, value) ?? "NULL");
}

/** @returns undefined for types whose text is ambiguous: a time in an hour that occurs twice, or a rounded number */
function expressionOf(type: string, value: string): string | undefined {
  if (/^(STRING|(VAR)?CHAR(\(\d+\))?)$/.test(type)) return ":before";
  if (/^(TINYINT|BYTE|SMALLINT|SHORT|INT|INTEGER|BIGINT|LONG)$/.test(type)) return "CAST(:before AS BIGINT)";
  if (/^(DATE|BOOLEAN)$/.test(type)) return `CAST(:before AS ${type})`;
  // information_schema doesn't have the scale, so it is taken from the digits after the point.
  const decimal = /^-?\d+(?:\.(\d+))?$/.exec(value);
  if (/^(DECIMAL|NUMERIC)(\(\d+, ?\d+\))?$/.test(type) && decimal)
    return `CAST(:before AS DECIMAL(38,${decimal[1]?.length ?? 0}))`;
  return undefined;
}

function asString(column: string): string {
  return `CAST(${quoteName(column)} AS STRING)`;
}

/** Rows of an older version of a table. */
export interface OlderRows {
  /** `schema.table` */
  table: string;
  version: number;
  /** The column with a unique key; empty if there is none. */
  key: string;
  /** As for a delete: must compare with at least one of the named parameters. */
  condition: string;
  parameters: Parameters;
}

/** A SELECT of the older version's rows. */
export function olderRows(catalog: string, { table, version, condition }: OlderRows): string {
  return `SELECT * FROM ${qualifiedName(catalog, table)} VERSION AS OF ${Math.trunc(version)} WHERE (${condition})`;
}

/**
 * SELECTs that count rows with a value in a column, and the distinct values: among the older rows, and among the table's rows
 * with one of those values. If the counts differ, the column is not unique.
 * @param everywhere asks all rows of both versions, because a shared column may be unique among a few rows by chance
 */
export function nameCounts(catalog: string, rows: OlderRows, column: string, everywhere: boolean): string[] {
  const name = qualifiedName(catalog, rows.table);
  const key = quoteName(column);
  const older = `${name} VERSION AS OF ${Math.trunc(rows.version)}`;
  const counts = `SELECT count(${key}) AS named, count(DISTINCT ${key}) AS names FROM`;
  if (everywhere) return [`${counts} ${older}`, `${counts} ${name}`];
  const concerned = `${older} WHERE (${rows.condition})`;
  return [`${counts} ${concerned}`, `${counts} ${name} WHERE ${key} IN (SELECT ${key} FROM ${concerned})`];
}

/**
 * A SELECT of the rows that the older version has and the table doesn't. A row whose key exists again is a different row, and is
 * left out. Rows without a key cannot be matched by it: as many equal rows are selected as are missing now.
 * @param first restored before these, in this order; they count as existing
 */
export function missingRows(catalog: string, rows: OlderRows, first: readonly OlderRows[] = []): string {
  const name = qualifiedName(catalog, rows.table);
  const back = first.map((one, index) => missingRows(catalog, one, first.slice(0, index)));
  return lacking(catalog, rows, [
    { select: `SELECT * FROM ${name} WHERE (${rows.condition})`, named: name },
    ...back.map(nested),
  ]);
}

/** A SELECT of the rows that the older version has and none of the others has: a row deleted in both is one row. */
export function rowsBeside(catalog: string, rows: OlderRows, others: readonly OlderRows[]): string {
  const beside = others.map((one, index) => rowsBeside(catalog, one, others.slice(0, index)));
  return lacking(catalog, rows, beside.map(nested));
}

/** Rows that count as existing. */
interface There {
  select: string;
  /** Where a SELECT can find the existing keys. */
  named: string;
}

function nested(select: string): There {
  return { select: `SELECT * FROM (${select})`, named: `(${select})` };
}

function lacking(catalog: string, rows: OlderRows, there: readonly There[]): string {
  const older = olderRows(catalog, rows);
  if (there.length === 0) return older;
  const all = there.map(({ select }) => select).join(" UNION ALL ");
  if (rows.key === "") return `${older} EXCEPT ALL (${all})`;
  const column = quoteName(rows.key);
  // NULL keys are excluded on both sides: `NULL NOT IN` is true for an empty list, but not for any other.
  const keys = there.map(({ named }) => `SELECT ${column} FROM ${named} WHERE ${column} IS NOT NULL`).join(" UNION ALL ");
  const named = `${older} AND ${column} IS NOT NULL AND ${column} NOT IN (${keys})`;
  const nameless = `(${older} AND ${column} IS NULL EXCEPT ALL (SELECT * FROM (${all}) WHERE ${column} IS NULL))`;
  return `${named} UNION ALL ${nameless}`;
}
