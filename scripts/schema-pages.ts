import { code, prose, row } from "./markdown-table.ts";

/** `docs/reference/configuration.md` and `report.md`: a row for every key of the two JSON schemas. */

interface Schema {
  type?: string | string[];
  description?: string;
  default?: unknown;
  const?: unknown;
  enum?: unknown[];
  pattern?: string;
  format?: string;
  writeOnly?: boolean;
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
}

interface Key {
  /** Such as `api.endpoints[].path`. */
  path: string;
  schema: Schema;
  required: boolean;
}

/** Groups that are long enough for their own section. The path is also the heading. */
const sections = ["environments.<name>", "testData", "staging", "stages"];

export function configurationPage(schema: unknown): string {
  return [
    "# Configuration",
    "",
    "<!-- Generated from the configuration's schema by scripts/schema-pages.ts: edit the descriptions there. -->",
    "",
    "Every key of `.github/env-actions.yml`. `env-actions init` writes a commented file to start from, for any project: ClassWaves' own rules only if it recognises ClassWaves. [Your own project](../guides/your-own-project.md) explains the parts.",
    "",
    "- `<name>` stands for a name that you choose, `[]` for each entry of a list.",
    "- Any value may come from an environment variable: `${NAME}`, or `${NAME:-text}` with a default. A *secret* must.",
    "- A *duration* is a number with `ms`, `s`, `m`, `h` or `d`, such as `15m`. A *share* is a percentage, such as `95%`.",
    "- An unknown key, a wrong unit or a written-out secret is an error with file, line and column. Nothing is started then.",
    "",
    "Editors show these descriptions if the first line of the file names the schema:",
    "`# yaml-language-server: $schema=https://raw.githubusercontent.com/classwaves/env-actions/v1/schema/config.schema.json`",
    "",
    ...sectionsOf(schema as Schema),
  ].join("\n");
}

export function reportPage(schema: unknown): string {
  const keys = keysBelow(schema as Schema, "");
  return [
    "# Report",
    "",
    "<!-- Generated from the report's schema by scripts/schema-pages.ts: edit the descriptions there. -->",
    "",
    "Each stage writes `.env-actions/reports/<stage>-<run id>.json`, and `.env-actions/reports/<stage>.json` for the newest. The output `report`",
    "names the file. [`schema/report.schema.json`](../../schema/report.schema.json) is its JSON schema. `[]` stands for each entry of a list.",
    "",
    row("Key", "Type", "Always there", "Meaning"),
    row("---", "---", "---", "---"),
    ...keys.map(({ path, schema, required }) =>
      row(code(path), typeOf(schema), required ? "yes" : "", prose(schema.description ?? "")),
    ),
    "",
  ].join("\n");
}

function sectionsOf(root: Schema): string[] {
  const keys = keysBelow(root, "");
  const groups = sectionPaths(root);
  const ownerOf = (path: string) =>
    groups
      .filter((group) => path.startsWith(`${group}.`) || path.startsWith(`${group}[]`))
      .sort((a, b) => b.length - a.length)[0];
  const table = (rows: Key[], group: string) => [
    row("Key", "Type", "Default", "Meaning"),
    row("---", "---", "---", "---"),
    ...rows.map(({ path, schema, required }) =>
      row(
        code(group === "" ? path : path.slice(group.length).replace(/^\./, "")),
        typeOf(schema),
        defaultOf(schema, required),
        prose(schema.description ?? ""),
      ),
    ),
    "",
  ];
  return ["", ...groups].flatMap((group) => {
    const rows = keys.filter(({ path }) => (ownerOf(path) ?? "") === group);
    if (rows.length === 0) return [];
    const own = keys.find(({ path }) => path === group)?.schema.description;
    return [`## ${group === "" ? "The file" : code(group)}`, "", ...(own ? [own, ""] : []), ...table(rows, group)];
  });
}

/** The groups of `sections`, and the larger groups inside them. */
function sectionPaths(root: Schema): string[] {
  const large = keysBelow(root, "").filter(
    ({ path, schema }) => sections.includes(parentOf(path)) && keysBelow(schema, path).length >= 5,
  );
  return sections.flatMap((section) => [section, ...large.map(({ path }) => path).filter((path) => parentOf(path) === section)]);
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf(".")));
}

function keysBelow(schema: Schema, path: string): Key[] {
  const below = (name: string, child: Schema, required: boolean): Key[] => {
    const own = `${path}${path === "" || name === "[]" ? "" : "."}${name}`;
    const listed = name === "[]" ? [] : [{ path: own, schema: child, required }];
    return [...listed, ...keysBelow(child, own)];
  };
  return [
    ...Object.entries(schema.properties ?? {}).flatMap(([name, child]) =>
      below(name, child, (schema.required ?? []).includes(name) && child.default === undefined),
    ),
    ...(isSchema(schema.additionalProperties) && hasKeys(schema.additionalProperties)
      ? keysBelow(schema.additionalProperties, `${path}${path === "" ? "" : "."}<name>`)
      : []),
    ...(schema.items ? below("[]", schema.items, false) : []),
    ...alternatives(schema).flatMap((child) => keysBelow(child, path)),
  ];
}

function isSchema(value: Schema | boolean | undefined): value is Schema {
  return typeof value === "object";
}

function hasKeys(schema: Schema): boolean {
  return keysBelow(schema, "").length > 0;
}

/** Leaves out `${NAME}`, which almost every value accepts, and numbers as text, which variables produce. */
function alternatives(schema: Schema): Schema[] {
  return [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]
    .filter(({ pattern }) => pattern !== "\\$\\{" && pattern !== "^\\d+$")
    .filter(({ anyOf }) => !anyOf?.every(({ pattern }) => pattern === "\\$\\{" || pattern === "^\\d+$"));
}

function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return code(JSON.stringify(schema.const));
  if (schema.enum) return schema.enum.map((value) => code(String(value))).join(", ");
  const among = alternatives(schema);
  if (among.length > 0) return [...new Set(among.map(typeOf))].join(" or ");
  if (schema.type === "array") return schema.items ? `list of: ${typeOf(schema.items)}` : "list";
  if (schema.type === "object")
    return isSchema(schema.additionalProperties) ? `by name: ${typeOf(schema.additionalProperties)}` : "group";
  if (schema.type === "string") return textType(schema);
  if (schema.type === "integer" || schema.type === "number") return numberType(schema);
  return [schema.type ?? "anything"]
    .flat()
    .map((type) => (type === "string" ? "text" : type))
    .join(" or ");
}

function textType({ pattern = "", format, writeOnly }: Schema): string {
  if (writeOnly) return "secret";
  if (pattern.includes("(ms|s|m|h|d)$")) return "duration";
  if (pattern.startsWith("^\\d+%?$")) return "share";
  if (format === "date" || format === "date-time" || format === "uri")
    return { date: "date", "date-time": "time", uri: "address" }[format];
  return "text";
}

function numberType({ type, minimum, exclusiveMinimum, maximum = Number.MAX_SAFE_INTEGER }: Schema): string {
  const low = minimum ?? exclusiveMinimum;
  const what = type === "integer" ? "whole number" : "number";
  if (low === undefined || low <= Number.MIN_SAFE_INTEGER) return what;
  return maximum >= Number.MAX_SAFE_INTEGER
    ? `${what}, ${exclusiveMinimum === undefined ? "at least" : "more than"} ${low}`
    : `${what}, ${low} to ${maximum}`;
}

function defaultOf({ default: standard }: Schema, required: boolean): string {
  if (required) return "*required*";
  if (standard === undefined || isEmptyGroup(standard)) return "";
  return code(typeof standard === "string" ? standard : JSON.stringify(standard));
}

function isEmptyGroup(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}
