/**
 * Tests by ranks alone whether one run is slower than another. Latencies have long tails, and means or a t-test follow the worst
 * outlier. Nothing here depends on what was measured.
 */

export interface RankTest {
  /** The number of pairs (later, earlier) in which the later value is higher; a tie counts half. */
  u: number;
  /** One-sided: the probability that the later values are this high by chance. */
  p: number;
  /** The probability that a later value is above an earlier one; 0.5 means no difference. */
  superiority: number;
  /** Cliff's delta, from -1 to 1: how far the two are apart, whatever the number of samples. */
  delta: number;
}

/**
 * The same test with more weight on the fastest values. No answer is faster than its work takes, so latencies have a sharp lower
 * edge. A shift shows there first, while slow answers have many causes. A linear rank test with the logarithm of the rank as its
 * score – Savage's scores reversed – in the normal approximation, with average scores for ties.
 * @returns one-sided: the probability that the later values are this high by chance; 1 for too few values to approximate
 * @throws RangeError if a side has no values
 */
export function lowerEdgeTest(later: readonly number[], earlier: readonly number[]): number {
  const [m, n] = [later.length, earlier.length];
  if (m === 0 || n === 0) throw new RangeError("a rank test needs values on both sides");
  if (m * n <= largestCounted) return 1;
  const groups = groupsOfEqual(later, earlier);
  // All values are equal, so nothing is higher.
  if (groups.length === 1) return 1;
  let below = 0;
  const scored = groups.map(({ later, size }) => {
    // Equal values share a rank: the middle of their range.
    const score = Math.log((below + (size + 1) / 2) / (m + n));
    below += size;
    return { later, size, score };
  });
  const mean = scored.reduce((sum, { size, score }) => sum + size * score, 0) / (m + n);
  const spread = scored.reduce((sum, { size, score }) => sum + size * (score - mean) ** 2, 0);
  const above = scored.reduce((sum, { later, score }) => sum + later * (score - mean), 0);
  return 1 - normal(above / Math.sqrt((spread * m * n) / ((m + n) * (m + n - 1))));
}

/** Up to this number every arrangement is counted; above it, the normal distribution is close enough. */
const largestCounted = 400;

/**
 * Mann-Whitney U: exact for few values without ties, otherwise the normal approximation with corrections for ties and continuity.
 * @throws RangeError if a side has no values
 */
export function rankTest(later: readonly number[], earlier: readonly number[]): RankTest {
  const [m, n] = [later.length, earlier.length];
  if (m === 0 || n === 0) throw new RangeError("a rank test needs values on both sides");
  const { u, tied } = ranked(later, earlier);
  const superiority = u / (m * n);
  const p = tied.length === 0 && m * n <= largestCounted ? exactTail(u, m, n) : normalTail(u, m, n, tied);
  return { u, p, superiority, delta: 2 * superiority - 1 };
}

/** U, and the size of every group of equal values. */
function ranked(later: readonly number[], earlier: readonly number[]): { u: number; tied: number[] } {
  const groups = groupsOfEqual(later, earlier);
  let [u, earlierBelow] = [0, 0];
  for (const { later, size } of groups) {
    u += later * (earlierBelow + (size - later) / 2);
    earlierBelow += size - later;
  }
  return { u, tied: groups.flatMap(({ size }) => (size > 1 ? [size] : [])) };
}

/** All values in order, grouped by equality: the size of each group, and how many of its values are later ones. */
function groupsOfEqual(later: readonly number[], earlier: readonly number[]): { later: number; size: number }[] {
  const all = [...later.map((value) => ({ value, isLater: true })), ...earlier.map((value) => ({ value, isLater: false }))].sort(
    (a, b) => a.value - b.value,
  );
  const groups: { later: number; size: number }[] = [];
  for (let at = 0; at < all.length; ) {
    const group = { later: 0, size: 0 };
    const first = all[at];
    for (; at < all.length && all[at]?.value === first?.value; at++) {
      group.size++;
      if (all[at]?.isLater) group.later++;
    }
    groups.push(group);
  }
  return groups;
}

function normalTail(u: number, m: number, n: number, tied: readonly number[]): number {
  const all = m + n;
  const ties = tied.reduce((sum, size) => sum + size ** 3 - size, 0);
  const variance = ((m * n) / 12) * (all + 1 - ties / (all * (all - 1)));
  // All values are equal, so nothing is higher.
  if (!(variance > 0)) return 1;
  return 1 - normal((u - (m * n) / 2 - 0.5) / Math.sqrt(variance));
}

/** The share of all arrangements of m and n different values that have at least this U. */
function exactTail(u: number, m: number, n: number): number {
  const counts = arrangements(m, n);
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.slice(Math.ceil(u)).reduce((sum, count) => sum + count, 0) / total;
}

/** How many arrangements of m and n different values have each U, from 0. */
function arrangements(m: number, n: number): number[] {
  // ways[i][k]: arrangements of i later values among the earlier ones processed so far with U = k.
  let ways: number[][] = Array.from({ length: m + 1 }, () => [1]);
  for (let earlier = 1; earlier <= n; earlier++) {
    const next: number[][] = [[1]];
    for (let i = 1; i <= m; i++) {
      // The highest value is either a later one, above all earlier ones, or an earlier one, which adds nothing.
      const row = new Array<number>(i * earlier + 1).fill(0);
      for (const [k, count] of (next[i - 1] ?? []).entries()) row[k + earlier] = (row[k + earlier] ?? 0) + count;
      for (const [k, count] of (ways[i] ?? []).entries()) row[k] = (row[k] ?? 0) + count;
      next[i] = row;
    }
    ways = next;
  }
  return ways[m] ?? [];
}

/** The normal distribution function, to 1.5e-7 (Abramowitz and Stegun 7.1.26). */
function normal(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const polynomial = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  const tail = (polynomial * Math.exp(-x * x)) / 2;
  return z >= 0 ? 1 - tail : tail;
}

/**
 * The factor by which the later values are higher: the median over all pairs (Hodges-Lehmann). Values must be above 0.
 * @throws RangeError if a side has no values
 */
export function ratioOf(later: readonly number[], earlier: readonly number[]): number {
  if (later.length === 0 || earlier.length === 0) throw new RangeError("a ratio needs values on both sides");
  const [xs, ys] = [sorted(later), sorted(earlier)];
  const pairs = xs.length * ys.length;
  return (nthRatio(xs, ys, Math.ceil(pairs / 2)) + nthRatio(xs, ys, Math.floor(pairs / 2) + 1)) / 2;
}

export interface RatioInterval {
  low: number;
  high: number;
}

/**
 * Between which bounds the factor surely is, by the same test: with a factor outside of it, the values would be so far apart by chance
 * with at most this probability. It needs nothing of the distribution but its shape on both sides. Values must be above 0.
 * @param significance of both sides together
 * @returns undefined if there are too few values for any bounds
 */
export function ratioInterval(
  later: readonly number[],
  earlier: readonly number[],
  significance: number,
): RatioInterval | undefined {
  const left = mostLeftOut(later.length, earlier.length, significance / 2);
  if (left === undefined) return undefined;
  const [xs, ys] = [sorted(later), sorted(earlier)];
  return { low: nthRatio(xs, ys, left + 1), high: nthRatio(xs, ys, xs.length * ys.length - left) };
}

/** The highest U that is as improbable as this, and so is every lower one; `undefined` if not even 0 is. */
function mostLeftOut(m: number, n: number, tail: number): number | undefined {
  if (m === 0 || n === 0) return undefined;
  if (m * n > largestCounted) {
    const spread = Math.sqrt((m * n * (m + n + 1)) / 12);
    let u = Math.floor((m * n) / 2);
    while (u >= 0 && normal((u + 0.5 - (m * n) / 2) / spread) > tail) u--;
    return u < 0 ? undefined : u;
  }
  const counts = arrangements(m, n);
  const total = counts.reduce((sum, count) => sum + count, 0);
  let upTo = 0;
  const tooMany = counts.findIndex((count) => {
    upTo += count;
    return upTo / total > tail;
  });
  return tooMany <= 0 ? undefined : tooMany - 1;
}

/** After this many halvings, the range is below a number's precision. */
const halvings = 64;

/** The ratio with `rank` of all pairs at or below it, found without listing the pairs: there may be millions. */
function nthRatio(xs: readonly number[], ys: readonly number[], rank: number): number {
  let low = (xs[0] ?? 0) / (ys.at(-1) ?? 1);
  let high = (xs.at(-1) ?? 0) / (ys[0] ?? 1);
  for (let halving = 0; halving < halvings && low < high; halving++) {
    const middle = low + (high - low) / 2;
    if (pairsUpTo(xs, ys, middle) >= rank) high = middle;
    else low = middle;
  }
  return high;
}

/** The number of pairs with x / y ≤ ratio. For a higher y at least as many x qualify, so one pass over both is enough. */
function pairsUpTo(xs: readonly number[], ys: readonly number[], ratio: number): number {
  let [count, lowEnough] = [0, 0];
  for (const y of ys) {
    while (lowEnough < xs.length && (xs[lowEnough] ?? 0) <= ratio * y) lowEnough++;
    count += lowEnough;
  }
  return count;
}

function sorted(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}
