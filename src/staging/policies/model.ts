/**
 * What happens to each column of production on its way into the copy. The file `.github/env-actions.policies.yml` says it; whatever
 * it doesn't say is refused, never kept.
 */

export const locales = ["en", "de"] as const;
export type Locale = (typeof locales)[number];

/** What a made-up value looks like. */
export const syntheticKinds = [
  "firstName",
  "lastName",
  "fullName",
  "email",
  "phone",
  "street",
  "city",
  "postcode",
  "school",
  "url",
  "ip",
  "word",
  "sentence",
  "text",
  "number",
] as const;
export type SyntheticKind = (typeof syntheticKinds)[number];

export const dateUnits = ["day", "month", "year"] as const;
export type DateUnit = (typeof dateUnits)[number];

export interface Keep {
  how: "keep";
  /** Required for text, JSON and binary values, which can hold anything. */
  reason?: string;
}

export interface Constant {
  how: "constant";
  value: string | number | boolean;
}

/** A value's stand-in: random (`surrogate`), or a keyed hash (`pseudonym`), the same wherever the value occurs in the domain. */
export interface StandIn {
  how: "surrogate" | "pseudonym";
  domain: string;
}

export interface Generalise {
  how: "generalise";
  to: DateUnit | { band: number } | { first: number };
}

export interface Synthetic {
  how: "synthetic";
  kind: SyntheticKind;
  locale?: Locale;
  /** A column of the same row with a stand-in: the same stand-in gets the same name, in each table. */
  of?: string;
  /** Of numbers. */
  min?: number;
  max?: number;
}

/** Policies of what is within a value: each field, each element, each key and value of a map. */
export type Within =
  | { how: "fields"; fields: Readonly<Record<string, ColumnPolicy>> }
  | { how: "elements"; elements: ColumnPolicy }
  | { how: "entries"; keys: ColumnPolicy; values: ColumnPolicy };

/** JSON in a text: read as `type`, treated like a nested column, and written again. What `type` doesn't name is left out. */
export interface Json {
  how: "json";
  type: string;
  within: Within;
}

export type Leaf = Keep | { how: "null" } | Constant | StandIn | Generalise | Synthetic;
export type ColumnPolicy = Leaf | Within | Json;

export interface Domain {
  /** What a text's stand-in begins with. */
  prefix: string;
  shape: "uuid" | "hex";
  /** Of pseudonyms: where the warehouse finds the key. env-actions never sees it. */
  secret?: { scope: string; key: string };
}

export interface TablePolicy {
  /** The whole table is left out. */
  omit: boolean;
  /** By name, in lower case. */
  columns: Readonly<Record<string, ColumnPolicy>>;
  /** The columns that identify a row, if no primary key and no `id` does: made-up values follow from their stand-ins. */
  key?: readonly string[];
  /** Columns that identify somebody if they are combined; for k-anonymity. */
  quasiIdentifiers: readonly string[];
  /** CHECK constraints that the copy's table doesn't get, because what the policies make may break them. */
  withoutChecks: readonly string[];
}

export interface Policies {
  version: 1;
  /** Other made-up values for another seed. */
  seed: number;
  locale: Locale;
  domains: Readonly<Record<string, Domain>>;
  /** By `schema.table`, in lower case. */
  tables: Readonly<Record<string, TablePolicy>>;
}

export function isStandIn(policy: ColumnPolicy | undefined): policy is StandIn {
  return policy?.how === "surrogate" || policy?.how === "pseudonym";
}

export function isWithin(policy: ColumnPolicy): policy is Within {
  return policy.how === "fields" || policy.how === "elements" || policy.how === "entries";
}
