import type { CommandFlags } from "../../redis/connection.ts";

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
