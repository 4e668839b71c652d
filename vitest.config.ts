import { defineConfig } from "vitest/config";
import { slowFiles } from "./test/slow-files.ts";

/** Which part of the suite runs: `quick`, `slow`, or all of it. */
const { SUITE: suite } = process.env;

export default defineConfig({
  test: {
    include: suite === "slow" ? [...slowFiles] : ["test/**/*.test.ts"],
    // The long suite and the one with real Delta have configurations of their own.
    exclude: ["test/**/*.long.test.ts", "test/**/*.delta.test.ts", ...(suite === "quick" ? slowFiles : [])],
    globalSetup: ["test/global-setup.ts"],
    setupFiles: ["test/patterns.ts"],
    // Most files start real servers and wait for them: three workers leave two cores idle for a seventh of the time.
    maxWorkers: 4,
    // Nothing here changes a module for the others; starting a worker for each file takes half a minute in all.
    isolate: false,
    // They end what hangs, and measure nothing: a machine that has much else to do is no fault of what is tested.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
