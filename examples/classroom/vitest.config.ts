import { defineConfig } from "vitest/config";

/** Tests that fail on purpose, for trying out the quality gate. */
const breakages: Record<string, string> = {
  "failing-test": "tests/integration/breakages/failing.test.ts",
  "crashed-suite": "tests/integration/breakages/crashed.test.ts",
};
const asked = (process.env.CLASSROOM_BREAK ?? "").split(",").flatMap((name) => breakages[name.trim()] ?? []);

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ["tests/integration/*.test.ts", ...asked],
    // The driver is slow to load, so the files of a worker share it.
    isolate: false,
    maxWorkers: 2,
    testTimeout: 10_000,
    reporters: ["default", "json", "junit"],
    outputFile: { json: "reports/integration.json", junit: "reports/integration.xml" },
  },
});
