import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rankTest, ratioOf } from "../../src/checks/rank-test.ts";

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
  it("counts pairs, ties by half", () => {
    fc.assert(
      fc.property(few, few, (later, earlier) => {
        const { u, superiority, delta } = rankTest(later, earlier);
        expect(u).toBe(naiveU(later, earlier));
        expect(superiority).toBeCloseTo(u / (later.length * earlier.length), 12);
        expect(delta).toBeCloseTo(2 * superiority - 1, 12);
      }),
    );
  });

  it("few different values: the exact share of all arrangements", () => {
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

  it("where counting ends and the approximation begins, both say nearly the same", () => {
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

  it("equal values prove nothing, whatever their number", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 1, max: 90 }), (m, n) => {
        const { p, delta } = rankTest(Array(m).fill(7), Array(n).fill(7));
        expect(p).toBe(1);
        expect(delta).toBe(0);
      }),
    );
  });

  it("only order counts: any growing function of the values leaves it as it is", () => {
    fc.assert(
      fc.property(few, few, (later, earlier) => {
        const grown = (values: readonly number[]) => values.map((value) => Math.exp(value / 3));
        expect(rankTest(grown(later), grown(earlier))).toEqual(rankTest(later, earlier));
      }),
    );
  });

  it("without values nothing can be said", () => {
    expect(() => rankTest([], [1])).toThrow(RangeError);
    expect(() => ratioOf([1], [])).toThrow(RangeError);
  });
});

it("the ratio is the median over all pairs, and a factor shows as itself", () => {
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
