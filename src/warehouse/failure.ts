/**
 * The driver's errors come in many shapes: `StatusError` is not even an `Error`, HTTP answers are Thrift exceptions, sockets
 * fail with Node's codes. Here they become one, with the kind that decides what happens next.
 */
export type FailureKind =
  /** No connection, or it broke: name, port, network, TLS. */
  | "unreachable"
  /** The warehouse sleeps or starts: statements are rejected, nothing was executed. */
  | "waking"
  /** 429: rejected, nothing was executed. */
  | "throttled"
  /** 401 or 403: the token. */
  | "sign-in"
  /** The token is good, the privilege is missing. */
  | "denied"
  /** The session is gone; the statement was rejected. */
  | "session-lost"
  /** The statement itself: syntax, missing table, and so on. */
  | "statement"
  /** The deadline passed, or somebody cancelled. */
  | "cancelled";

export class WarehouseFailure extends Error {
  override name = "WarehouseFailure";
  readonly kind: FailureKind;
  readonly sqlState: string | undefined;
  /** What the server asked for with Retry-After. */
  readonly retryAfterMs: number | undefined;

  constructor(kind: FailureKind, message: string, details: { sqlState?: string; retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, { cause: details.cause });
    this.kind = kind;
    this.sqlState = details.sqlState;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** The part of the driver's errors that tells one from another; none of it is exported as a type by the driver. */
interface DriverError {
  message?: string;
  code?: string | number;
  statusCode?: number;
  errorCode?: string;
  response?: { status?: unknown; headers?: { get?(name: string): string | null }; sqlState?: string; errorMessage?: string };
  cause?: unknown;
}

/** A sleeping warehouse accepts the session and then rejects statements with one of these, for minutes. */
const wakingMessage =
  /is (stopped|starting|not running)|session handle.*not initialized|temporarily unavailable|cluster is (pending|starting)/i;
const lostSessionMessage = /invalid sessionhandle|session.*(closed|expired|does not exist)/i;
const brokenConnection =
  /socket hang up|premature close|network|timed out|ECONNRE|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|certificate|self.signed/i;

export function asFailure(error: unknown): WarehouseFailure {
  if (error instanceof WarehouseFailure) return error;
  const driverError = (typeof error === "object" && error !== null ? error : { message: String(error) }) as DriverError;
  const message = firstLine(driverError.response?.errorMessage ?? driverError.message ?? String(error));
  // An operation error has a response too, whose status is an object of Thrift.
  const httpStatus = driverError.statusCode ?? driverError.response?.status;
  const status = typeof httpStatus === "number" ? httpStatus : undefined;
  const sqlState = driverError.response?.sqlState;
  const details = { cause: error, ...(sqlState ? { sqlState } : {}) };

  if (status === 401 || status === 403)
    return new WarehouseFailure("sign-in", `the warehouse refused the token (HTTP ${status})`, details);
  if (status === 429 || status === 503) {
    const retryAfter = Number(driverError.response?.headers?.get?.("retry-after") ?? Number.NaN);
    const retryAfterMs = Number.isFinite(retryAfter) ? { retryAfterMs: retryAfter * 1000 } : {};
    return status === 429
      ? new WarehouseFailure("throttled", "the warehouse answered 429, too many requests", { ...details, ...retryAfterMs })
      : new WarehouseFailure("waking", "the warehouse answered 503: it is stopped, starting or overloaded", {
          ...details,
          ...retryAfterMs,
        });
  }
  if (driverError.errorCode === "CANCELED" || driverError.errorCode === "TIMEOUT")
    return new WarehouseFailure("cancelled", message, details);
  if (wakingMessage.test(message)) return new WarehouseFailure("waking", message, details);
  if (lostSessionMessage.test(message)) return new WarehouseFailure("session-lost", message, details);
  if (sqlState === "42501" || /INSUFFICIENT_PERMISSIONS|PERMISSION_DENIED/.test(message))
    return new WarehouseFailure("denied", message, details);
  if (typeof driverError.code === "string" || brokenConnection.test(message))
    return new WarehouseFailure("unreachable", `the connection failed: ${message}`, details);
  if (status !== undefined) return new WarehouseFailure("unreachable", `the warehouse answered HTTP ${status}`, details);
  return new WarehouseFailure("statement", message, details);
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? text;
}
