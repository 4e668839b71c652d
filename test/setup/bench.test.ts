import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { pageOf, tableOf } from "../../bench/page.ts";
import { growthOf, overBounds, type Row, ratioOf, rowIn } from "../../bench/result.ts";

/** A row whose time grows with this power of the size. */
function row(power: number, change: Partial<Row> = {}): Row {
  const points = [1_000, 4_000, 16_000].map((size) => ({
    size,
    value: 50 + (size / 1_000) ** power,
    peer: 40,
  })) as unknown as Row["points"];
  return { name: "verify", unit: "ms", sizes: "lines", peer: "sha256sum", points, ...change };
}

test("growth is the exponent, and a fixed cost does not hide that it is quadratic", () => {
  const exact = (power: number) =>
    row(power, { points: [1, 4, 16].map((size) => ({ size, value: size ** power })) as unknown as Row["points"] });
  expect(growthOf(exact(1))).toBeCloseTo(1);
  expect(growthOf(exact(2))).toBeCloseTo(2);
  expect(growthOf(row(2))).toBeGreaterThan(1.1);
  expect(
    growthOf(
      row(1, {
        points: [
          { size: 1, value: 1 },
          { size: 2, value: 9 },
        ],
      }),
    ),
  ).toBeUndefined();
});

test("what is over its bound is named, and a short run does not fail on a time", () => {
  const quadratic = row(2, {
    points: [1, 4, 16].map((size) => ({ size, value: size ** 2, peer: 40 })) as unknown as Row["points"],
  });
  expect(overBounds(quadratic, { short: true })).toEqual(["growth 2.00, at most 1.2"]);
  expect(overBounds({ ...quadratic, bounds: { growth: 2.1, ratio: 6 } }, { short: true })).toEqual(["ratio 6.40, at most 6"]);
  const slow = { ...row(1), bounds: { value: 10 } };
  expect(overBounds(slow, { short: true })).toEqual([]);
  expect(overBounds(slow, { short: false })).toEqual(["66 ms, at most 10"]);
  expect(overBounds({ ...slow, unit: "MB" }, { short: true })).toEqual(["66 MB, at most 10"]);
  expect(overBounds(row(1, { points: [{ value: Number.NaN }] }), { short: true })).toEqual(["expected a number, got NaN"]);
  expect(ratioOf(row(1))).toBeCloseTo(66 / 40);
});

test("rows are found among the other lines of a bench", () => {
  expect(rowIn("verify 61 ms")).toBeUndefined();
  expect(rowIn(JSON.stringify({ row: row(1) }))).toEqual(row(1));
});

test("the table and the page show every row, and the page also what has none and what could not run", () => {
  const finished = [
    { name: "audit", rows: [row(1, { bounds: { ratio: 1 } })], lines: [], failures: [] },
    { name: "redis", rows: [], lines: ["ours 5 s"], failures: [] },
    { name: "delta", rows: [], lines: [], failures: [], missing: "there is no Java" },
  ];
  expect(tableOf(finished, false)).toMatch(
    /^OVER +verify +1 000, 4 000, 16 000 lines +51, 54, 66 ms +40, 40, 40 ms \(sha256sum\) +1\.65 \(at most 1\)/m,
  );
  const page = pageOf(finished, { machine: "one, 2 cores", load: "0.1", commit: "0123456789", date: "2026-11-23" });
  expect(page).toContain("| Machine | one, 2 cores |");
  expect(page).toContain("| **over its bound:** verify | 1 000, 4 000, 16 000 lines |");
  expect(page).toContain("```text\nours 5 s\n```");
  expect(page).toContain("- delta: there is no Java");
});

test("every bench says how to run it alone", () => {
  const folder = join(import.meta.dirname, "..", "..", "bench");
  const helpers = /const helpers = (\[.*?\]);/s.exec(readFileSync(join(folder, "main.ts"), "utf8"))?.[1]?.replace(/,\s*\]/, "]");
  const files = readdirSync(folder).filter(
    (file) => !(JSON.parse(helpers ?? "[]") as string[]).includes(file.replace(".ts", "")),
  );
  expect(files.length).toBeGreaterThan(8);
  for (const file of files)
    expect(readFileSync(join(folder, file), "utf8").replace(/\s+\*?\s*/g, " "), file).toContain(`node bench/${file}`);
});
