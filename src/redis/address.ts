import { readFile } from "node:fs/promises";
import { decodedPart, redisAddressProblem } from "../config/redis-address.ts";
import { holdsCertificate } from "../lib/certificate.ts";
import { UserError } from "../model/user-error.ts";
import { keyText } from "./scan-keys.ts";

/** How to reach Redis. Secrets in these texts are revealed here, and only sent to the server. */
export interface RedisSettings {
  /** `redis://` or `rediss://`. With sentinels, only its user, password, database and TLS are used. */
  url: string;
  sentinel?: SentinelSettings;
  /** Set for a Redis Cluster: more nodes, `host:port`, to ask if the address doesn't answer. */
  cluster?: readonly string[];
  /** File with a private CA certificate (PEM). */
  certificateAuthority?: string;
  /** How long an interruption – restart, failover – may last; 30 s if absent. */
  retryForMs?: number;
  /** Called with a server before anything is sent to it. Throws if nothing may be. */
  mayConnect?: (place: RedisTarget) => void;
}

/** A server as known before the connection. */
export interface RedisTarget extends Address {
  database: number;
  /** The sentinel that named this server. */
  namedBy?: Address;
}

export interface SentinelSettings {
  master: string;
  /** `host:port`, asked in this order. */
  nodes: readonly string[];
  username?: string;
  password?: string;
  /** Like the address of Redis, if absent. */
  tls?: boolean;
}

export interface Address {
  host: string;
  port: number;
}

/** How to sign in to a server. */
export interface SignIn {
  username?: string;
  /** As `latin1`. */
  password?: string;
  database: number;
  tls?: {
    authority?: string /** The configured host. Its certificate is accepted for servers known only by number. */;
    name: string;
  };
}

export interface RedisRoute {
  address: Address;
  signIn: SignIn;
  retryForMs: number;
  sentinel?: { master: string; nodes: Address[]; signIn: SignIn };
  cluster?: Address[];
  mayConnect?: (place: RedisTarget) => void;
}

const defaultPort = 6379;
const sentinelPort = 26379;
const defaultRetryForMs = 30_000;

/** @throws UserError for an invalid address or an unreadable certificate file */
export async function routeTo(settings: RedisSettings): Promise<RedisRoute> {
  if (!URL.canParse(settings.url) || !/^rediss?:$/.test(new URL(settings.url).protocol))
    throw new UserError("EA1021", "redis.url: expected a redis:// or rediss:// address");
  const url = new URL(settings.url);
  const problem = redisAddressProblem(url);
  if (problem !== undefined) throw new UserError("EA1021", `redis.url: ${problem}`);
  const { database, ...address } = redisTargetOf(settings.url);
  const { host } = address;
  const authority = settings.certificateAuthority === undefined ? undefined : await authorityIn(settings.certificateAuthority);
  const withTls = (wanted: boolean): Pick<SignIn, "tls"> =>
    wanted ? { tls: { name: host, ...(authority === undefined ? {} : { authority }) } } : {};
  if (!Number.isInteger(database))
    throw new UserError("EA1021", "redis.url: expected the number of a database after the host, such as /0, or nothing");
  const { sentinel, cluster } = settings;
  if (cluster && database > 0)
    throw new UserError("EA1021", "redis.url: expected database 0 or none: a cluster has no other database");
  return {
    address,
    signIn: {
      ...credentials(decodedPart(url.username), decodedPart(url.password)),
      database,
      ...withTls(url.protocol === "rediss:"),
    },
    retryForMs: settings.retryForMs ?? defaultRetryForMs,
    ...(settings.mayConnect ? { mayConnect: settings.mayConnect } : {}),
    ...(cluster ? { cluster: cluster.map(clusterNodeOf) } : {}),
    ...(sentinel
      ? {
          sentinel: {
            master: keyText(sentinel.master),
            nodes: sentinel.nodes.map(sentinelOf),
            signIn: {
              ...credentials(sentinel.username ?? "", sentinel.password ?? ""),
              database: 0,
              ...withTls(sentinel.tls ?? url.protocol === "rediss:"),
            },
          },
        }
      : {}),
  };
}

/** Where an address leads, as the connection will read it. @param url `redis://` or `rediss://` */
export function redisTargetOf(url: string): RedisTarget {
  const { hostname, port, pathname } = new URL(url);
  return {
    host: bare(hostname) || "localhost",
    port: port === "" ? defaultPort : Number(port),
    database: Number(pathname.slice(1) || "0"),
  };
}

/** @param written as in {@link addressOf} */
export const clusterNodeOf = (written: string): Address => addressOf(written, defaultPort);
export const sentinelOf = (written: string): Address => addressOf(written, sentinelPort);

function credentials(username: string, password: string): Pick<SignIn, "username" | "password"> {
  return {
    ...(username === "" ? {} : { username: keyText(username) }),
    ...(password === "" ? {} : { password: keyText(password) }),
  };
}

/** @param written `host`, `host:port`, or an IPv6 address in brackets with or without a port */
export function addressOf(written: string, port: number): Address {
  const parts = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(written);
  if (!parts) return { host: written, port };
  return { host: bare(parts[1] ?? ""), port: parts[2] === undefined ? port : Number(parts[2]) };
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, "");
}

export function addressText({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

async function authorityIn(file: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new UserError(
      "EA3012",
      `redis.certificateAuthority: ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`,
      {
        cause: error,
      },
    );
  }
  if (holdsCertificate(text)) return text;
  throw new UserError("EA3012", `redis.certificateAuthority: expected a PEM file that begins with a certificate, got ${file}`);
}
