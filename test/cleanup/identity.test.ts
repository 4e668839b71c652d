import fc from "fast-check";
import { expect, test } from "vitest";
import { timeInId, timeInKey } from "../../src/cleanup/ownership/age.ts";
import { isRunId, newRunId, runPrefix, whyNotCurrentRun } from "../../src/cleanup/run-id.ts";

const now = Date.UTC(2026, 10, 23);

test("a run id contains its time, and two from the same moment differ", () => {
  const [a, b] = [newRunId(now), newRunId(now)];
  expect(isRunId(a)).toBe(true);
  expect(timeInId(a, now)).toBe(now);
  expect(a).not.toBe(b);
});

test.each([
  ["just begun", now, true],
  ["started at the limit", now - 4 * 3_600_000, true],
  ["started before the limit", now - 4 * 3_600_000 - 1, false],
  ["from a clock slightly ahead", now + 5 * 60_000, true],
  ["from the future", now + 5 * 60_000 + 1, false],
  ["from 1970", 0, false],
])("a run that is %s (%i) can be current: %s", (_, began, can) => {
  const runId = `${String(began).padStart(13, "0")}_0a0b0c0d`;
  expect(whyNotCurrentRun(runId, { now, maxAgeMs: 4 * 3_600_000 }) === undefined).toBe(can);
});

test("the time is found in every form of id that ClassWaves uses", () => {
  const shapes = [
    `integration_test_${now}_1a2b3c4d`,
    `e2e-session-${now}`,
    `e2e-group-1-${now}`,
    `sess_test_resilience_${now}_x1y2z3`,
    runPrefix("e2e_test_", newRunId(now)),
  ];
  for (const id of shapes) expect(timeInId(id, now), id).toBe(now);
});

test("longer numbers, the far past, the future and words are not times", () => {
  for (const id of ["teacher-active-123", "TEST123", `x${now}9`, "1000000000000", `e2e-session-${now + 3 * 86_400_000}`])
    expect(timeInId(id, now), id).toBeUndefined();
});

test("in an application's key a time is a separate word: such digits in a hash are not a time", () => {
  expect(timeInKey(`teacher_${now}_1a2b3c4d`, now)).toBe(now);
  expect(timeInKey(`${now}`, now)).toBe(now);
  for (const key of ["982483bc6ff493aee1780850010203ff", `a${now}`, `${now}b`, `1${now}`])
    expect(timeInKey(key, now), key).toBeUndefined();
});

test("the age of an id never depends on the text around its time", () => {
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
