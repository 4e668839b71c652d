import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { compareTurns, type Turn } from "../../src/compare/turns.ts";
import { generator, quiet } from "./simulated.ts";

// Both of a turn are drawn from one recorded run: what is equal then is the environment and the moment.
const recorded = quiet["/api/v1/health"] ?? [];
const random = generator(20_261_130);
const pick = <Value>(values: readonly Value[]): Value => values[Math.floor(random() * values.length)] as Value;
const turns = (factor: number, count = 60): Turn[] => {
  const run = pick(recorded);
  return Array.from({ length: count }, () => [pick(run) * factor, pick(run)] as const);
};
const words = (factor: number, pairs: number) => Array.from({ length: pairs }, () => compareTurns(turns(factor)).word);

it("of 500 equal pairs at most 5 are called different, and a fifth more is found in nine of ten", () => {
  expect(words(1, 500).filter((word) => word === "slower" || word === "faster").length).toBeLessThanOrEqual(5);
  expect(words(1.2, 100).filter((word) => word === "slower").length).toBeGreaterThanOrEqual(90);
});

it("a moment that slows both down is no difference, and one that slows only few turns isn't, either", () => {
  const both = turns(1).map(([a, b], turn): Turn => (turn > 30 ? [a * 9, b * 9] : [a, b]));
  expect(compareTurns(both).word).toBe("no difference seen");
  expect(compareTurns(turns(1).map(([a, b], turn): Turn => (turn < 5 ? [a * 50, b] : [a, b]))).word).not.toBe("slower");
});

it("few turns are too few, and none are no error", () => {
  expect(compareTurns(turns(3, 8)).word).toBe("too few samples");
  expect(compareTurns([])).toEqual({ word: "too few samples", turns: 0 });
});

// Two fresh processes of one backend in each session, whose latencies differ as long as they live (bench/record-turns.ts).
const equal: Record<string, Turn[][]> = JSON.parse(
  readFileSync(join(import.meta.dirname, "../fixtures/latency-turns.json"), "utf8"),
);

it.each(Object.entries(equal))("%s: two equal processes are never called different", (_, sessions) => {
  const different = sessions.map((turns) => compareTurns(turns).word).filter((word) => word === "slower" || word === "faster");
  expect(different).toEqual([]);
});

it("a difference too small for two processes to show is none, and the line says from where on it would be one", () => {
  const ready = (equal["/api/v1/ready"] ?? []).map((turns) => compareTurns(turns.map(([a, b]): Turn => [a * 1.2, b])));
  for (const { word, visible } of ready) {
    expect(word).not.toMatch(/slower|faster/);
    expect(visible).toBeGreaterThan(0.3);
  }
  const health = (equal["/api/v1/health"] ?? []).map((turns) => compareTurns(turns.map(([a, b]): Turn => [a * 1.2, b])));
  expect(health.filter(({ word }) => word === "slower").length).toBeGreaterThanOrEqual(0.9 * health.length);
});
