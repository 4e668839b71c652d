import { keySpanAt, spanAt } from "../../config/load.ts";
import { explain, type Mistake, mistakesError, positionOf } from "../../config/mistakes.ts";
import { isGroup, type Path, pathKey, valueAt } from "../../config/path.ts";
import { keysOf } from "../../config/shape.ts";
import { type ParsedYaml, parseYaml } from "../../config/yaml.ts";
import { suggestion } from "../../lib/nearest.ts";
import { z } from "../../lib/zod.ts";
import type { PlacedMistake } from "../../model/user-error.ts";
import { isNested, parseColumnType } from "./column-type.ts";
import type { ColumnPolicy, Domain, Policies, TablePolicy, Within } from "./model.ts";
import { domainSchema, policiesSchema, policySchemas, tableSchema } from "./schema.ts";

export interface ReadPolicies {
  policies: Policies;
  /** As the user gave it. */
  file: string;
  text: string;
  /** Where something of the policies is written, or what is around it. Names may have any case. */
  placeOf: (path: Path) => Pick<PlacedMistake, "file" | "line" | "column">;
}

/** @throws UserError with every mistake in the file, each with its place and fix */
export function readPolicies(text: string, file: string): ReadPolicies {
  const yaml = parseYaml(text);
  const reader = new Reader(yaml);
  const policies = yaml.broken ? undefined : reader.read();
  const mistakes = [...yaml.mistakes, ...reader.mistakes];
  if (mistakes.length > 0 || !policies) throw mistakesError({ name: file, text, hidden: [] }, mistakes);
  const lower = (path: Path) => pathKey(path.map((part) => (typeof part === "string" ? part.toLowerCase() : part)));
  const written = new Map([...yaml.entries.values()].map(({ path }) => [lower(path), path]));
  const placeOf = (path: Path) => {
    const { line, column } = positionOf(
      text,
      keySpanAt(
        yaml.entries,
        nearestWritten(path, (one) => written.get(lower(one))),
      ).start,
    );
    return { file, line, column };
  };
  return { policies, file, text, placeOf };
}

function nearestWritten(path: Path, written: (path: Path) => Path | undefined): Path {
  for (let length = path.length; length > 0; length--) {
    const found = written(path.slice(0, length));
    if (found) return found;
  }
  return [];
}

type PolicyKind = keyof typeof policySchemas;
const kinds = Object.keys(policySchemas) as PolicyKind[];
/** Two keys of one policy. */
const alsoWith: Readonly<Record<string, PolicyKind>> = { values: "keys" };
const nestedKeys = ["fields", "elements", "keys", "values"] as const;

class Reader {
  readonly #yaml: ParsedYaml;
  readonly mistakes: Mistake[] = [];

  constructor(yaml: ParsedYaml) {
    this.#yaml = yaml;
  }

  read(): Policies | undefined {
    const data = this.#yaml.data ?? {};
    const file = this.#parse(policiesSchema, data, []);
    const tables = isGroup(data) && isGroup(data.tables) ? data.tables : {};
    const read = this.#names(tables, ["tables"], (table, path) => this.#table(table, path));
    if (!file) return undefined;
    const domains = Object.fromEntries(
      Object.entries(file.domains).map(([name, domain]): [string, Domain] => [name, domain ?? domainSchema.parse({})]),
    );
    const policies: Policies = { version: 1, seed: file.seed, locale: file.locale, domains, tables: read };
    this.#checkDomains(policies);
    return policies;
  }

  /** By name in lower case, because the warehouse doesn't distinguish upper and lower case. */
  #names<Value>(
    written: Record<string, unknown>,
    path: Path,
    read: (value: unknown, path: Path) => Value | undefined,
  ): Record<string, Value> {
    // A column may be called `constructor`, which every other object has.
    const found = Object.create(null) as Record<string, Value>;
    for (const [name, value] of Object.entries(written)) {
      const lower = name.toLowerCase();
      if (Object.hasOwn(found, lower)) this.#add("EA2101", [...path, name], `duplicate name: ${lower} is here, too`, "key");
      const result = read(value, [...path, name]);
      if (result !== undefined) found[lower] = result;
    }
    return found;
  }

  #table(data: unknown, path: Path): TablePolicy | undefined {
    const name = String(path.at(-1));
    if (!/^[^.]+\.[^.]+$/.test(name)) this.#add("EA2101", path, "expected the name as schema.table", "key");
    if (data === "omit") return { omit: true, columns: {}, quasiIdentifiers: [], withoutChecks: [] };
    if (!isGroup(data)) {
      this.#add("EA2101", path, 'expected "omit", or a group with "columns"');
      return undefined;
    }
    const columns = isGroup(data.columns) ? data.columns : {};
    const read = this.#names(columns, [...path, "columns"], (column, at) => this.#policy(column, at));
    const table = this.#parse(tableSchema, data, path);
    if (!table) return undefined;
    const lower = (names: readonly string[]) => names.map((one) => one.toLowerCase());
    return {
      omit: false,
      columns: read,
      ...(table.key ? { key: lower(table.key) } : {}),
      quasiIdentifiers: lower(table.quasiIdentifiers),
      withoutChecks: lower(table.withoutChecks),
    };
  }

  #policy(data: unknown, path: Path): ColumnPolicy | undefined {
    if (data === "keep") return { how: "keep" };
    if (data === "null" || (data === null && !this.#isEmpty(path))) return { how: "null" };
    const known = ["null", ...kinds];
    if (!isGroup(data)) {
      const message = data === null ? "expected a policy, got nothing" : "expected a policy";
      this.#add("EA2101", path, `${message}: ${known.join(", ")}`);
      return undefined;
    }
    const kind =
      "json" in data
        ? "json"
        : kinds.find((one) => Object.hasOwn(data, one) || Object.keys(data).some((key) => alsoWith[key] === one));
    if (kind === undefined) {
      const [first] = Object.keys(data);
      const message =
        first === undefined ? `expected a policy: ${known.join(", ")}` : `unknown policy; ${suggestion(first, kinds)}`;
      this.#add(first === undefined ? "EA2101" : "EA2102", first === undefined ? path : [...path, first], message, "key");
      return undefined;
    }
    // What is within is read here, so that its mistakes are found one by one.
    const outer = Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, isNestedKey(key) ? placeholder(key, value) : value]),
    );
    // Said below, in better words.
    if (kind === "keys" && !("values" in outer)) outer.values = "keep";
    if (kind === "keys" && !("keys" in outer)) outer.keys = "keep";
    const parsed = this.#parse(policySchemas[kind] as z.ZodType, outer, path) as Record<string, unknown> | undefined;
    const within = isNestedKind(kind) ? this.#within(data, path, kind) : undefined;
    return parsed && policyFrom(kind, parsed, within);
  }

  #within(data: Record<string, unknown>, path: Path, kind: PolicyKind): Within | undefined {
    if (kind === "json") {
      const type = typeof data.json === "string" ? parseColumnType(data.json) : undefined;
      if (!type || !isNested(type))
        this.#add(
          "EA2101",
          [...path, "json"],
          "expected a type such as struct<name: string>, array<string> or map<string, string>",
        );
    }
    const present = ["fields", "elements", "keys"].filter((key) => Object.hasOwn(data, key));
    if (present.length !== 1) {
      this.#add("EA2101", path, "expected one of fields, elements, or keys and values, for what is within");
      return undefined;
    }
    const inner = (key: string) => (Object.hasOwn(data, key) ? this.#policy(data[key], [...path, key]) : undefined);
    if (present[0] === "fields") {
      const fields = isGroup(data.fields) ? data.fields : {};
      return { how: "fields", fields: this.#names(fields, [...path, "fields"], (field, at) => this.#policy(field, at)) };
    }
    if (present[0] === "elements") {
      const elements = inner("elements");
      return elements && { how: "elements", elements };
    }
    const [keys, values] = [inner("keys"), inner("values")];
    if (keys && !Object.hasOwn(data, "values")) this.#add("EA2101", path, "expected values beside keys");
    return keys && values && { how: "entries", keys, values };
  }

  #checkDomains({ domains, tables }: Policies): void {
    const check = (policy: ColumnPolicy, path: Path): void => {
      switch (policy.how) {
        case "surrogate":
        case "pseudonym": {
          const domain = Object.hasOwn(domains, policy.domain) ? domains[policy.domain] : undefined;
          const at = [...path, policy.how];
          if (!domain)
            this.#add(
              "EA2103",
              at,
              `unknown domain; ${suggestion(policy.domain, Object.keys(domains))}: declare it under domains`,
            );
          else if (policy.how === "pseudonym" && !domain.secret)
            this.#add("EA2103", at, `the domain ${policy.domain} has no secret: add secret: { scope: …, key: … } to it`);
          else if (policy.how === "surrogate" && domain.secret)
            this.#add(
              "EA2103",
              at,
              `the domain ${policy.domain} has a secret, so its columns are pseudonyms: write pseudonym, or use another domain`,
            );
          return;
        }
        case "fields":
          for (const [name, field] of Object.entries(policy.fields)) check(field, [...path, "fields", name]);
          return;
        case "elements":
          check(policy.elements, [...path, "elements"]);
          return;
        case "entries":
          check(policy.keys, [...path, "keys"]);
          check(policy.values, [...path, "values"]);
          return;
        case "json":
          check(policy.within, path);
      }
    };
    for (const [name, { columns }] of Object.entries(tables))
      for (const [column, policy] of Object.entries(columns)) check(policy, ["tables", name, "columns", column]);
  }

  /** `column:` without a value, which is rather forgotten than meant as NULL. */
  #isEmpty(path: Path): boolean {
    const entry = this.#yaml.entries.get(pathKey(path));
    return entry === undefined || entry.value.start === entry.value.end;
  }

  #parse<Result>(schema: z.ZodType<Result>, data: unknown, base: Path): Result | undefined {
    const result = z.safeParse(schema, data, { error: explain });
    if (result.success) return result.data;
    for (const issue of result.error.issues) {
      const path = [...base, ...issue.path.filter((part) => typeof part !== "symbol")];
      if (issue.code === "unrecognized_keys")
        for (const key of issue.keys)
          this.#add("EA2102", [...path, key], `unknown key; ${suggestion(key, keysOf(schema))}`, "key");
      else if (issue.code === "invalid_union") this.#add("EA2101", path, unionMessage(issue));
      else if (issue.code === "invalid_key") this.#add("EA2101", path, issue.issues[0]?.message ?? issue.message, "key");
      else {
        const isMissing = valueAt(this.#yaml.data, path) === undefined;
        this.#add("EA2101", path, isMissing ? `missing: ${issue.message}` : issue.message);
      }
    }
    return undefined;
  }

  #add(code: Mistake["code"], path: Path, message: string, about: "key" | "value" = "value"): void {
    const at = about === "key" ? keySpanAt(this.#yaml.entries, path) : spanAt(this.#yaml.entries, path);
    this.mistakes.push({ code, at, path, message });
  }
}

function unionMessage(issue: { errors: readonly (readonly { message: string }[])[] }): string {
  return [...new Set(issue.errors.flatMap((errors) => errors.map(({ message }) => message)))].join("; or ");
}

function isNestedKey(key: string): boolean {
  return (nestedKeys as readonly string[]).includes(key);
}

function isNestedKind(kind: PolicyKind): boolean {
  return kind === "json" || kind === "fields" || kind === "elements" || kind === "keys";
}

/** Something that is valid, whatever is within. */
function placeholder(key: string, value: unknown): unknown {
  if (key !== "fields") return "keep";
  return isGroup(value) ? {} : value;
}

function policyFrom(kind: PolicyKind, data: Record<string, unknown>, within: Within | undefined): ColumnPolicy | undefined {
  switch (kind) {
    case "keep":
      return { how: "keep", reason: String(data.keep) };
    case "constant":
      return { how: "constant", value: data.constant as string | number | boolean };
    case "surrogate":
    case "pseudonym":
      return { how: kind, domain: String(data[kind]) };
    case "generalise":
      return { how: "generalise", to: (data as z.output<typeof policySchemas.generalise>).generalise };
    case "synthetic": {
      const { synthetic, ...rest } = data as z.output<typeof policySchemas.synthetic>;
      return { how: "synthetic", kind: synthetic, ...rest };
    }
    case "json":
      return within && { how: "json", type: String(data.json), within };
    default:
      return within;
  }
}
