import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { TableDefinition } from "../../local/warehouse/index.ts";
import { twoCatalogs } from "./sync-harness.ts";

const schema = JSON.parse(readFileSync("examples/classroom/schema.json", "utf8")) as Record<string, TableDefinition>;
const own = twoCatalogs(schema);

test("an empty copy is equal after one run, and the next sends nothing", async () => {
  const { result } = await own.sync();
  expect(result.steps.filter(({ outcome }) => outcome !== "done")).toEqual([]);
  expect(result.impossible).toEqual([]);
  expect(result.left).toBe(0);
  expect(own.sent()).toHaveLength(result.steps.length);
  const second = await own.sync();
  expect(second.result.steps).toEqual([]);
  expect(second.result.left).toBe(0);
  expect(own.sent()).toEqual([]);
});
