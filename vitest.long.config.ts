import { defineConfig } from "vitest/config";

/** What takes longer than a commit should wait for: many more generated cases, and the torture of real parts. */
export default defineConfig({
  test: {
    include: [
      "test/**/*.long.test.ts",
      "test/test-reports/{memory,mutation}.test.ts",
      "test/test-reports/mutations/corpus.test.ts",
      "test/cleanup/{books,exactness,faults,ledger,repair}.test.ts",
      "test/redaction/{redactor,every-exit}.test.ts",
    ],
    globalSetup: ["test/global-setup.ts"],
    setupFiles: ["test/patterns.ts"],
    maxWorkers: 2,
    testTimeout: 1_800_000,
    hookTimeout: 120_000,
    passWithNoTests: false,
  },
});
