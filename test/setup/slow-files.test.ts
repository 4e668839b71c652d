import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { slowFiles } from "../slow-files.ts";

/** The list by which the suite is divided. A name without a file would be no mistake for vitest, and its tests would run nowhere. */

test("each slow file exists, and is named once", () => {
  const missing = slowFiles.filter((file) => !existsSync(join(import.meta.dirname, "..", "..", file)));
  expect(missing).toEqual([]);
  expect(new Set(slowFiles).size).toBe(slowFiles.length);
});
