import {
  type Principal,
  startWarehouse,
  type TableDefinition,
  type Warehouse,
  type Watch,
} from "../../../local/warehouse/index.ts";
import { newRunId } from "../../../src/cleanup/run-id.ts";
import { type BranchRequest, branchScope, type CreatedBranch, createBranch } from "../../../src/staging/branch/create.ts";
import type { BranchForm } from "../../../src/staging/branch/plan.ts";
import { type CopyWarehouse, openForCopy } from "../../../src/warehouse/access.ts";
import { Connection } from "../../../src/warehouse/connection.ts";

/** A local warehouse with a catalog of production, and principals that may make branches of it, or not. */

const signal = new AbortController().signal;
const reading = (["USE CATALOG", "USE SCHEMA", "SELECT"] as const).map((privilege) => ({ privilege, on: "cw" }));
const writing = { privilege: "MODIFY", on: "cw" } as const;

export const principals: Record<string, Principal> = {
  admin: { user: "admin@school.example", grants: [], admin: true },
  runner: { user: "runner@school.example", grants: [...reading, writing, { privilege: "CREATE CATALOG", on: "METASTORE" }] },
  other: { user: "other@school.example", grants: [...reading, writing, { privilege: "CREATE CATALOG", on: "METASTORE" }] },
  app: { user: "app@school.example", grants: [] },
  plain: { user: "plain@school.example", grants: [...reading, writing] },
  schemas: {
    user: "schemas@school.example",
    grants: [...reading, writing, { privilege: "USE CATALOG", on: "branches" }, { privilege: "CREATE SCHEMA", on: "branches" }],
  },
};

export interface World {
  warehouse: Warehouse;
  admin: Connection;
  settings(token: string, catalog?: string, runId?: string): Parameters<typeof Connection.open>[0];
  /** Catalogs and schemas that are named like branches. */
  branches(): Promise<string[]>;
  stop(): Promise<void>;
}

/** @param watch sees every statement */
export async function startBranchWorld(tables: Record<string, TableDefinition>, watch?: Watch): Promise<World> {
  const warehouse = await startWarehouse({ catalog: "cw", principals, ...(watch ? { watch } : {}) });
  await warehouse.createTables({ ...prefixed(tables), "branches.nothing.here": { columns: { id: "string" } } });
  const settings: World["settings"] = (token, catalog = "cw", runId = "0000000000000_00000000") => ({
    ...{ host: warehouse.host, path: warehouse.path, token, catalog, runId },
    ...{ certificateAuthority: warehouse.certificateAuthority, startTimeoutMs: 5_000 },
  });
  const admin = await Connection.open(settings("admin"), { signal });
  return {
    warehouse,
    admin,
    settings,
    async branches() {
      const catalogs = (await admin.run("SHOW CATALOGS")).rows.map(({ catalog }) => String(catalog));
      const schemas = (await admin.run("SHOW SCHEMAS IN branches")).rows.map(({ databaseName }) => String(databaseName));
      return [...catalogs, ...schemas].filter((name) => name.includes("_ea_"));
    },
    async stop() {
      await admin.close();
      await warehouse.stop();
    },
  };
}

function prefixed(tables: Record<string, TableDefinition>): Record<string, TableDefinition> {
  return Object.fromEntries(Object.entries(tables).map(([name, definition]) => [`cw.${name}`, definition]));
}

export async function openBranches(
  world: World,
  token: string,
  runId: string,
  form: BranchForm = { as: "catalog" },
): Promise<CopyWarehouse> {
  return await openForCopy(world.settings(token, "cw", runId), branchScope("cw", form, runId), { signal });
}

/** What is asked of a branch, unless told otherwise: a clone of every table at its newest version. */
export async function requestOf(world: World, token: string, changes: Partial<BranchRequest> = {}): Promise<BranchRequest> {
  const runId = changes.runId ?? newRunId();
  const by = principals[token]?.user ?? "";
  return {
    ...{ form: { as: "catalog" }, runId, choices: {}, grantTo: [], pins: changes.pins ?? (await newestVersions(world)) },
    marker: { of: "cw", runId, by, environment: "sandbox", endsBy: Number(runId.split("_")[0]) + 60_000 },
    ...changes,
  };
}

export async function newestVersions({ admin }: World): Promise<Map<string, number>> {
  const { rows } = await admin.run(
    "SELECT table_schema, table_name FROM cw.information_schema.tables WHERE table_type = 'MANAGED'",
  );
  const versions = await Promise.all(
    rows.map(async ({ table_schema, table_name }) => {
      const name = `${String(table_schema)}.${String(table_name)}`;
      const history = (await admin.run(`DESCRIBE HISTORY cw.${name} LIMIT 1`)).rows;
      return [name, Number(history[0]?.version)] as const;
    }),
  );
  return new Map(versions);
}

export async function makeBranch(
  world: World,
  token: string,
  changes: Partial<BranchRequest> = {},
): Promise<{ created: CreatedBranch; request: BranchRequest; warehouse: CopyWarehouse }> {
  const request = await requestOf(world, token, changes);
  const warehouse = await openBranches(world, token, request.runId, request.form);
  return { created: await createBranch(warehouse, request), request, warehouse };
}
