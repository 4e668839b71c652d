import { readFileSync } from "node:fs";
import { openReader } from "../../../src/warehouse/access.ts";
import type { WarehouseSettings } from "../../../src/warehouse/connection.ts";

/**
 * A process that reads the copy's tables again and again: `node reader.ts FILE`. It prints a line for each failure and each table
 * that was neither of one generation nor of one size, and at the end, when its input ends, how often it read.
 */

const { settings, tables } = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as {
  settings: WarehouseSettings;
  tables: string[];
};
const reader = await openReader(settings, { signal: new AbortController().signal });
let ended = false;
process.stdin.on("end", () => {
  ended = true;
});
process.stdin.resume();
console.log("reading");
const sizes = new Map<string, number>();
const seen = new Map<string, Set<number>>();
let reads = 0;
while (!ended) {
  for (const table of tables) {
    try {
      const [row] = await reader.query(
        `SELECT count(*) AS n, min(generation) AS low, max(generation) AS high FROM staging.${table}`,
      );
      reads++;
      const [n, low, high] = [row?.n, row?.low, row?.high].map(Number) as [number, number, number];
      const generations = seen.get(table) ?? new Set();
      seen.set(table, generations.add(low));
      if (low !== high || n !== (sizes.get(table) ?? n)) console.log(`half: ${table} ${n} rows of ${low} to ${high}`);
      sizes.set(table, n);
    } catch (error) {
      console.log(`failed: ${table} ${String(error)}`);
    }
  }
}
const most = Math.max(...[...seen.values()].map((generations) => generations.size));
console.log(JSON.stringify({ reads, generations: most }));
process.exit(0);
