import { readSchema } from "../../examples/classroom/warehouse/schema.ts";
import { type ColumnSpecification, startWarehouse, type TableDefinition, type Warehouse } from "../../local/warehouse/index.ts";
import type { SeedEvent, SeedRequest } from "../../src/staging/seed/request.ts";
import { seed } from "../../src/staging/seed/seed.ts";
import type { Structure, TableStructure } from "../../src/staging/structure/structure.ts";
import { type CopyWarehouse, openForCopy } from "../../src/warehouse/access.ts";
import { settingsFor } from "../warehouse/harness.ts";

export const catalog = "staging";

/** A copy without rows, on a warehouse of its own, and what seeds it. */
export interface Copy {
  warehouse: Warehouse;
  connection: CopyWarehouse;
  structure: Structure;
  seed(request?: Partial<SeedRequest>): ReturnType<typeof seed>;
  events: SeedEvent[];
  /** Statements that the seed sent since the last call. */
  sent(): string[];
  close(): Promise<void>;
}

/** ClassWaves' 48 tables, in the copy's catalog. */
export async function classWavesTables(): Promise<Record<string, TableDefinition>> {
  const tables = Object.entries(await readSchema());
  return Object.fromEntries(tables.map(([name, { columns }]) => [name.replace(/^classwaves\./, `${catalog}.`), { columns }]));
}

export const expected = { host: "localhost", principal: "seeder@school.example" };

export async function openCopy(
  tables: Record<string, TableDefinition>,
  keys: Record<string, Partial<TableStructure>> = {},
): Promise<Copy> {
  const grants = (["USE CATALOG", "USE SCHEMA", "SELECT", "MODIFY"] as const).map((privilege) => ({ privilege, on: catalog }));
  const warehouse = await startWarehouse({ catalog, principals: { writer: { user: expected.principal, grants } } });
  await warehouse.createTables(tables);
  const structure = structureOf(tables, keys);
  const connection = await openForCopy(
    settingsFor(warehouse, { catalog, statementTimeoutMs: 1_200_000 }),
    { catalog, ownsCatalog: false },
    { signal: AbortSignal.timeout(1_200_000) },
  );
  const events: SeedEvent[] = [];
  let seen = 0;
  return {
    warehouse,
    connection,
    structure,
    events,
    seed: (request = {}) =>
      seed(
        {
          warehouse: connection,
          readStructure: async () => structure,
          signal: new AbortController().signal,
          audit: async (event) => void events.push(event),
        },
        {
          copy: { catalog, expect: expected },
          readOnly: [{ environment: "production", catalog: "classwaves" }],
          seed: 7,
          day: "2026-11-25",
          rows: 0,
          tables: {},
          ...request,
        },
      ),
    sent() {
      const all = warehouse.statements.slice(seen).map(({ sql }) => sql);
      seen = warehouse.statements.length;
      return all;
    },
    async close() {
      await connection.close();
      await warehouse.stop();
    },
  };
}

/** What the definitions say, as the reader of structures would see it; keys are no part of the definitions. */
function structureOf(tables: Record<string, TableDefinition>, keys: Record<string, Partial<TableStructure>>): Structure {
  const structure: Structure = {
    formatVersion: 1,
    catalog,
    readBy: expected.principal,
    readAt: "2026-11-25T00:00:00Z",
    schemas: {},
    unseen: [],
  };
  for (const [name, { columns, constraints = {} }] of Object.entries(tables)) {
    const [, schema = "", table = ""] = name.split(".");
    structure.schemas[schema] ??= { tables: {} };
    structure.schemas[schema].tables[table] = {
      kind: "table",
      type: "MANAGED",
      columns: Object.entries(columns).map(([column, given]) => {
        const specification: ColumnSpecification = typeof given === "string" ? { type: given } : given;
        const { type, nullable = true, default: fallback, generatedAs } = specification;
        return {
          name: column,
          type,
          nullable,
          ...(fallback === undefined ? {} : { default: fallback }),
          ...(generatedAs === undefined ? {} : { generatedAs }),
        };
      }),
      properties: {},
      checks: constraints,
      foreignKeys: {},
      clusteredBy: [],
      partitionedBy: [],
      ...keys[`${schema}.${table}`],
    };
  }
  return structure;
}
