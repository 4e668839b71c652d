import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:net";
import { Redis } from "ioredis";
import { startRedis } from "../../local/redis.ts";
import { type Checksum, startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { issueTokens } from "./backend/tokens.ts";
import { redisChecksum, seededKeys, seedRedis } from "./redis/seed.ts";
import { id } from "./warehouse/ids.ts";
import { seedClassroom } from "./warehouse/seed.ts";

/** The environment of this small ClassWaves: a warehouse and a Redis with production data, and the variables for them. */
export interface ClassroomWorld {
  warehouse: Warehouse;
  redisUrl: string;
  /** For the suite, the servers and the tests; ports are free ones. */
  env: Record<string, string>;
  /** What must be the same before and after: every production table and every seeded key. */
  fingerprint(): Promise<Fingerprint>;
  /** All schemas of the warehouse, as `catalog.schema`. */
  schemas(): Promise<string[]>;
  stopRedis(): Promise<void>;
  /** For the copy of production in catalog `classwaves_staging`, whose principal may only read production. */
  stagingEnv: Record<string, string>;
  stop(): Promise<void>;
}

export interface Fingerprint {
  tables: Record<string, Checksum>;
  /** Absent when Redis was stopped: then nothing is known about its keys. */
  keys: string | undefined;
  /** Keys that production doesn't have: a test has left them. */
  strangeKeys: string[];
}

const runner = "test-runner@classwaves.example";
const reader = "smoke-reader@classwaves.example";
const keeper = "staging-keeper@classwaves.example";
/** The catalog of the copy. */
const copy = "classwaves_staging";

/** @param options `staging`: there is also a copy of production, with one outdated table */
export async function startClassroomWorld(options: { redisServer?: string; staging?: boolean } = {}): Promise<ClassroomWorld> {
  const [runnerToken, readerToken] = [`dapi-${randomBytes(16).toString("hex")}`, `dapi-${randomBytes(16).toString("hex")}`];
  const keeperToken = `dapi-${randomBytes(16).toString("hex")}`;
  const reading = (["USE CATALOG", "USE SCHEMA", "SELECT"] as const).map((privilege) => ({ privilege, on: "classwaves" }));
  if (options.redisServer) process.env.REDIS_SERVER = options.redisServer;
  const [warehouse, redis, ports] = await Promise.all([
    startWarehouse({
      catalog: "classwaves",
      principals: {
        [runnerToken]: { user: runner, grants: [...reading, { privilege: "MODIFY", on: "classwaves" }] },
        [readerToken]: { user: reader, grants: reading },
        ...(options.staging ? { [keeperToken]: keeperOf(reading) } : {}),
      },
    }),
    startRedis(),
    freePorts(3),
  ]);
  const client = new Redis(redis.url);
  await Promise.all([seedClassroom(warehouse), seedRedis(client)]);
  if (options.staging) await warehouse.createTables({ [`${copy}.users.schools`]: { columns: { id: "string" } } });
  const [backendPort = 0, frontendPort = 0, productionPort = 0] = ports;
  const jwtSecret = randomBytes(32).toString("hex");

  let redisStopped = false;

  return {
    warehouse,
    redisUrl: redis.url,
    env: {
      NODE_EXTRA_CA_CERTS: warehouse.certificateAuthority,
      DATABRICKS_HOST: warehouse.host,
      DATABRICKS_WAREHOUSE_ID: warehouse.warehouseId,
      DATABRICKS_CATALOG: "classwaves",
      DATABRICKS_TOKEN: runnerToken,
      REDIS_URL: redis.url,
      TEST_TOKEN_SECRET: randomBytes(16).toString("hex"),
      JWT_SECRET: jwtSecret,
      PRODUCTION_DATABRICKS_HOST: warehouse.host,
      PRODUCTION_DATABRICKS_WAREHOUSE_ID: warehouse.warehouseId,
      PRODUCTION_DATABRICKS_TOKEN: readerToken,
      PRODUCTION_REDIS_URL: redis.readOnlyUrl,
      PRODUCTION_READER_TOKEN: readerSignIn(jwtSecret),
      CLASSROOM_BACKEND_PORT: String(backendPort),
      CLASSROOM_FRONTEND_PORT: String(frontendPort),
      CLASSROOM_PRODUCTION_PORT: String(productionPort),
    },
    stagingEnv: { DATABRICKS_TOKEN: keeperToken, DATABRICKS_CATALOG: copy },
    async fingerprint() {
      const tables = ofProduction(await warehouse.checksum());
      if (redisStopped) return { tables, keys: undefined, strangeKeys: [] };
      const [keys, all] = await Promise.all([redisChecksum(client), client.keys("*")]);
      const known = new Set(seededKeys);
      return { tables, keys, strangeKeys: all.filter((key) => !known.has(key)).sort() };
    },
    async schemas() {
      // DuckDB's own schema outlives a dropped catalog.
      const rows = await warehouse.query(
        "SELECT DISTINCT catalog_name || '.' || schema_name AS name FROM information_schema.schemata WHERE schema_name <> 'main'",
      );
      return rows.map(({ name }) => String(name)).sort();
    },
    async stopRedis() {
      redisStopped = true;
      client.disconnect();
      await redis.stop();
    },
    async stop() {
      client.disconnect();
      await Promise.all([warehouse.stop(), redis.stop()]);
    },
  };
}

/** It reads production, owns the copy, and may create a catalog for the branch of a run. */
function keeperOf(reading: readonly { privilege: "USE CATALOG" | "USE SCHEMA" | "SELECT"; on: string }[]) {
  const more = [
    { privilege: "BROWSE" as const, on: "classwaves" },
    { privilege: "CREATE CATALOG" as const, on: "metastore" },
  ];
  return { user: keeper, grants: [...reading, ...more], owns: [copy] };
}

/** The copy changes, and production must not. */
function ofProduction(all: Record<string, Checksum>): Record<string, Checksum> {
  return Object.fromEntries(Object.entries(all).filter(([table]) => !table.startsWith(copy)));
}

/** A read-only sign-in for production, which a person would create beforehand. */
function readerSignIn(jwtSecret: string): string {
  const identity = {
    teacherId: "smoke-reader",
    email: "smoke@classwaves.example",
    name: "Smoke Reader",
    role: "teacher",
    // Its figures are compared with the warehouse.
    schoolId: id.school(0),
    sessionId: "smoke-sign-in",
  } as const;
  return issueTokens(jwtSecret, identity).accessToken;
}

/** Below the ports that the system assigns automatically, so that no other process takes one before its server starts. */
const [lowestPort, portCount] = [20_000, 10_000];

/** Ports that were free a moment ago, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = new Map<number, Server>();
  while (servers.size < count) {
    const port = lowestPort + Math.floor(Math.random() * portCount);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) =>
      server
        .once("error", () => resolve(false))
        .once("listening", () => resolve(true))
        .listen(port),
    );
    if (isFree) servers.set(port, server);
  }
  await Promise.all([...servers.values()].map((server) => new Promise((resolve) => server.close(resolve))));
  return [...servers.keys()];
}
