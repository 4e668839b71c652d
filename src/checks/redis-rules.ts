/** Categories of which every command only reads, or is about the own connection. */
const readingCategories = ["@read", "@connection"];

/** Commands that read, whatever their arguments are. A subcommand of one of these reads, too. */
const readingCommands =
  `ping info dbsize scan ttl pttl expiretime pexpiretime type exists object auth hello quit select command echo readonly
  get mget strlen getrange substr lcs bitcount bitpos getbit bitfield_ro hget hgetall hmget hlen hkeys hvals hscan hexists hstrlen hrandfield
  lrange llen lindex lpos smembers scard sismember smismember sscan sinter sunion sdiff sintercard srandmember
  zrange zcard zscore zmscore zscan zrank zrevrank zcount zlexcount zrangebyscore zrandmember xrange xrevrange xlen xinfo xread xpending
  geopos geodist geosearch georadius_ro georadiusbymember_ro pfcount randomkey dump sort_ro lastsave role time`.split(/\s+/);

/** Subcommands that read, of commands that can also change something. */
const readingSubcommands = `acl|whoami acl|getuser acl|cat acl|list acl|users acl|dryrun config|get slowlog|get slowlog|len
  memory|usage memory|stats memory|doctor latency|latest latency|history latency|doctor latency|graph latency|histogram
  client|id client|info client|list client|getname client|setname client|setinfo client|getredir client|trackinginfo
  cluster|info cluster|nodes cluster|slots cluster|shards cluster|keyslot cluster|countkeysinslot cluster|myid
  pubsub|channels pubsub|numsub pubsub|numpat script|exists function|list function|stats`.split(/\s+/);

const reading = new Set([...readingCategories, ...readingCommands, ...readingSubcommands]);

/**
 * The first rule that lets a Redis user write, or `undefined`. Rules are read from left to right, as Redis does: a later one takes
 * back what an earlier one gave. What is not known to read counts as writing; `+@all` counts even with `-@write` behind it,
 * because whoever may ACL SETUSER or CONFIG SET can give itself the rest.
 * @param rules as ACL GETUSER tells them, with selectors in brackets: `-@all +@read (-@all +set)`.
 */
export function grantsWriting(rules: string): string | undefined {
  const selectors = [...rules.matchAll(/\(([^)]*)\)/g)].map((match) => match[1] ?? "");
  const own = rules.replaceAll(/\([^)]*\)/g, " ");
  // Only a user is asked where it begins: a selector has nothing before its first rule.
  if (!/(^|\s)([-+]@all|allcommands|nocommands)(\s|$)/i.test(own)) return "the rules do not tell what they begin with";
  return [own, ...selectors].map(writingRule).find((rule) => rule !== undefined);
}

function writingRule(rules: string): string | undefined {
  // What each rule gave → the rule as it was written.
  const given = new Map<string, string>();
  for (const rule of rules.split(/\s+/)) {
    const name = rule.slice(1).toLowerCase();
    if (/^(-@all|nocommands|reset)$/i.test(rule)) given.clear();
    else if (/^(\+@all|allcommands)$/i.test(rule)) given.set("@all", rule);
    else if (rule.startsWith("+")) given.set(name, rule);
    // Taking back a command takes its subcommands along; taking back a category leaves what was given by name in doubt.
    else if (rule.startsWith("-"))
      for (const key of given.keys()) if (key === name || key.startsWith(`${name}|`)) given.delete(key);
  }
  return [...given].find(([name]) => !reads(name))?.[1];
}

function reads(name: string): boolean {
  const [command = ""] = name.split("|");
  return reading.has(name) || reading.has(command);
}
