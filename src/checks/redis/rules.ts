import type { CommandFlags } from "../../redis/connection.ts";

/** The category of which every command only reads. */
const readingCategories = ["@read"];

/** Commands that read, whatever their arguments are. A subcommand of one of these reads, too. */
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

/** What the server says that a command does, where that decides. */
const writingFlags = ["write", "denyoom", "may_replicate"];
/** Beside these, a command that is flagged as reading does more than read keys. */
const otherFlags = [...writingFlags, "admin", "pubsub", "noscript"];

/**
 * The first rule that lets a Redis user write, or `undefined`. Rules are read from left to right, as Redis does: a later one takes
 * back what an earlier one gave. What is not known to read counts as writing; `+@all` counts even with `-@write` behind it,
 * because whoever may ACL SETUSER or CONFIG SET can give itself the rest. What keys the user may touch is not looked at: patterns
 * can be changed, and some commands need no key to write.
 * @param rules as ACL GETUSER tells them, with selectors in brackets: `-@all +@read (-@all +set)`.
 * @param server the flags of its commands as COMMAND tells them: they know commands that are not listed here, and are believed where
 *   they say that one of the listed writes.
 */
export function grantsWriting(rules: string, server: CommandFlags = new Map()): string | undefined {
  const selectors = [...rules.matchAll(/\(([^)]*)\)/g)].map((match) => match[1] ?? "");
  const own = rules.replaceAll(/\([^)]*\)/g, " ");
  // Only a user is asked where it begins: a selector has nothing before its first rule.
  if (!/(^|\s)([-+]@all|allcommands|nocommands)(\s|$)/i.test(own)) return "the rules do not tell what they begin with";
  return [own, ...selectors].map((one) => writingRule(one, server)).find((rule) => rule !== undefined);
}

/** Of @connection these are about other people's connections: they end them or hold them up. The others are harmless. */
const onOtherConnections = ["client|kill", "client|pause", "client|unblock"];

function writingRule(rules: string, server: CommandFlags): string | undefined {
  // What each rule gave → the rule as it was written.
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
    // Taking back a command takes its subcommands along; taking back a category leaves what was given by name in doubt.
    else if (rule.startsWith("-")) {
      for (const key of given.keys()) if (key === name || key.startsWith(`${name}|`)) given.delete(key);
      if (["@dangerous", "@admin", "client"].includes(name)) given.delete("@connection");
      // Redis 7 tells a category that was taken back as the commands that were.
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
