import { rowTime } from "./defaults.ts";
import { between, hashOf, uuidOf } from "./random.ts";
import type { Join } from "./recipe.ts";

/** What a preset says about a table; what it doesn't say follows from the structure. */
export interface Draft {
  /** `schema.table` */
  table: string;
  /** Absent: `id`. */
  key?: readonly string[];
  rows?: number;
  each?: Each;
  /** When it happened: seconds since 1970. */
  at?: string;
  steps?: readonly Readonly<Record<string, string>>[];
  values: Readonly<Record<string, string>>;
  /** Rows of other tables that the values name by `name`: their keys. */
  lookups?: readonly DraftLookup[];
}

export interface DraftLookup {
  name: string;
  table: string;
  column: string;
  /** Which of the table's rows: a whole number, counted on from its first row when it is too large. */
  which: string;
}

/** Rows of each row of a parent, which is seen as `p`. */
export interface Each {
  parent: string;
  parentKey?: string;
  most: number;
  times?: string;
  where?: string;
  joins?: readonly Join[];
  carry?: Readonly<Record<string, string>>;
}

export interface Scale {
  seed: number;
  /** Days from 1970 to the day that the rows are relative to. */
  day: number;
  schools: number;
}

/** The afternoon of the day: lessons before it have ended. */
export function nowOf({ day }: Scale): number {
  return day * 86_400 + 18 * 3600;
}

/** Seconds since 1970 of the Monday of that week, at midnight. */
export function mondayOf({ day }: Scale): number {
  // 1970-01-01 was a Thursday.
  return (day - ((day + 3) % 7)) * 86_400;
}

export function at(seconds: string): string {
  return `timestamp_seconds(${seconds})`;
}

export function divided(value: string, by: string | number): string {
  return `CAST(floor((${value}) / ${by}) AS BIGINT)`;
}

/** A number that follows from an id, so that different tables agree about it. */
export function countOf(seed: number, what: string, id: string, low: number, high: number): string {
  return `(${low} + CAST(conv(substring(md5(concat('${seed}/${what}/', ${id})), 1, 7), 16, 10) AS BIGINT) % ${high - low + 1})`;
}

/** The id of the row with a number of a parent in a table. */
export function idOf(seed: number, table: string, parent: string, number: string): string {
  return uuidOf(seed, hashOf(seed, table, [parent, number]));
}

/** Some time before the day, most often on a working day's daytime. */
export function recently(scale: Scale, days: number): string {
  return `(${nowOf(scale)} - 86400 * ${between("days ago", 1, days)} - ${between("seconds", 0, 28_800)})`;
}

/** The steps of a draft: its own, and when it happened. */
export function stepsOf(draft: Draft, scale: Scale): Readonly<Record<string, string>>[] {
  return [...(draft.steps ?? []), { [rowTime]: draft.at ?? recently(scale, 90) }];
}
