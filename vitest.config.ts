import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // The long suite has a configuration of its own.
    exclude: ["test/**/*.long.test.ts"],
    globalSetup: ["test/global-setup.ts"],
    // Real servers on two cores: more workers would only make each other slow.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
