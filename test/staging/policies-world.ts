import { afterAll, beforeAll } from "vitest";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import {
  type SanitisingContext,
  sanitisedColumns,
  sanitisedQuery,
  type WorkingSchema,
} from "../../src/staging/policies/columns.ts";
import { domainSources, mappingStatements } from "../../src/staging/policies/mappings.ts";
import type { ColumnPolicy, Domain, Policies, TablePolicy } from "../../src/staging/policies/model.ts";
import type { ColumnStructure, Structure, TableStructure } from "../../src/staging/structure/structure.ts";
import { type CopyWarehouse, openForCopy } from "../../src/warehouse/access.ts";
import { settingsFor } from "../warehouse/harness.ts";

/** A warehouse with an original, `classwaves`, and a copy, `staging`, for the tests of a file. */
export interface World {
  warehouse: Warehouse;
  copy: CopyWarehouse;
}

export const working: WorkingSchema = { catalog: "staging", schema: "env_actions_refresh_1" };

export function ownWorld(tables: Record<string, { columns: Record<string, string> }>): World {
  const world = {} as World;
  beforeAll(async () => {
    const admin = { user: "runner@school.example", grants: [], admin: true };
    world.warehouse = await startWarehouse({ principals: { writer: admin }, secrets: { "staging/pseudonyms": "k3y-of-nobody" } });
    await world.warehouse.createTables(tables);
    await world.warehouse.createTables({
      "staging.env_actions_refresh_1.nothing": { columns: { id: "string" } },
      "staging.users.nothing": { columns: { id: "string" } },
    });
    world.copy = await openForCopy(
      settingsFor(world.warehouse),
      { catalog: "staging", ownsCatalog: false },
      { signal: new AbortController().signal },
    );
  });
  afterAll(async () => {
    await world.copy.close();
    await world.warehouse.stop();
  });
  return world;
}

export function tableOf(
  columns: Record<string, string | Partial<ColumnStructure>>,
  rest: Partial<TableStructure> = {},
): TableStructure {
  return {
    kind: "table",
    type: "MANAGED",
    columns: Object.entries(columns).map(([name, column]) => ({
      name,
      nullable: true,
      ...(typeof column === "string" ? { type: column } : { type: "string", ...column }),
    })),
    properties: {},
    checks: {},
    foreignKeys: {},
    clusteredBy: [],
    partitionedBy: [],
    ...rest,
  };
}

export function structureOf(tables: Record<string, TableStructure>): Structure {
  const structure: Structure = {
    formatVersion: 1,
    catalog: "classwaves",
    readBy: "runner@school.example",
    readAt: "2026-11-30T12:00:00.000Z",
    schemas: {},
    unseen: [],
  };
  for (const [name, table] of Object.entries(tables)) {
    const [schema = "", own = ""] = name.split(".");
    structure.schemas[schema] ??= { tables: {} };
    structure.schemas[schema].tables[own] = table;
  }
  return structure;
}

export function policyOf(columns: Record<string, ColumnPolicy>, rest: Partial<TablePolicy> = {}): TablePolicy {
  return { omit: false, columns, quasiIdentifiers: [], withoutChecks: [], ...rest };
}

export function policiesOf(tables: Record<string, TablePolicy>, domains: Record<string, Partial<Domain>> = {}): Policies {
  return {
    version: 1,
    seed: 7,
    locale: "en",
    tables,
    domains: Object.fromEntries(Object.entries(domains).map(([name, own]) => [name, { prefix: "", shape: "uuid", ...own }])),
  };
}

/** Makes the mappings and builds every table in `staging`, as a refresh does. */
export async function build(world: World, policies: Policies, structure: Structure): Promise<void> {
  const from = (table: string) => `classwaves.${table}`;
  for (const [domain, sources] of domainSources(policies, structure))
    for (const statement of mappingStatements(domain, sources, { policies, working, from })) await world.copy.change(statement);
  for (const [name, policy] of Object.entries(policies.tables)) {
    const [schema = "", table = ""] = name.split(".");
    const own = structure.schemas[schema]?.tables[table];
    if (policy.omit || !own) continue;
    const context: SanitisingContext = { policies, table: name, working };
    const query = sanitisedQuery(sanitisedColumns(own, policy, context), from(name));
    await world.copy.change(`CREATE OR REPLACE TABLE staging.${name} AS ${query}`);
  }
}

export async function forget(world: World): Promise<void> {
  const tables = await world.copy.query("SHOW TABLES IN staging.env_actions_refresh_1");
  for (const { tableName } of tables)
    if (tableName !== "nothing") await world.copy.change(`DROP TABLE staging.env_actions_refresh_1.${String(tableName)}`);
}
