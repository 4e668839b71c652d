import { readFileSync } from "node:fs";
import { join } from "node:path";
import { compareLatencies, type LatencyWord } from "../../src/compare/latency.ts";

/**
 * Pairs of environments, made from recorded runs (bench/record-latencies.ts): a run of one is a recorded run, chosen at random, with its
 * own level, and its samples are drawn from that run alone.
 */

export type Recorded = Record<string, number[][]>;

const recordedIn = (name: string): Recorded =>
  JSON.parse(readFileSync(join(import.meta.dirname, "../fixtures", name), "utf8")) as Recorded;

/** A machine that has nothing else to do, and one that six others use as well. */
export const quiet = recordedIn("latency-runs.json");
export const busy = recordedIn("latency-runs-busy.json");

/** mulberry32: the same numbers in every run. */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Size {
  runs: number;
  samples: number;
}

/** How often each word was said about pairs of which the first is slower by this factor. */
export function simulate(
  recorded: readonly number[][],
  sizes: readonly [a: Size, b: Size],
  { pairs, factor = 1, seed = 20_261_130 }: { pairs: number; factor?: number; seed?: number },
): Record<LatencyWord, number> {
  const random = generator(seed);
  const pick = <Value>(values: readonly Value[]): Value => values[Math.floor(random() * values.length)] as Value;
  const environment = ({ runs, samples }: Size, by: number) =>
    Array.from({ length: runs }, () => {
      const run = pick(recorded);
      return Array.from({ length: samples }, () => pick(run) * by);
    });
  const said = { slower: 0, faster: 0, "no difference seen": 0, "too few samples": 0 };
  for (let pair = 0; pair < pairs; pair++) said[compareLatencies(environment(sizes[0], factor), environment(sizes[1], 1)).word]++;
  return said;
}

export const both = (size: Size): readonly [Size, Size] => [size, size];
