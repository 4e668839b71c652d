import { schemaOfAnswer } from "./description.ts";
import type { Schema } from "./schema.ts";

type Value = unknown;

/**
 * An answer as GitHub describes it, of which a test names only what matters: everything else that is required is empty.
 * @param operationId GitHub's name, such as `pulls/list`
 * @param values nested as in the answer; the rest of each object is filled in
 */
export function filledAnswer(operationId: string, status: number, values: Value): Value {
  return filled(schemaOfAnswer(operationId, status), values);
}

function filled(schema: Schema, value: Value): Value {
  if (Array.isArray(value)) return value.map((item) => filled(groupIn(schema, "items"), item));
  if (value === null || (value !== undefined && typeof value !== "object")) return value;
  const described = alternative(schema);
  if (value === undefined && described.nullable === true) return null;
  const properties = groupIn(described, "properties");
  if (value === undefined && described.properties === undefined) return empty(described);
  const required = Array.isArray(described.required) ? described.required.map(String) : [];
  const given = Object.keys(value ?? {});
  return Object.fromEntries(
    [...new Set([...required, ...given])].map((name) => [
      name,
      filled(groupIn(properties, name), (value as Record<string, Value> | undefined)?.[name]),
    ]),
  );
}

function empty({ type, format, enum: choices }: Schema): Value {
  if (Array.isArray(choices)) return choices[0];
  if (format === "date-time") return new Date(0).toISOString();
  if (type === "integer" || type === "number") return 0;
  if (type === "boolean") return false;
  if (type === "array") return [];
  return type === "object" ? {} : "";
}

/** Any of several will do. */
function alternative(schema: Schema): Schema {
  const [first] = (["anyOf", "oneOf", "allOf"] as const).flatMap((word) => (Array.isArray(schema[word]) ? schema[word] : []));
  return isGroup(first) ? { ...first, nullable: schema.nullable ?? first.nullable } : schema;
}

function groupIn(schema: Schema, name: string): Schema {
  const inner = schema[name];
  return isGroup(inner) ? inner : {};
}

function isGroup(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
