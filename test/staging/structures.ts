import type { ColumnStructure, SchemaStructure, Structure, TableStructure } from "../../src/staging/structure/structure.ts";

/** Structures for tests, with as few words as possible. */

export type Columns = Record<string, string | (Partial<ColumnStructure> & { type: string })>;

export function tableOf(columns: Columns, more: Partial<TableStructure> = {}): TableStructure {
  return {
    kind: "table",
    type: "MANAGED",
    columns: Object.entries(columns).map(([name, column]) => ({
      name,
      nullable: true,
      ...(typeof column === "string" ? { type: column } : column),
    })),
    properties: {},
    checks: {},
    foreignKeys: {},
    clusteredBy: [],
    partitionedBy: [],
    ...more,
  };
}

export function viewOf(viewText: string, columns: string[], more: Partial<TableStructure> = {}): TableStructure {
  const types = Object.fromEntries(columns.map((name) => [name, "string"]));
  return { ...tableOf(types), kind: "view", type: "VIEW", viewText, ...more };
}

/** @param objects by `schema.table` */
export function structureOf(
  catalog: string,
  objects: Record<string, TableStructure>,
  more: Partial<Structure> & { labels?: Record<string, Partial<SchemaStructure>> } = {},
): Structure {
  const { labels = {}, ...rest } = more;
  const schemas: Structure["schemas"] = {};
  for (const [name, label] of Object.entries(labels)) schemas[name] = { tables: {}, ...label };
  for (const [object, table] of Object.entries(objects)) {
    const [schema = "", name = ""] = object.split(".");
    schemas[schema] ??= { tables: {} };
    schemas[schema].tables[name] = table;
  }
  return {
    formatVersion: 1,
    catalog,
    readBy: "mirror",
    readAt: "2026-11-30T12:00:00Z",
    schemas,
    unseen: [],
    ...rest,
  };
}
