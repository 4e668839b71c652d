import { suggestion } from "../lib/nearest.ts";
import { z } from "../lib/zod.ts";
import type { ErrorCode } from "../model/error-codes/catalogue.ts";
import { codeOf, explain } from "./explain.ts";
import type { Mistake, Span } from "./mistakes.ts";
import { type Path, pathKey, valueAt } from "./path.ts";
import { configSchema } from "./schema.ts";
import { keysOf, recordValue, schemaNodeAt } from "./shape.ts";
import type { Entry } from "./yaml.ts";

/** The position of each value in the file, by `pathKey`. */
export type Entries = ReadonlyMap<string, Entry>;

/**
 * Lists every difference between the data and the schema.
 * @param unread `pathKey` of the places whose value could not be read; mistakes there are not reported
 */
export function shapeMistakes(data: unknown, entries: Entries, unread: ReadonlySet<string>): Mistake[] {
  const issues = issuesOf(configSchema, data, []).filter(({ about, path }) => about === "key" || !unread.has(pathKey(path)));
  return issues.map(({ code, path, message, about }) => {
    // A value from a DATABRICKS_* variable has no position in the file, but is not missing.
    const missing = about === "value" && !entries.has(pathKey(path)) && valueAt(data, path) === undefined;
    return {
      // A check over several keys has a more precise code for what is missing.
      code: missing && (code === "EA1009" || code === "EA1010") ? "EA1008" : code,
      at: about === "key" ? keySpanAt(entries, path) : spanAt(entries, path),
      path,
      message: missing ? `missing: ${message}` : message,
    };
  });
}

interface Issue {
  code: ErrorCode;
  path: Path;
  message: string;
  about: "key" | "value";
}

function issuesOf(schema: z.core.$ZodType, data: unknown, base: Path): Issue[] {
  const result = z.safeParse(schema, data, { error: explain });
  if (result.success) return [];
  return result.error.issues.flatMap((issue): Issue[] => {
    const path = [...base, ...issue.path.filter((part) => typeof part !== "symbol")];
    if (issue.code === "unrecognized_keys")
      return issue.keys.map((key) => ({
        code: "EA1007" as const,
        path: [...path, key],
        message: unknownKey(path, key),
        about: "key" as const,
      }));
    if (issue.code === "invalid_key")
      return [
        ...issue.issues.map(({ message }) => ({ code: "EA1010" as const, path, message, about: "key" as const })),
        ...unread(path, data, base),
      ];
    return [{ code: codeOf(issue), path, message: issue.message, about: "value" }];
  });
}

function unknownKey(path: Path, key: string): string {
  const node = schemaNodeAt(configSchema, path);
  return `unknown key; ${suggestion(key, node ? keysOf(node.schema) : [])}`;
}

/** Zod skips the value of an invalid key, so we check it here. Users then see all mistakes at once. */
function unread(path: Path, data: unknown, base: Path): Issue[] {
  const record = schemaNodeAt(configSchema, path.slice(0, -1));
  const valueSchema = record && recordValue(record.schema);
  if (!valueSchema) return [];
  return issuesOf(valueSchema, valueAt(data, path.slice(base.length)), path);
}

/** The range to point at: the value, the key of a group, or the nearest parent of a missing value. */
export function spanAt(entries: Entries, path: Path): Span {
  const entry = entries.get(pathKey(path));
  if (entry) return entry.scalar ? visible(entry) : (entry.key ?? startOf(entry.value));
  return path.length === 0 ? { start: 0, end: 0 } : aroundSpan(entries, path.slice(0, -1));
}

function aroundSpan(entries: Entries, path: Path): Span {
  const entry = entries.get(pathKey(path));
  return entry ? (entry.key ?? startOf(entry.value)) : spanAt(entries, path);
}

/** An empty value has no characters to point at, so we point at its key. */
function visible({ key, value }: Entry): Span {
  return value.end > value.start ? value : (key ?? value);
}

/** The range of a key instead of its value, for mistakes in the key itself. */
export function keySpanAt(entries: Entries, path: Path): Span {
  return entries.get(pathKey(path))?.key ?? spanAt(entries, path);
}

function startOf(span: Span): Span {
  return { start: span.start, end: span.start + 1 };
}
