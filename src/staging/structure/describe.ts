import { NotUnderstood } from "./ask.ts";
import { type Keys, readKeys } from "./definition.ts";
import type { ColumnStructure, TableStructure } from "./structure.ts";

/** What DESCRIBE TABLE EXTENDED … AS JSON says of a table, beyond information_schema. */
export interface Description {
  properties: Record<string, string>;
  checks: Record<string, string>;
  partitionedBy: string[];
  /** Undefined if it doesn't say. */
  clusteredBy?: string[];
  keys?: Keys;
  viewText?: string;
  rowFilter?: TableStructure["rowFilter"];
  /** By name, in lower case. */
  columns: Map<string, Pick<ColumnStructure, "default" | "nested" | "mask">>;
}

type Json = Record<string, unknown>;

/**
 * What the protocol of a Delta table, which is among its properties, leaves open. Generated columns need writers of version 4,
 * identity columns of version 6; from version 7 on, each feature is listed.
 */
export function mayHave(properties: Readonly<Record<string, string>>): { generated: boolean; clustering: boolean } {
  const writer = Number(properties["delta.minWriterVersion"] ?? Number.NaN);
  if (Number.isNaN(writer)) return { generated: true, clustering: true };
  const supports = (feature: string): boolean => writer >= 7 && properties[`delta.feature.${feature}`] !== undefined;
  return {
    generated: (writer >= 4 && writer < 7) || supports("generatedColumns") || supports("identityColumns"),
    clustering: supports("clustering"),
  };
}

const check = "delta.constraints.";

/** @throws NotUnderstood */
export function readDescription(json: string, catalog: string): Description {
  const table = parsed(json);
  const properties = Object.entries(texts(table.table_properties ?? {}, "table_properties"));
  const masks = new Map(
    list(table.column_masks ?? [], "column_masks").map((mask) => [
      string(mask.column_name, "column_name").toLowerCase(),
      policy(mask),
    ]),
  );
  const clustered = table.clustering_information ?? table.clustering_columns;
  return {
    properties: Object.fromEntries(properties.filter(([key]) => !key.startsWith(check))),
    checks: Object.fromEntries(
      properties.filter(([key]) => key.startsWith(check)).map(([key, value]) => [key.slice(check.length).toLowerCase(), value]),
    ),
    partitionedBy: names(table.partition_columns ?? [], "partition_columns"),
    ...(clustered === undefined ? {} : { clusteredBy: names(clustered, "clustering_information") }),
    ...(typeof table.table_constraints === "string" ? { keys: readKeys(table.table_constraints, catalog) } : {}),
    ...(typeof table.view_text === "string" ? { viewText: table.view_text } : {}),
    ...(table.row_filter ? { rowFilter: policy(record(table.row_filter, "row_filter")) } : {}),
    columns: new Map(
      list(table.columns, "columns").map((column) => {
        const name = string(column.name, "a column's name").toLowerCase();
        const mask = masks.get(name);
        return [name, { ...described(column), ...(mask ? { mask } : {}) }];
      }),
    ),
  };
}

function described(column: Json): Omit<ColumnStructure, "name" | "type" | "nullable"> {
  const nested = Object.fromEntries(attributes(column.type, ""));
  return {
    ...(typeof column.default === "string" ? { default: column.default } : {}),
    ...(Object.keys(nested).length > 0 ? { nested } : {}),
  };
}

type Attributes = [string, { notNull?: boolean; comment?: string }][];

/** Of the fields within a type, by path. */
function attributes(type: unknown, path: string): Attributes {
  const { name, ...parts } = record(type, "a type");
  const within = (part: string): string => (path === "" ? part : `${path}.${part}`);
  const one = (part: string, of: unknown, nullable: unknown, comment?: unknown): Attributes => {
    const own = {
      ...(nullable === false ? { notNull: true } : {}),
      ...(typeof comment === "string" && comment !== "" ? { comment } : {}),
    };
    const here: Attributes = Object.keys(own).length > 0 ? [[within(part), own]] : [];
    return [...here, ...attributes(of, within(part))];
  };
  switch (name) {
    case "array":
      return one("element", parts.element_type, parts.element_nullable);
    case "map":
      return [
        ...one("key", parts.key_type, true),
        ...one("value", parts.value_type, parts.value_nullable ?? parts.element_nullable),
      ];
    case "struct":
      return list(parts.fields, "fields").flatMap((field) =>
        one(string(field.name, "a field's name").toLowerCase(), field.type, field.nullable, field.comment),
      );
    default:
      return [];
  }
}

/** A row filter or a mask: the members have had two names. */
function policy(json: Json): { function: string; columns: string[] } {
  const called = record(json.filter_function ?? json.mask_function ?? json.function_name, "a policy's function");
  const name = ["catalog_name", "schema_name", "function_name"].map((part) => string(called[part], part).toLowerCase());
  const columns = json.arguments ?? json.column_names ?? json.using_column_names ?? [];
  return { function: name.join("."), columns: names(columns, "a policy's columns") };
}

function parsed(json: string): Json {
  try {
    return record(JSON.parse(json), "the answer");
  } catch (error) {
    if (error instanceof SyntaxError) throw new NotUnderstood("the answer is not JSON", { cause: error });
    throw error;
  }
}

function record(value: unknown, what: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new NotUnderstood(`${what} is not an object`);
  return value as Json;
}

function list(value: unknown, what: string): Json[] {
  if (!Array.isArray(value)) throw new NotUnderstood(`${what} is not a list`);
  return value.map((item) => record(item, `an entry of ${what}`));
}

function string(value: unknown, what: string): string {
  if (typeof value !== "string") throw new NotUnderstood(`${what} is not a text`);
  return value;
}

/** Names of columns, as texts or as objects with a name. */
function names(value: unknown, what: string): string[] {
  if (!Array.isArray(value)) throw new NotUnderstood(`${what} is not a list`);
  return value.map((item) => {
    const name = typeof item === "object" && item !== null ? ((item as Json).name ?? (item as Json).column_name) : item;
    return string(name, `an entry of ${what}`).toLowerCase();
  });
}

function texts(value: unknown, what: string): Record<string, string> {
  return Object.fromEntries(Object.entries(record(value, what)).map(([key, one]) => [key, string(one, `${what}.${key}`)]));
}
