/** Results of the project's own tests, as reports of many formats describe them. */

export type TestStatus = "passed" | "failed" | "flaky" | "skipped";

export interface TestCase {
  /** Full name with its describe blocks: `sessions › creates a session`. */
  name: string;
  status: TestStatus;
  durationMs: number;
  /** As the report says it, relative to the workspace where that can be told. */
  file?: string;
  line?: number;
  /** Playwright project, Maven module and the like. */
  project?: string;
  /** How often it ran; 1 without retries. */
  attempts: number;
  /** First line(s) of the failure. */
  message?: string;
  stack?: string;
  /** YYYY-MM-DD: until then its failure does not count; see `QuarantineEntry`. Absent where no entry in force means it. */
  quarantinedUntil?: string;
}

/** The tests that one glob of critical tests means. */
export interface CriticalTests extends TestCounts {
  glob: string;
}

/** Tests that are known to fail, for a time and for a reason. */
export interface QuarantineEntry {
  /** A glob over file and name. */
  test: string;
  /** YYYY-MM-DD, the last day, in UTC. */
  until: string;
  reason: string;
  /** That day is over: its tests count again. */
  over: boolean;
  /** Tests of this run that it means. */
  matched: number;
  /** Of them, those that failed, and that no other entry in force covers. */
  failed: number;
}

/** A test file that could not be loaded, so that none of its tests ran: counts as a failure, whatever the pass rate. */
export interface CrashedSuite {
  file: string;
  message: string;
}

export interface TestCounts {
  total: number;
  passed: number;
  failed: number;
  flaky: number;
  skipped: number;
}

/** What all the reports of one command said, merged. */
export interface TestResults extends TestCounts {
  durationMs: number;
  crashedSuites: CrashedSuite[];
  /** Every failed test: none is ever dropped from here. */
  failures: TestCase[];
  flakyTests: TestCase[];
  /** At most ten. */
  slowest: TestCase[];
  /** By project name; empty where the format knows no projects. */
  projects: Record<string, TestCounts>;
  /** The files read, and as what. */
  sources: { file: string; format: string; tests: number }[];
  /** Where two reports of one run disagree: what each said, and that the worse was believed. */
  disagreements: string[];
  /** By glob, in the order of the configuration; absent where none is configured. */
  critical?: CriticalTests[];
  /** In the order of the configuration; absent where none is configured. */
  quarantine?: QuarantineEntry[];
}

/** A screenshot, trace or video that a failed test left behind. */
export interface Attachment {
  /** Relative to the workspace, with slashes: where it is kept, or where it was when it could not be kept. */
  file: string;
  bytes: number;
  /** Full name, where it can be told. */
  test?: string;
  /** It is neither text nor an archive of texts, such as a picture or a video: what is seen in it is not redacted. */
  binary?: true;
  /** Why it was not kept. */
  leftOut?: string;
}
