import { randomUUID } from "node:crypto";
import type * as T from "@databricks/sql/thrift/TCLIService_types.js";
import types from "@databricks/sql/thrift/TCLIService_types.js";
import type { NativeTypes } from "./arrow.ts";
import type { Faults } from "./faults.ts";
import type { Metadata } from "./metadata.ts";
import { Operation } from "./operation.ts";
import type { Principal } from "./principals.ts";
import type { ResultSet } from "./results.ts";
import type { Execute, Parameter, Session } from "./session.ts";
import { failure, handleId, handleIdentifier, metadataOf, operationStatus, rowSet, success } from "./wire.ts";

/** The caller, determined by the HTTP layer. */
export interface Caller {
  token: string;
  principal: Principal;
}

interface OpenOperation {
  session: Session;
  operation: Operation;
  native: NativeTypes;
  type: T.TOperationType;
  /** Rows that were fetched already. */
  fetched: number;
}

const everything: NativeTypes = { timestamps: true, decimals: true, complex: true };

/** The sessions and operations of one warehouse, and the calls on them. Created once; `handlerFor` binds it to a caller. */
export class ThriftService {
  readonly #sessions = new Map<string, Session>();
  readonly #operations = new Map<string, OpenOperation>();
  readonly #execute: Execute;
  readonly #metadata: Metadata;
  readonly #initialCatalog: string;
  readonly #faults: Faults;

  constructor(execute: Execute, metadata: Metadata, initialCatalog: string, faults: Faults) {
    this.#faults = faults;
    this.#execute = execute;
    this.#metadata = metadata;
    this.#initialCatalog = initialCatalog;
  }

  /** The handler for the generated Processor. A method with a single argument tells the Processor that it returns a promise. */
  handlerFor(caller: Caller): object {
    const metadata =
      (type: T.TOperationType, read: (session: Session, request: Pattern) => ResultSet) => async (request: Pattern) =>
        this.#start(caller, request, type, everything, async (session) => read(session, request));
    const kinds = types.TOperationType;
    return {
      OpenSession: async (request: T.TOpenSessionReq) => this.#openSession(caller, request),
      CloseSession: async (request: T.TCloseSessionReq) => this.#closeSession(caller, request),
      GetInfo: async (request: T.TGetInfoReq) => getInfo(request),
      ExecuteStatement: async (request: T.TExecuteStatementReq) => this.#executeStatement(caller, request),
      GetCatalogs: metadata(kinds.GET_CATALOGS, (session) => this.#metadata.catalogs(session)),
      GetSchemas: metadata(kinds.GET_SCHEMAS, (session, request) => this.#metadata.schemas(session, request)),
      GetTables: metadata(kinds.GET_TABLES, (session, request) => this.#metadata.tables(session, request)),
      GetColumns: metadata(kinds.GET_COLUMNS, (session, request) => this.#metadata.columns(session, request)),
      GetTableTypes: metadata(kinds.GET_TABLE_TYPES, () => this.#metadata.tableTypes()),
      GetTypeInfo: async (_request: unknown) => new types.TGetTypeInfoResp({ status: notSupported("GetTypeInfo") }),
      GetFunctions: async (_request: unknown) => new types.TGetFunctionsResp({ status: notSupported("GetFunctions") }),
      GetPrimaryKeys: async (_request: unknown) => new types.TGetPrimaryKeysResp({ status: notSupported("GetPrimaryKeys") }),
      GetCrossReference: async (_request: unknown) =>
        new types.TGetCrossReferenceResp({ status: notSupported("GetCrossReference") }),
      GetOperationStatus: async (request: T.TGetOperationStatusReq) => this.#status(caller, request),
      GetResultSetMetadata: async (request: T.TGetResultSetMetadataReq) => this.#resultMetadata(caller, request),
      FetchResults: async (request: T.TFetchResultsReq) => this.#fetch(caller, request),
      CancelOperation: async (request: T.TCancelOperationReq) => this.#cancel(caller, request),
      CloseOperation: async (request: T.TCloseOperationReq) => this.#close(caller, request),
    };
  }

  cancelAll(): void {
    for (const open of this.#operations.values()) open.operation.cancel();
  }

  #openSession(caller: Caller, request: T.TOpenSessionReq): T.TOpenSessionResp {
    const settings = Object.entries(request.configuration ?? {}).map(([name, value]): [string, string] => [
      name.toLowerCase(),
      value,
    ]);
    const session: Session = {
      id: randomUUID(),
      token: caller.token,
      principal: caller.principal,
      catalog: request.initialNamespace?.catalogName ?? this.#initialCatalog,
      schema: request.initialNamespace?.schemaName ?? "default",
      settings: new Map(settings),
    };
    this.#sessions.set(session.id, session);
    return new types.TOpenSessionResp({
      status: success,
      serverProtocolVersion: types.TProtocolVersion.SPARK_CLI_SERVICE_PROTOCOL_V8,
      sessionHandle: new types.TSessionHandle({ sessionId: handleIdentifier(session.id) }),
      initialNamespace: new types.TNamespace({ catalogName: session.catalog, schemaName: session.schema }),
      canUseMultipleCatalogs: true,
    });
  }

  #closeSession(caller: Caller, request: T.TCloseSessionReq): T.TCloseSessionResp {
    const session = this.#session(caller, request);
    if (!session) return new types.TCloseSessionResp({ status: unknownHandle("Session") });
    for (const [id, open] of this.#operations) {
      if (open.session !== session) continue;
      open.operation.cancel();
      this.#operations.delete(id);
    }
    this.#sessions.delete(session.id);
    return new types.TCloseSessionResp({ status: success });
  }

  #executeStatement(caller: Caller, request: T.TExecuteStatementReq): Promise<T.TExecuteStatementResp> {
    const native = {
      timestamps: request.useArrowNativeTypes?.timestampAsArrow ?? false,
      decimals: request.useArrowNativeTypes?.decimalAsArrow ?? false,
      complex: request.useArrowNativeTypes?.complexTypesAsArrow ?? false,
    };
    const parameters = (request.parameters ?? []).map(parameterOf);
    return this.#start(caller, request, types.TOperationType.EXECUTE_STATEMENT, native, (session, signal) =>
      this.#execute(session, request.statement, parameters, signal),
    );
  }

  async #start(
    caller: Caller,
    request: { sessionHandle: T.TSessionHandle; getDirectResults?: T.TSparkGetDirectResults },
    type: T.TOperationType,
    native: NativeTypes,
    run: (session: Session, signal: AbortSignal) => Promise<ResultSet>,
  ): Promise<T.TExecuteStatementResp> {
    const session = this.#session(caller, request);
    if (!session) return new types.TExecuteStatementResp({ status: unknownHandle("Session") });
    const operation = new Operation((signal) => run(session, signal), statementTimeout(session));
    const open: OpenOperation = { session, operation, native, type, fetched: 0 };
    const id = randomUUID();
    this.#operations.set(id, open);
    const operationHandle = new types.TOperationHandle({
      operationId: handleIdentifier(id),
      operationType: type,
      hasResultSet: true,
    });
    if (!request.getDirectResults) return new types.TExecuteStatementResp({ status: success, operationHandle });
    await operation.settled(this.#faults.directResultsMs);
    const directResults = this.#directResults(id, open, request.getDirectResults.maxRows.toNumber());
    return new types.TExecuteStatementResp({ status: success, operationHandle, directResults });
  }

  /** The whole result in one message if it fits. Then the operation is closed too, which saves the client a call. */
  #directResults(id: string, open: OpenOperation, maxRows: number): T.TSparkDirectResults {
    const { outcome } = open.operation;
    const status = operationStatus(outcome);
    if (outcome.state === "running") return new types.TSparkDirectResults({ operationStatus: status });
    const closeOperation = new types.TCloseOperationResp({ status: success });
    if (outcome.state !== "finished") {
      this.#operations.delete(id);
      return new types.TSparkDirectResults({ operationStatus: status, closeOperation });
    }
    const { result } = outcome;
    const resultSetMetadata = metadataOf(result, open.native);
    const resultSet = result.columns.length > 0 ? rowSet(result, open.native, 0, maxRows) : undefined;
    open.fetched = Math.min(result.rowCount, maxRows);
    if (resultSet?.hasMoreRows) return new types.TSparkDirectResults({ operationStatus: status, resultSetMetadata, resultSet });
    this.#operations.delete(id);
    return new types.TSparkDirectResults({ operationStatus: status, resultSetMetadata, resultSet, closeOperation });
  }

  #status(caller: Caller, request: T.TGetOperationStatusReq): T.TGetOperationStatusResp {
    const open = this.#operation(caller, request);
    return open
      ? operationStatus(open.operation.outcome)
      : new types.TGetOperationStatusResp({ status: unknownHandle("Operation") });
  }

  #resultMetadata(caller: Caller, request: T.TGetResultSetMetadataReq): T.TGetResultSetMetadataResp {
    const open = this.#operation(caller, request);
    const outcome = open?.operation.outcome;
    if (!open || outcome?.state !== "finished")
      return new types.TGetResultSetMetadataResp({
        status: open ? failure("The operation has no result yet.") : unknownHandle("Operation"),
      });
    return metadataOf(outcome.result, open.native);
  }

  #fetch(caller: Caller, request: T.TFetchResultsReq): T.TFetchResultsResp {
    const open = this.#operation(caller, request);
    const outcome = open?.operation.outcome;
    if (!open || outcome?.state !== "finished")
      return new types.TFetchResultsResp({
        status: open ? failure("The operation has no result yet.") : unknownHandle("Operation"),
      });
    const limit = request.maxRows.toNumber();
    const response = rowSet(outcome.result, open.native, open.fetched, limit);
    open.fetched = Math.min(outcome.result.rowCount, open.fetched + limit);
    return response;
  }

  #cancel(caller: Caller, request: T.TCancelOperationReq): T.TCancelOperationResp {
    const open = this.#operation(caller, request);
    open?.operation.cancel();
    return new types.TCancelOperationResp({ status: open ? success : unknownHandle("Operation") });
  }

  #close(caller: Caller, request: T.TCloseOperationReq): T.TCloseOperationResp {
    const open = this.#operation(caller, request);
    open?.operation.cancel();
    this.#operations.delete(handleId(request.operationHandle.operationId));
    return new types.TCloseOperationResp({ status: open ? success : unknownHandle("Operation") });
  }

  /** Guessing a handle doesn't give access to another user's session. */
  #session(caller: Caller, request: { sessionHandle: T.TSessionHandle }): Session | undefined {
    const session = this.#sessions.get(handleId(request.sessionHandle.sessionId));
    return session?.principal === caller.principal ? session : undefined;
  }

  #operation(caller: Caller, request: { operationHandle: T.TOperationHandle }): OpenOperation | undefined {
    const open = this.#operations.get(handleId(request.operationHandle.operationId));
    return open?.session.principal === caller.principal ? open : undefined;
  }
}

interface Pattern {
  sessionHandle: T.TSessionHandle;
  getDirectResults?: T.TSparkGetDirectResults;
  catalogName?: string;
  schemaName?: string;
  tableName?: string;
  columnName?: string;
}

function notSupported(call: string): T.TStatus {
  return failure(`The local warehouse does not support ${call}.`, "0A000");
}

function unknownHandle(kind: "Session" | "Operation"): T.TStatus {
  return new types.TStatus({
    statusCode: types.TStatusCode.INVALID_HANDLE_STATUS,
    errorMessage: `Invalid ${kind}Handle: it was closed, or it belongs to somebody else.`,
  });
}

function parameterOf(parameter: T.TSparkParameter): Parameter {
  return {
    name: parameter.name ?? undefined,
    type: parameter.type ?? undefined,
    value: parameter.value?.stringValue ?? undefined,
  };
}

function statementTimeout(session: Session): number {
  return Number(session.settings.get("statement_timeout") ?? 0);
}

function getInfo(request: T.TGetInfoReq): T.TGetInfoResp {
  const kinds = types.TGetInfoType;
  const answers: Partial<Record<T.TGetInfoType, string>> = {
    [kinds.CLI_SERVER_NAME]: "Spark SQL",
    [kinds.CLI_DBMS_NAME]: "Spark SQL",
    [kinds.CLI_DBMS_VER]: "4.0.0",
  };
  const stringValue = answers[request.infoType];
  return new types.TGetInfoResp({
    status: stringValue === undefined ? failure(`Unrecognized GetInfoType value: ${request.infoType}`) : success,
    infoValue: new types.TGetInfoValue({ stringValue: stringValue ?? "" }),
  });
}
