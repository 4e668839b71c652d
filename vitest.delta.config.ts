import { defineConfig } from "vitest/config";

/** The short form is a part of the gate: four minutes, with each shape of statement that the tests have just sent. */
const isShort = process.env.DELTA_SHORT === "1";
const refereed = isShort ? "undo-columns" : "cleanup,undo,undo-columns,propose,books-figures,exactness";

/** Runs the statements of these tests on real Spark with Delta as well, and compares: `npm run test:delta`. */
export default defineConfig({
  test: {
    include: ["test/delta/**/*.delta.test.ts", `test/cleanup/{${refereed}}.test.ts`],
    // Seven minutes, and races that only show something if they are run often.
    exclude: isShort ? ["test/delta/{classroom,conflicts,by-name}.delta.test.ts"] : [],
    globalSetup: ["test/global-setup.ts"],
    setupFiles: ["test/patterns.ts", "test/delta/setup.ts"],
    env: { DELTA: "1" },
    // One Spark needs 3 GB and both cores.
    maxWorkers: 1,
    testTimeout: 3_600_000,
    hookTimeout: 600_000,
  },
});
