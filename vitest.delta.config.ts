import { defineConfig } from "vitest/config";

/** The short form is a part of the gate: in four minutes, each shape of statement that the tests have just sent. */
const isShort = process.env.DELTA_SHORT === "1";
const refereed = ["cleanup", "undo", "undo-columns", "propose", "books-figures", "exactness"];

export default defineConfig({
  test: {
    include: isShort
      ? ["test/delta/shapes.delta.test.ts"]
      : ["test/delta/**/*.delta.test.ts", ...refereed.map((name) => `test/cleanup/${name}.test.ts`)],
    globalSetup: ["test/global-setup.ts"],
    setupFiles: ["test/patterns.ts", "test/delta/setup.ts"],
    env: { DELTA: "1" },
    // One Spark needs 3 GB and both cores.
    maxWorkers: 1,
    testTimeout: 3_600_000,
    hookTimeout: 600_000,
  },
});
