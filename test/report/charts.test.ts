import { describe, expect, test } from "vitest";
import type { StageReport } from "../../src/model/report.ts";
import { toHtml } from "../../src/report/html.ts";
import { testDataChart } from "../../src/report/view/flow.ts";
import { latencyChart } from "../../src/report/view/latency.ts";
import { gateView } from "../../src/report/view/report.ts";
import { gateTimeline } from "../../src/report/view/timeline.ts";
import { degradedSmoke, dryCleanup, everyReport, failedIntegration, flakyE2e, passedPreflight, wholeGate } from "./sample.ts";

/** The pictures of a report show what it says, and nothing where it says nothing. */

describe("the timeline", () => {
  test("draws stages where they began, and their parts within them", () => {
    const timeline = gateTimeline([passedPreflight(), failedIntegration()]);
    const total = 252_300; // from 17:10:00.000 to 17:14:12.300
    expect(timeline?.lanes.map(({ label }) => label)).toEqual([
      "Preflight on staging",
      "Integration on staging",
      "backend",
      "npm run test:integration -- --reporter=json",
      "test data created",
      "deletion of test data",
    ]);
    const bar = (lane: number, at = 0) => timeline?.lanes[lane]?.bars[at];
    expect(bar(0)).toEqual({ what: "stage", from: 0, to: 8_412 / total });
    expect(bar(1)).toEqual({ what: "stage", from: 9_000 / total, to: 1 });
    // 12.1 s of deletion end with the stage, 226 s of tests end where it begins.
    expect(bar(5)).toEqual({ what: "deletion", from: (total - 12_118) / total, to: 1 });
    expect(bar(3)?.to).toBe(bar(5)?.from);
    expect(((bar(3)?.to ?? 0) - (bar(3)?.from ?? 0)) * total).toBeCloseTo(226_004);
    expect(bar(2, 0)).toMatchObject({ what: "starting", to: bar(3)?.from });
    expect(((bar(2, 0)?.to ?? 0) - (bar(2, 0)?.from ?? 0)) * total).toBeCloseTo(2_310);
    // The rows say themselves when they were created.
    expect((bar(4)?.from ?? 0) * total).toBeCloseTo(14_120);
  });

  test("no part leaves its stage, whatever the lengths add up to", () => {
    for (const report of everyReport()) {
      const long: StageReport = { ...report, durationMs: 100 };
      const timeline = gateTimeline([passedPreflight(), long]);
      const stage = timeline?.lanes.find(({ verdict, label }) => verdict && !label.startsWith("Preflight"))?.bars[0];
      const parts = timeline?.lanes.slice(2).flatMap(({ bars }) => bars) ?? [];
      for (const { from, to } of report.stage === "preflight" ? [] : parts) {
        expect(from).toBeGreaterThanOrEqual((stage?.from ?? 0) - 1e-9);
        expect(to).toBeLessThanOrEqual((stage?.to ?? 0) + 1e-9);
        expect(to).toBeGreaterThanOrEqual(from);
      }
    }
  });

  test("draws a long pause shorter, and says so", () => {
    const timeline = gateTimeline(wholeGate());
    expect(timeline?.breaks.map(({ label }) => label)).toEqual(["8 min 19 s pause"]);
    expect(timeline?.ticks.map(({ label }) => label)).toEqual(["17:10", "17:15", "17:30"]);
    for (const { bars } of timeline?.lanes ?? []) for (const { to } of bars) expect(to).toBeLessThanOrEqual(1);
  });

  test("is absent if there is nothing to compare, and has no lane for what is not known", () => {
    expect(gateTimeline([])).toBeUndefined();
    expect(gateTimeline([passedPreflight()])).toBeUndefined();
    const unknown = failedIntegration();
    for (const server of unknown.servers) delete server.readyMs;
    for (const table of unknown.cleanup?.tables ?? []) delete table.oldest;
    const labels = gateTimeline([unknown])?.lanes.map(({ label }) => label);
    expect(labels).toEqual(["Integration on staging", "npm run test:integration -- --reporter=json", "deletion of test data"]);
    expect(gateTimeline([{ ...passedPreflight(), startedAt: "yesterday" }, degradedSmoke(), dryCleanup()])?.lanes).toHaveLength(
      3,
    );
  });
});

describe("latencies", () => {
  test("stand on a scale of their own, with the limit if there is one", () => {
    const [sql, ping] = latencyChart(degradedSmoke().checks)?.rows ?? [];
    const end = 260 * 1.06;
    expect(sql).toMatchObject({ label: "Databricks SELECT", verdict: "degraded", text: "84 · 171 · 260 ms" });
    expect(
      Object.fromEntries(sql?.marks.filter(({ what }) => what !== "sample").map(({ what, at }) => [what, at * end]) ?? []),
    ).toEqual({
      p50: 84,
      p95: 171,
      slowest: 260,
    });
    expect(sql?.limit).toEqual({ at: 100 / end, text: "limit 100 ms" });
    expect(ping).toMatchObject({ label: "Redis PING" });
    expect(ping?.limit).toBeUndefined();
  });

  test("show each sample, and the band of earlier runs beside the limit", () => {
    const [check] = degradedSmoke().checks;
    if (!check) throw new Error("the sample has checks");
    const latency = { count: 3, p50: 20, p95: 40, max: 40, samples: [10, 20, 40], limit: 100 };
    const earlier = { of: "api.health", runs: 4, p50: 25, p95: 50 };
    const checks = [
      { ...check, id: "api.health", latency },
      { ...check, id: "baseline.api.health", latency: undefined, earlier },
    ];
    const [row] = latencyChart(checks as never)?.rows ?? [];
    const end = 106;
    expect(row?.marks.filter(({ what }) => what === "sample").map(({ at }) => at * end)).toEqual([10, 20, 40]);
    expect(row?.limit?.at).toBeCloseTo(100 / end);
    expect(row?.band).toMatchObject({ text: "in 4 earlier runs P50 25 ms, P95 50 ms" });
    expect([row?.band?.from, row?.band?.to].map((at) => Math.round((at ?? 0) * end))).toEqual([25, 50]);
  });

  test("a single sample is one dot", () => {
    const [check] = degradedSmoke().checks;
    if (!check) throw new Error("the sample has checks");
    const [row] = latencyChart([{ ...check, latency: { count: 1, p50: 115, p95: 115, max: 115 } }])?.rows ?? [];
    expect(row?.text).toBe("115 ms, 1 sample");
    expect(row?.marks.map(({ what }) => what)).toEqual(["p50"]);
  });

  test("are absent if no check measured any", () => {
    expect(latencyChart(failedIntegration().checks)).toBeUndefined();
    expect(
      latencyChart([{ ...degradedSmoke().checks[0], latency: { count: 0, p50: 0, p95: 0, max: 0 } }] as never),
    ).toBeUndefined();
  });
});

describe("test data", () => {
  test("is shown from its creation to what is left", () => {
    const { cleanup, books } = flakyE2e();
    if (!cleanup) throw new Error("the sample has a cleanup");
    expect(testDataChart(cleanup, books)?.steps).toEqual([
      { label: "Created", amount: "258 rows" },
      { label: "Found", amount: "31 rows, 9 keys" },
      { label: "Deleted", amount: "31 rows, 9 keys" },
      { label: "Left", amount: "0", tone: "good" },
    ]);
  });

  test("that is left or unknown is a part of its own, and never looks deleted", () => {
    const { cleanup } = failedIntegration();
    if (!cleanup) throw new Error("the sample has a cleanup");
    const row = () => testDataChart(cleanup, undefined)?.rows.find(({ label }) => label === "sessions.transcriptions");
    expect(row()).toEqual({
      label: "sessions.transcriptions",
      text: "58 of 61 deleted, 3 left",
      parts: [
        { what: "deleted", share: 58 / 144 },
        { what: "left", share: 3 / 144 },
      ],
    });
    const table = cleanup.tables.find(({ table }) => table === "sessions.transcriptions");
    delete table?.deleted;
    delete table?.left;
    expect(row()).toMatchObject({ text: "unknown of 61 deleted, unknown left", parts: [{ what: "unknown", share: 61 / 144 }] });
  });

  test("that would be deleted is only planned, and none is no chart", () => {
    const { cleanup } = dryCleanup();
    if (!cleanup) throw new Error("the sample has a cleanup");
    expect(testDataChart(cleanup, undefined)?.rows.flatMap(({ parts }) => parts.map(({ what }) => what))).toEqual([
      "planned",
      "planned",
    ]);
    expect(testDataChart({ ...cleanup, tables: [], keys: { planned: 0, samples: [] } }, undefined)).toBeUndefined();
  });
});

test("the page has every word of every chart as text, and each drawing has an alternative", () => {
  const page = toHtml(wholeGate());
  const { stages, timeline } = gateView(wholeGate());
  const charts = stages.flatMap(({ sections }) => sections.flatMap(({ chart }) => (chart ? [chart] : [])));
  expect(charts.map(({ kind }) => kind).sort()).toEqual(["dots", "dots", "flow", "flow", "flow"]);
  const shown = page.replace(/<style>.*<\/style>/s, "").replace(/<[^>]*>/g, "\n");
  const rows = [...(timeline?.lanes ?? []), ...charts.flatMap(({ rows }): readonly { label: string; text: string }[] => rows)];
  for (const { label, text } of rows) {
    expect(shown).toContain(label);
    expect(shown).toContain(text);
    expect(page).toContain(`<svg class="plot" role="img" aria-label="${label}: `);
  }
  for (const [svg] of page.matchAll(/<svg [^>]*>/g))
    expect(svg).toMatch(/aria-hidden="true"|role="img" aria-label="[^"]+"|overflow/);
});
