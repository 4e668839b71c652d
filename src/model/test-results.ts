import type { PastRuns } from "./past.ts";

/** Results of the project's own tests, in a form independent of the report's format. */

/** `unknown`: the report uses a word that is not known, so it is unknown how the test ended. It never counts as passed. */
export type TestStatus = "passed" | "failed" | "flaky" | "skipped" | "unknown";

/**
 * Of so many failed tests, and so many flaky ones, a report has everything that it knows. The others have no stack, and a short
 * message: people don't read more, and memory must not grow.
 */
export const mostWholeTests = 1_000;
/** The characters of such a message. */
export const shortMessage = 300;

/**
 * A test as results list it: what all reports of the run say of it together, with its file in the workspace. The stage's report,
 * summaries and annotations show it as it is.
 */
export interface TestCase {
  /** The full name with its describe blocks: `sessions › creates a session`. */
  name: string;
  status: TestStatus;
  durationMs: number;
  /** The path in the report, relative to the workspace if possible. */
  file?: string;
  line?: number;
  /** The Playwright project, Maven module or similar. */
  project?: string;
  /** Number of attempts; 1 without retries. */
  attempts: number;
  /** The first lines of the failure. */
  message?: string;
  stack?: string;
  /** It ended with an error outside of an assertion, such as JUnit's `<error>`. Only of a failed test, and only if the report says it. */
  errored?: true;
  /**
   * YYYY-MM-DD: the last day on which its failure does not count; see `QuarantineEntry`. Absent if no active entry matches it.
   */
  quarantinedUntil?: string;
  /** How it ended in earlier runs. Only of failed and flaky tests; absent if nothing is known. */
  past?: PastRuns;
}

/** The tests that match one glob of critical tests. */
export interface CriticalTests extends TestCounts {
  glob: string;
}

/** Tests that are known to fail, with a reason and an end date. */
export interface QuarantineEntry {
  /** A glob over file and name. */
  test: string;
  /** YYYY-MM-DD, the last day, in UTC. */
  until: string;
  reason: string;
  /** The last day has passed, so the tests count again. */
  over: boolean;
  /** Number of this run's tests that match. */
  matched: number;
  /** How many of them failed and are covered by no other active entry. */
  failed: number;
  /** The same for crashed suites; absent if none matches. */
  crashed?: number;
}

/** A test file that could not be loaded, so none of its tests ran. Counts as a failure, whatever the pass rate. */
export interface CrashedSuite {
  file: string;
  message: string;
  /** Like those of a test. */
  quarantinedUntil?: string;
  past?: PastRuns;
}

export interface TestCounts {
  total: number;
  passed: number;
  failed: number;
  flaky: number;
  skipped: number;
  /** They ran, but did not pass for sure. */
  unknown: number;
}

/** The tests of one file. */
export interface FileCounts extends TestCounts {
  file: string;
}

/** A test report that was read. */
export interface TestSource {
  file: string;
  format: string;
  /** The number of tests that it describes. */
  tests: number;
  /** The number of tests in its header, if that is larger. */
  declared?: number;
  /** What could not be read as it was written, such as bytes that are no character. Absent if nothing. */
  notes?: string[];
}

/** A report that is missing, or could not be read to its end. */
export interface UnreadableSource {
  /** As in `TestSource`; the glob if no file matched it. */
  file: string;
  /** Such as `EA6004`. */
  code: string;
  /** What is wrong, with the file and the position. */
  message: string;
  /** `line 3, column 14`, `byte 4096` or `testResults[3].status`, if known. */
  position?: string;
  /** The number of tests that were read before. They count, but others may be missing. */
  tests: number;
}

/** The test reports of one command, merged: `tests` in the report of the stage, which its checks judge and people read. */
export interface TestResults extends TestCounts {
  durationMs: number;
  crashedSuites: CrashedSuite[];
  /** Every failed test and every test with an unknown result, see its status; the list is never shortened. */
  failures: TestCase[];
  flakyTests: TestCase[];
  /** At most ten tests. */
  slowest: TestCase[];
  /** By project name; empty if the format has no projects. */
  projects: Record<string, TestCounts>;
  /** By file, those with failures first, at most 1,000; absent if the reports name no files, and in older reports. */
  files?: FileCounts[];
  /** The files that were read, and their formats. */
  sources: TestSource[];
  /** Reports that are missing or broken: failures in them may be unknown. Absent if there is none. */
  unreadable?: UnreadableSource[];
  /** Contradictions between reports of one run: what each says, and that the worse result counts. */
  disagreements: string[];
  /** By glob, in the order of the configuration; absent if none is configured. */
  critical?: CriticalTests[];
  /** In the order of the configuration; absent if none is configured. */
  quarantine?: QuarantineEntry[];
}

/** A screenshot, trace or video from a failed test. */
export interface Attachment {
  /** Relative to the workspace, with slashes: where the copy is, or where the file was if it could not be copied. */
  file: string;
  bytes: number;
  /** The test's full name, if known. */
  test?: string;
  /** Neither text nor an archive of texts, such as a picture or video. Visible secrets in it cannot be redacted. */
  binary?: true;
  /** Why it was not kept. */
  leftOut?: string;
}
