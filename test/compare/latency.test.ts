import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareLatencies, type Run } from "../../src/compare/latency.ts";
import { both, busy, quiet, simulate } from "./simulated.ts";

// A short version of latency.long.test.ts, and what must hold of each comparison.
describe("simulated from recorded runs", () => {
  it.each(Object.keys(quiet))("%s: equal environments are not told apart, and a fifth more is found", (route) => {
    const equal = simulate(quiet[route] ?? [], both({ runs: 20, samples: 20 }), { pairs: 60 });
    expect(equal.slower + equal.faster).toBeLessThanOrEqual(1);
    expect(equal["no difference seen"]).toBeGreaterThan(50);
    const slower = simulate(quiet[route] ?? [], both({ runs: 20, samples: 20 }), { pairs: 60, factor: 1.2 });
    expect(slower.slower).toBeGreaterThanOrEqual(54);
  });

  it("between runs that differ sixfold, a fifth is not claimed to be absent", () => {
    const slower = simulate(busy["/api/v1/health"] ?? [], both({ runs: 20, samples: 60 }), { pairs: 60, factor: 1.2 });
    expect(slower["no difference seen"]).toBeLessThanOrEqual(3);
    expect(slower["too few samples"]).toBeGreaterThan(30);
  });

  it("many samples of few runs are few: each run has a level of its own", () => {
    const runs = quiet["/api/v1/health"] ?? [];
    expect(simulate(runs, both({ runs: 3, samples: 1_000 }), { pairs: 20, factor: 2 })["too few samples"]).toBe(20);
  });
});

const steady = (middle: number): number[] => Array.from({ length: 20 }, (_, index) => middle + (index % 7) / 10);
const runsAt = (...middles: number[]): Run[] => middles.map(steady);
const around = (middle: number): Run[] => runsAt(...[0.96, 0.98, 0.99, 1, 1.01, 1.02, 1.03, 1.04].map((part) => middle * part));

describe("one comparison", () => {
  it("says the ratio, between which bounds it is, and the numbers of runs and samples", () => {
    const found = compareLatencies(around(130), around(100));
    expect(found).toMatchObject({ word: "slower", runsA: 8, runsB: 8, samplesA: 160, samplesB: 160 });
    expect(found.ratio).toBeCloseTo(1.3, 1);
    expect(found.low).toBeGreaterThan(1.2);
    expect(found.high).toBeLessThan(1.4);
    expect(compareLatencies(around(100), around(130)).word).toBe("faster");
  });

  it("no difference comes with the smallest one that would have been seen", () => {
    const found = compareLatencies(around(101), around(100));
    expect(found.word).toBe("no difference seen");
    // 13 % by Monte Carlo over runs like these; by the definition of the word, never more than is wanted.
    expect(found.visible).toBeGreaterThan(0.05);
    expect(found.visible).toBeLessThanOrEqual(0.2);
  });

  it.each([
    ["no runs", [], around(100)],
    ["runs without samples", [[], []], around(100)],
    ["five runs on each side", around(200).slice(0, 5), around(100).slice(0, 5)],
    ["runs of three samples", around(200).map((run) => (run as number[]).slice(0, 3)), around(100)],
  ])("%s are too few, however far apart", (_, a, b) => {
    expect(compareLatencies(a, b).word).toBe("too few samples");
  });

  it("a difference below 5 % is none, however sure", () => {
    const many = (middle: number) => Array.from({ length: 20 }, () => around(middle)).flat();
    const found = compareLatencies(many(103), many(100));
    expect(found.low).toBeGreaterThan(1);
    expect(found.word).toBe("no difference seen");
  });

  it("of compacted records, the medians are enough", () => {
    const compacted = (runs: Run[]): Run[] =>
      runs.map((run) => ({ p50: [...(run as number[])].sort((x, y) => x - y)[10] ?? 0, count: 20 }));
    expect(compareLatencies(compacted(around(130)), around(100)).word).toBe("slower");
  });
});

const runs = fc.array(fc.array(fc.double({ min: 0, max: 1_000, noNaN: true }), { maxLength: 12 }), { maxLength: 14 });

it("the other way round, slower is faster, and the ratio is its inverse", () => {
  const turned = { slower: "faster", faster: "slower" } as const;
  fc.assert(
    fc.property(runs, runs, (a, b) => {
      const [there, back] = [compareLatencies(a, b), compareLatencies(b, a)];
      expect(back.word).toBe(turned[there.word as keyof typeof turned] ?? there.word);
      if (there.low !== undefined) expect(1 / (back.high ?? 0)).toBeCloseTo(there.low, 6);
      if (there.low !== undefined && there.ratio !== undefined && there.high !== undefined) {
        expect(there.low).toBeLessThanOrEqual(there.ratio * (1 + 1e-9));
        expect(there.high).toBeGreaterThanOrEqual(there.ratio * (1 - 1e-9));
      }
    }),
    { numRuns: 300 },
  );
});

it("slower by a factor, slower is never said to be faster, nor the reverse", () => {
  fc.assert(
    fc.property(runs, fc.double({ min: 1, max: 10, noNaN: true }), (a, factor) => {
      const slower = a.map((run) => run.map((value) => value * factor));
      expect(compareLatencies(slower, a).word).not.toBe("faster");
      expect(compareLatencies(a, a).word).not.toMatch(/slower|faster/);
    }),
  );
});
