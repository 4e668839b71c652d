import type { Request } from "express";
import { ApiError } from "./errors.ts";
import { type Identity, verifyToken } from "./tokens.ts";

/** The sender of this request. @throws ApiError 401 without a valid bearer token */
export function identify(request: Request, jwtSecret: string): Identity {
  const [, token] = /^Bearer (\S+)$/i.exec(request.get("authorization") ?? "") ?? [];
  if (!token) throw new ApiError(401, "AUTH_REQUIRED", "bearer token required");
  const identity = verifyToken(jwtSecret, "access", token);
  if (!identity) throw new ApiError(401, "INVALID_TOKEN", "invalid or expired token");
  return identity;
}

/** @throws ApiError 401 without a token, 403 if it isn't an administrator's */
export function identifyAdmin(request: Request, jwtSecret: string): Identity {
  const identity = identify(request, jwtSecret);
  if (identity.role === "teacher") throw new ApiError(403, "INSUFFICIENT_PERMISSIONS", "administrators only");
  return identity;
}
