import { randomBytes } from "node:crypto";
import { parseQuirks, type Quirk } from "./quirks.ts";

export interface WarehouseSettings {
  host: string;
  port: number;
  path: string;
  token: string;
  catalog: string;
}

export interface Settings {
  port: number;
  /** NODE_ENV: part of every Redis key. */
  environment: string;
  production: boolean;
  /** Absent if a credential is missing; then the mock answers, as in the real ClassWaves. */
  warehouse: WarehouseSettings | undefined;
  redisUrl: string;
  /** If absent, nobody can mint a test token. */
  testTokenSecret: string | undefined;
  jwtSecret: string;
  /** Browser origins that may call; in production all others are refused. */
  allowedOrigins: string[];
  quirks: ReadonlySet<Quirk>;
}

/** @throws Error that names the variable with an invalid value */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const environment = env.NODE_ENV || "development";
  return {
    port: portNumber(env.PORT ?? "3000"),
    environment,
    production: environment === "production",
    warehouse: warehouseSettings(env),
    redisUrl: env.REDIS_URL ?? "redis://127.0.0.1:6379",
    testTokenSecret: env.TEST_TOKEN_SECRET || undefined,
    // Without a shared secret, tokens are valid as long as the process runs, which is enough for developers.
    jwtSecret: env.JWT_SECRET || randomBytes(32).toString("hex"),
    allowedOrigins: (env.ALLOWED_ORIGIN ?? "").split(",").filter((origin) => origin !== ""),
    quirks: parseQuirks(env.CLASSROOM_QUIRKS ?? ""),
  };
}

function warehouseSettings(env: NodeJS.ProcessEnv): WarehouseSettings | undefined {
  const { DATABRICKS_HOST: address, DATABRICKS_TOKEN: token, DATABRICKS_WAREHOUSE_ID: id } = env;
  if (!address || !token || !id) return undefined;
  const catalog = env.DATABRICKS_CATALOG || "classwaves";
  if (!/^\w+$/.test(catalog)) throw new Error(`DATABRICKS_CATALOG is not a plain name: ${catalog}`);
  const url = new URL(/^https?:/.test(address) ? address : `https://${address}`);
  return { host: url.hostname, port: Number(url.port || 443), path: `/sql/1.0/warehouses/${id}`, token, catalog };
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`PORT is not a port number: ${text}`);
  return port;
}
