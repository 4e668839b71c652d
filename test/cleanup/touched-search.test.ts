import fc from "fast-check";
import { expect, it } from "vitest";
import { nextStep, type Seen } from "../../src/cleanup/touched/old-values.ts";

// The cost of a search is the number of its questions; here against a known history instead of a warehouse.

function search(history: readonly Seen[], guess?: number): { end: number; rounds: number; asked: number } {
  const known = new Map<number, Seen>();
  for (let rounds = 0; rounds < 100; rounds++) {
    const step = nextStep(history.length, (index) => known.get(index), guess);
    if ("end" in step) return { end: step.end, rounds, asked: known.size };
    expect(step.ask.length).toBeGreaterThan(0);
    for (const index of step.ask) {
      expect(index, "a place of the history").toBeLessThan(history.length);
      known.set(index, history[index] as Seen);
    }
  }
  throw new Error("the search does not end");
}

const seen = fc.constantFrom<Seen>("later", "later", "later", "before", "absent", "stop");
const ends = (one: Seen) => one === "before" || one === "stop";

it("finds the newest other value among the last 64 versions, even if values came back", () => {
  fc.assert(
    fc.property(fc.array(seen, { maxLength: 64 }), fc.option(fc.nat({ max: 70 }), { nil: undefined }), (history, guess) => {
      const newest = history.findIndex(ends);
      expect(search(history, guess).end).toBe(newest < 0 ? history.length : newest);
    }),
    { numRuns: 500 },
  );
});

it("finds the moment of the change further back in a few rounds", () => {
  fc.assert(
    fc.property(fc.integer({ min: 65, max: 1_001 }), fc.nat(), fc.option(fc.nat(), { nil: undefined }), (count, at, guessed) => {
      const change = 64 + (at % (count - 63));
      const history = Array.from({ length: count }, (_, index): Seen => (index < change ? "later" : "before"));
      const { end, rounds, asked } = search(history, guessed === undefined ? undefined : guessed % count);
      expect(end).toBe(change);
      expect(rounds).toBeLessThanOrEqual(3 + 4);
      expect(asked).toBeLessThanOrEqual(65 + 4 * 8);
    }),
    { numRuns: 300 },
  );
});

it("takes three questions for a change by a recent run", () => {
  expect(search(["later", "later", "before", ...Array<Seen>(900).fill("before")])).toMatchObject({ end: 2, rounds: 1, asked: 8 });
});
