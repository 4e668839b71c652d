import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lowerEdgeTest, rankTest, ratioOf } from "../../src/lib/rank-test.ts";

// The quick ways are held to the definitions, which compare everything with everything.
const few = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 12 });
const different = fc
  .uniqueArray(fc.integer({ min: 1, max: 1_000 }), { minLength: 2, maxLength: 9 })
  .chain((all) => fc.integer({ min: 1, max: all.length - 1 }).map((cut) => [all.slice(0, cut), all.slice(cut)] as const));

const naiveU = (later: readonly number[], earlier: readonly number[]): number =>
  later.flatMap((x): number[] => earlier.map((y) => (x > y ? 1 : x === y ? 0.5 : 0))).reduce((sum, one) => sum + one, 0);

/** Every way to choose so many of the values. */
function choices(values: readonly number[], count: number): number[][] {
  if (count === 0) return [[]];
  const [first, ...rest] = values;
  if (first === undefined) return [];
  return [...choices(rest, count - 1).map((chosen) => [first, ...chosen]), ...choices(rest, count)];
}

describe("Mann-Whitney U", () => {
  it("counts pairs, with ties as half", () => {
    fc.assert(
      fc.property(few, few, (later, earlier) => {
        const { u, superiority, delta } = rankTest(later, earlier);
        expect(u).toBe(naiveU(later, earlier));
        expect(superiority).toBeCloseTo(u / (later.length * earlier.length), 12);
        expect(delta).toBeCloseTo(2 * superiority - 1, 12);
      }),
    );
  });

  it("with few distinct values, p is the exact share of all arrangements", () => {
    fc.assert(
      fc.property(different, ([later, earlier]) => {
        const all = [...later, ...earlier];
        const observed = naiveU(later, earlier);
        const arrangements = choices(all, later.length).map((chosen) =>
          naiveU(
            chosen,
            all.filter((value) => !chosen.includes(value)),
          ),
        );
        const share = arrangements.filter((u) => u >= observed).length / arrangements.length;
        expect(rankTest(later, earlier).p).toBeCloseTo(share, 12);
      }),
      { numRuns: 60 },
    );
  });

  it("the exact count and the approximation agree where one replaces the other", () => {
    const later = Array.from({ length: 20 }, (_, index) => index * 2 + 8.5);
    const earlier = Array.from({ length: 20 }, (_, index) => index * 2);
    const exact = rankTest(later, earlier).p;
    const approximated = rankTest(later, [...earlier, ...earlier]).p;
    expect(exact).toBeGreaterThan(0.01);
    expect(exact).toBeLessThan(0.03);
    expect(approximated).toBeLessThan(exact);
    // One tie more, and it is approximated.
    const nearly = rankTest([...later.slice(0, -1), 8], earlier).p;
    expect(nearly).toBeGreaterThan(exact);
  });

  it("equal values give p = 1, whatever their number", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 1, max: 90 }), (m, n) => {
        const { p, delta } = rankTest(Array(m).fill(7), Array(n).fill(7));
        expect(p).toBe(1);
        expect(delta).toBe(0);
      }),
    );
  });

  it("only the order counts: any increasing function of the values gives the same result", () => {
    fc.assert(
      fc.property(few, few, (later, earlier) => {
        const grown = (values: readonly number[]) => values.map((value) => Math.exp(value / 3));
        expect(rankTest(grown(later), grown(earlier))).toEqual(rankTest(later, earlier));
      }),
    );
  });

  it("no values are an error", () => {
    expect(() => rankTest([], [1])).toThrow(RangeError);
    expect(() => ratioOf([1], [])).toThrow(RangeError);
  });
});

describe("the test of the lower edge", () => {
  const many = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 21, maxLength: 60 });

  it("matches the share of simulated arrangements", () => {
    // Even and odd numbers of a ladder, one side moved up a little: no ties, and tails that are neither empty nor whole.
    for (const shift of [0.5, 4.5, 8.5, 12.5]) {
      const later = Array.from({ length: 30 }, (_, index) => index * 2 + shift);
      const earlier = Array.from({ length: 30 }, (_, index) => index * 2);
      const sorted = [...later, ...earlier].sort((a, b) => a - b);
      const score = (values: readonly number[]) => values.reduce((sum, value) => sum + Math.log(sorted.indexOf(value) + 1), 0);
      const observed = score(later);
      let state = 1;
      const random = () => {
        state = (state * 48_271) % 2_147_483_647;
        return state;
      };
      const draws = 4_000;
      let high = 0;
      for (let draw = 0; draw < draws; draw++) {
        const order = sorted.map((value) => ({ value, at: random() })).sort((a, b) => a.at - b.at);
        if (score(order.slice(0, 30).map(({ value }) => value)) >= observed) high++;
      }
      expect(Math.abs(lowerEdgeTest(later, earlier) - high / draws)).toBeLessThan(0.03);
    }
  });

  it("only the order counts, and equal values give p = 1", () => {
    fc.assert(
      fc.property(many, many, (later, earlier) => {
        const grown = (values: readonly number[]) => values.map((value) => Math.exp(value / 30));
        expect(lowerEdgeTest(grown(later), grown(earlier))).toBeCloseTo(lowerEdgeTest(later, earlier), 12);
        if (new Set(later).size > 1) expect(lowerEdgeTest(later, later)).toBeCloseTo(0.5, 6);
        const same = (values: readonly number[]) => values.map(() => 7);
        expect(lowerEdgeTest(same(later), same(earlier))).toBe(1);
      }),
    );
  });

  it("a larger value makes chance less likely", () => {
    fc.assert(
      // Ties would change with it, and with them the spread.
      fc.property(fc.uniqueArray(fc.integer(), { minLength: 60, maxLength: 60 }), fc.nat({ max: 29 }), (all, index) => {
        const [later, earlier] = [all.slice(0, 30), all.slice(30)];
        const moved = later.with(index, 2 ** 32);
        expect(lowerEdgeTest(moved, earlier)).toBeLessThanOrEqual(lowerEdgeTest(later, earlier) + 1e-7);
      }),
    );
  });

  it("finds a shifted lower edge that the median hides", () => {
    // A third of the answers is quick, and all of those a fifth slower now; the others are slow for reasons of their own.
    const mixed = (quick: number) =>
      Array.from({ length: 60 }, (_, index) => (index % 3 === 0 ? quick + index / 30 : 50 + index * 7));
    expect(lowerEdgeTest(mixed(12), mixed(10))).toBeLessThan(0.01);
    expect(rankTest(mixed(12), mixed(10)).p).toBeGreaterThan(0.01);
  });

  it("few values give p = 1, because the exact test covers them", () => {
    expect(lowerEdgeTest([100, 101], [1, 2, 3])).toBe(1);
    expect(() => lowerEdgeTest([], [1])).toThrow(RangeError);
  });
});

it("the ratio is the median over all pairs and reproduces a factor", () => {
  fc.assert(
    fc.property(few, few, fc.integer({ min: 1, max: 5 }), (later, earlier, factor) => {
      const pairs = later.flatMap((x) => earlier.map((y) => x / y)).sort((a, b) => a - b);
      const middle = [pairs[Math.ceil(pairs.length / 2) - 1] ?? 0, pairs[Math.floor(pairs.length / 2)] ?? 0];
      expect(ratioOf(later, earlier)).toBeCloseTo(((middle[0] ?? 0) + (middle[1] ?? 0)) / 2, 12);
      expect(
        ratioOf(
          later.map((value) => value * factor),
          earlier,
        ),
      ).toBeCloseTo(ratioOf(later, earlier) * factor, 9);
    }),
  );
});
