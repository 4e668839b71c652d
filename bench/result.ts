/**
 * What a bench hands to `npm run bench`. A bench runs alone, `node bench/NAME.ts`, and prints text for people. With `--rows` it
 * also prints each row as one line of JSON. With `--short` it measures less, for `.ci/run`.
 */

/** One line of the table. */
export interface Row {
  /** What is measured, unique in its bench. */
  name: string;
  /** Unit of the values. */
  unit: "ms" | "ms of CPU" | "MB" | "requests" | "statements" | "files";
  /** Medians, smallest size first. Growth is computed from three sizes on. */
  points: readonly [Point, ...Point[]];
  /** What the sizes count, such as "lines". Only with sizes. */
  sizes?: string;
  /** What it is compared with, with its version if it has one. */
  peer?: string;
  bounds?: Bounds;
}

export interface Point {
  size?: number;
  value: number;
  /** The peer's value, from the same run. */
  peer?: number;
}

/** Each is the largest value that is right. */
export interface Bounds {
  /** Of ours ÷ peer, at the largest size. Below 1 if ours must be the faster one. */
  ratio?: number;
  /** Of the exponent of growth; `largestGrowth` if absent. */
  growth?: number;
  /** Of the value itself, at the largest size. A short run doesn't fail on a time. */
  value?: number;
}

export const largestGrowth = 1.2;

const sizesForGrowth = 3;

/** Whether to measure less: a few seconds. `npm run bench -- --short` runs the benches that import this. */
export const short = process.argv.includes("--short");

const wantsRows = process.argv.includes("--rows");

/** Prints a row for `npm run bench`, if asked to. @returns whether it is within its bounds */
export function report(row: Row): boolean {
  if (wantsRows) console.log(JSON.stringify({ row }));
  return overBounds(row, { short }).length === 0;
}

/** @returns the row in a line of a bench's output; undefined if it has none */
export function rowIn(line: string): Row | undefined {
  if (!line.startsWith('{"row":')) return undefined;
  return (JSON.parse(line) as { row: Row }).row;
}

/** Ours ÷ peer at the largest size. */
export function ratioOf({ points }: Row): number | undefined {
  const { value, peer } = largest(points);
  return peer === undefined ? undefined : value / peer;
}

/**
 * The exponent of growth: 1 is linear, 2 quadratic. A fixed cost hides growth at small sizes, so the step between the two largest
 * sizes counts if it is steeper than all sizes together.
 */
export function growthOf({ points }: Row): number | undefined {
  const known = points.flatMap(({ size, value }) => (size === undefined || !(value > 0) ? [] : [{ size, value }]));
  const [first, ...others] = known;
  const [before, last] = others.slice(-2);
  if (known.length < sizesForGrowth || !first || !before || !last) return undefined;
  return Math.max(slope(first, last), slope(before, last));
}

/** @returns what is wrong, in words; empty if the row is within its bounds */
export function overBounds(row: Row, { short }: { short: boolean }): string[] {
  const { ratio: mostRatio, growth: mostGrowth = largestGrowth, value: most } = row.bounds ?? {};
  const [ratio, growth, { value }] = [ratioOf(row), growthOf(row), largest(row.points)];
  const wrong: string[] = [];
  if (!Number.isFinite(value)) wrong.push(`expected a number, got ${value}`);
  if (mostRatio !== undefined && ratio !== undefined && ratio > mostRatio)
    wrong.push(`ratio ${ratio.toFixed(2)}, at most ${mostRatio}`);
  if (growth !== undefined && growth > mostGrowth) wrong.push(`growth ${growth.toFixed(2)}, at most ${mostGrowth}`);
  if (most !== undefined && value > most && !(short && row.unit.startsWith("ms")))
    wrong.push(`${value.toFixed(0)} ${row.unit}, at most ${most}`);
  return wrong;
}

/** The middle value; NaN if there is none. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function slope(from: { size: number; value: number }, to: { size: number; value: number }): number {
  return Math.log(to.value / from.value) / Math.log(to.size / from.size);
}

function largest(points: Row["points"]): Point {
  return points.at(-1) ?? points[0];
}
