import { textGlob } from "../../lib/glob.ts";
import type { CriticalTests, QuarantineEntry, TestCase, TestResults } from "../../model/test-results.ts";

/** What the configuration says about single tests. The globs match a test's file and full name. */
export interface TestLists {
  critical: readonly string[];
  /** `until` is the last day, YYYY-MM-DD in UTC. */
  quarantine: readonly { test: string; until: string; reason: string }[];
}

type Meant = (test: TestCase) => boolean;

/**
 * Finds the tests that the configuration names while the reports are read, because afterwards the list of tests is gone. If two
 * entries quarantine a test, the one still in force counts.
 */
export class TestListMatcher {
  readonly #critical: { meant: Meant; tests: CriticalTests }[];
  /** In the order of the configuration. */
  readonly #quarantine: { meant: Meant; entry: QuarantineEntry }[];

  /** @param today YYYY-MM-DD, UTC */
  constructor({ critical, quarantine }: TestLists, today: string) {
    this.#critical = critical.map((glob) => ({
      meant: meantBy(glob),
      tests: { glob, total: 0, passed: 0, failed: 0, flaky: 0, skipped: 0 },
    }));
    this.#quarantine = quarantine.map(({ test, until, reason }) => ({
      meant: meantBy(test),
      entry: { test, until, reason, over: until < today, matched: 0, failed: 0 },
    }));
  }

  see(test: TestCase): void {
    for (const { meant, tests } of this.#critical) {
      if (!meant(test)) continue;
      tests.total++;
      tests[test.status]++;
    }
    for (const { meant, entry } of this.#quarantine) if (meant(test)) entry.matched++;
    const responsible = test.status === "failed" ? this.#entryFor(test) : undefined;
    if (responsible) responsible.failed++;
  }

  /** The results with the findings, and with each quarantined failure marked. */
  addTo(results: TestResults): TestResults {
    return {
      ...results,
      failures: results.failures.map((test) => this.#withQuarantine(test)),
      ...(this.#critical.length > 0 ? { critical: this.#critical.map(({ tests }) => tests) } : {}),
      ...(this.#quarantine.length > 0 ? { quarantine: this.#quarantine.map(({ entry }) => entry) } : {}),
    };
  }

  #withQuarantine(test: TestCase): TestCase {
    const entry = this.#entryFor(test);
    return entry && !entry.over ? { ...test, quarantinedUntil: entry.until } : test;
  }

  #entryFor(test: TestCase): QuarantineEntry | undefined {
    const entries = this.#quarantine.filter(({ meant }) => meant(test)).map(({ entry }) => entry);
    return entries.find((entry) => !entry.over) ?? entries[0];
  }
}

/** A file's glob may begin at any folder, because runners name files relative to different ones. */
function meantBy(glob: string): Meant {
  const whole = textGlob(glob);
  const fromAnyFolder = textGlob(`*/${glob}`);
  return ({ file, name }) => whole.test(name) || (file !== undefined && (whole.test(file) || fromAnyFolder.test(file)));
}
