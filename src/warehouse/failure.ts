import { setTimeout as delay } from "node:timers/promises";
import { retryAfterMs } from "../lib/retry.ts";
import { isUnknownAuthority } from "../lib/unknown-authority.ts";
import { CodedError } from "../model/coded-error.ts";
import type { ErrorCode } from "../model/error-codes/catalogue.ts";

/**
 * The driver's errors have many forms: `StatusError` is not even an `Error`, HTTP responses are Thrift exceptions, and sockets
 * fail with Node's codes. Here they become one type, with a kind that decides what happens next.
 */
export type FailureKind =
  /** No warehouse there: wrong name, port or certificate, or an answer that only another server gives. */
  | "unreachable"
  /** The connection broke: a statement that was sent may have run. */
  | "connection-lost"
  /** The warehouse is stopped or starting; statements are rejected without being executed. */
  | "waking"
  /** 429: rejected without being executed. */
  | "throttled"
  /** 401 or 403: the token was refused. */
  | "sign-in"
  /** The token is valid, but a privilege is missing. */
  | "denied"
  /** The session is gone, so the statement was rejected. */
  | "session-lost"
  /** Another writer changed the table at the same time: Delta committed nothing of the statement. */
  | "conflict"
  /** The statement itself: syntax, missing table, and so on. */
  | "statement"
  /** The deadline passed, or the run was cancelled. */
  | "cancelled";

/** Used if the error has no more specific code. */
const codes = {
  unreachable: "EA3001",
  "connection-lost": "EA3002",
  waking: "EA3003",
  throttled: "EA3004",
  "sign-in": "EA3005",
  denied: "EA3006",
  "session-lost": "EA3007",
  conflict: "EA3014",
  statement: "EA3008",
  cancelled: "EA3009",
} as const satisfies Record<FailureKind, ErrorCode>;

export class WarehouseFailure extends CodedError {
  override name = "WarehouseFailure";
  readonly kind: FailureKind;
  readonly sqlState: string | undefined;
  /** The error condition that the message names in brackets, such as `DELTA_VERSION_NOT_FOUND`. */
  readonly condition: string | undefined;
  /** The wait that the server requested with Retry-After. */
  readonly retryAfterMs: number | undefined;
  /** A fix that is more specific than the one for this kind of failure; the message ends with it. */
  readonly cure: string | undefined;

  constructor(
    kind: FailureKind,
    message: string,
    details: { code?: ErrorCode; sqlState?: string; retryAfterMs?: number; cure?: string; cause?: unknown } = {},
  ) {
    super(details.code ?? codes[kind], details.cure === undefined ? message : `${message}. ${details.cure}`, {
      cause: details.cause,
    });
    this.kind = kind;
    this.sqlState = details.sqlState;
    this.condition = conditionIn(message);
    this.retryAfterMs = details.retryAfterMs;
    this.cure = details.cure;
  }
}

/** Java's exceptions come before it: `org.apache.spark.SparkException: [FAILED_READ_FILE.FILE_NOT_EXIST] …`. */
function conditionIn(message: string): string | undefined {
  return /^(?:[\w.$ ]*: )*\[([A-Z][A-Z0-9_]+(?:\.[A-Z][A-Z0-9_]+)*)\]/.exec(message)?.[1];
}

/** Conditions of a version whose log or files are gone, by VACUUM or the retention of the log. */
const goneVersions: ReadonlySet<string> = new Set([
  "DELTA_VERSION_NOT_FOUND",
  "DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION",
  "DELTA_UNSUPPORTED_TIME_TRAVEL_BEYOND_DELETED_FILE_RETENTION_DURATION",
  "DELTA_NO_RECREATABLE_HISTORY_FOUND",
  "DELTA_TRUNCATED_TRANSACTION_LOG",
  "DELTA_LOG_FILE_NOT_FOUND",
  "DELTA_MISSING_DELTA_FILES",
  "DELTA_VERSIONS_NOT_CONTIGUOUS",
  "DELTA_FILE_NOT_FOUND",
  "DELTA_FILE_NOT_FOUND_DETAILED",
  "FAILED_READ_FILE.FILE_NOT_EXIST",
  "FAILED_READ_FILE.DBR_FILE_NOT_EXIST",
]);

/** Whether an older version of a table can no longer be read; its newest version can. */
export function isVersionGone(error: unknown): boolean {
  return error instanceof WarehouseFailure && error.condition !== undefined && goneVersions.has(error.condition);
}

/** The failure of a wait that the signal ended. */
export function cancelled(signal: AbortSignal): WarehouseFailure {
  const why = signal.reason instanceof Error ? signal.reason.message : String(signal.reason);
  return new WarehouseFailure("cancelled", `cancelled before the warehouse answered: ${why}`);
}

/** The distinguishing parts of the driver's errors, which it doesn't export as types. */
interface DriverError {
  message?: string;
  code?: string | number;
  errorCode?: string;
  /** The last answer or error before the driver stopped retrying. */
  payload?: unknown;
  /** An HTTP response, or an operation (whose status is a Thrift object). */
  response?: {
    status?: unknown;
    headers?: { get?(name: string): string | null };
    text?(): Promise<string>;
    sqlState?: string;
    errorMessage?: string;
  };
}

/** A stopped warehouse opens sessions, and then rejects statements with one of these messages for minutes. */
const wakingMessage =
  /is (stopped|starting|not running)|session handle.*not initialized|temporarily unavailable|cluster is (pending|starting)/i;
const lostSessionMessage = /invalid sessionhandle|session.*(closed|expired|does not exist)/i;
/** Databricks' class of conflicts between writers; with and without row-level concurrency. */
const conflictState = "2D521";
const conflictMessage = /\[DELTA_CONCURRENT_\w+(?:\.\w+)?\]|\bio\.delta\.exceptions\.Concurrent\w+Exception\b/;
const deniedMessage = /INSUFFICIENT_PERMISSIONS|PERMISSION_DENIED/;
/** No server there, or not the right one. */
const nobodyThere = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|certificate|self.signed|altnames/i;
const brokenConnection = /socket hang up|premature close|network|timed out|ECONNRE|EPIPE|ETIMEDOUT/i;

/** Never throws. Reads the body of an HTTP response, because only that has the reason. */
export async function failureOf(error: unknown): Promise<WarehouseFailure> {
  if (error instanceof WarehouseFailure) return error;
  const thrown = (typeof error === "object" && error !== null ? error : { message: String(error) }) as DriverError;
  if (thrown.payload instanceof Error) return await failureOf(thrown.payload);
  // The driver's HTTP client keeps nothing of a proxy's failure but message and code.
  if (thrown.code === "EA9202" || thrown.code === "EA9203")
    return new WarehouseFailure("unreachable", firstLine(thrown.message ?? ""), { code: thrown.code, cause: error });
  const answer = (thrown.payload as DriverError | undefined)?.response ?? thrown.response;
  if (typeof answer?.status === "number") return httpFailure(answer.status, await bodyMessage(answer), answer, error);

  // Spark's parser begins its messages with a line break.
  const message = firstLine((answer?.errorMessage ?? thrown.message ?? "unknown error").trimStart());
  const sqlState = answer?.sqlState;
  const kind = kindOf(thrown, message, sqlState);
  const cure = kind === "unreachable" ? cureFor(error) : undefined;
  const code = kind === "statement" && isUnwritable(conditionIn(message)) ? ("EA3015" as const) : undefined;
  return new WarehouseFailure(kind, message, {
    cause: error,
    ...(sqlState ? { sqlState } : {}),
    ...(code ? { code } : {}),
    ...(cure === undefined ? {} : { cure }),
  });
}

/** No server answered, or not the expected one. */
function cureFor(error: unknown): string {
  return isUnknownAuthority(error)
    ? "Its certificate is signed by an authority that this machine does not know: name the authority's PEM file in databricks.certificateAuthority."
    : "Check DATABRICKS_HOST, or the variable that databricks.host names, and the network.";
}

/** Conditions, without what follows a dot, of a table that accepts no such change from anybody. */
const unwritable: ReadonlySet<string> = new Set([
  "STREAMING_TABLE_OPERATION_NOT_ALLOWED",
  "MATERIALIZED_VIEW_OPERATION_NOT_ALLOWED",
  "DELTA_CANNOT_MODIFY_APPEND_ONLY",
]);

function isUnwritable(condition: string | undefined): boolean {
  return unwritable.has(condition?.split(".")[0] ?? "");
}

function kindOf(thrown: DriverError, message: string, sqlState: string | undefined): FailureKind {
  if (thrown.errorCode === "CANCELED" || thrown.errorCode === "TIMEOUT") return "cancelled";
  if (sqlState === conflictState || conflictMessage.test(message)) return "conflict";
  if (sqlState === "42501" || deniedMessage.test(message)) return "denied";
  // HY… and 08… are about session and connection. All other states are about the statement, whose text can say anything.
  if (sqlState !== undefined && !/^(HY|08)/.test(sqlState)) return "statement";
  if (wakingMessage.test(message)) return "waking";
  if (lostSessionMessage.test(message)) return "session-lost";
  const text = `${thrown.code ?? ""} ${message}`;
  if (nobodyThere.test(text)) return "unreachable";
  // Node's own error codes are text; Thrift and the driver use numbers or none.
  if (brokenConnection.test(text) || typeof thrown.code === "string") return "connection-lost";
  return "statement";
}

function httpFailure(
  status: number,
  why: string,
  answer: NonNullable<DriverError["response"]>,
  cause: unknown,
): WarehouseFailure {
  const because = why === "" ? "" : `: ${why}`;
  const askedMs = retryAfterMs(answer.headers?.get?.("retry-after"));
  const details = { cause, ...(askedMs === undefined ? {} : { retryAfterMs: askedMs }) };
  if (status === 401 || status === 403)
    return new WarehouseFailure("sign-in", `the warehouse refused the token (HTTP ${status}${because})`, details);
  if (status === 429) return new WarehouseFailure("throttled", "the warehouse answered HTTP 429, too many requests", details);
  if (status === 503 || wakingMessage.test(why))
    return new WarehouseFailure(
      "waking",
      `the warehouse answered HTTP ${status}: it is stopped, starting or overloaded${because}`,
      details,
    );
  if (status >= 300 && status < 400)
    return new WarehouseFailure(
      "unreachable",
      `expected the answer of a warehouse, got HTTP ${status}, a redirect${targetOf(answer)}. Redirects are not followed, because the request carries a credential. Check DATABRICKS_HOST`,
      details,
    );
  // A gateway that lost its server answers 5xx. Any other status comes from something that is not a warehouse.
  const kind = status >= 500 ? "connection-lost" : "unreachable";
  return new WarehouseFailure(kind, `expected the answer of a warehouse, got HTTP ${status}${because}`, details);
}

/** Only the origin: paths of sign-in pages have tokens. */
function targetOf(answer: NonNullable<DriverError["response"]>): string {
  const location = answer.headers?.get?.("location") ?? "";
  return URL.canParse(location) ? ` to ${new URL(location).origin}` : "";
}

const bodyTimeoutMs = 2_000;

async function bodyMessage(answer: NonNullable<DriverError["response"]>): Promise<string> {
  const body = (async () => (await answer.text?.()) ?? "")().catch(() => "");
  // The status is known already, so a body that never ends or breaks off doesn't matter.
  const text = await Promise.race([body, delay(bodyTimeoutMs, "", { ref: false })]);
  const message = messageIn(text);
  return message.length > 200 ? `${message.slice(0, 200)}…` : message;
}

/** Databricks answers `{error_code, message}`. A proxy answers with an HTML page, which doesn't help the user. */
function messageIn(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === "string" ? firstLine(message) : "";
  } catch {
    // Not JSON, so there is no message. The status is enough.
    return "";
  }
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? text;
}
