import type { NodeInfo } from "../../redis/connection.ts";
import type { Told } from "../facts.ts";

/** What INFO says of a Redis: its version and its settings, and nothing of its data. */

const fields = {
  version: ["valkey_version", "redis_version"],
  mode: ["redis_mode", "server_mode"],
  "memory limit": ["maxmemory"],
  eviction: ["maxmemory_policy"],
  "append-only file": ["aof_enabled"],
} as const satisfies Record<string, readonly string[]>;

/** @param nodes of a cluster all that hold keys: a setting that they don't share is shown with each of its values */
export function redisFacts(nodes: readonly NodeInfo[]): Record<string, Told> {
  const each = Object.entries(fields).map(([name, keys]): [string, Told] => {
    const worded = (value = "") => (name === "append-only file" ? (switches[value] ?? value) : value);
    const values = nodes.map(({ info }) =>
      keys.map((key) => (Object.hasOwn(info, key) ? info[key] : undefined)).find((one) => one),
    );
    if (values.length === 0 || values.includes(undefined)) return [name, { unknown: "the server doesn't say it (INFO)" }];
    return [name, { is: [...new Set(values)].map(worded).sort().join(", ") }];
  });
  return { ...Object.fromEntries(each), nodes: { is: nodes.length } };
}

const switches: Readonly<Record<string, string>> = { 0: "off", 1: "on" };
