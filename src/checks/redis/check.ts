import type { Environment } from "../../config/schema.ts";
import { percentText } from "../../lib/count.ts";
import { errorText } from "../../lib/error-text.ts";
import { worstVerdict } from "../../model/report.ts";
import {
  type CommandFlags,
  mergedInfo,
  type NodeInfo,
  type RedisIdentity,
  type RedisReader,
  type RedisSettings,
} from "../../redis/connection.ts";
import { readAuthority } from "../../warehouse/https.ts";
import { checkConnection, type Peer, peerOf } from "../connection.ts";
import type { CheckContext } from "../kind.ts";
import {
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

/** Checks Redis, its certificate and, in a read-only environment, what its user could write. */
export function run(context: CheckContext, { mayWrite }: NonNullable<Environment["redis"]>): RunningCheck[] {
  const { check, stage, environment, limits, redis, signal } = context;
  if (!redis) return [];
  const { open, settings, compare } = redis;
  const deletes = stage === "preflight" && environment.access === "test-data";
  const examined = stage === "smoke" && environment.access === "read-only";
  return [
    checkRedis(check, open, limits, compare, deletes),
    // Without TLS there is no certificate to check.
    ...(settings.url.startsWith("rediss:")
      ? [
          checkConnection(
            check,
            "redis.certificate",
            "Connection to Redis",
            (attempt) => redisPeer(settings, open, attempt),
            { leastDays: limits.certificateDays },
            signal,
          ),
        ]
      : []),
    ...(examined ? [checkReadOnlyUser(check, open, mayWrite)] : []),
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

/**
 * @param compare throws if the identity is not the expected one; absent if none is expected
 * @param deletes whether test data will be deleted there
 */
export async function checkRedis(
  check: RunCheck,
  opening: Shared<RedisReader>,
  limits: RedisLimits,
  compare?: (identity: RedisIdentity) => void,
  deletes = false,
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
  return [
    ping,
    ...(deletes ? [await checkDeletable(check, opening)] : []),
    await check("redis.hit-rate", "Redis hit rate", async (attempt) =>
      hitRate(mergedInfo(await info(attempt)), limits.redisHitRate),
    ),
    await check("redis.memory", "Redis memory", async (attempt) => memory(mergedInfo(await info(attempt)), limits.redisMemory)),
    await check("redis.replication", "Redis role and replicas", async (attempt) =>
      worstOf(await info(attempt), (one) => replication(one, limits.redisLag)),
    ),
    await check("redis.persistence", "Redis persistence", async (attempt) => worstOf(await info(attempt), persistence)),
  ];
}

/** Checks whether test data could be deleted. If the server doesn't say, the check is skipped, not failed. */
function checkDeletable(check: RunCheck, opening: Shared<RedisReader>): Promise<MeasuredCheck> {
  return check("redis.writable", "Redis accepts deletions", async (attempt) => {
    const { possible, why } = await (await opening(attempt)).deletability();
    if (possible) return { verdict: "passed", observed: why };
    return possible === undefined
      ? { verdict: "skipped", message: `It is unknown whether test data can be deleted here: ${why}.` }
      : { verdict: "failed", message: `Test data could not be deleted here: ${why}.` };
  });
}

/** Managed servers leave parts out of INFO; that is unknown, not a fault. */
function notTold(section: string): Finding {
  return { verdict: "skipped", message: `Unknown: the server's INFO has no section ${section}.` };
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
  if (info.keyspace_hits === undefined && info.keyspace_misses === undefined) return notTold("stats");
  const hits = Number(info.keyspace_hits);
  const lookups = hits + Number(info.keyspace_misses);
  const expected = `> ${percentText(limit)}`;
  if (!Number.isFinite(lookups))
    return { verdict: "error", expected, message: "INFO does not contain keyspace_hits and keyspace_misses." };
  if (lookups < enoughLookups)
    return {
      verdict: "degraded",
      observed: `only ${lookups} lookups so far`,
      expected,
      message: "Not enough data: Redis started recently, or is not used.",
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
  if (info.used_memory === undefined && info.maxmemory === undefined) return notTold("memory");
  const used = Number(info.used_memory);
  const maximum = Number(info.maxmemory);
  if (!Number.isFinite(used)) return { verdict: "error", message: "INFO does not contain used_memory." };
  const megabytes = `${(used / 1_048_576).toFixed(1)} MB`;
  // Counted since the server's start, so it shows that it happened, not that it is happening.
  const evictions = Number(info.evicted_keys) > 0 ? `, ${info.evicted_keys} keys evicted since its start` : "";
  if (!Number.isFinite(maximum))
    return { verdict: "error", observed: megabytes, message: "INFO does not contain maxmemory, so its limit is unknown." };
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
  if (info.role === undefined) return notTold("replication");
  if (info.role === "slave") {
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
    return !/(?:^|,)state=online(?:,|$)/.test(text) || !(lag * 1000 <= limitMs);
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
  if (info.rdb_last_bgsave_status === undefined) return notTold("persistence");
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
export function checkReadOnlyUser(check: RunCheck, opening: Shared<RedisReader>, exception?: MayWrite): Promise<MeasuredCheck> {
  return check("redis.read-only", "Redis user cannot write", async (attempt) => {
    const redis = await opening(attempt);
    const [rules, flags] = await Promise.all([redis.aclRules(), redis.commandFlags()]);
    return withException(judgeUser(rules, flags), exception, Date.now());
  });
}

function judgeUser(rules: string | undefined, flags: CommandFlags | undefined): Finding {
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

/** The category in which every command only reads. */
const readingCategories = ["@read"];

/** Commands that read with any arguments. All their subcommands read too. */
const readingCommands =
  `ping info dbsize scan ttl pttl expiretime pexpiretime type exists object auth hello quit select command echo readonly
  get mget strlen getrange substr lcs bitcount bitpos getbit bitfield_ro hget hgetall hmget hlen hkeys hvals hscan hexists hstrlen hrandfield
  lrange llen lindex lpos smembers scard sismember smismember sscan sinter sunion sdiff sintercard srandmember
  zrange zcard zscore zmscore zscan zrank zrevrank zcount zlexcount zrangebyscore zrandmember xrange xrevrange xlen xinfo xread xpending
  geopos geodist geohash geosearch georadius_ro georadiusbymember_ro pfcount randomkey dump sort_ro lastsave role time`.split(
    /\s+/,
  );

/** Subcommands that read, of commands that can also change something. */
const readingSubcommands = `acl|whoami acl|getuser acl|cat acl|list acl|users acl|dryrun config|get slowlog|get slowlog|len
  memory|usage memory|stats memory|doctor latency|latest latency|history latency|doctor latency|graph latency|histogram
  client|id client|info client|list client|getname client|setname client|setinfo client|getredir client|trackinginfo
  cluster|info cluster|nodes cluster|slots cluster|shards cluster|keyslot cluster|countkeysinslot cluster|myid
  pubsub|channels pubsub|numsub pubsub|numpat script|exists function|list function|stats`.split(/\s+/);

const reading = new Set([...readingCategories, ...readingCommands, ...readingSubcommands]);

/** Server flags that mark a command as writing. */
const writingFlags = ["write", "denyoom", "may_replicate"];
/** With these flags, a command marked as reading does more than read keys. */
const otherFlags = [...writingFlags, "admin", "pubsub", "noscript"];

/**
 * The first rule that lets a Redis user write; `undefined` if none. Rules are read from left to right, as in Redis: a later one
 * revokes an earlier one. Anything not known to read counts as writing. `+@all` counts even if `-@write` follows, because ACL
 * SETUSER or CONFIG SET can grant the rest. Key patterns are not considered: they can be changed, and some commands write without
 * a key.
 * @param rules as in ACL GETUSER, with selectors in brackets: `-@all +@read (-@all +set)`
 * @param server its command flags from COMMAND: they cover commands that are not listed here, and overrule the list if they say
 * that a
 *   command writes
 */
export function grantsWriting(rules: string, server: CommandFlags = new Map()): string | undefined {
  const selectors = [...rules.matchAll(/\(([^)]*)\)/g)].map((match) => match[1] ?? "");
  const own = rules.replaceAll(/\([^)]*\)/g, " ");
  // Only a user must begin with an explicit base; a selector has nothing before its first rule.
  if (!/(^|\s)([-+]@all|allcommands|nocommands)(\s|$)/i.test(own)) return "the rules do not tell what they begin with";
  return [own, ...selectors].map((one) => writingRule(one, server)).find((rule) => rule !== undefined);
}

/** These commands of @connection affect other clients' connections: they close or block them. The others are harmless. */
const onOtherConnections = ["client|kill", "client|pause", "client|unblock"];

function writingRule(rules: string, server: CommandFlags): string | undefined {
  // What each rule granted → the rule as written.
  const given = new Map<string, string>();
  const tamed = new Set<string>();
  for (const rule of rules.split(/\s+/)) {
    const name = rule.slice(1).toLowerCase();
    if (/^(-@all|nocommands|reset)$/i.test(rule)) given.clear();
    else if (/^(\+@all|allcommands)$/i.test(rule)) given.set("@all", rule);
    else if (rule.startsWith("+")) {
      given.set(name, rule);
      if (name === "@connection") tamed.clear();
    }
    // Revoking a command includes its subcommands. After revoking a category, what was granted by name remains in doubt.
    else if (rule.startsWith("-")) {
      for (const key of given.keys()) if (key === name || key.startsWith(`${name}|`)) given.delete(key);
      if (["@dangerous", "@admin", "client"].includes(name)) given.delete("@connection");
      // Redis 7 reports a revoked category as its commands.
      if (given.has("@connection")) tamed.add(name);
      if (onOtherConnections.every((command) => tamed.has(command))) given.delete("@connection");
    }
  }
  return [...given].find(([name]) => !reads(name, server))?.[1];
}

function reads(name: string, server: CommandFlags): boolean {
  const [command = ""] = name.split("|");
  const flags = server.get(name);
  if (flags?.some((flag) => writingFlags.includes(flag))) return false;
  if (reading.has(name) || reading.has(command)) return true;
  return flags?.includes("readonly") === true && !flags.some((flag) => otherFlags.includes(flag));
}
