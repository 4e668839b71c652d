import fc from "fast-check";
import { expect, test } from "vitest";
import { isRunId, newRunId, runPrefix, timeInId } from "../../src/testdata/identity.ts";

const now = Date.UTC(2026, 10, 23);

test("a run id tells its time, and two of the same moment differ", () => {
  const [a, b] = [newRunId(now), newRunId(now)];
  expect(isRunId(a)).toBe(true);
  expect(timeInId(a, now)).toBe(now);
  expect(a).not.toBe(b);
});

test("the time is found in every id shape that ClassWaves uses", () => {
  const shapes = [
    `integration_test_${now}_1a2b3c4d`,
    `e2e-session-${now}`,
    `e2e-group-1-${now}`,
    `sess_test_resilience_${now}_x1y2z3`,
    runPrefix("e2e_test_", newRunId(now)),
  ];
  for (const id of shapes) expect(timeInId(id, now), id).toBe(now);
});

test("what only looks like a time is none: longer numbers, the far past, the future, words", () => {
  for (const id of ["teacher-active-123", "TEST123", `x${now}9`, "1000000000000", `e2e-session-${now + 3 * 86_400_000}`])
    expect(timeInId(id, now), id).toBeUndefined();
});

test("the age of an id never depends on what stands around its time", () => {
  const surroundings = fc.string({ maxLength: 20 }).filter((text) => !/\d/.test(text));
  fc.assert(
    fc.property(
      surroundings,
      surroundings,
      fc.integer({ min: Date.UTC(2016, 0), max: now }),
      (before, after, time) => timeInId(`${before}${time}${after}`, now) === time,
    ),
  );
});
