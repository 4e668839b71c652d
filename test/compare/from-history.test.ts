import { expect, it } from "vitest";
import { compareEnvironments, onlyInOne } from "../../src/compare/from-history.ts";
import type { HistoryRecord } from "../../src/model/history.ts";
import { many, record } from "./records.ts";

const words = (records: HistoryRecord[]) => compareEnvironments(records, "staging", "production").map(({ word }) => word);

it("compares each check that both environments measured, by the runs that passed", () => {
  const records = [...many(12, { environment: "staging", middle: 130 }), ...many(12, { environment: "production" })];
  expect(compareEnvironments(records, "staging", "production")).toEqual([
    {
      ...{ check: "api.health", title: "GET /health", word: "slower", runsA: 12, runsB: 12, samplesA: 240, samplesB: 240 },
      ...{ ratio: expect.closeTo(1.3, 1), low: expect.any(Number), high: expect.any(Number), visible: expect.any(Number) },
      periodA: { from: "2026-11-01T00:00:00.000Z", to: "2026-11-01T11:00:00.000Z" },
      periodB: { from: "2026-11-01T00:00:00.000Z", to: "2026-11-01T11:00:00.000Z" },
    },
  ]);
  expect(compareEnvironments(records.toReversed(), "production", "staging")[0]?.word).toBe("faster");
});

it("failed runs and failed checks are no measurements of a healthy environment", () => {
  const production = many(12, { environment: "production" });
  const staging = { environment: "staging", middle: 300 };
  expect(words([...production, ...many(12, { ...staging, verdict: "failed" })])).toEqual([]);
  expect(words([...production, ...many(12, { ...staging, check: { verdict: "failed" } })])).toEqual([]);
  expect(words([...production, ...many(12, { ...staging, verdict: "degraded", check: { verdict: "degraded" } })])).toEqual([
    "slower",
  ]);
});

it("runs that failed only because they were slower than others count, so that they add up", () => {
  const production = many(12, { environment: "production" });
  const failedBy = (id: string) =>
    many(12, { environment: "staging", middle: 130, verdict: "failed", others: [{ id, verdict: "failed" }] });
  expect(words([...production, ...failedBy("compare.api.health")])).toEqual(["slower"]);
  expect(words([...production, ...failedBy("baseline.api.health")])).toEqual(["slower"]);
  expect(words([...production, ...failedBy("redis.ping")])).toEqual([]);
});

it("the cells of a matrix are one run", () => {
  const cells = Array.from({ length: 12 }, (_, index) =>
    record({ environment: "staging", middle: 130, at: 0, origin: { workflowRun: "7", attempt: "1", cell: String(index) } }),
  );
  const production = many(12, { environment: "production" });
  expect(compareEnvironments([...cells, ...production], "staging", "production")).toEqual([
    expect.objectContaining({ word: "too few samples", runsA: 1, samplesA: 240 }),
  ]);
});

it("an environment that slowed down lately is compared with the other one's runs of the same time", () => {
  // Both were fast for 200 hours. Staging is measured each hour, production every twentieth.
  const both = [...many(200, { environment: "staging" }), ...many(10, { environment: "production" }, 20)];
  const [found] = compareEnvironments(both, "staging", "production");
  expect(found?.periodA?.from.slice(0, 10)).toBe("2026-11-01");
  expect(found?.periodB?.from.slice(0, 10)).toBe("2026-11-01");
  expect(found).toMatchObject({ word: "no difference seen", runsA: 50, runsB: 10 });
});

it("with a stage in common, the other stages are left out", () => {
  const records = [
    ...many(12, { environment: "staging" }),
    ...many(12, { environment: "staging", stage: "preflight", middle: 300 }),
    ...many(12, { environment: "production" }),
  ];
  expect(words(records)).toEqual(["no difference seen"]);
  expect(words(records.slice(12))).toEqual(["slower"]);
});

it("what only one of them measured is named, and not compared", () => {
  const records = [
    ...many(12, { environment: "staging", check: { id: "api.ready" } }),
    ...many(12, { environment: "production" }),
  ];
  expect(words(records)).toEqual([]);
  expect(onlyInOne(records, "staging", "production")).toEqual({ a: ["api.ready"], b: ["api.health"] });
});

it("two applications of a repository with checks of the same name are compared apart", () => {
  const shop = (records: HistoryRecord[]) => records.map((one) => ({ ...one, project: "shop/config.yml" }));
  const records = [
    ...many(12, { environment: "staging" }),
    ...many(12, { environment: "production" }),
    ...shop(many(12, { environment: "staging", middle: 130 })),
    ...shop(many(12, { environment: "production" })),
  ];
  expect(compareEnvironments(records, "staging", "production").map(({ project, word }) => [project, word])).toEqual([
    [undefined, "no difference seen"],
    ["shop/config.yml", "slower"],
  ]);
});
