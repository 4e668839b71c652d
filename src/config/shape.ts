import type { z } from "../lib/zod.ts";
import type { Path } from "./path.ts";
import { type Handling, handlings } from "./secret.ts";

export type Schema = z.core.$ZodType;

/** The schema's facts about one place of the file. */
export interface SchemaNode {
  /** The schema of the value, without defaults and transforms. */
  schema: Schema;
  handling?: Handling;
  /** Whether this is a value in a record of free texts, such as headers: it may hold anything. */
  free: boolean;
}

/** @returns the node; `undefined` if the schema has no such place */
export function schemaNodeAt(root: Schema, path: Path): SchemaNode | undefined {
  let node: SchemaNode | undefined = unwrap(root, false);
  for (const part of path) {
    node = node && step(node.schema, part);
    if (!node) return undefined;
  }
  return node;
}

/** The keys that a group may have; empty if the schema is not a group with fixed keys. */
export function keysOf(schema: Schema): string[] {
  const definition = definitionOf(schema);
  if (definition.type === "union") return definition.options.flatMap((option) => keysOf(unwrap(option, false).schema));
  return definition.type === "object" ? Object.keys(definition.shape) : [];
}

/** The schema of a record's values, independent of the key. */
export function recordValue(schema: Schema): Schema | undefined {
  const definition = definitionOf(schema);
  return definition.type === "record" ? definition.valueType : undefined;
}

/** Whether a single value is allowed, instead of a group or a list. */
export function takesScalar(schema: Schema): boolean {
  const definition = definitionOf(schema);
  if (definition.type === "union") return definition.options.some((option) => takesScalar(unwrap(option, false).schema));
  return !["object", "record", "array"].includes(definition.type);
}

function step(schema: Schema, part: string | number): SchemaNode | undefined {
  const definition = definitionOf(schema);
  switch (definition.type) {
    case "object": {
      const child = Object.hasOwn(definition.shape, part) ? definition.shape[part] : undefined;
      return child && unwrap(child, false);
    }
    case "record":
      return unwrap(definition.valueType, takesScalar(unwrap(definition.valueType, false).schema));
    case "array":
      return unwrap(definition.element, false);
    case "union":
      return definition.options.map((option) => step(unwrap(option, false).schema, part)).find((node) => node !== undefined);
    default:
      return undefined;
  }
}

function unwrap(schema: Schema, free: boolean): SchemaNode {
  let handling: Handling | undefined;
  let current: Schema | undefined = schema;
  let inner = schema;
  while (current) {
    inner = current;
    handling ??= handlings.get(current)?.handling;
    current = wrapped(current);
  }
  return { schema: inner, free, ...(handling ? { handling } : {}) };
}

function wrapped(schema: Schema): Schema | undefined {
  const definition = definitionOf(schema);
  switch (definition.type) {
    case "optional":
    case "default":
    case "prefault":
      return definition.innerType;
    case "pipe":
      return definition.in;
    default:
      return undefined;
  }
}

function definitionOf(schema: Schema): z.core.$ZodTypes["_zod"]["def"] {
  return (schema as z.core.$ZodTypes)._zod.def;
}
