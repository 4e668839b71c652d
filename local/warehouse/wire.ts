import type * as T from "@databricks/sql/thrift/TCLIService_types.js";
import types from "@databricks/sql/thrift/TCLIService_types.js";
import thrift from "thrift";
import { encodeRows, encodeSchema, type NativeTypes } from "./arrow.ts";
import type { SqlError } from "./errors.ts";
import type { ResultSet } from "./results.ts";
import type { DataType, PrimitiveName } from "./types.ts";

/** Results and errors in the driver's Thrift protocol. */

export const success = new types.TStatus({ statusCode: types.TStatusCode.SUCCESS_STATUS });

export function failure(message: string, sqlState?: string): T.TStatus {
  return new types.TStatus({
    statusCode: types.TStatusCode.ERROR_STATUS,
    errorMessage: message,
    displayMessage: message,
    sqlState,
  });
}

function int64(value: number): InstanceType<typeof thrift.Int64> {
  return new thrift.Int64(value);
}

/** The driver reads handles as UUIDs, so they must be valid ones. */
export function handleIdentifier(uuid: string): T.THandleIdentifier {
  const guid = Buffer.from(uuid.replaceAll("-", ""), "hex");
  return new types.THandleIdentifier({ guid, secret: guid });
}

export function handleId(identifier: T.THandleIdentifier): string {
  return identifier.guid.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export function metadataOf(result: ResultSet, native: NativeTypes): T.TGetResultSetMetadataResp {
  return new types.TGetResultSetMetadataResp({
    status: success,
    schema: new types.TTableSchema({
      columns: result.columns.map(
        (column, index) =>
          new types.TColumnDesc({ columnName: column.name, typeDesc: typeDescription(column.type), position: index + 1 }),
      ),
    }),
    resultFormat: types.TSparkRowSetType.ARROW_BASED_SET,
    lz4Compressed: false,
    arrowSchema: encodeSchema(result.columns, native),
  });
}

/** Rows are sent in batches, which keeps the messages of a large result small. */
const batchRows = 10_000;

export function rowSet(result: ResultSet, native: NativeTypes, from: number, limit: number): T.TFetchResultsResp {
  const to = Math.min(result.rowCount, from + limit);
  const arrowBatches: T.TSparkArrowBatch[] = [];
  for (let start = from; start < to; start += batchRows) {
    const end = Math.min(to, start + batchRows);
    arrowBatches.push(
      new types.TSparkArrowBatch({ batch: encodeRows(result, native, start, end), rowCount: int64(end - start) }),
    );
  }
  return new types.TFetchResultsResp({
    status: success,
    hasMoreRows: to < result.rowCount,
    results: new types.TRowSet({ startRowOffset: int64(from), rows: [], arrowBatches }),
  });
}

export type OperationOutcome =
  | { state: "running" }
  | { state: "finished"; result: ResultSet }
  | { state: "failed" | "canceled" | "timed-out"; error: SqlError };

export function operationStatus(outcome: OperationOutcome): T.TGetOperationStatusResp {
  const states = types.TOperationState;
  switch (outcome.state) {
    case "running":
      return new types.TGetOperationStatusResp({ status: success, operationState: states.RUNNING_STATE, hasResultSet: true });
    case "finished":
      return new types.TGetOperationStatusResp({
        status: success,
        operationState: states.FINISHED_STATE,
        hasResultSet: true,
        numModifiedRows: outcome.result.modifiedRows === undefined ? undefined : int64(outcome.result.modifiedRows),
      });
    default: {
      const operationState = { failed: states.ERROR_STATE, canceled: states.CANCELED_STATE, "timed-out": states.TIMEDOUT_STATE };
      return new types.TGetOperationStatusResp({
        status: success,
        operationState: operationState[outcome.state],
        sqlState: outcome.error.sqlState,
        errorMessage: outcome.error.message,
        displayMessage: outcome.error.message,
      });
    }
  }
}

function typeDescription(type: DataType): T.TTypeDesc {
  return new types.TTypeDesc({ types: [new types.TTypeEntry({ primitiveEntry: primitiveEntry(type) })] });
}

function primitiveEntry(type: DataType): T.TPrimitiveTypeEntry {
  switch (type.kind) {
    case "primitive":
      return new types.TPrimitiveTypeEntry({ type: typeIds[type.name] });
    case "decimal":
      return new types.TPrimitiveTypeEntry({
        type: types.TTypeId.DECIMAL_TYPE,
        typeQualifiers: new types.TTypeQualifiers({
          qualifiers: {
            precision: new types.TTypeQualifierValue({ i32Value: type.precision }),
            scale: new types.TTypeQualifierValue({ i32Value: type.scale }),
          },
        }),
      });
    case "array":
      return new types.TPrimitiveTypeEntry({ type: types.TTypeId.ARRAY_TYPE });
    case "map":
      return new types.TPrimitiveTypeEntry({ type: types.TTypeId.MAP_TYPE });
    case "struct":
      return new types.TPrimitiveTypeEntry({ type: types.TTypeId.STRUCT_TYPE });
  }
}

const typeIds: Record<PrimitiveName, T.TTypeId> = {
  boolean: types.TTypeId.BOOLEAN_TYPE,
  tinyint: types.TTypeId.TINYINT_TYPE,
  smallint: types.TTypeId.SMALLINT_TYPE,
  int: types.TTypeId.INT_TYPE,
  bigint: types.TTypeId.BIGINT_TYPE,
  float: types.TTypeId.FLOAT_TYPE,
  double: types.TTypeId.DOUBLE_TYPE,
  string: types.TTypeId.STRING_TYPE,
  binary: types.TTypeId.BINARY_TYPE,
  date: types.TTypeId.DATE_TYPE,
  timestamp: types.TTypeId.TIMESTAMP_TYPE,
  // The protocol has no type for it: it is sent as its JSON.
  variant: types.TTypeId.STRING_TYPE,
  void: types.TTypeId.STRING_TYPE,
};
