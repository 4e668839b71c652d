import type { ErrorCode } from "../model/error-codes/catalogue.ts";

/** The place of a value in the file: keys and list positions from the top. */
export type Path = readonly (string | number)[];

/** Turns a path into the key of a map. */
export function pathKey(path: Path): string {
  return JSON.stringify(path);
}

/** Formats a path for messages: `environments.sandbox.api.endpoints[0].path`, `testData.tables["users.teachers"].key`. */
export function showPath(path: Path): string {
  return path
    .map((part, index) => {
      if (typeof part === "number") return `[${part}]`;
      if (!/^[\w-]{1,80}$/.test(part)) return `[${JSON.stringify(part.slice(0, 80))}]`;
      return index === 0 ? part : `.${part}`;
    })
    .join("");
}

/** The value at a path of plain data; `undefined` if there is none. */
export function valueAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const part of path) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, part)) return undefined;
    current = (current as Record<string | number, unknown>)[part];
  }
  return current;
}

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
