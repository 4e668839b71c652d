import fc from "fast-check";
import { expect, test } from "vitest";
import { measured } from "../../src/checks/run-check.ts";
import { checkVariables } from "../../src/checks/variables/check.ts";
import { runOnce } from "./run-once.ts";

test("a probe that throws any value is an error with a message, never a pass or a crash", async () => {
  const thrown = fc.oneof(
    fc.anything(),
    fc.string().map((text) => new Error(text)),
    fc.constantFrom(
      Object.create(null),
      Symbol("s"),
      new Error("fetch failed", { cause: new Error("ECONNREFUSED") }),
      new Error("fetch failed", { cause: new AggregateError([], "") }),
    ),
  );
  await fc.assert(
    fc.asyncProperty(thrown, fc.boolean(), async (reason, later) => {
      const check = await runOnce("a.b", "A", async () => {
        if (later) await Promise.resolve();
        throw reason;
      });
      expect(check.verdict).toBe("error");
      expect(check.message).not.toBe("");
    }),
  );
});

test("a failed fetch reports its cause", async () => {
  const failing = () => Promise.reject(new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") }));
  expect((await runOnce("a", "A", failing)).message).toBe("connect ECONNREFUSED");
});

test("percentiles are nearest-rank samples", () => {
  const samples = fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(samples, (all) => {
      const { latency } = measured(all);
      expect(latency).toMatchObject({ count: all.length, max: Math.max(...all) });
      for (const [share, value] of [
        [0.5, latency.p50],
        [0.95, latency.p95],
      ] as const) {
        expect(all).toContain(value);
        expect(all.filter((one) => one <= value).length).toBeGreaterThanOrEqual(share * all.length);
        expect(all.filter((one) => one < value).length).toBeLessThan(share * all.length);
      }
    }),
  );
});

test("without samples the latency is unknown, not 0 ms", () => {
  expect(() => measured([])).toThrow("no latency was measured");
});

test("variables must be present and not blank, and their values are never shown", async () => {
  const env = { A: "secret-value", B: " ", C: "", E: "x" };
  const check = await checkVariables(runOnce, ["A", "B", "C", "D"], env);
  expect(check).toMatchObject({ verdict: "failed", observed: "missing: B, C, D" });
  expect(JSON.stringify(check)).not.toContain("secret-value");
  expect(await checkVariables(runOnce, ["A", "E"], env)).toMatchObject({ verdict: "passed", observed: "2 present" });
});
