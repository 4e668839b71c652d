import type { Alteration } from "./columns.ts";
import { byRecreating } from "./columns.ts";
import { defaultsFeature } from "./create-table.ts";
import { literal, pairs } from "./sql-text.ts";

/** Table properties. Some of them raise a table's protocol, for good: older clients can no longer read or write it. */

export const widening = "delta.enableTypeWidening";

/** Whether giving a property this value raises the table's protocol. What isn't known is taken for it. */
export function upgrades(key: string, value: string): boolean {
  if (/^delta\.(feature\.|min(Reader|Writer)Version$|universalFormat\.)/i.test(key)) return true;
  if (/^delta\.columnMapping\.mode$/i.test(key)) return value.toLowerCase() !== "none";
  if (/^delta\.checkpointPolicy$/i.test(key)) return value.toLowerCase() !== "classic";
  return /^delta\.(enable|appendOnly$)/i.test(key) && value.toLowerCase() === "true";
}

/** Why a table cannot lose this; undefined if it can. */
function whyKept(key: string): string | undefined {
  if (/^delta\.(feature\.|min(Reader|Writer)Version$)/i.test(key)) return "a table's protocol is never lowered by a property";
  return /^delta\.columnMapping\.mode$/i.test(key) ? "column mapping is never turned off by a property" : undefined;
}

/** Whether a protocol version would be lowered. */
function lowers(key: string, before: string | undefined, after: string): boolean {
  return /^delta\.min(Reader|Writer)Version$/i.test(key) && before !== undefined && Number(before) > Number(after);
}

/** First those that allow other changes, as they are irreversible and so need the digest. */
export function planUpgrades(
  { planning, chain, object, table, before, after }: Alteration,
  needs: { defaults: boolean; widening: boolean },
): void {
  const set: Record<string, string> = {};
  for (const [key, value] of changed(before.properties, after.properties))
    if (planning.listed("properties", object, key) && upgrades(key, value)) {
      if (lowers(key, before.properties[key], value)) chain.name(object, "properties", `${key}: ${whyKept(key)}`, byRecreating);
      else set[key] = value;
    }
  if (needs.defaults) set[defaultsFeature] ??= "supported";
  if (needs.widening && before.properties[widening] !== "true") {
    if (!(widening in set))
      chain.name(
        object,
        "properties",
        "widening a type leaves the feature typeWidening in the table's protocol, which the original doesn't have",
        `ALTER TABLE ${table} DROP FEATURE typeWidening writes the rows again without it`,
      );
    set[widening] = "true";
  }
  if (Object.keys(set).length === 0) return;
  const statement = `ALTER TABLE ${table} SET TBLPROPERTIES (${pairs(set)})`;
  chain.add({ object, facet: "properties", statement, loses: "irreversible upgrade", again: true, blocks: true });
}

/** Those that can be changed again. @param wasSet whether widening was turned on for this run only */
export function planProperties({ planning, chain, object, table, before, after }: Alteration, wasSet: boolean): void {
  const listed = (key: string): boolean => planning.listed("properties", object, key);
  const set = changed(before.properties, after.properties).filter(([key, value]) => listed(key) && !upgrades(key, value));
  const step = { object, facet: "properties", again: true } as const;
  const settable = set.filter(([key]) => {
    const why = /^delta\.columnMapping\.mode$/i.test(key) ? whyKept(key) : undefined;
    if (why) chain.name(object, "properties", `${key}: ${why}`, byRecreating);
    return !why;
  });
  if (settable.length > 0)
    chain.add({ ...step, statement: `ALTER TABLE ${table} SET TBLPROPERTIES (${pairs(Object.fromEntries(settable))})` });
  const gone = Object.keys(before.properties).filter((key) => !(key in after.properties) && listed(key));
  if (wasSet && !(widening in after.properties)) gone.push(widening);
  const unset = [...new Set(gone)].filter((key) => {
    const why = whyKept(key);
    if (why) chain.name(object, "properties", `${key}: ${why}`, byRecreating);
    return !why;
  });
  if (unset.length > 0)
    chain.add({
      ...step,
      statement: `ALTER TABLE ${table} UNSET TBLPROPERTIES IF EXISTS (${unset.sort().map(literal).join(", ")})`,
    });
}

function changed(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(after).filter(([key, value]) => before[key] !== value);
}
