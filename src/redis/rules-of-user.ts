import type { Reply } from "./wire.ts";

/** ACL GETUSER answers with a flat list of names and values; a selector is such a list again. */
export function rulesOf(user: Reply): string | undefined {
  const commands = namedValue(user, "commands");
  if (typeof commands !== "string") return undefined;
  const selectors = namedValue(user, "selectors") ?? [];
  // Rules that are not understood are unknown rules.
  if (!Array.isArray(selectors)) return undefined;
  const more = selectors.map((selector) => namedValue(selector, "commands"));
  return more.every((rules) => typeof rules === "string")
    ? [commands, ...more.map((rules) => `(${rules})`)].join(" ")
    : undefined;
}

/** The rules of a user on several servers as if it were one: what it may on another is told as a selector. Unknown on one is unknown. */
export function rulesOfAll(servers: readonly (string | undefined)[]): string | undefined {
  const [first, ...others] = new Set(servers);
  if (servers.includes(undefined)) return undefined;
  const asSelectors = (rules = "") =>
    [`(${rules.replaceAll(/\([^)]*\)/g, " ").trim()})`, ...(rules.match(/\([^)]*\)/g) ?? [])].join(" ");
  return [first, ...others.map(asSelectors)].join(" ");
}

/** Commands and subcommands (`config|set`), in lower case → the flags that the server gives them. */
export type CommandFlags = ReadonlyMap<string, readonly string[]>;

/** COMMAND answers with a list for each command: its name first, its flags third, its subcommands, which are such lists again, tenth. */
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
