import type { TestDataWarehouse } from "../../src/warehouse/access.ts";
import type { Parameters, Row } from "../../src/warehouse/connection.ts";
import { WarehouseFailure } from "../../src/warehouse/failure.ts";
import { deleteStatement, restoreStatement, updateCells } from "../../src/warehouse/writes.ts";
import { type Answer, type Json, type Spark, SparkError } from "./spark.ts";

/**
 * The product's own statements on Spark with Delta alone, without the local warehouse: for what only Delta can show, such as the
 * files that a statement reads, and real conflicts of writers.
 */

/** A statement that was run. */
export interface Ran {
  sql: string;
  /** Files that each scan read. */
  files: number[];
  ms: number;
}

/** Its only catalog. */
export const sparkCatalog = "spark_catalog";

/** Pauses before a statement that conflicted is sent again, as on a connection. */
const conflictPausesMs = [100, 250, 500, 1000, 2000, 4000, 8000];

/** @param tables `schema.table`, because Spark has no information schema @param ran receives every statement */
export function sparkWarehouse(spark: Spark, tables: readonly string[], ran: Ran[] = []): TestDataWarehouse {
  const send = async (sql: string, parameters: Parameters = {}): Promise<Answer> => {
    for (let attempt = 0; ; attempt++) {
      try {
        const answer = await spark.run(sql, parameters, { files: true });
        ran.push({ sql, files: answer.files ?? [], ms: answer.ms });
        return answer;
      } catch (error) {
        if (!(error instanceof SparkError)) throw error;
        const failure = failureOf(error);
        const pauseMs = conflictPausesMs[attempt];
        if (failure.kind !== "conflict" || pauseMs === undefined) throw failure;
        await new Promise((resolve) => setTimeout(resolve, pauseMs * (0.5 + Math.random())));
      }
    }
  };
  const write = async (sql: string, parameters: Parameters): Promise<number | undefined> => {
    const { rows } = await send(sql, parameters);
    return typeof rows[0]?.[0] === "number" ? rows[0][0] : undefined;
  };
  return {
    catalog: sparkCatalog,
    async query(sql, parameters = {}) {
      if (sql.includes("information_schema.columns")) return await columnsOf(spark, tables);
      if (sql.includes("information_schema.tables"))
        return sql.includes("NOT IN")
          ? []
          : tables.map(parts).map(([schema, name]) => ({ table_schema: schema, table_name: name }));
      // Delta alone has no history inside of queries; the caller then asks for each table.
      return rowsOf(await send(sql, parameters));
    },
    identity: async () => ({ host: "spark", catalog: sparkCatalog, principal: "spark", serverTime: new Date().toISOString() }),
    close: async () => undefined,
    async deleteRows(deletion) {
      const { statement, parameters } = deleteStatement(sparkCatalog, deletion);
      return await write(statement, parameters);
    },
    async restoreRows(rows) {
      await send(restoreStatement(sparkCatalog, rows), rows.parameters);
      // Spark alone doesn't report how many rows an INSERT added.
      return undefined;
    },
    async tryRestoring(rows) {
      await send(`EXPLAIN ${restoreStatement(sparkCatalog, rows)}`, rows.parameters);
    },
    async writeCells(cells) {
      const { statement, parameters } = updateCells(sparkCatalog, cells);
      return await write(statement, parameters);
    },
  };
}

function failureOf({ failure: { sqlState, message } }: SparkError): WarehouseFailure {
  const isConflict = sqlState === "2D521" || message.includes("[DELTA_CONCURRENT_");
  return new WarehouseFailure(isConflict ? "conflict" : "statement", message.split("\n", 1)[0] ?? message, {
    ...(sqlState ? { sqlState } : {}),
  });
}

async function columnsOf(spark: Spark, tables: readonly string[]): Promise<Row[]> {
  const described = tables.map(async (table) => {
    const [schema, name] = parts(table);
    const { rows } = await spark.run(`DESCRIBE TABLE ${table}`);
    const end = rows.findIndex(([column]) => String(column) === "" || String(column).startsWith("#"));
    return (end < 0 ? rows : rows.slice(0, end)).map(([column, type]) => ({
      table_schema: schema,
      table_name: name,
      column_name: column,
      full_data_type: type,
    }));
  });
  return (await Promise.all(described)).flat();
}

function parts(table: string): [schema: string, name: string] {
  const [schema = "", name = ""] = table.split(".");
  return [schema, name];
}

/** As the driver returns them: times as dates. */
function rowsOf({ columns, rows }: Answer): Row[] {
  const read = (value: Json, type: string) =>
    type === "timestamp" && typeof value === "string" ? new Date(`${value.slice(0, 23)}Z`) : value;
  return rows.map((row) => Object.fromEntries(columns.map(([name, type], index) => [name, read(row[index] ?? null, type)])));
}
