import type { ErrorHandler, Handler } from "express";

/** An unsuccessful response, with a code that clients can distinguish. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const invalid = (message: string) => new ApiError(400, "VALIDATION_ERROR", message);
export const notFound = (what: string) => new ApiError(404, "NOT_FOUND", `${what} not found`);

export const noSuchRoute: Handler = (request) => {
  throw notFound(`${request.method} ${request.originalUrl}`);
};

/** The last handler: every error becomes JSON. Only unexpected ones are logged, without the client's data. */
export const answerError: ErrorHandler = (error, request, response, next) => {
  if (response.headersSent) return next(error);
  const { status, code, message } = asApiError(error);
  if (status >= 500)
    console.error(`${request.method} ${request.originalUrl}: ${status} ${error instanceof Error ? error.message : error}`);
  response
    .status(status)
    .json({ success: false, error: code, message, path: request.originalUrl, timestamp: new Date().toISOString() });
};

function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  // From Express' JSON parser: the body was invalid or too large.
  if (error instanceof Error && "status" in error && typeof error.status === "number" && error.status < 500)
    return new ApiError(error.status, "VALIDATION_ERROR", error.message);
  return new ApiError(500, "INTERNAL_ERROR", "internal error");
}
