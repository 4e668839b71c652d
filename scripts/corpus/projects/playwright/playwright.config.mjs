export default { testMatch: "*.pw.mjs", retries: 1, workers: 1, outputDir: "output" };
