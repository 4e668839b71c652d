import { expect, test } from "vitest";
import { slotOf } from "../../src/redis/cluster-nodes.ts";
import { Pace } from "../../src/redis/scan-keys.ts";

test("slots are the same as in Redis", () => {
  // From the specification, and CLUSTER KEYSLOT.
  expect(slotOf("123456789")).toBe(0x31c3 & 0x3fff);
  expect(slotOf("foo{hash_tag}")).toBe(2515);
  expect(slotOf("{user1000}.following")).toBe(slotOf("{user1000}.followers"));
  expect(slotOf("foo{{bar}}zap")).toBe(slotOf("{bar"));
  expect(slotOf("foo{bar}{zap}")).toBe(slotOf("bar"));
});

/** @returns the counts for a server with this time per key, over this many SCANs */
function counts(perKeyMs: number, scans: number, disturbance: (index: number) => number = () => 0): { pace: Pace; last: number } {
  const pace = new Pace(20);
  for (let index = 0; index < scans; index++) pace.note(20 + pace.count * perKeyMs + disturbance(index), pace.count);
  return { pace, last: pace.count };
}

test("the number of keys depends on the server's time, not on network delays", () => {
  const targetMs = 1;
  expect(counts(0.000_05, 50).last).toBe(5_000);
  for (const perKeyMs of [0.000_5, 0.001, 0.005]) expect(counts(perKeyMs, 50).last * perKeyMs).toBeCloseTo(targetMs, 1);
  const slow = counts(0.05, 50);
  expect([slow.last, slow.pace.pauseMs]).toEqual([100, 5]);
  expect(counts(0.000_5, 50).pace.pauseMs).toBe(0);
  // Nine of ten round trips are delayed on the way.
  expect(counts(0.000_5, 200, (index) => (index % 10 === 0 ? 0 : 15)).last * 0.000_5).toBeCloseTo(targetMs, 1);
});

test("a server that becomes slow gets smaller requests", () => {
  const { pace } = counts(0.000_2, 50);
  for (let index = 0; index < 16; index++) pace.note(20 + pace.count * 0.005, pace.count);
  expect(pace.count * 0.005).toBeCloseTo(1, 1);
});
