import type { Path } from "../../config/path.ts";
import { suggestion } from "../../lib/nearest.ts";
import type { ErrorCode } from "../../model/error-codes/catalogue.ts";
import type { Facet } from "../../model/staging.ts";
import type { ColumnStructure, Structure, TableStructure } from "../structure/structure.ts";
import { type ColumnType, isNested, parseColumnType } from "./column-type.ts";
import { isFilled } from "./columns.ts";
import { whyNotFitting } from "./fit.ts";
import { domainGaps, keyGaps } from "./key-gaps.ts";
import { tableAt } from "./mappings.ts";
import { type ColumnPolicy, isStandIn, isWithin, type Leaf, type Policies, type TablePolicy } from "./model.ts";

/** A reason why a refresh must not begin: what the policies don't say, say of nothing, or say wrongly. */
export interface Gap {
  code: ErrorCode;
  /** `schema.table`, `schema.table.column`, and for nested ones what is within: `schema.table.column.city`. */
  object: string;
  /** Where in the file, or where in it the missing policy belongs. */
  path: Path;
  message: string;
}

/**
 * Everything that keeps these policies from being used for this structure. If there is nothing, no statement that is made of them
 * fails because of them.
 */
export function gaps(policies: Policies, structure: Structure): Gap[] {
  const found = [
    ...unseenGaps(structure),
    ...undeclaredTables(policies, structure),
    ...Object.entries(policies.tables).flatMap(([name, policy]) => tableGaps(policies, structure, name, policy)),
    ...domainGaps(policies, structure),
  ];
  return found.sort((a, b) => (a.object < b.object ? -1 : a.object > b.object ? 1 : 0));
}

/** Views have no rows. What else isn't a table can only be left out. */
function holdsRows({ kind }: TableStructure): boolean {
  return kind !== "view";
}

const needed: readonly Facet[] = ["schemas", "tables", "columns", "types", "nullability"];

function unseenGaps({ catalog, unseen }: Structure): Gap[] {
  return unseen
    .filter(({ facet }) => needed.includes(facet))
    .map(({ within, why }) => ({ code: "EA2116", object: within === "" ? catalog : within, path: ["tables"], message: why }));
}

function undeclaredTables(policies: Policies, { schemas }: Structure): Gap[] {
  return Object.entries(schemas).flatMap(([schema, { tables }]) =>
    Object.entries(tables).flatMap(([table, own]): Gap[] => {
      const name = `${schema}.${table}`;
      if (!holdsRows(own) || Object.hasOwn(policies.tables, name)) return [];
      return [{ code: "EA2110", object: name, path: ["tables"], message: 'no policy: declare its columns, or write "omit"' }];
    }),
  );
}

function tableGaps(policies: Policies, structure: Structure, name: string, policy: TablePolicy): Gap[] {
  const table = tableAt(structure, name);
  const path: Path = ["tables", name];
  const gap = (code: ErrorCode, message: string): Gap => ({ code, object: name, path, message });
  if (!table) {
    const known = Object.entries(structure.schemas).flatMap(([schema, { tables }]) =>
      Object.keys(tables).map((own) => `${schema}.${own}`),
    );
    return [gap("EA2111", `the table does not exist; ${near(name, known)}`)];
  }
  if (!holdsRows(table)) return [gap("EA2111", "it is a view, and has no rows of its own: remove it")];
  if (policy.omit) return [];
  if (table.kind !== "table") return [gap("EA2112", `a table of type ${table.type} can't be copied: write "omit"`)];
  const masked = table.columns.filter(({ mask }) => mask).map((column) => column.name);
  return [
    ...(table.rowFilter ? [gap("EA2117", `it has the row filter ${table.rowFilter.function}: write "omit"`)] : []),
    ...(masked.length > 0 ? [gap("EA2117", `it has masks on ${masked.join(", ")}: write "omit"`)] : []),
    ...table.columns.flatMap((column) => columnGaps(policies, name, column, policy)),
    ...unknownNames(name, table, policy),
    ...checkGaps(name, table, policy),
    ...keyGaps(policies, structure, name, table, policy),
  ];
}

function near(name: string, known: readonly string[]): string {
  const hint = suggestion(name, known);
  return hint.startsWith("did you mean") ? hint : "remove it";
}

function columnGaps(policies: Policies, table: string, column: ColumnStructure, policy: TablePolicy): Gap[] {
  const lower = column.name.toLowerCase();
  const own = Object.hasOwn(policy.columns, lower) ? policy.columns[lower] : undefined;
  const object = `${table}.${lower}`;
  const path: Path = ["tables", table, "columns", lower];
  if (isFilled(column))
    return own === undefined
      ? []
      : [{ code: "EA2112", object, path, message: "the warehouse fills it itself: remove its policy" }];
  if (own === undefined) return [{ code: "EA2110", object, path, message: `no policy for ${column.name} ${column.type}` }];
  const type = parseColumnType(column.type) ?? { kind: "other" as const };
  return valueGaps(own, { type, nullable: column.nullable, object, path, policies, table: policy, inJson: false });
}

interface Place {
  type: ColumnType;
  nullable: boolean;
  object: string;
  path: Path;
  policies: Policies;
  table: TablePolicy;
  inJson: boolean;
}

function valueGaps(policy: ColumnPolicy, place: Place): Gap[] {
  const gap = (code: ErrorCode, message: string): Gap => ({ code, object: place.object, path: place.path, message });
  if (policy.how === "json") {
    if (place.type.kind !== "text" || place.type.most !== undefined) return [gap("EA2112", "json is for columns of type string")];
    return valueGaps(policy.within, { ...place, type: parseColumnType(policy.type) ?? { kind: "other" }, inJson: true });
  }
  if (isWithin(policy)) return nestedGaps(policy, place, gap);
  if (isNested(place.type)) {
    if (policy.how === "null" && place.nullable) return [];
    if (policy.how === "null") return [gap("EA2112", "it takes no NULL: give what is within policies of its own")];
    return [gap("EA2112", `expected null, or policies for what is within: ${withinWords(place.type)}`)];
  }
  return leafGaps(policy, place, gap);
}

function withinWords({ kind }: ColumnType): string {
  if (kind === "struct") return "fields";
  return kind === "array" ? "elements" : "keys and values";
}

function nestedGaps(
  policy: Extract<ColumnPolicy, { how: "fields" | "elements" | "entries" }>,
  place: Place,
  gap: (code: ErrorCode, message: string) => Gap,
): Gap[] {
  const { type } = place;
  if (policy.how === "elements") {
    if (type.kind !== "array") return [gap("EA2112", `elements are for arrays, not for ${type.kind}`)];
    return valueGaps(policy.elements, {
      ...place,
      type: type.element,
      nullable: true,
      object: `${place.object}[]`,
      path: [...place.path, "elements"],
    });
  }
  if (policy.how === "entries") {
    if (type.kind !== "map") return [gap("EA2112", `keys and values are for maps, not for ${type.kind}`)];
    const key = { ...place, type: type.key, nullable: false, object: `${place.object}{key}`, path: [...place.path, "keys"] };
    const value = {
      ...place,
      type: type.value,
      nullable: true,
      object: `${place.object}{value}`,
      path: [...place.path, "values"],
    };
    const distinct = policy.keys.how === "keep" || isStandIn(policy.keys);
    return [
      ...(distinct
        ? valueGaps(policy.keys, key)
        : [
            {
              code: "EA2112" as const,
              object: key.object,
              path: key.path,
              message: "keys of a map must stay different: use keep, a surrogate or a pseudonym",
            },
          ]),
      ...valueGaps(policy.values, value),
    ];
  }
  if (type.kind !== "struct") return [gap("EA2112", `fields are for structs, not for ${type.kind}`)];
  const declared = Object.keys(policy.fields);
  const known = type.fields.map(({ name }) => name.toLowerCase());
  return [
    ...type.fields.flatMap((field) => {
      const lower = field.name.toLowerCase();
      const own = Object.hasOwn(policy.fields, lower) ? policy.fields[lower] : undefined;
      const below = { ...place, object: `${place.object}.${lower}`, path: [...place.path, "fields", lower] };
      if (own === undefined)
        return [{ code: "EA2110" as const, object: below.object, path: below.path, message: "no policy for this field" }];
      return valueGaps(own, { ...below, type: field.type, nullable: field.nullable });
    }),
    ...declared
      .filter((name) => !known.includes(name))
      .map((name) => ({
        code: "EA2111" as const,
        object: `${place.object}.${name}`,
        path: [...place.path, "fields", name],
        message: `the field does not exist; ${near(name, known)}`,
      })),
  ];
}

function leafGaps(policy: Leaf, place: Place, gap: (code: ErrorCode, message: string) => Gap): Gap[] {
  const { type, nullable, policies } = place;
  if (policy.how === "keep")
    return (type.kind === "text" || type.kind === "other") && policy.reason === undefined
      ? [gap("EA2115", "it can hold anything: write { keep: why it names nobody }, or choose another policy")]
      : [];
  const domain = (name: string) => (Object.hasOwn(policies.domains, name) ? policies.domains[name] : undefined);
  const why = whyNotFitting(policy, { type, nullable: nullable || place.inJson, domain, locale: policies.locale });
  if (why !== undefined) return [gap("EA2112", why)];
  if (policy.how !== "synthetic" || policy.of === undefined) return [];
  const of = place.table.columns[policy.of.toLowerCase()];
  return isStandIn(of) ? [] : [gap("EA2112", `of names ${policy.of}, which has no surrogate or pseudonym in this table`)];
}

/** What else a table's policy names. */
function unknownNames(name: string, table: TableStructure, policy: TablePolicy): Gap[] {
  const known = table.columns.map((column) => column.name.toLowerCase());
  const lacking = (list: readonly string[], key: string, exist: readonly string[], what: string): Gap[] =>
    list
      .filter((one) => !exist.includes(one))
      .map((one) => ({
        code: "EA2111",
        object: `${name}.${one}`,
        path: ["tables", name, ...(key === "columns" ? [key, one] : [key])],
        message: `the ${what} does not exist; ${near(one, exist)}`,
      }));
  const checks = Object.keys(table.checks).map((check) => check.toLowerCase());
  return [
    ...lacking(Object.keys(policy.columns), "columns", known, "column"),
    ...lacking(policy.key ?? [], "key", known, "column"),
    ...lacking(policy.quasiIdentifiers, "quasiIdentifiers", known, "column"),
    ...lacking(policy.withoutChecks, "withoutChecks", checks, "constraint"),
  ];
}

function checkGaps(name: string, table: TableStructure, policy: TablePolicy): Gap[] {
  return changedChecks(table, policy.columns)
    .filter(({ check }) => !policy.withoutChecks.includes(check.toLowerCase()))
    .map(({ check, changed }) => ({
      code: "EA2118",
      object: name,
      path: ["tables", name],
      message: `the constraint ${check} uses ${changed.join(", ")}, whose values change: keep them, or add ${check} to withoutChecks`,
    }));
}

/** The CHECK constraints whose columns don't keep their values: nobody can tell whether changed ones meet the condition. */
export function changedChecks(
  table: TableStructure,
  columns: Readonly<Record<string, ColumnPolicy>>,
): { check: string; changed: string[] }[] {
  return Object.entries(table.checks).flatMap(([check, text]) => {
    const words = new Set(
      text
        .toLowerCase()
        .match(/[\p{L}_][\p{L}\p{N}_]*|`[^`]*`/gu)
        ?.map((word) => word.replaceAll("`", "")),
    );
    const changed = table.columns
      .filter((column) => !isFilled(column))
      .map((column) => column.name.toLowerCase())
      .filter((column) => words.has(column) && columns[column]?.how !== "keep");
    return changed.length === 0 ? [] : [{ check, changed }];
  });
}
