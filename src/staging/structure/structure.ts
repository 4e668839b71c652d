import type { Facet } from "../../model/staging.ts";

/**
 * The structure of a catalog, as one principal sees it: everything but the rows. It is plain JSON, so that it can be committed as
 * a snapshot. Objects that the principal cannot see are no part of it; `unseen` says what could not be read, because in a
 * comparison a missing grant must not look like a dropped table.
 */

/** Stands for the catalog itself, without what is in it, where an object is named. */
export const catalogItself = "(catalog)";

export interface Structure {
  formatVersion: 1;
  catalog: string;
  /** The principal that read it. */
  readBy: string;
  /** ISO 8601. */
  readAt: string;
  comment?: string;
  owner?: string;
  grants?: Grant[];
  tags?: Record<string, string>;
  /** By name, in lower case. `information_schema` and the schemas of env-actions itself are left out. */
  schemas: Record<string, SchemaStructure>;
  unseen: Unseen[];
}

/** Something that the principal could not see, or could not see completely. */
export interface Unseen {
  facet: Facet;
  /**
   * What is concerned, with everything in it: "" for the whole catalog, `schema`, `schema.table` or `schema.table.column`;
   * {@link catalogItself} for nothing but the catalog's own comment, owner, grants and tags. For the facets `schemas`, `tables`, `views` and `columns` it means that others may exist in there that are not listed.
   */
  within: string;
  /** Why, in words: `SELECT on the catalog is missing, so tables may be hidden`. */
  why: string;
}

export interface SchemaStructure {
  comment?: string;
  owner?: string;
  grants?: Grant[];
  tags?: Record<string, string>;
  /** Tables and views by name, in lower case. */
  tables: Record<string, TableStructure>;
}

/** `other`: a foreign table, materialized view, streaming table, or volume; its `type` says which. */
export type TableKind = "table" | "view" | "other";

export interface TableStructure {
  kind: TableKind;
  /** As information_schema has it: MANAGED, EXTERNAL, VIEW, MATERIALIZED_VIEW, FOREIGN, … */
  type: string;
  /** In their order. */
  columns: ColumnStructure[];
  comment?: string;
  owner?: string;
  /** The query of a view. */
  viewText?: string;
  /** Without `delta.constraints.*`, which are constraints, and without what Delta keeps for itself. */
  properties: Record<string, string>;
  checks: Record<string, string>;
  primaryKey?: { name: string; columns: string[]; rely?: boolean };
  /** By name; `references` is `schema.table`, or `catalog.schema.table` in another catalog. */
  foreignKeys: Record<string, { columns: string[]; references: string; to: string[]; rely?: boolean }>;
  clusteredBy: string[];
  partitionedBy: string[];
  rowFilter?: { function: string; columns: string[] };
  tags?: Record<string, string>;
  grants?: Grant[];
}

export interface ColumnStructure {
  name: string;
  /** As in DDL, in lower case, with everything in it: `decimal(10,2)`, `struct<a:int,b:array<string>>`. */
  type: string;
  nullable: boolean;
  default?: string;
  /** Of GENERATED ALWAYS AS. */
  generatedAs?: string;
  identity?: { always: boolean; start?: number; step?: number };
  comment?: string;
  /** What the fields of a struct have beside their types, by path: `a.b`, `element` of an array, `key` and `value` of a map. */
  nested?: Record<string, { notNull?: boolean; comment?: string }>;
  mask?: { function: string; columns: string[] };
  tags?: Record<string, string>;
}

export interface Grant {
  principal: string;
  privilege: string;
}
