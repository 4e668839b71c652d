import type { TestDataConfig } from "../../config/schema.ts";
import { quoteName } from "../../warehouse/statements.ts";
import { kindOf } from "../tables/naming.ts";
import type { Binder } from "../tables/selection.ts";

/** A column with e-mail addresses or names of people. */
export interface PersonalColumn {
  column: string;
  kind: "email" | "name";
}

/** @param columns with types in upper case @param person columns declared as personal */
export function personalColumns(columns: ReadonlyMap<string, string>, person: ReadonlySet<string>): PersonalColumn[] {
  return [...columns].flatMap(([column, type]): PersonalColumn[] => {
    if (kindOf(type) !== "text") return [];
    if (/(^|_)e?mail(_|$)|recipient_address/i.test(column)) return [{ column, kind: "email" }];
    return person.has(column) && /(^|_)name$/i.test(column) ? [{ column, kind: "name" }] : [];
  });
}

/**
 * The condition for a value that looks like data about a real person: an address outside the synthetic domains, or a name that
 * matches none of the patterns. The warehouse counts the values; they are not fetched.
 * @returns `undefined` if nothing is configured to compare with
 */
export function looksLikeRealPerson(
  { column, kind }: PersonalColumn,
  synthetic: TestDataConfig["synthetic"],
  prefixes: readonly string[],
  binder: Binder,
): string | undefined {
  const value = `lower(${quoteName(column)})`;
  const harmless =
    kind === "email"
      ? synthetic.emails.flatMap((domain) => [
          `endswith(${value}, ${binder.bind(`@${domain.toLowerCase()}`)})`,
          `endswith(${value}, ${binder.bind(`.${domain.toLowerCase()}`)})`,
        ])
      : synthetic.names.map((pattern) => meets(value, pattern.toLowerCase(), binder));
  if (harmless.length === 0) return undefined;
  const byPrefix = prefixes.map((prefix) => `startswith(${quoteName(column)}, ${binder.bind(prefix)})`);
  const isAddress = kind === "email" ? ` AND contains(${value}, '@')` : "";
  return `${quoteName(column)} IS NOT NULL AND ${quoteName(column)} <> ''${isAddress} AND NOT (${[...harmless, ...byPrefix].join(" OR ")})`;
}

/** A star at either end matches any text. */
function meets(value: string, pattern: string, binder: Binder): string {
  const literal = binder.bind(pattern.replace(/^\*|\*$/g, ""));
  if (/^\*.*\*$/s.test(pattern)) return `contains(${value}, ${literal})`;
  if (pattern.endsWith("*")) return `startswith(${value}, ${literal})`;
  return pattern.startsWith("*") ? `endswith(${value}, ${literal})` : `${value} = ${literal}`;
}
