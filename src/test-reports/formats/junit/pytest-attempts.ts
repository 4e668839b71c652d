import type { CrashedSuite } from "../../../model/test-results.ts";
import { type Findings, passedLaterMessage, type ReportedTest } from "../../reported.ts";

/**
 * pytest-rerunfailures writes every attempt as a separate test, one after another, and all but the last as if they had passed.
 * Within one run of pytest a name is unique, so tests with equal names are attempts.
 */
export class PytestAttempts implements Findings {
  readonly #findings: Findings;
  /** The last test, which may be an attempt. */
  #pending: ReportedTest | undefined;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  test(test: ReportedTest): void {
    const before = this.#pending;
    // A failed test is never taken for an attempt: pytest writes a failed test with a failed teardown as two.
    if (before && (before.status === "passed" || before.status === "flaky") && isSame(before, test)) {
      this.#pending = mergedAttempts(before, test);
      return;
    }
    this.end();
    this.#pending = test;
  }

  crashed(suite: CrashedSuite): void {
    this.#findings.crashed(suite);
  }

  /** Call after the last test. */
  end(): void {
    if (this.#pending) this.#findings.test(this.#pending);
    this.#pending = undefined;
  }
}

function isSame(one: ReportedTest, other: ReportedTest): boolean {
  return one.file === other.file && one.titles.join("\0") === other.titles.join("\0");
}

function mergedAttempts(before: ReportedTest, last: ReportedTest): ReportedTest {
  const counted = { ...last, attempts: before.attempts + 1, durationMs: before.durationMs + last.durationMs };
  if (last.status !== "passed") return counted;
  return {
    ...counted,
    status: "flaky",
    message: passedLaterMessage(counted.attempts),
  };
}
