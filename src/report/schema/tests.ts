import { z } from "../../lib/zod.ts";

/** Results of the project's own tests, and the files that failed tests left behind. */

export const pastRuns = z.strictObject({
  runs: amount("Earlier runs that were counted: the newest ones, at most 20."),
  failed: amount("In how many of them it failed."),
  flaky: amount("In how many of them it was flaky. Absent if in none.").optional(),
  atLeast: z.literal(true).optional().meta({
    description: "Some of the earlier runs are known only in part, so each number may be larger.",
  }),
  known: amount("All earlier runs that were looked at."),
  inARow: z
    .strictObject({
      runs: amount("How many."),
      since: instant("When the first of them ended."),
      orEarlier: z.literal(true).optional().meta({ description: "It is not known whether it failed in the run before as well." }),
    })
    .optional()
    .meta({ description: "Runs of this branch right before this one in which it failed. Absent if there are none." }),
  lastFailed: z
    .strictObject({ at: instant("When that run ended."), runsSince: amount("How many runs there were since.") })
    .optional()
    .meta({ description: "The last earlier run in which it failed. Absent if there is none." }),
  onDefault: z
    .strictObject({ branch: text("Name of the default branch."), at: instant("When that run ended.") })
    .optional()
    .meta({ description: "The newest run of the default branch, if it failed there as well and this run is on another branch." }),
});

const testCase = z.strictObject({
  name: text("Full name, including its `describe` blocks."),
  status: oneOf(
    ["passed", "failed", "flaky", "skipped", "unknown"],
    "Result of the test. `flaky`: passed only after a retry. `unknown`: the test report uses a word that is not known.",
  ),
  durationMs: measure("How long the test took, in milliseconds."),
  file: text("File of the test, relative to the workspace if possible. Absent if the report does not say.").optional(),
  line: amount("Line of the test or of its failure. Absent if the report does not say.").optional(),
  project: text("Playwright project, Maven module or similar.").optional(),
  attempts: amount("How often the test ran. 1 without retries."),
  message: text("Message of the failure. After the first 1,000 failed tests at most 300 characters.").optional(),
  stack: text("Stack of the failure. Absent after the first 1,000 failed tests.").optional(),
  errored: z.literal(true).optional().meta({
    description:
      "The test ended with an error outside of an assertion. Absent if an assertion failed, or if the report does not say.",
  }),
  quarantinedUntil: text("Last day of the test's quarantine as `YYYY-MM-DD`. Until then, its failure does not count.").optional(),
  past: pastRuns
    .optional()
    .meta({ description: "How a failed or flaky test ended in earlier runs. Absent if nothing is known." }),
});

const counts = {
  total: amount("Number of tests."),
  passed: amount("Number of tests that passed at the first attempt."),
  failed: amount("Number of tests that failed."),
  flaky: amount("Number of tests that passed only after a retry."),
  skipped: amount("Number of tests that did not run."),
  // Reports of earlier versions don't have it.
  unknown: amount("Number of tests that ran, but whose result is unknown.").default(0),
};

const crashedSuite = z.strictObject({
  file: text("Test file that could not be loaded."),
  message: text("Why it could not be loaded."),
  quarantinedUntil: text("Last day of its quarantine as `YYYY-MM-DD`. Until then, the crash does not count.").optional(),
  past: pastRuns.optional().meta({ description: "How the file ended in earlier runs. Absent if nothing is known." }),
});

const source = z.strictObject({
  file: text("File of the test report."),
  format: text("Format of the test report, such as `junit`."),
  tests: amount("Number of tests in this file."),
  declared: amount("Number of tests in the header of this file, if that is larger.").optional(),
  notes: texts("What could not be read as it was written, such as bytes that are no character. Absent if nothing.").optional(),
});

const unreadable = z.strictObject({
  file: text("File of the test report, or the glob that no file matches."),
  code: text("Code of the error, such as `EA6004`."),
  message: text("What is wrong, with the file and the position."),
  position: text("Where in the file, if known.").optional(),
  tests: amount("Number of tests that were read before. They count, but others may be missing."),
});

const criticalTests = z.strictObject({ glob: text("Glob for the file and name of critical tests."), ...counts });

const quarantineEntry = z.strictObject({
  test: text("Glob for the file and name of the tests."),
  until: text("Last day of the quarantine as `YYYY-MM-DD`, in UTC."),
  reason: text("Reason given in the configuration."),
  over: flag("The quarantine has expired, so its tests count again."),
  matched: amount("Number of tests of this run that match."),
  failed: amount("Number of matching tests that failed and that no other active entry covers."),
  crashed: amount("Number of matching test files that could not be loaded. Absent if none matches.").optional(),
});

export const tests = z
  .strictObject({
    ...counts,
    durationMs: measure("How long all tests took, in milliseconds."),
    crashedSuites: z.array(crashedSuite).meta({
      description: "Test files that could not be loaded, so that none of their tests ran.",
    }),
    failures: z.array(testCase).meta({ description: "Every failed test, and every test whose result is unknown." }),
    flakyTests: z.array(testCase).meta({ description: "Tests that passed only after a retry." }),
    slowest: z.array(testCase).meta({ description: "Slowest tests, at most ten." }),
    projects: z
      .record(z.string(), z.strictObject(counts))
      .meta({ description: "Number of tests by project. Empty if the format has no projects." }),
    files: z
      .array(z.strictObject({ file: text("File of the tests, relative to the workspace if possible."), ...counts }))
      .optional()
      .meta({
        description:
          "Number of tests by file, those with failures first, at most 1,000. Absent if the test reports name no files.",
      }),
    sources: z.array(source).meta({ description: "Test reports that were read." }),
    unreadable: z.array(unreadable).optional().meta({
      description: "Test reports that are missing or could not be read to their end. Absent if there is none.",
    }),
    disagreements: texts("Differences between two reports of one run. The worse result was used."),
    critical: z.array(criticalTests).optional().meta({ description: "Critical tests, by glob. None of them may fail." }),
    quarantine: z
      .array(quarantineEntry)
      .optional()
      .meta({ description: "Tests that are known to fail, each until a date and for a reason." }),
  })
  .meta({ description: "Results of all test reports of the stage, merged. Absent if the stage runs no tests." });

export const attachment = z.strictObject({
  file: text("Path relative to the workspace: where the file is kept, or where it was if it could not be kept."),
  bytes: amount("Size in bytes."),
  test: text("Full name of the test that left the file behind, if known.").optional(),
  binary: z.literal(true).optional().meta({
    description: "The file is neither text nor an archive of text files, so visible secrets in it are not redacted.",
  }),
  leftOut: text("Why the file was not kept.").optional(),
});

/** Value types for reports. Each field has a description, which the JSON schema and the reference show. */

export function text(description: string) {
  return z.string().meta({ description });
}

export function texts(description: string) {
  return z.array(z.string()).meta({ description });
}

export function flag(description: string) {
  return z.boolean().meta({ description });
}

/** A whole number that is not negative. */
export function amount(description: string) {
  return z.int().min(0).meta({ description });
}

/** Any number that is not negative. */
export function measure(description: string) {
  return z.number().min(0).meta({ description });
}

export function percentage(description: string) {
  return z.number().min(0).max(100).meta({ description });
}

export function instant(description: string) {
  return z.iso.datetime().meta({ description: `${description} ISO 8601 format, in UTC.` });
}

/** One of several fixed words. */
export function oneOf<const Values extends readonly [string, ...string[]]>(values: Values, description: string) {
  return z.enum(values).meta({ description });
}
