import { afterAll, beforeAll, expect, test } from "vitest";
import { type Copy, classWavesTables, openCopy } from "./seed-world.ts";

let copy: Copy;
beforeAll(async () => {
  copy = await openCopy(await classWavesTables());
});
afterAll(() => copy.close());

test("x", async () => {
  const started = performance.now();
  const result = await copy.seed({ schools: 1 });
  console.log(performance.now() - started, result, copy.sent().length);
  expect(result.tables).toHaveLength(48);
}, 100000);
