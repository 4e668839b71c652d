import type { ErrorCode } from "../model/error-codes/catalogue.ts";
import { type Path, valueAt } from "./path.ts";

/** The data of a file that may have any mistake: nothing about their shape is certain here. */
export type Data = unknown;

/** What is wrong between two places of the file, each of which is right by itself. */
export interface Conflict {
  code: ErrorCode;
  path: Path;
  message: string;
}

/** As the file has it: what came out of a variable is never repeated. */
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
