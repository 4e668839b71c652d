import { z } from "zod";

/** A schema of an OpenAPI 3.0 description, with resolved references. */
export type Schema = { readonly [keyword: string]: unknown };

const compiled = new WeakMap<Schema, z.ZodType>();

/** @returns what is wrong with the value, each with its location, such as `body.state: Invalid option`; empty if it fits */
export function misfits(value: unknown, schema: Schema, path: string): string[] {
  const { error } = compile(schema).safeParse(value);
  return error?.issues.map((issue) => `${[path, ...issue.path].join(".")}: ${issue.message}`) ?? [];
}

function compile(schema: Schema): z.ZodType {
  const known = compiled.get(schema);
  if (known) return known;
  // zod has its own type for JSON Schema, and throws for anything that it doesn't support.
  const type = z.fromJSONSchema(strict(schema) as Parameters<typeof z.fromJSONSchema>[0], { defaultTarget: "openapi-3.0" });
  compiled.set(schema, type);
  return type;
}

/** Any value, but not an absent one. */
const present: Schema = {
  nullable: true,
  anyOf: ["string", "number", "boolean", "object", "array"].map((type) => ({ type })),
};

/** GitHub leaves missing URLs empty, although its description says that they are URLs. */
const address = { pattern: "^(https?://\\S+)?$" };

/**
 * The same schema in a form that zod checks strictly. Otherwise a default would fill in a missing required property, and an
 * object without `type`, or a required property without a description, would accept anything.
 */
function strict(node: Schema): Schema {
  const { default: _default, format, ...kept } = node;
  const result: Record<string, unknown> = format === "uri" ? address : { ...(format !== undefined && { format }) };
  const rest = Object.entries(kept).map(([keyword, value]) => [keyword, strictKeyword(keyword, value)] as const);
  return describeObject({ ...result, ...Object.fromEntries(rest) });
}

function describeObject(node: Schema): Schema {
  const { properties, required } = node;
  if (properties === undefined && required === undefined) return node;
  const names: unknown[] = Array.isArray(required) ? required : [];
  const undescribed = Object.fromEntries(names.map((name) => [String(name), present]));
  return { type: "object", ...node, properties: { ...undescribed, ...(isSchema(properties) ? properties : {}) } };
}

function strictKeyword(keyword: string, value: unknown): unknown {
  if (keyword === "properties" && isSchema(value))
    return Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, isSchema(schema) ? strict(schema) : schema]));
  if (["items", "additionalProperties"].includes(keyword) && isSchema(value)) return strict(value);
  if (["anyOf", "oneOf", "allOf"].includes(keyword) && Array.isArray(value))
    return value.map((schema: unknown) => (isSchema(schema) ? strict(schema) : schema));
  return value;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
