import { describe, expect, it } from "vitest";
import { both, busy, quiet, type Size, simulate } from "./simulated.ts";

// What the comparison promises, in 500 simulated pairs each, on a machine of its own and on one that others use. Prints its figures.
const pairs = 500;
const sizes: Size[] = [
  { runs: 6, samples: 20 },
  { runs: 10, samples: 20 },
  { runs: 20, samples: 20 },
  { runs: 20, samples: 60 },
  { runs: 50, samples: 20 },
];
const cases = [
  ...Object.entries(quiet).map(([route, recorded]) => [`quiet ${route}`, recorded] as const),
  ...Object.entries(busy).map(([route, recorded]) => [`busy ${route}`, recorded] as const),
];

describe("equal environments", () => {
  it.each(cases)(
    "%s: at most 5 of 500 pairs are called different, whatever the numbers of runs and samples",
    (name, recorded) => {
      const unequal: [Size, Size] = [
        { runs: 6, samples: 60 },
        { runs: 50, samples: 20 },
      ];
      for (const size of [...sizes.map(both), unequal]) {
        const said = simulate(recorded, size, { pairs });
        console.log(name, JSON.stringify(size), JSON.stringify(said));
        expect(said.slower + said.faster).toBeLessThanOrEqual(5);
      }
    },
  );
});

describe("a fifth slower", () => {
  it.each(cases)("%s: is found, or said to be invisible", (name, recorded) => {
    for (const size of sizes) {
      const said = simulate(recorded, both(size), { pairs, factor: 1.2 });
      console.log(name, JSON.stringify(size), JSON.stringify(said));
      expect(said.faster).toBeLessThanOrEqual(5);
      expect(said["no difference seen"]).toBeLessThanOrEqual(pairs / 10);
      if (name.startsWith("quiet") && size.runs >= 20) expect(said.slower).toBeGreaterThanOrEqual(0.9 * pairs);
    }
  });
});
