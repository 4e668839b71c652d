import { startWarehouse, type TableDefinition, type Warehouse, type WarehouseOptions } from "../../../local/warehouse/index.ts";
import type { RefreshPorts, RefreshRequest } from "../../../src/staging/refresh/request.ts";
import type { ColumnStructure, Structure, TableStructure } from "../../../src/staging/structure/structure.ts";
import { type CopyWarehouse, openForCopy, openReader } from "../../../src/warehouse/access.ts";

/** A warehouse with an original and its empty copy, and what a refresh needs. */

export type Tables = Record<string, TableDefinition>;

const admin = { user: "refresh@school.test", grants: [], admin: true };
const app = { user: "app@school.test", grants: [{ privilege: "SELECT", on: "staging.users.teachers" }] };

export async function startWorld(tables: Tables, options: Partial<WarehouseOptions> = {}): Promise<Warehouse> {
  const warehouse = await startWarehouse({
    catalog: "production",
    principals: {
      refresher: admin,
      app: {
        ...app,
        grants: [
          { privilege: "SELECT", on: "staging" },
          { privilege: "USE CATALOG", on: "staging" },
          { privilege: "USE SCHEMA", on: "staging" },
        ],
      },
    },
    ...options,
  });
  for (const catalog of ["production", "staging"])
    await warehouse.createTables(
      Object.fromEntries(Object.entries(tables).map(([name, table]) => [`${catalog}.${name}`, table])),
    );
  return warehouse;
}

export function settingsOf(warehouse: Pick<Warehouse, "host" | "path" | "certificateAuthority">, token = "refresher") {
  return {
    host: warehouse.host,
    path: warehouse.path,
    token,
    catalog: "staging",
    certificateAuthority: warehouse.certificateAuthority,
    startTimeoutMs: 10_000,
    runId: "1764526652000_a1b2c3d4",
  };
}

export async function openCopy(warehouse: Warehouse, signal = new AbortController().signal): Promise<CopyWarehouse> {
  return await openForCopy(settingsOf(warehouse), { catalog: "staging", ownsCatalog: false }, { signal });
}

export async function openApp(warehouse: Warehouse) {
  return await openReader(settingsOf(warehouse, "app"), { signal: new AbortController().signal });
}

/** Foreign keys and primary keys, which only the structure says. */
export type Keys = Record<string, Pick<TableStructure, "foreignKeys"> & { primaryKey?: readonly string[] }>;

/** The structure of both catalogs, made of the tables' definitions. */
export function structureOf(catalog: string, tables: Tables, keys: Keys = {}): Structure {
  const structure: Structure = {
    formatVersion: 1,
    catalog,
    readBy: admin.user,
    readAt: "2026-11-30T18:00:00.000Z",
    schemas: {},
    unseen: [],
  };
  for (const [name, definition] of Object.entries(tables)) {
    const [schema = "", table = ""] = name.split(".");
    structure.schemas[schema] ??= { tables: {} };
    const { primaryKey = ["id"], foreignKeys = {} } = keys[name] ?? {};
    structure.schemas[schema].tables[table] = {
      kind: "table",
      type: "MANAGED",
      columns: Object.entries(definition.columns).map(([column, given]): ColumnStructure => {
        const { type, nullable = true, generatedAs } = typeof given === "string" ? { type: given } : given;
        return { name: column, type, nullable, ...(generatedAs === undefined ? {} : { generatedAs }) };
      }),
      properties: {},
      checks: {},
      foreignKeys,
      ...(primaryKey.length > 0 ? { primaryKey: { name: "pk", columns: [...primaryKey] } } : {}),
      clusteredBy: [],
      partitionedBy: [],
    };
  }
  return structure;
}

export function requestOf(more: Partial<RefreshRequest> = {}): RefreshRequest {
  return {
    original: "production",
    copy: "staging",
    references: [],
    keys: {},
    roots: {},
    k: 5,
    keepOldMs: 24 * 60 * 60_000,
    retentionMs: 30 * 24 * 60 * 60_000,
    ...more,
  };
}

export function portsOf(warehouse: CopyWarehouse, rules: RefreshPorts["rules"], tables: Tables, keys: Keys = {}): RefreshPorts {
  return {
    warehouse,
    rules,
    readStructure: async (catalog) => structureOf(catalog, tables, keys),
    signal: new AbortController().signal,
  };
}
