import { afterAll, beforeAll } from "vitest";
import { startWarehouse, type TableDefinition, type Warehouse } from "../../local/warehouse/index.ts";
import { type SyncRequest, sync } from "../../src/staging/sync/sync.ts";
import { type CopyWarehouse, openForCopy } from "../../src/warehouse/access.ts";
import { connect, type TestClient } from "../warehouse-local/client.ts";

/** A warehouse with an original and a copy, for the tests of a file: the copy's principal owns the copy and reads the original. */
export interface TwoCatalogs {
  warehouse: Warehouse;
  /** May do everything. */
  admin: TestClient;
  copy: CopyWarehouse;
  /** Syncs the copy. */
  sync(request?: Partial<SyncRequest>): ReturnType<typeof sync>;
  /** The changes that were sent since the last call. */
  sent(): string[];
}

/** Whoever creates an object owns it. */
export const ownersDiffer = {
  object: "*",
  facet: "grants",
  item: "OWNER",
  reason: "the copy belongs to another principal",
} as const;

export const mirror = "mirror@school.test";

export function twoCatalogs(tables: Record<string, TableDefinition>): TwoCatalogs {
  const own = {} as TwoCatalogs;
  let seen = 0;
  beforeAll(async () => {
    own.warehouse = await startWarehouse({
      principals: {
        admin: { user: "admin@school.test", grants: [], admin: true },
        mirror: { user: mirror, grants: [], owns: ["classwaves", "staging"] },
      },
    });
    await own.warehouse.createTables({ "staging.default.marker": { columns: { id: "string" } }, ...tables });
    own.admin = await connect(own.warehouse, "admin", { initialCatalog: "classwaves", initialSchema: "default" });
    await own.admin.rows("DROP TABLE staging.default.marker");
    own.copy = await openCopy(own.warehouse);
  });
  afterAll(async () => {
    await own.copy.close();
    await own.admin.close();
    await own.warehouse.stop();
  });
  own.sync = (request = {}) =>
    sync(
      { warehouse: own.copy, signal: new AbortController().signal, now: () => new Date() },
      { original: "classwaves", copy: "staging", ignore: [ownersDiffer], ...request },
    );
  own.sent = () => {
    const since = own.warehouse.statements.slice(seen);
    seen = own.warehouse.statements.length;
    const texts = since.filter(({ user }) => user === mirror).map(({ sql }) => sql.replace(/^\/\*.*?\*\/\s*/s, ""));
    return texts.filter((sql) => !/^(SELECT|DESCRIBE|SHOW)\b/.test(sql));
  };
  return own;
}

export function openCopy(warehouse: Warehouse, signal = new AbortController().signal): Promise<CopyWarehouse> {
  const settings = {
    host: warehouse.host,
    path: warehouse.path,
    token: "mirror",
    catalog: "staging",
    certificateAuthority: warehouse.certificateAuthority,
    startTimeoutMs: 10_000,
    runId: "1763920000000_1a2b3c4d",
  };
  return openForCopy(settings, { catalog: "staging", ownsCatalog: false, labelsCatalog: true }, { signal });
}
