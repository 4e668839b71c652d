import { type LatencyComparison, type LatencySettings, visibleIn, wordOf } from "./latency.ts";

/**
 * Whether one environment is slower than another now, from requests that were sent to both in turns. Both requests of a turn saw the same
 * moment of the network and of this machine, so that only their ratio counts.
 */

export type Turn = readonly [a: number, b: number];

/** Neighbours in time are alike, so that they count together. */
const mostBlocks = 20;
/** Of both sides together, as in the comparison of runs. */
const significance = 0.0025;

/**
 * One moment shows less than many runs: two processes of the same program, on one machine, differed by up to 0.3 ms as long as they lived,
 * however often they were asked. Of a route that takes 1 ms, that is a fifth.
 */
const leastMs = 0.5;

export const turnSettings: LatencySettings = { least: 0.1, wanted: 0.2 };

export type TurnComparison = Pick<LatencyComparison, "word" | "ratio" | "low" | "high" | "visible"> & { turns: number };

/** A signed-rank test on the medians of neighbouring turns, and the bounds that belong to it. */
export function compareTurns(turns: readonly Turn[], { least, wanted }: LatencySettings = turnSettings): TurnComparison {
  const ratios = turns.map(([a, b]) => Math.log(Math.max(a, 0.01) / Math.max(b, 0.01)));
  const blocks = blocksOf(ratios);
  const left = mostLeftOut(blocks.length);
  if (blocks.length === 0) return { word: "too few samples", turns: 0 };
  const averages = walshAverages(blocks);
  const ratio = Math.exp(median(averages));
  if (left === undefined) return { word: "too few samples", ratio, turns: turns.length };
  const [low, high] = [Math.exp(averages[left] ?? 0), Math.exp(averages[averages.length - 1 - left] ?? 0)];
  const seen = { ratio, low, high, visible: visibleIn({ low, high }) };
  const usual = median(turns.map(([, b]) => b).sort((x, y) => x - y));
  const counts = Math.max(least, leastMs / Math.max(usual, 0.01));
  const word = wordOf(seen, { least: counts, wanted });
  return { word, ...seen, visible: Math.max(counts, seen.visible), turns: turns.length };
}

/** Medians of equally many neighbours; what doesn't fill the last block is left out. */
function blocksOf(ratios: readonly number[]): number[] {
  const size = Math.max(1, Math.floor(ratios.length / mostBlocks));
  const blocks = Math.min(mostBlocks, Math.floor(ratios.length / size));
  return Array.from({ length: blocks }, (_, index) =>
    median(ratios.slice(index * size, (index + 1) * size).sort((x, y) => x - y)),
  );
}

/** In order. */
function walshAverages(values: readonly number[]): number[] {
  return values.flatMap((one, index) => values.slice(index).map((other) => (one + other) / 2)).sort((x, y) => x - y);
}

/** @param sorted not empty */
function median(sorted: readonly number[]): number {
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
}

/** How many of the lowest and of the highest averages lie outside the bounds; undefined if not even none may. */
function mostLeftOut(values: number): number | undefined {
  // ways[sum]: sets of ranks with that sum.
  let ways = [1];
  for (let rank = 1; rank <= values; rank++) {
    const next = new Array<number>(ways.length + rank).fill(0);
    for (const [sum, count] of ways.entries()) {
      next[sum] = (next[sum] ?? 0) + count;
      next[sum + rank] = (next[sum + rank] ?? 0) + count;
    }
    ways = next;
  }
  let upTo = 0;
  const tooMany = ways.findIndex((count) => {
    upTo += count;
    return upTo / 2 ** values > significance / 2;
  });
  return tooMany <= 0 ? undefined : tooMany - 1;
}
