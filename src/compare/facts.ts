/** What two environments are asked alike, and what the answers mean beside each other. A part that can't be asked is never equal. */

/** What one environment says: a value, that it has no such thing, or why it is not known. */
export type Told = { is: string | number } | { absent: true } | { unknown: string };

export type Result = "equal" | "different" | "only in the first" | "only in the second" | "unknown";

export const factGroups = ["warehouse", "redis", "api", "certificates", "configuration"] as const;
export type FactGroup = (typeof factGroups)[number];

/** What one environment says of a group: each thing by its name, or of the group as a whole. */
export type ToldGroup = Record<string, Told> | { group: Exclude<Told, { is: unknown }> };

export interface Fact {
  group: FactGroup;
  /** Such as `version`; empty if the group as a whole is meant. */
  name: string;
  a: Told;
  b: Told;
  result: Result;
}

export function resultOf(a: Told, b: Told): Result {
  if ("unknown" in a || "unknown" in b) return "unknown";
  if ("is" in a && "is" in b) return a.is === b.is ? "equal" : "different";
  if ("is" in a) return "only in the first";
  return "is" in b ? "only in the second" : "equal";
}

/** Each thing that either of them has or may have. Nothing, if neither has such a group. */
export function pairGroup(group: FactGroup, a: ToldGroup, b: ToldGroup): Fact[] {
  const [wholeA, wholeB] = [wholeOf(a), wholeOf(b)];
  if (wholeA && wholeB)
    return "absent" in wholeA && "absent" in wholeB
      ? []
      : [{ group, name: "", a: wholeA, b: wholeB, result: resultOf(wholeA, wholeB) }];
  const [namedA, namedB] = [wholeA ? {} : (a as Record<string, Told>), wholeB ? {} : (b as Record<string, Told>)];
  const names = [...new Set([...Object.keys(namedA), ...Object.keys(namedB)])].sort();
  return names.flatMap((name) => {
    const [one, other] = [wholeA ?? told(namedA, name), wholeB ?? told(namedB, name)];
    return "absent" in one && "absent" in other ? [] : [{ group, name, a: one, b: other, result: resultOf(one, other) }];
  });
}

function wholeOf(told: ToldGroup): Exclude<Told, { is: unknown }> | undefined {
  const { group } = told as { group?: Told };
  return Object.keys(told).length === 1 && group !== undefined && !("is" in group) ? group : undefined;
}

function told(named: Record<string, Told>, name: string): Told {
  return Object.hasOwn(named, name) ? (named[name] ?? { absent: true }) : { absent: true };
}

/** A table of either environment: counts alone, never a value. */
export interface TableFact {
  /** `schema.table` */
  table: string;
  a: Told;
  b: Told;
  result: Result;
  /** In bytes, if they were asked for. */
  sizeA?: Told;
  sizeB?: Told;
}

/** Of one environment: rows and sizes by table, or why nothing is known. */
export type Shape =
  | { rows: ReadonlyMap<string, Told>; sizes?: ReadonlyMap<string, Told> }
  | { unknown: string }
  | { absent: true };

export type ComparedShape =
  | { tables: TableFact[] }
  /** Of one of them, or of both, nothing is known. */
  | { unknown: string[] };

/** @param names of the environments, for the reasons */
export function compareShapes(a: Shape, b: Shape, names: readonly [a: string, b: string]): ComparedShape {
  if (!("rows" in a) || !("rows" in b))
    return {
      unknown: [a, b].flatMap((shape, index) =>
        "rows" in shape ? [] : [`${names[index]}: ${"unknown" in shape ? shape.unknown : "it has no warehouse"}`],
      ),
    };
  const tables = [...new Set([...a.rows.keys(), ...b.rows.keys()])].sort();
  const absent: Told = { absent: true };
  return {
    tables: tables.map((table) => {
      const [one, other] = [a.rows.get(table) ?? absent, b.rows.get(table) ?? absent];
      const [sizeA, sizeB] = [a.sizes?.get(table), b.sizes?.get(table)];
      return {
        table,
        a: one,
        b: other,
        result: resultOf(one, other),
        ...(sizeA ? { sizeA } : {}),
        ...(sizeB ? { sizeB } : {}),
      };
    }),
  };
}
