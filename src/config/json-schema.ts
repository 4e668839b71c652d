import { toJSONSchema } from "zod";
import { movingTag } from "../lib/version.ts";
import { configSchema } from "./schema.ts";

/** Where the released schema is published; `init` writes it as `$schema=` into the file. */
export const configSchemaUrl = `https://raw.githubusercontent.com/classwaves/env-actions/${movingTag}/schema/config.schema.json`;

type Json = Record<string, unknown>;

/** The JSON schema for editors. Draft 7, because the YAML language server does not fully support later drafts. */
export function configJsonSchema(): unknown {
  const { $schema, ...schema } = toJSONSchema(configSchema, { io: "input", target: "draft-7" });
  return allowReferences({ $schema, $id: configSchemaUrl, ...schema });
}

const annotations = new Set(["description", "default", "title"]);
const forms = ["pattern", "format", "enum", "const"];

/**
 * Accepts `${NAME}` wherever a text needs a certain form, because the text may come from a variable. Keys are never references.
 */
function allowReferences(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(allowReferences);
  if (typeof node !== "object" || node === null) return node;
  const schema = node as Json;
  if (isTextWithForm(schema)) return withReference(schema);
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === "propertyNames" || annotations.has(key) ? value : allowReferences(value),
    ]),
  );
}

function isTextWithForm(schema: Json): boolean {
  const isSecret = schema.writeOnly === true;
  return schema.type === "string" && !isSecret && forms.some((form) => form in schema);
}

function withReference(schema: Json): Json {
  const entries = Object.entries(schema);
  const kept = entries.filter(([key]) => annotations.has(key));
  const form = entries.filter(([key]) => !annotations.has(key));
  return { ...Object.fromEntries(kept), anyOf: [Object.fromEntries(form), { type: "string", pattern: "\\$\\{" }] };
}
