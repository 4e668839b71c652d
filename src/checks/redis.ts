import type { Check } from "../model.ts";
import type { CommandFlags, RedisIdentity, RedisReader } from "../redis/connection.ts";
import { type Finding, latencyOf, look, milliseconds } from "./check.ts";
import { type MayWrite, withException } from "./may-write.ts";
import { grantsWriting } from "./redis-rules.ts";

export interface RedisLimits {
  /** Shares from 0 to 1; outside of them is a warning. */
  redisHitRate: number;
  redisMemory: number;
}

const pingSamples = 20;
/** Below this many look-ups a rate says nothing. */
const enoughLookups = 100;

/** @param prove throws where the identity is not the expected one; not given where none is expected. */
export async function checkRedis(
  opening: Promise<RedisReader>,
  limits: RedisLimits,
  prove?: (identity: RedisIdentity) => void,
): Promise<Check[]> {
  const ping = await look("redis.ping", "Redis PING", async () => {
    const redis = await opening;
    try {
      prove?.(redis.identity);
    } catch (error) {
      return { verdict: "failed", message: error instanceof Error ? error.message : String(error) };
    }
    const samples: number[] = [];
    for (let index = 0; index < pingSamples; index++) samples.push(await redis.ping());
    const latency = latencyOf(samples);
    return { verdict: "passed", observed: `P95 ${milliseconds(latency.p95)} of ${latency.count}`, latency };
  });
  if (ping.verdict !== "passed") return [ping];
  const info = (await opening).info();
  return [
    ping,
    await look("redis.hit-rate", "Redis hit rate", async () => hitRate(await info, limits.redisHitRate)),
    await look("redis.memory", "Redis memory", async () => memory(await info, limits.redisMemory)),
  ];
}

function hitRate(info: Record<string, string>, limit: number): Finding {
  const hits = Number(info.keyspace_hits);
  const lookups = hits + Number(info.keyspace_misses);
  const expected = `> ${percentage(limit)}`;
  if (!Number.isFinite(lookups))
    return { verdict: "error", expected, message: "INFO does not tell keyspace_hits and keyspace_misses." };
  if (lookups < enoughLookups)
    return {
      verdict: "degraded",
      observed: `only ${lookups} look-ups so far`,
      expected,
      message: "Not enough data: Redis was started a short while ago, or nobody uses it.",
    };
  const rate = hits / lookups;
  return {
    verdict: rate > limit ? "passed" : "degraded",
    observed: `${percentage(rate)} of ${lookups} look-ups`,
    expected,
    ...(rate > limit ? {} : { message: "Most look-ups miss: the cache is cold, too small, or its keys expire too early." }),
  };
}

function memory(info: Record<string, string>, limit: number): Finding {
  const used = Number(info.used_memory);
  const maximum = Number(info.maxmemory);
  if (!Number.isFinite(used)) return { verdict: "error", message: "INFO does not tell used_memory." };
  const megabytes = `${(used / 1_048_576).toFixed(1)} MB`;
  if (!(maximum > 0)) return { verdict: "passed", observed: `${megabytes}, no limit set` };
  const share = used / maximum;
  return {
    verdict: share <= limit ? "passed" : "degraded",
    observed: `${megabytes}, ${percentage(share)} of the limit`,
    expected: `≤ ${percentage(limit)}`,
    ...(share <= limit
      ? {}
      : {
          message: `Redis is nearly full; with the policy ${info.maxmemory_policy ?? "(unknown)"} it evicts or refuses writes soon.`,
        }),
  };
}

/**
 * The user itself: one that could write has no place in a read-only environment.
 * @param exception makes such a user a warning until its last day.
 */
export function checkReadOnlyUser(opening: Promise<RedisReader>, exception?: MayWrite): Promise<Check> {
  return look("redis.read-only", "Redis user cannot write", async () => {
    const redis = await opening;
    const [rules, flags] = await Promise.all([redis.aclRules(), redis.commandFlags()]);
    return withException(judgeUser(rules, flags), exception, Date.now());
  });
}

function judgeUser(rules: string | undefined, flags: CommandFlags | undefined): Finding {
  const expected = "no command that writes";
  if (rules === undefined)
    return {
      verdict: "error",
      observed: "the user's rules cannot be seen",
      expected,
      message:
        "Whether this user could write is not known: allow it +acl|whoami and +acl|getuser, so that its own rules can be examined.",
    };
  const writes = grantsWriting(rules, flags);
  return writes
    ? {
        verdict: "failed",
        observed: writes,
        expected,
        message: "This Redis user could write to a read-only environment. Use one with -@all +@read +ping +info.",
      }
    : { verdict: "passed", observed: "only reading commands", expected };
}

function percentage(share: number): string {
  return `${Math.round(share * 1000) / 10}%`;
}
