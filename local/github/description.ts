import { readFileSync } from "node:fs";
import { misfits, type Schema } from "./schema.ts";

/** GitHub's own description of its REST API, and what it says about one request and its answer. */

interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required?: boolean;
  schema: Schema;
}

interface Content {
  content?: { "application/json"?: { schema: Schema } };
}

export interface Operation {
  /** GitHub's name: `repos/get-deployment`. */
  operationId: string;
  parameters?: Parameter[];
  requestBody?: Content & { required?: boolean };
  responses: Record<string, Content>;
}

interface Description {
  paths: Record<string, Record<string, Operation>>;
}

const file = new URL("openapi.json", import.meta.url);
const description = JSON.parse(readFileSync(file, "utf8")) as Description;

export interface Described {
  operation: Operation;
  /** From the path, as text, decoded: `{ owner: "classwaves", … }`. */
  path: Record<string, string>;
}

/** @returns undefined if GitHub doesn't have the path, or not with this method */
export function operationFor(method: string, pathname: string): Described | undefined {
  const segments = pathname.split("/");
  for (const [template, operations] of Object.entries(description.paths)) {
    const operation = operations[method.toLowerCase()];
    const path = operation && matchPath(template.split("/"), segments);
    if (operation && path) return { operation, path };
  }
  return undefined;
}

/** @throws Error if GitHub describes no such answer */
export function schemaOfAnswer(operationId: string, status: number): Schema {
  const operations = Object.values(description.paths).flatMap((methods) => Object.values(methods));
  const found = operations.find((operation) => operation.operationId === operationId);
  const schema = found?.responses[status]?.content?.["application/json"]?.schema;
  if (!schema) throw new Error(`GitHub describes no JSON answer ${status} of ${operationId}`);
  return schema;
}

function matchPath(template: string[], segments: string[]): Record<string, string> | undefined {
  if (template.length !== segments.length) return undefined;
  const values: Record<string, string> = {};
  for (const [index, part] of template.entries()) {
    const segment = segments[index] ?? "";
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name && segment !== "") values[name] = decodeURIComponent(segment);
    else if (part !== segment) return undefined;
  }
  return values;
}

/** Every schema with its location, for a test of all of them. */
export function everySchema(): { place: string; schema: Schema }[] {
  const operations = Object.values(description.paths).flatMap((methods) => Object.values(methods));
  return operations.flatMap(({ operationId, parameters = [], requestBody, responses }) => [
    ...parameters.map(({ name, schema }) => ({ place: `${operationId} ${name}`, schema })),
    ...[requestBody, ...Object.values(responses)].flatMap((part) => {
      const schema = part?.content?.["application/json"]?.schema;
      return schema ? [{ place: operationId, schema }] : [];
    }),
  ]);
}

export interface RequestParts {
  path: Record<string, string>;
  query: URLSearchParams;
  /** Parsed; undefined if none was sent. */
  body: unknown;
}

/** Where this request doesn't fit GitHub's description. Fields that GitHub would ignore count as errors here. */
export function requestMisfits(operation: Operation, { path, query, body }: RequestParts): string[] {
  return [...pathMisfits(operation, path), ...queryMisfits(operation, query), ...bodyMisfits(operation, body)];
}

function pathMisfits(operation: Operation, path: Record<string, string>): string[] {
  return parametersIn(operation, "path").flatMap(({ name, schema }) =>
    misfits(typedValue(path[name], schema), schema, `path.${name}`),
  );
}

function queryMisfits(operation: Operation, query: URLSearchParams): string[] {
  const parameters = parametersIn(operation, "query");
  const unknown = [...query.keys()].filter((name) => !parameters.some((parameter) => parameter.name === name));
  return [
    ...unknown.map((name) => `query.${name}: GitHub has no such parameter here`),
    ...parameters.flatMap(({ name, required, schema }) => {
      const text = query.get(name);
      if (text === null) return required ? [`query.${name}: it is required`] : [];
      return misfits(typedValue(text, schema), schema, `query.${name}`);
    }),
  ];
}

function bodyMisfits({ requestBody }: Operation, body: unknown): string[] {
  const schema = requestBody?.content?.["application/json"]?.schema;
  if (body === undefined) return requestBody?.required ? ["body: it is required"] : [];
  // The extract has JSON only: an operation with a body of another type expects bytes.
  if (Buffer.isBuffer(body)) return requestBody && !schema ? [] : ["body: GitHub expects no bytes here"];
  if (!schema) return ["body: none is expected"];
  return [...misfits(body, schema, "body"), ...undescribedFields(body, schema)];
}

function undescribedFields(body: unknown, { properties, anyOf }: Schema): string[] {
  if (Array.isArray(anyOf)) return undescribedOfAny(body, anyOf as Schema[]);
  if (typeof body !== "object" || body === null || typeof properties !== "object" || properties === null) return [];
  return Object.keys(body)
    .filter((name) => !Object.hasOwn(properties, name))
    .map((name) => `body.${name}: GitHub has no such field here`);
}

/** One alternative must describe the whole body: a field of another one would hide its wrong value. */
function undescribedOfAny(body: unknown, alternatives: Schema[]): string[] {
  const problems = alternatives.map((one) => [...misfits(body, one, "body"), ...undescribedFields(body, one)]);
  return problems.toSorted((a, b) => a.length - b.length)[0] ?? [];
}

/** @param body parsed; undefined if none */
export function answerMisfits(operation: Operation, status: number, body: unknown): string[] {
  const response = operation.responses[status];
  if (!response) return [`status: GitHub does not answer ${operation.operationId} with ${status}`];
  const schema = response.content?.["application/json"]?.schema;
  if (!schema) return body === undefined ? [] : ["answer: none is described"];
  return misfits(body, schema, "answer");
}

function parametersIn(operation: Operation, where: Parameter["in"]): Parameter[] {
  return operation.parameters?.filter((parameter) => parameter.in === where) ?? [];
}

/** Converts text from a URL to the schema's type. Text that cannot be converted stays text, and doesn't fit. */
function typedValue(text: string | undefined, { type }: Schema): unknown {
  if (text === undefined) return undefined;
  if (type === "integer" && /^-?\d+$/.test(text)) return Number(text);
  if (type === "boolean" && (text === "true" || text === "false")) return text === "true";
  return text;
}
