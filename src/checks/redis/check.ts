import type { Environment } from "../../config/schema.ts";
import { percentText } from "../../lib/count.ts";
import { errorText } from "../../lib/error-text.ts";
import { worstVerdict } from "../../model/report.ts";
import {
  mergedInfo,
  type NodeInfo,
  RedisFailure,
  type RedisIdentity,
  type RedisReader,
  type RedisSettings,
} from "../../redis/connection.ts";
import { readAuthority } from "../../warehouse/https.ts";
import { checkConnection, type Peer, peerOf } from "../connection.ts";
import type { CheckContext } from "../kind.ts";
import {
  endOfException,
  type Finding,
  type MayWrite,
  type MeasuredCheck,
  measured,
  milliseconds,
  type RunCheck,
  type RunningCheck,
  type Shared,
  shared,
  withException,
} from "../run-check.ts";
import { grantsWriting } from "./rights.ts";

/** Checks Redis, its certificate and, in a read-only environment, what its user could write. */
export function run(context: CheckContext, { mayWrite, require: required }: NonNullable<Environment["redis"]>): RunningCheck[] {
  const { check, stage, environment, limits, redis, signal } = context;
  if (!redis) return [];
  const { open, settings, compare } = redis;
  const deletes = stage === "preflight" && environment.access === "test-data";
  const examined = stage === "smoke" && environment.access === "read-only";
  return [
    checkRedis(check, open, limits, { compare, deletes, required }),
    // Without TLS there is no certificate to check.
    ...(settings.url.startsWith("rediss:")
      ? [
          checkConnection(
            check,
            "redis.certificate",
            "Connection to Redis",
            (attempt) => redisPeer(settings, open, attempt),
            { leastDays: limits.certificateDays, authorityIn: "redis.certificateAuthority" },
            signal,
          ),
        ]
      : []),
    ...(examined ? [checkReadOnlyUser(check, open, mayWrite, required.includes("read-only"))] : []),
  ];
}

/** The server that was found. With sentinels, the address names another one. */
async function redisPeer(settings: RedisSettings, opening: Shared<RedisReader>, attempt: number): Promise<Peer> {
  const { host, port } = (await opening(attempt)).identity;
  const ca = await readAuthority(settings.certificateAuthority);
  return { host, port, tls: true, alsoNamed: peerOf(settings.url).host, ...(ca ? { ca } : {}) };
}

export interface RedisLimits {
  /** Shares from 0 to 1; values outside are a warning. */
  redisHitRate: number;
  redisMemory: number;
  /** Milliseconds; a replica that lags more is a warning. */
  redisLag: number;
}

const pingSamples = 20;
/** With fewer look-ups the rate means nothing. */
const enoughLookups = 100;

/** What a server may leave untold: the ids of the checks, after `redis.`. */
export type Untold = NonNullable<Environment["redis"]>["require"][number];

export interface RedisExpectations {
  /** Throws if the identity is not the expected one; absent if none is expected. */
  compare?: (identity: RedisIdentity) => void;
  /** Whether test data will be deleted there. */
  deletes?: boolean;
  /** What the server must tell. */
  required?: readonly Untold[];
}

export async function checkRedis(
  check: RunCheck,
  opening: Shared<RedisReader>,
  limits: RedisLimits,
  { compare, deletes = false, required = [] }: RedisExpectations = {},
): Promise<MeasuredCheck[]> {
  const ping = await check("redis.ping", "Redis PING", async (attempt) => {
    const redis = await opening(attempt);
    try {
      compare?.(redis.identity);
    } catch (error) {
      return { verdict: "failed", message: errorText(error) };
    }
    const samples: number[] = [];
    for (let index = 0; index < pingSamples; index++) samples.push(await redis.ping());
    const { latency, ...rest } = measured(samples, { fixedCount: true });
    const observed = `P95 ${milliseconds(latency.p95)} (${latency.count} samples)`;
    return { verdict: "passed", observed, latency, ...rest };
  });
  if (ping.verdict !== "passed") return [ping];
  const redis = await opening();
  const info = shared(() => redis.infoOfEach());
  /** A probe that judges INFO. */
  const told = (name: Untold, judge: (nodes: readonly NodeInfo[]) => Finding) => async (attempt: number) => {
    const found = await info(attempt).then(judge, notAllowed);
    return found.verdict === "skipped" && required.includes(name) ? demanded(found) : found;
  };
  const { redisHitRate, redisMemory, redisLag } = limits;
  return [
    ping,
    ...(deletes ? [await checkDeletable(check, opening, required.includes("writable"))] : []),
    await check(
      "redis.hit-rate",
      "Redis hit rate",
      told("hit-rate", (nodes) => hitRate(mergedInfo(nodes), redisHitRate)),
    ),
    await check(
      "redis.memory",
      "Redis memory",
      told("memory", (nodes) => memory(mergedInfo(nodes), redisMemory)),
    ),
    await check(
      "redis.replication",
      "Redis role and replicas",
      told("replication", (nodes) => worstOf(nodes, (one) => replication(one, redisLag))),
    ),
    await check(
      "redis.persistence",
      "Redis persistence",
      told("persistence", (nodes) => worstOf(nodes, persistence)),
    ),
  ];
}

/** Checks whether test data could be deleted. */
function checkDeletable(check: RunCheck, opening: Shared<RedisReader>, isRequired: boolean): Promise<MeasuredCheck> {
  return check("redis.writable", "Redis accepts deletions", async (attempt) => {
    const { possible, why } = await (await opening(attempt)).deletability();
    if (possible) return { verdict: "passed", observed: why };
    if (possible === false) return { verdict: "failed", message: `Test data could not be deleted here: ${why}.` };
    const untold = notTold(`It is unknown whether test data can be deleted here: ${why}`);
    return isRequired ? demanded(untold) : untold;
  });
}

/** What a server doesn't tell is unknown: neither a fault nor a pass. */
function notTold(why: string): Finding {
  return { verdict: "skipped", message: `Not told by this server. ${why}.` };
}

function demanded(untold: Finding): Finding {
  return { ...untold, verdict: "error", message: `${untold.message} It is listed in redis.require.` };
}

/** Without the right to INFO, or without INFO. @throws whatever else went wrong */
function notAllowed(error: unknown): Finding {
  if (!(error instanceof RedisFailure) || error.kind !== "refused" || error.passing) throw error;
  return notTold(error.message);
}

/** Managed servers leave parts out of INFO. */
function noSection(section: string): Finding {
  return notTold(`Its INFO has no section ${section}`);
}

/** Each node of a cluster has its own replicas and disk: the worst is reported, with its node. */
function worstOf(nodes: readonly NodeInfo[], judge: (info: Record<string, string>) => Finding): Finding {
  const found = nodes.map(({ node, info }) => ({ node, finding: judge(info) }));
  const isTold = found.some(({ finding }) => finding.verdict !== "skipped");
  const verdict = isTold || found.length === 0 ? worstVerdict(found.map(({ finding }) => finding.verdict)) : "skipped";
  const alike = found.filter(({ finding }) => finding.verdict === verdict);
  const [worst] = alike;
  if (!worst) return { verdict: "error", message: "No server reported anything." };
  if (nodes.length === 1) return worst.finding;
  const which =
    verdict === "passed"
      ? `${nodes.length} masters, such as ${worst.node}`
      : `${alike.map(({ node }) => node).join(", ")} of ${nodes.length} masters`;
  const { observed } = worst.finding;
  return { ...worst.finding, observed: observed === undefined ? which : `${which}: ${observed}` };
}

function hitRate(info: Record<string, string>, limit: number): Finding {
  if (info.keyspace_hits === undefined && info.keyspace_misses === undefined) return noSection("stats");
  const hits = Number(info.keyspace_hits);
  const lookups = hits + Number(info.keyspace_misses);
  const expected = `> ${percentText(limit)}`;
  if (!Number.isFinite(lookups)) return notTold("Its INFO lacks keyspace_hits or keyspace_misses");
  // So begins every service container: nothing was looked up yet.
  if (lookups < enoughLookups)
    return {
      verdict: "skipped",
      observed: `only ${lookups} lookups so far`,
      expected,
      message: `Unknown: of fewer than ${enoughLookups} lookups, the rate means nothing. Redis started recently, or is not used.`,
    };
  const rate = hits / lookups;
  return {
    verdict: rate > limit ? "passed" : "degraded",
    observed: `${percentText(rate)} of ${lookups} lookups`,
    expected,
    ...(rate > limit ? {} : { message: "Many lookups miss: the cache is cold or too small, or its keys expire too early." }),
  };
}

function memory(info: Record<string, string>, limit: number): Finding {
  if (info.used_memory === undefined && info.maxmemory === undefined) return noSection("memory");
  const used = Number(info.used_memory);
  const maximum = Number(info.maxmemory);
  if (!Number.isFinite(used)) return notTold("Its INFO lacks used_memory");
  const megabytes = `${(used / 1_048_576).toFixed(1)} MB`;
  // Counted since the server's start, so it shows that it happened, not that it is happening.
  const evictions = Number(info.evicted_keys) > 0 ? `, ${info.evicted_keys} keys evicted since its start` : "";
  if (!Number.isFinite(maximum)) return { ...notTold("Its INFO lacks maxmemory, so its limit is unknown"), observed: megabytes };
  if (maximum <= 0) return { verdict: "passed", observed: `${megabytes}, no limit set${evictions}` };
  const share = used / maximum;
  return {
    verdict: share <= limit ? "passed" : "degraded",
    observed: `${megabytes}, ${percentText(share)} of the limit${evictions}`,
    expected: `≤ ${percentText(limit)}`,
    ...(share <= limit
      ? {}
      : {
          message: `Redis is nearly full; with the policy ${info.maxmemory_policy ?? "(unknown)"} it will soon evict keys or reject writes.`,
        }),
  };
}

function replication(info: Record<string, string>, limitMs: number): Finding {
  const expected = `replicas at most ${limitMs / 1000} s behind`;
  if (info.role === undefined) return noSection("replication");
  if (info.role === "slave" || info.role === "replica") {
    const silent = Number(info.master_last_io_seconds_ago);
    if (info.master_link_status !== "up")
      return {
        verdict: "failed",
        observed: `replica, link to its master ${info.master_link_status ?? "unknown"}`,
        expected,
        message: "This replica has lost its master: its data may be outdated.",
      };
    const observed = `replica, last contact with its master ${silent} s ago`;
    return silent * 1000 <= limitMs
      ? { verdict: "passed", observed, expected }
      : { verdict: "degraded", observed, expected, message: "The replica is behind: its data may be outdated." };
  }
  if (info.role !== "master") return { verdict: "error", expected, message: "INFO does not contain the role." };
  const replicas = Object.entries(info).flatMap(([key, text]) => (/^slave\d+$/.test(key) ? [text] : []));
  const behind = replicas.filter((text) => {
    const lag = Number(/(?:^|,)lag=(\d+)/.exec(text)?.[1]);
    return !/(?:^|,)state=(?:online|stable_sync)(?:,|$)/.test(text) || !(lag * 1000 <= limitMs);
  });
  const observed = `master, ${replicas.length === 0 ? "no replicas" : `${replicas.length} replicas, ${behind.length} behind or disconnected`}`;
  return behind.length === 0
    ? { verdict: "passed", observed, expected }
    : {
        verdict: "degraded",
        observed,
        expected,
        message: "A replica is behind or disconnected: if the master fails, writes are lost.",
      };
}

function persistence(info: Record<string, string>): Finding {
  if (info.rdb_last_bgsave_status === undefined) return noSection("persistence");
  if (info.loading === "1")
    return { verdict: "error", observed: "loading", message: "Redis is loading its data from disk. Wait and try again." };
  const aof = info.aof_enabled === "1";
  const broken = [
    ...(info.rdb_last_bgsave_status === "ok" ? [] : ["last snapshot"]),
    ...(aof && info.aof_last_write_status !== "ok" ? ["last write of the append-only file"] : []),
    ...(aof && info.aof_last_bgrewrite_status !== "ok" ? ["last rewrite of the append-only file"] : []),
  ];
  const changes = Number(info.rdb_changes_since_last_save);
  const observed = `append-only file ${aof ? "on" : "off"}, ${changes} changes since the last snapshot`;
  return broken.length === 0
    ? { verdict: "passed", observed }
    : {
        verdict: "degraded",
        observed: `${broken.join(" and ")} failed`,
        expected: "ok",
        message: "Redis cannot save its data: the disk may be full. It may reject writes.",
      };
}

/**
 * Checks the user itself: one that could write doesn't belong in a read-only environment.
 * @param exception makes such a user a warning until its last day
 */
export function checkReadOnlyUser(
  check: RunCheck,
  opening: Shared<RedisReader>,
  exception?: MayWrite,
  isRequired = false,
): Promise<MeasuredCheck> {
  return check("redis.read-only", "Redis user cannot write", async (attempt) => {
    const redis = await opening(attempt);
    const [rules, flags] = await Promise.all([redis.aclRules(), redis.commandFlags()]);
    // There, a user that only reads can't be created.
    if (rules === undefined && !isRequired && !exception && !(await redis.hasAcl())) return withoutAcl;
    return {
      ...withException(judgeUser(rules, flags), exception, Date.now()),
      ...endOfException("redis.mayWrite", exception),
    };
  });
}

const withoutAcl: Finding = {
  verdict: "degraded",
  observed: "the server has no ACL",
  expected: "no command that writes",
  message:
    "Not told by this server: it has no users with rules, so a client that can read may also be able to write. env-actions itself sends only reading commands. To make this an error, list read-only in redis.require.",
};

function judgeUser(rules: string | undefined, flags: Parameters<typeof grantsWriting>[1]): Finding {
  const expected = "no command that writes";
  if (rules === undefined)
    return {
      verdict: "error",
      observed: "the user's rules cannot be read",
      expected,
      message: "It is unknown whether this user can write. Grant it +acl|whoami and +acl|getuser, so that its rules can be read.",
    };
  const writes = grantsWriting(rules, flags);
  return writes
    ? {
        verdict: "failed",
        observed: writes,
        expected,
        message: "This Redis user can write to a read-only environment. Use one with -@all +@read +ping +info.",
      }
    : { verdict: "passed", observed: "only reading commands", expected };
}
