import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Bindings } from "./bindings.ts";
import { Catalogs } from "./catalog.ts";
import { type Certificates, makeCertificates } from "./certificate.ts";
import { Engine, type SeenStatement } from "./engine.ts";
import { type Faults, noFaults } from "./faults.ts";
import { Lifecycle } from "./lifecycle.ts";
import { Metadata } from "./metadata.ts";
import { type FederationPolicy, type OAuthClients, type TokenRequest, Tokens } from "./oauth.ts";
import type { Grant, Principal } from "./principals.ts";
import { Privileges } from "./privileges.ts";
import { listen, portOf } from "./server.ts";
import type { Execute } from "./session.ts";
import { type Checksum, Storage } from "./storage.ts";
import type { TableDefinition } from "./table-definition.ts";
import { ThriftService } from "./thrift-service.ts";

export type { Binding, Bindings } from "./bindings.ts";
export type { SeenStatement } from "./engine.ts";
export type { Faults, Rpc } from "./faults.ts";
export type { FederationPolicy, TokenRequest } from "./oauth.ts";
export type { Grant, Principal, Privilege } from "./principals.ts";
export type { Checksum } from "./storage.ts";
export type { ColumnSpecification, TableDefinition } from "./table-definition.ts";

export interface WarehouseOptions {
  /** 0 or absent: a free port. */
  port?: number;
  /** Absent: new ones for every start. */
  certificates?: Certificates;
  warehouseId?: string;
  /** The catalog that exists from the start and is the default of sessions; `classwaves` if absent. */
  catalog?: string;
  /** By bearer token. */
  principals: Record<string, Principal>;
  /** Grants to groups, by group name; principals list their groups. */
  groupGrants?: Record<string, Grant[]>;
  /** What groups own, by group name; object names as in `Grant.on`. */
  groupOwns?: Record<string, string[]>;
  /** The metastore's admin: a user or a group; if absent, there is none. */
  metastoreOwner?: string;
  /** For `POST /oidc/v1/token` with client credentials; `user` names one of the principals. */
  oauthClients?: OAuthClients;
  /** For exchanging a foreign token, such as GitHub's. Signatures are not checked. */
  federation?: FederationPolicy[];
  faults?: Partial<Faults>;
  /** How catalogs are bound to the workspace, by name in lower case; absent: open to all workspaces. */
  bindings?: Bindings;
  /** What `secret('scope', 'key')` answers, by `scope/key`. */
  secrets?: Record<string, string>;
  /** Sees every statement: runs it with `execute`, and may run it elsewhere too. @param world where the local rows are */
  watch?: Watch;
}

export type Watch = (execute: Execute, world: { catalogs: Catalogs; storage: Storage }) => Execute;

export interface Warehouse {
  /** `localhost:<port>` */
  readonly host: string;
  readonly port: number;
  readonly warehouseId: string;
  /** `/sql/1.0/warehouses/<id>` */
  readonly path: string;
  /** A PEM file with the certificate of this warehouse's own authority; `stop` removes it. */
  readonly certificateAuthority: string;
  readonly faults: Faults;
  /** Can be changed at any time. */
  readonly bindings: Bindings;
  /** Every statement that began, oldest first. */
  readonly statements: readonly SeenStatement[];
  /** Every call of the token endpoint, oldest first. */
  readonly tokenRequests: readonly TokenRequest[];
  /** Revokes every token that the token endpoint issued. */
  revokeTokens(): void;
  /** Creates tables, and their catalogs and schemas if missing. Keys: `catalog.schema.table`. */
  createTables(definitions: Record<string, TableDefinition>): Promise<void>;
  /**
   * Runs statements in DuckDB's dialect, as the owner, to load data. Each changed table gets one new version. Earlier versions
   * can no longer be read, unless the table was empty.
   */
  load(duckdbSql: string): Promise<void>;
  /**
   * Runs VACUUM, as the owner, on `catalog.schema.table`: a version whose files are gone can no longer be read, while a version
   * since which rows were only added still can. The error is worded as Databricks or as Spark words it.
   */
  vacuum(table: string, wording?: "databricks" | "spark"): Promise<void>;
  /** Loses the log of all versions before this one: they are no longer listed, and cannot be read. */
  loseLog(table: string, before: number): void;
  /** Reads the tables, in DuckDB's dialect. */
  query(duckdbSql: string): Promise<Record<string, unknown>[]>;
  /** Row count and an order-independent hash per table (`schema.table`); `where` (DuckDB) restricts a table's rows. */
  checksum(where?: (table: string) => string | undefined): Promise<Record<string, Checksum>>;
  /** Cancels running work, closes every connection and discards all data. May be called more than once. */
  stop(): Promise<void>;
}

/** `LOCAL_WAREHOUSE_WATCH` names a module whose `watch` sees the statements of every warehouse that has no `watch` of its own. */
async function watchOfEnvironment(): Promise<Watch | undefined> {
  const module = process.env.LOCAL_WAREHOUSE_WATCH;
  return module ? ((await import(pathToFileURL(module).href)) as { watch: Watch }).watch : undefined;
}

/** Starts a local SQL warehouse for the unmodified @databricks/sql driver. It holds all data in memory. */
export async function startWarehouse(options: WarehouseOptions): Promise<Warehouse> {
  const faults: Faults = { ...noFaults(), ...options.faults };
  const warehouseId = options.warehouseId ?? "local0000warehouse";
  const catalog = options.catalog ?? "classwaves";
  const statements: SeenStatement[] = [];
  const catalogs = new Catalogs();
  const privileges = new Privileges(Object.values(options.principals), options.groupGrants ?? {}, options);
  const storage = await Storage.open(catalogs, catalog, faults);
  const engine = new Engine({ storage, catalogs, privileges, faults, statements, secrets: options.secrets ?? {} });
  const run: Execute = (...call) => engine.execute(...call);
  const watch = options.watch ?? (await watchOfEnvironment());
  const execute = watch?.(run, { catalogs, storage }) ?? run;
  const service = new ThriftService(execute, new Metadata(catalogs, privileges), catalog, faults);
  const certificates = options.certificates ?? (await makeCertificates([{ dns: "localhost" }, { ip: "127.0.0.1" }]));
  const directory = await mkdtemp(join(tmpdir(), "local-warehouse-"));
  const certificateAuthority = join(directory, "ca.pem");
  await writeFile(certificateAuthority, certificates.authority);
  const tokens = new Tokens(options.principals, options.oauthClients ?? {}, options.federation ?? [], faults);
  const lifecycle = new Lifecycle(faults);
  const server = await listen(certificates, options.port ?? 0, {
    warehouseId,
    tokens,
    service,
    lifecycle,
    faults,
    catalogs,
    privileges,
  });
  const port = portOf(server);
  const host = `localhost:${port}`;
  let stopped: Promise<void> | undefined;
  return {
    host,
    port,
    warehouseId,
    path: `/sql/1.0/warehouses/${warehouseId}`,
    certificateAuthority,
    faults,
    bindings: privileges.bindings,
    statements,
    tokenRequests: tokens.requests,
    revokeTokens: () => tokens.revoke(),
    createTables: (definitions) => storage.createTables(definitions),
    load: (sql) => storage.load(sql),
    vacuum: (table, wording = "databricks") => storage.vacuum(table, wording),
    loseLog: (table, before) => storage.loseLog(table, before),
    query: (sql) => storage.query(sql),
    checksum: (where) => storage.checksum(where),
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };

  async function stop(): Promise<void> {
    service.cancelAll();
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
    await storage.close();
    await rm(directory, { recursive: true, force: true });
  }
}
