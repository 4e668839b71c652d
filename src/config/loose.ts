import type { ErrorCode } from "../model/error-codes/catalogue.ts";
import { type Path, valueAt } from "./path.ts";

/** Data of a file that may contain any mistake, so its shape is unknown. */
export type Data = unknown;

/** A contradiction between two places of the file that are each valid alone. */
export interface Conflict {
  code: ErrorCode;
  path: Path;
  message: string;
}

/** Quotes the file's text, never the value of a variable. */
export function quote(written: Data, path: Path): string {
  return JSON.stringify(valueAt(written, path));
}

export function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function group(value: unknown): Record<string, unknown> {
  return isGroup(value) ? value : {};
}

export function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

export function list(value: unknown): unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

export function texts(value: unknown): string[] | undefined {
  return list(value)?.filter((item) => typeof item === "string");
}
