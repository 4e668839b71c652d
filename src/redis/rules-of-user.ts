import type { Reply } from "./wire.ts";

/** ACL GETUSER answers with a flat list of names and values; a selector is another such list. */
export function rulesOf(user: Reply): string | undefined {
  const commands = namedValue(user, "commands");
  if (typeof commands !== "string") return undefined;
  const selectors = namedValue(user, "selectors") ?? [];
  // If the selectors are not understood, the rules are unknown.
  if (!Array.isArray(selectors)) return undefined;
  const more = selectors.map((selector) => namedValue(selector, "commands"));
  return more.every((rules) => typeof rules === "string")
    ? [commands, ...more.map((rules) => `(${rules})`)].join(" ")
    : undefined;
}

/** The ACL categories of UNLINK, in every version that has it. */
const categoriesOfUnlink = ["@all", "@keyspace", "@write", "@fast"];

/** Whether a user may UNLINK keys, according to ACL GETUSER; `undefined` if the answer is not understood. */
export function mayDelete(user: Reply): boolean | undefined {
  const selectors = namedValue(user, "selectors") ?? [];
  if (!Array.isArray(selectors)) return undefined;
  const parts = [user, ...selectors].map((part) => ({ rules: namedValue(part, "commands"), keys: namedValue(part, "keys") }));
  if (parts.some(({ rules }) => typeof rules !== "string")) return undefined;
  return parts.some(({ rules, keys }) => grantsUnlink(String(rules)) && grantsWriting(keys));
}

/** From left to right, as Redis does. */
function grantsUnlink(rules: string): boolean {
  let granted = false;
  for (const rule of rules.toLowerCase().split(/\s+/)) {
    const name = rule === "allcommands" ? "@all" : rule === "nocommands" ? "@all" : rule.slice(1);
    if (name === "unlink" || categoriesOfUnlink.includes(name)) granted = rule.startsWith("+") || rule === "allcommands";
  }
  return granted;
}

/** Key patterns as in Redis 7, `~cw:* %R~session:*`, or as a list without prefixes in older versions. */
function grantsWriting(keys: Reply | undefined): boolean {
  if (Array.isArray(keys)) return keys.length > 0;
  if (typeof keys !== "string") return true;
  return keys.split(/\s+/).some((pattern) => pattern !== "" && !/^%R~/i.test(pattern));
}

/** Combines a user's rules on several servers: the rights on other servers become selectors. Unknown on one means unknown. */
export function rulesOfAll(servers: readonly (string | undefined)[]): string | undefined {
  const [first, ...others] = new Set(servers);
  if (servers.includes(undefined)) return undefined;
  const asSelectors = (rules = "") =>
    [`(${rules.replaceAll(/\([^)]*\)/g, " ").trim()})`, ...(rules.match(/\([^)]*\)/g) ?? [])].join(" ");
  return [first, ...others.map(asSelectors)].join(" ");
}

/** Commands and subcommands (`config|set`), in lower case → the server's flags for them. */
export type CommandFlags = ReadonlyMap<string, readonly string[]>;

/**
 * COMMAND answers with a list per command: the name is first, the flags third, and the subcommands, which are such lists too,
 * tenth.
 */
export function commandFlagsOf(commands: Reply): CommandFlags {
  const flags = new Map<string, readonly string[]>();
  for (const command of listOf(commands)) {
    const [name, , told, , , , , , , subcommands = null] = listOf(command);
    if (typeof name !== "string") continue;
    flags.set(name.toLowerCase(), listOf(told).map(String));
    for (const [subcommand, more] of commandFlagsOf(subcommands)) flags.set(subcommand, more);
  }
  return flags;
}

function listOf(reply: Reply | undefined): readonly Reply[] {
  return Array.isArray(reply) ? reply : [];
}

function namedValue(list: Reply, name: string): Reply | undefined {
  if (!Array.isArray(list)) return undefined;
  const at = list.indexOf(name);
  return at < 0 ? undefined : list[at + 1];
}
