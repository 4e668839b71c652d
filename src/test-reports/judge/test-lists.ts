import { count } from "../../lib/count.ts";
import { textGlob } from "../../lib/pattern.ts";
import type { Check } from "../../model/report.ts";
import type { CrashedSuite, CriticalTests, QuarantineEntry, TestCase, TestResults } from "../../model/test-results.ts";
import { excusedFailures } from "./excused.ts";
import { checkOf, ranCount } from "./judge.ts";

/** What the configuration says about single tests. The globs match a test's file and full name. */
export interface TestLists {
  critical: readonly string[];
  /** `until` is the last day, YYYY-MM-DD in UTC. */
  quarantine: readonly { test: string; until: string; reason: string }[];
}

type Meant = (test: Pick<TestCase, "file" | "name">) => boolean;

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
      tests: { glob, total: 0, passed: 0, failed: 0, flaky: 0, skipped: 0, unknown: 0 },
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
      failures: results.failures.map((test) => (test.status === "failed" ? this.#withQuarantine(test) : test)),
      crashedSuites: results.crashedSuites.map((suite) => this.#crashWithQuarantine(suite)),
      ...(this.#critical.length > 0 ? { critical: this.#critical.map(({ tests }) => tests) } : {}),
      ...(this.#quarantine.length > 0 ? { quarantine: this.#quarantine.map(({ entry }) => entry) } : {}),
    };
  }

  #withQuarantine(test: TestCase): TestCase {
    const entry = this.#entryFor(test);
    return entry && !entry.over ? { ...test, quarantinedUntil: entry.until } : test;
  }

  /** Its file stands for its tests, none of which ran. */
  #crashWithQuarantine(suite: CrashedSuite): CrashedSuite {
    const entry = this.#entryFor({ file: suite.file, name: suite.file });
    if (!entry) return suite;
    entry.crashed = (entry.crashed ?? 0) + 1;
    return entry.over ? suite : { ...suite, quarantinedUntil: entry.until };
  }

  #entryFor(test: Pick<TestCase, "file" | "name">): QuarantineEntry | undefined {
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

/** The verdicts about single tests that the configuration names: see `TestListMatcher`. */

/** None may fail, and for each glob at least one must have run. Quarantine doesn't excuse a critical test. */
export function criticalCheck({ critical, failures }: TestResults): Check[] {
  if (!critical) return [];
  const [id, title, expected] = ["tests.critical", "Critical tests", "0 failed, none missing"] as const;
  const failed = critical.filter((tests) => tests.failed > 0);
  const unknown = critical.filter((tests) => tests.unknown > 0);
  const missing = critical.filter((tests) => ranCount(tests) === 0);
  const observed = critical.map((tests) => `${tests.glob}: ${counted(tests)}`).join("; ");
  if (failed.length + unknown.length + missing.length === 0) return [checkOf(id, title, "passed", observed, expected)];
  const known = failures.some((test) => test.quarantinedUntil !== undefined)
    ? " A quarantine does not excuse a critical test."
    : "";
  const said = [
    ...failed.map(({ glob, failed }) => `${count(failed, "critical test")} of ${glob} failed.${known}`),
    ...unknown.map((tests) => `It is unknown how ${count(tests.unknown, "critical test")} of ${tests.glob} ended.`),
    ...missing.map(
      ({ glob, skipped }) =>
        `No critical test of ${glob} ran: ${skipped > 0 ? "all of its tests were skipped" : "the glob matches no file and no name in the reports"}.`,
    ),
  ];
  return [checkOf(id, title, "failed", observed, expected, said.join(" "))];
}

function counted(tests: CriticalTests): string {
  return ranCount(tests) === 0 ? "none ran" : `${tests.passed + tests.flaky} of ${ranCount(tests)} passed`;
}

export function quarantineCheck({ quarantine }: TestResults): Check[] {
  if (!quarantine) return [];
  const [id, title, expected] = [
    "tests.quarantine",
    "Quarantine",
    "no entry has expired, matches nothing or was needed",
  ] as const;
  const judgements = quarantine.map(judgeEntry);
  const relapsed = judgements.filter(({ verdict }) => verdict === "failed");
  const noted = judgements.filter(({ verdict }) => verdict === "degraded");
  const excused = excusedFailures(quarantine) + quarantine.reduce((sum, { over, crashed = 0 }) => sum + (over ? 0 : crashed), 0);
  const observed = `${count(quarantine.length, "entry", "entries")}, ${count(excused, "failure")} excused`;
  if (relapsed.length + noted.length === 0) return [checkOf(id, title, "passed", observed, expected)];
  const message = [...relapsed, ...noted].map(({ sentence }) => sentence).join(" ");
  return [checkOf(id, title, relapsed.length > 0 ? "failed" : "degraded", observed, expected, message)];
}

function judgeEntry(entry: QuarantineEntry): { verdict: "passed" | "degraded" | "failed"; sentence: string } {
  const { test, until, reason, over, matched, failed, crashed = 0 } = entry;
  const named = `${test} (${reason})`;
  const wrong = [
    ...(failed > 0 || crashed === 0 ? [count(failed, "test")] : []),
    ...(crashed > 0 ? [count(crashed, "test file")] : []),
  ].join(" and ");
  if (over && failed + crashed > 0)
    return { verdict: "failed", sentence: `The quarantine of ${named} ended on ${until}, and ${wrong} of it still failed.` };
  if (over) return { verdict: "degraded", sentence: `The quarantine of ${named} ended on ${until}: take the entry out.` };
  if (matched + crashed === 0)
    return { verdict: "degraded", sentence: `The quarantine of ${named} matches no test that was reported: take the entry out.` };
  if (failed + crashed > 0) return { verdict: "degraded", sentence: `${wrong} of ${named} failed, quarantined until ${until}.` };
  return { verdict: "passed", sentence: "" };
}
