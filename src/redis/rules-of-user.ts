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

function namedValue(list: Reply, name: string): Reply | undefined {
  if (!Array.isArray(list)) return undefined;
  const at = list.indexOf(name);
  return at < 0 ? undefined : list[at + 1];
}
