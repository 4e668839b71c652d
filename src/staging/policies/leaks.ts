import type { TableStructure } from "../structure/structure.ts";
import { parseColumnType } from "./column-type.ts";
import { isFilled } from "./columns.ts";
import { constant, generalised } from "./expressions.ts";
import type { ColumnPolicy, Generalise, Leaf, Policies, TablePolicy } from "./model.ts";
import { columnOf, sourceAlias, textLiteral } from "./sql.ts";
import { isMadeUp } from "./synthetic.ts";
import { type LeafPlace, leavesOf, parsed } from "./walk.ts";

/**
 * Which of production's values are in the copy, as counts: no value leaves the warehouse. Every value of a sanitised column is
 * looked for in the same column of all rows, not only in its own row.
 *
 * Some policies can make a value that production happens to have: a constant, the first day of a month, a number from 0 to 100. Such
 * a value says nothing of anybody, because the policy makes it of any other as well. It is counted as `chance`, so that a person can
 * see it. Random stand-ins never equal one, and made-up texts come from a vocabulary of invented names and of addresses and numbers
 * that nobody has: a value outside of it is a leak.
 */
export interface LeakQuery {
  /** `column`, or what is within it: `friends[].name`. */
  place: string;
  /** One row: `place`, `leaks`, `chance`. */
  sql: string;
}

export interface LeakContext {
  policies: Policies;
  /** The original at its version, and the copy, without alias, as in `FROM`. */
  original: string;
  copy: string;
}

/** One for each sanitised value of a table. They can be joined by UNION ALL. */
export function leakQueries(table: TableStructure, policy: TablePolicy, context: LeakContext): LeakQuery[] {
  return table.columns
    .filter((column) => !isFilled(column))
    .flatMap(({ name, type }) => {
      const own: ColumnPolicy = policy.columns[name.toLowerCase()] ?? { how: "null" };
      const leaves = leavesOf(own, parseColumnType(type) ?? { kind: "other" });
      const queries = leaves.flatMap((leaf) => {
        const place = leaf.path === "" ? name : `${name}${/^[[{]/.test(leaf.path) ? "" : "."}${leaf.path}`;
        const sql = leafQuery(leaf, columnOf(name), place, context);
        return sql === undefined ? [] : [{ place, sql }];
      });
      return own.how === "json" ? [...queries, undeclaredJson(name, own.type, context)] : queries;
    });
}

function leafQuery(leaf: LeafPlace, column: string, place: string, context: LeakContext): string | undefined {
  if (leaf.policy.how === "keep") return undefined;
  const value = leaf.repeated ? `explode(${leaf.read(column)})` : leaf.read(column);
  const title = textLiteral(place);
  if (leaf.policy.how === "null")
    return `SELECT ${title} AS place, count(value) AS leaks, CAST(0 AS BIGINT) AS chance FROM (SELECT ${value} AS value FROM ${context.copy} AS ${sourceAlias}) AS copied`;
  const values = (from: string) =>
    `SELECT DISTINCT value FROM (SELECT ${value} AS value FROM ${from} AS ${sourceAlias}) AS every`;
  return `SELECT ${title} AS place, count_if(NOT by_chance) AS leaks, count_if(by_chance) AS chance FROM (SELECT ${byChance(leaf, context)} AS by_chance FROM (${values(context.original)}) AS o${made(leaf, values(context.original))} LEFT SEMI JOIN (${values(context.copy)}) AS c ON o.value = c.value) AS survivors`;
}

/** Whether the policy makes this value of others, too. */
function byChance({ policy, type }: LeafPlace, { policies }: LeakContext): string {
  const value = "o.value";
  switch (policy.how) {
    case "constant":
      return `${value} = ${constant(policy.value, type)}`;
    case "generalise":
      return beginsText(policy) ? `m.made IS NOT NULL OR ${value} = ''` : `${value} = ${generalised(policy, value, type)}`;
    case "synthetic":
      return isMadeUp(policy, policy.locale ?? policies.locale, value);
    default:
      return "false";
  }
}

function beginsText(policy: Leaf): policy is Generalise {
  return policy.how === "generalise" && typeof policy.to === "object" && "first" in policy.to;
}

/** A short text survives by chance only if it begins a longer one. */
function made({ policy, type }: LeafPlace, originals: string): string {
  if (!beginsText(policy)) return "";
  return ` LEFT JOIN (SELECT DISTINCT ${generalised(policy, "value", type)} AS made FROM (${originals}) AS every_one) AS m ON m.made = o.value`;
}

/** Anything in the copy's JSON that its type doesn't name. */
function undeclaredJson(name: string, type: string, { copy }: LeakContext): LeakQuery {
  const column = columnOf(name);
  const place = `${name} (undeclared)`;
  const isMore = `${column} <> '{}' AND coalesce(${column} <> to_json(${parsed(column, type)}), true)`;
  return {
    place,
    sql: `SELECT ${textLiteral(place)} AS place, count(1) AS leaks, CAST(0 AS BIGINT) AS chance FROM ${copy} AS ${sourceAlias} WHERE ${isMore}`,
  };
}
