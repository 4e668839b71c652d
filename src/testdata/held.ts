import { keyText } from "../redis/connection.ts";
import { isTellingId } from "./key-judge.ts";
import type { RowPlan } from "./row-plan.ts";

/** Said of a table whose rows stay because of keys. */
export const whyHeld =
  "its rows stay, because Redis keys that carry their ids could not be deleted: no sweep would find those keys without the rows";

/**
 * Tables whose rows must not go before these keys: a key is known by the id of the row that it carries. With them those that they lean
 * on, without which the rows would not be found either. Everything else may go: no key is lost with it.
 */
export function tablesHeldBy(keys: Iterable<string>, { ids, waves }: RowPlan): Set<string> {
  const parts = new Set<string>();
  for (const key of keys) for (const part of key.split(":")) parts.add(part);
  const held = new Set<string>();
  // What a table leans on comes in a later wave.
  for (const { table, leansOn } of waves.flat()) {
    const carried = [...(ids.get(table) ?? [])].some((id) => isTellingId(id) && parts.has(keyText(id)));
    if (!carried && !held.has(table)) continue;
    held.add(table);
    for (const above of leansOn) held.add(above);
  }
  return held;
}
