import { describe, expect, test } from "vitest";
import { type Age, ageOf, exactAge, relate, startOfRun } from "../../src/cleanup/ownership/age.ts";
import { type Facts, judgeRow, type Standing } from "../../src/cleanup/ownership/ownership.ts";

// The rule itself as a table: the facts about a row, and what becomes of it.

const began = Date.UTC(2026, 5, 1, 12);
const hour = 3_600_000;
const minute = 60_000;

/** A row without any facts, in scope `run`, whose history cannot be read. */
const nothing: Facts = {
  scope: "run",
  fixed: false,
  shown: undefined,
  ofAnotherRun: false,
  named: false,
  owners: [],
  age: undefined,
  timeInKey: undefined,
  wasThere: () => undefined,
  isExact: () => false,
  runStarted: began,
  olderThan: began - 2 * hour,
};
const older = exactAge(began - hour);
const later = exactAge(began + hour);
const near = exactAge(began + minute);
const reference = exactAge(began);
const partOf = { kind: "part-of" as const, reference };
const belongsTo = { kind: "belongs-to" as const, reference };
const there = { wasThere: () => true };
const absent = { wasThere: () => false };
const byKey = { shown: { byKey: true, times: [began] } };
const byName = { shown: { byKey: false, times: [began] } };

describe("a row", () => {
  test.each<[string, Partial<Facts>, Standing]>([
    // (a)
    ["identifies itself by its key", byKey, "test-data"],
    ["identifies itself by its key, whatever its age", { ...byKey, age: older }, "test-data"],
    ["identifies itself by its name", byName, "test-data"],
    ["identifies itself by its name, and is older than the run", { ...byName, age: older }, "renamed"],
    ["identifies itself by its name, and existed before", { ...byName, ...there }, "renamed"],
    [
      "identifies itself by its name, without a time in it, and is old",
      { shown: { byKey: false, times: [] }, age: older },
      "test-data",
    ],
    // (b)
    ["is named, and newer", { named: true, age: later }, "test-data"],
    ["is named, and didn't exist", { named: true, ...absent }, "test-data"],
    ["is named, of unknown age", { named: true }, "unknown"],
    ["is named, and created within the clocks' tolerance", { named: true, age: near }, "unknown"],
    ["is named, and older", { named: true, age: older }, "wrongly-named"],
    ["is named, and existed", { named: true, ...there }, "wrongly-named"],
    ["is named and older, although its history is new", { named: true, age: older, ...absent }, "wrongly-named"],
    ["is named and older by the time in its key", { named: true, timeInKey: began - hour, ...absent }, "wrongly-named"],
    ["is named and later by its time, but existed", { named: true, age: later, ...there }, "unknown"],
    // A change can write any time into a row. The table's history still shows that it existed when the tests began.
    ...(
      [
        ["is named, and existed at the start", { named: true }, "wrongly-named"],
        ["is part of test data, and existed at the start", { owners: [partOf] }, "moved"],
        ["belongs to test data, and existed at the start", { owners: [belongsTo] }, "moved"],
        ["identifies itself by its name, and existed at the start", byName, "renamed"],
        [
          "identifies itself by a name without a time, and existed at the start",
          { shown: { byKey: false, times: [] } },
          "renamed",
        ],
      ] as [string, Partial<Facts>, Standing][]
    ).map(([name, facts, standing]): [string, Partial<Facts>, Standing] => [
      `${name}, with a time that says later`,
      { ...facts, ...there, age: later, isExact: () => true },
      standing,
    ]),
    // (c)
    ["is part of test data", { owners: [partOf] }, "test-data"],
    ["is part of test data, and older", { owners: [partOf], age: older }, "moved"],
    ["is part of test data, and existed", { owners: [partOf], ...there }, "moved"],
    ["belongs to test data", { owners: [belongsTo] }, "unknown"],
    ["belongs to test data, and is later", { owners: [belongsTo], age: later }, "test-data"],
    ["belongs to test data, and didn't exist", { owners: [belongsTo], ...absent }, "test-data"],
    ["belongs to test data, and is older", { owners: [belongsTo], age: older }, "moved"],
    ["belongs to test data of unknown age", { owners: [{ kind: "belongs-to", reference: undefined }], age: later }, "unknown"],
    ["belongs to one, and is part of another", { owners: [belongsTo, partOf] }, "test-data"],
    ["is named and belongs to test data, and is older", { named: true, owners: [belongsTo], age: older }, "moved"],
    // Whatever else is known.
    ["is fixed", { fixed: true, ...byKey, named: true, owners: [partOf], age: later }, "fixed"],
    ["is another run's, and belongs to ours", { ofAnotherRun: true, owners: [belongsTo], age: later }, "another-run"],
    ["is nobody's", { age: later }, "foreign"],
  ])("that %s", (_, facts, standing) => {
    expect(judgeRow({ ...nothing, ...facts }).standing).toBe(standing);
  });

  const old = exactAge(began - 3 * hour);
  const uncertain: Age = { earliest: began - 5 * hour, latest: began + 5 * hour };
  test.each<[string, Partial<Facts>, Standing]>([
    ["is certainly old", { shown: { byKey: true, times: [] }, age: old }, "test-data"],
    ["is old by its key", { shown: { byKey: true, times: [began - 3 * hour] } }, "test-data"],
    [
      "is old by its key, of a day that agrees",
      { shown: { byKey: true, times: [began - 3 * hour] }, age: uncertain },
      "test-data",
    ],
    [
      "is old by its key, and recent by its time",
      { shown: { byKey: true, times: [began - 3 * hour] }, age: later },
      "too-recent",
    ],
    ["is recent by its key, and old by its time", { shown: { byKey: true, times: [began] }, age: old }, "too-recent"],
    ["may be old", { shown: { byKey: true, times: [] }, age: uncertain }, "unknown"],
    ["has no time", { shown: { byKey: true, times: [] } }, "unknown"],
    ["has no time, and is part of what has expired", { shown: { byKey: true, times: [] }, owners: [partOf] }, "test-data"],
    ["is part of what has expired, without a time", { owners: [partOf] }, "test-data"],
    ["is part of what has expired, and recent", { owners: [partOf], age: later }, "too-recent"],
    ["is part of a row that is gone and had no time", { owners: [{ ...partOf, undated: true }] }, "unknown"],
    [
      "is part of such a row, and certainly old",
      { owners: [{ kind: "part-of", reference: undefined, undated: true }], age: old },
      "test-data",
    ],
  ])("in scope expired that %s", (_, facts, standing) => {
    expect(judgeRow({ ...nothing, scope: "expired", ...facts }).standing).toBe(standing);
  });

  const unasked = { wasThere: () => "unasked" as const };
  test.each<[string, Partial<Facts>, number[]]>([
    ["named, of unknown age", { named: true }, [began]],
    ["named, certainly later, if the version at the start is known", { named: true, age: later, isExact: () => true }, [began]],
    ["named, certainly later", { named: true, age: later }, []],
    ["part of test data, of unknown age", { owners: [partOf] }, [began]],
    ["part of test data, and near the time of that", { owners: [partOf], age: near }, []],
    [
      "part of test data of a run, and near its start",
      { owners: [{ ...partOf, reference: startOfRun(began) }], age: near },
      [began],
    ],
    ["part of test data, certainly later", { owners: [partOf], age: later }, []],
    ["part of test data, later where the start is known", { owners: [partOf], age: later, isExact: () => true }, [began]],
    [
      "shown by its name without a time, if the start is known",
      { shown: { byKey: false, times: [] }, isExact: () => true },
      [began],
    ],
    [
      "belonging to a row that was created some time in an hour",
      { owners: [{ ...belongsTo, reference: { earliest: began, latest: began + hour } }] },
      [began, began + hour],
    ],
    ["certainly older", { named: true, owners: [belongsTo], age: older, isExact: () => true }, []],
    ["that identifies itself by its key", byKey, []],
  ])("%s: the history is asked only where it can decide", (_, facts, asks) => {
    expect(judgeRow({ ...nothing, ...unasked, ...facts }).asks).toEqual(asks);
  });
});

describe("the age from a time column", () => {
  const at = Date.UTC(2026, 5, 1, 11, 30);
  test.each<[unknown, string | undefined, number, number]>([
    [new Date(at), undefined, at, at],
    ["2026-06-01T11:30:00.000Z", undefined, at, at],
    ["2026-06-01 13:30:00.000+02", undefined, at, at],
    ["2026-06-01T11:30:00Z", undefined, at, at + 999],
    ["2026-06-01T11:30Z", undefined, at, at + minute - 1],
    ["2026-06-01 11:30:00.000", "UTC", at, at],
    ["2026-06-01 03:30:00.000", "-08:00", at, at],
    ["2026-06-01 04:30:00.000", "America/Los_Angeles", at, at],
    ["2026-06-01 11:30:00.000", undefined, at - 14 * hour, at + 14 * hour],
    ["2026-06-01", "UTC", at - 11.5 * hour, at + 12.5 * hour - 1],
    ["2026-06-01", undefined, at - 25.5 * hour, at + 26.5 * hour - 1],
    // An hour that occurs twice when the clocks go back.
    ["2026-11-01 01:30:00.000", "America/Los_Angeles", Date.UTC(2026, 10, 1, 8, 30), Date.UTC(2026, 10, 1, 9, 30)],
  ])("%s in zone %s", (value, zone, earliest, latest) => {
    expect(ageOf(value, zone)).toEqual({ earliest, latest });
  });

  test.each([null, undefined, "", "12", 1_780_000_000_000, "yesterday", "2026-13-45"])("%s: unknown", (value) => {
    expect(ageOf(value, "UTC")).toBeUndefined();
  });

  test("within five minutes in either direction, nothing is known", () => {
    const relation = (offset: number) => relate(exactAge(began + offset), reference);
    expect([-5 * minute - 1, -5 * minute, 0, 5 * minute - 1, 5 * minute].map(relation)).toEqual([
      "older",
      "unknown",
      "unknown",
      "unknown",
      "not-older",
    ]);
  });
});
