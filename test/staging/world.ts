import type { ColumnStructure, Structure, TableStructure } from "../../src/staging/structure/structure.ts";

/** A catalog as data, and the statements that make it. Nothing here knows how structures are compared. */

export const catalogs = { original: "classwaves", copy: "staging" } as const;
export type Side = keyof typeof catalogs;
export const sides = Object.keys(catalogs) as Side[];

export const owner = "mirror@school.test";

export function plainTable(columns: ColumnStructure[]): TableStructure {
  return {
    kind: "table",
    type: "MANAGED",
    columns,
    owner,
    properties: {
      "delta.feature.allowColumnDefaults": "supported",
      "delta.columnMapping.mode": "name",
      "delta.enableTypeWidening": "true",
    },
    checks: {},
    foreignKeys: {},
    clusteredBy: [],
    partitionedBy: [],
  };
}

export function plainView(catalog: string, schema: string, table: string): TableStructure {
  return {
    kind: "view",
    type: "VIEW",
    columns: [
      { name: "id", type: "string", nullable: true },
      { name: "label", type: "string", nullable: true },
    ],
    owner,
    viewText: `SELECT id, title AS label FROM ${catalog}.${schema}.${table} WHERE level > 1`,
    properties: {},
    checks: {},
    foreignKeys: {},
    clusteredBy: [],
    partitionedBy: [],
  };
}

function columns(): ColumnStructure[] {
  return [
    { name: "id", type: "string", nullable: false, comment: "names the row" },
    { name: "title", type: "string", nullable: true, default: "'none'" },
    { name: "level", type: "int", nullable: true },
    { name: "score", type: "decimal(5,2)", nullable: true },
    { name: "parent_id", type: "string", nullable: true },
    { name: "twice", type: "int", nullable: true, generatedAs: "level * 2" },
    { name: "number", type: "bigint", nullable: true, identity: { always: true, start: 1, step: 1 } },
    { name: "settings", type: "struct<theme:string,tags:array<string>>", nullable: true },
    { name: "created_at", type: "timestamp", nullable: true },
  ];
}

/** As many schemas with as many tables and a view each. Policies need functions, which are in the schema `rules`. */
export function makeWorld(catalog: string, schemas: number, tables: number): Structure {
  const world: Structure = {
    formatVersion: 1,
    catalog,
    readBy: owner,
    readAt: "2026-11-30T12:00:00.000Z",
    owner,
    comment: "of the school",
    schemas: { default: { owner, tables: {} }, rules: { owner, tables: {} } },
    unseen: [],
  };
  for (let s = 0; s < schemas; s++) {
    const schema = `schema_${s}`;
    const all: Record<string, TableStructure> = {};
    for (let t = 0; t < tables; t++) {
      const table = plainTable(columns());
      table.comment = `table ${t}`;
      table.primaryKey = { name: `pk_${t}`, columns: ["id"] };
      if (t > 0) table.foreignKeys[`fk_${t}`] = { columns: ["parent_id"], references: `${schema}.table_${t - 1}`, to: ["id"] };
      // A table with a policy may have no CHECK.
      const hasPolicy = t % 6 === 3 || t % 6 === 4;
      if (!hasPolicy) table.checks[`low_${t}`] = "level < 1000";
      if (t % 3 === 1) table.clusteredBy = ["id"];
      if (t % 4 === 2) table.partitionedBy = ["level"];
      if (t % 5 === 0) table.tags = { team: "data" };
      if (t % 2 === 0) table.grants = [{ principal: "teachers", privilege: "SELECT" }];
      if (t % 6 === 3) table.rowFilter = { function: `${catalog}.rules.visible`, columns: ["title"] };
      const [, title] = table.columns;
      if (title && t % 6 === 4) title.mask = { function: `${catalog}.rules.hidden`, columns: [] };
      all[`table_${t}`] = table;
    }
    all[`view_${s}`] = plainView(catalog, schema, "table_0");
    world.schemas[schema] = { owner, comment: `schema ${s}`, tags: { zone: "eu" }, tables: all };
  }
  return world;
}
