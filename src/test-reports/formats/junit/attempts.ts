import { mostWholeTests } from "../../../model/test-results.ts";
import { type Findings, passedLaterMessage, type ReportedTest, shortMessageOf } from "../../reported.ts";

/**
 * Some runners write every attempt of a test as a test of its own, and pytest-rerunfailures writes all but the last as if they had
 * passed. Tests of one suite with equal names are attempts if the header counts fewer tests than are described, or if pytest wrote
 * them: there a name is unique. Where that can't be told, the worse holds: no failed test is lost, and of attempts none counts as
 * passed.
 */

/** One test element, without what it is called. Its failure may be in another file. */
export type Attempt = Omit<ReportedTest, "titles" | "project">;

/** What a test is called. Tests of one suite in different lines are never the same. */
export interface Identity {
  titles: readonly string[];
  file: string | undefined;
  project: string | undefined;
  line: string | undefined;
}

/** The tests of equal names in one suite, in their order. */
export interface SameName {
  name: Identity;
  attempts: Attempt[];
}

/**
 * - `tests`: each is a test.
 * - `attempts`: they may be attempts. Each failed one stays a failed test, and the others are attempts of it.
 * - `marked`: the same, but the tool marks failed attempts: without any, it passed each time.
 * - `one`: they are surely attempts of one test.
 * - `pytest`: the same; a failed test and its failed teardown are one attempt, written twice.
 * - `pytest apart`: `attempts`, with this in mind.
 * - `pytest in order`: attempts up to a failed one, which is the last of a test.
 */
export type Reading = "tests" | "attempts" | "marked" | "one" | "pytest" | "pytest apart" | "pytest in order";

/**
 * Collects the tests of one suite until it ends, because later ones may be attempts of the same. Of a test that passed, little is
 * kept: its name, in a copy that doesn't hold the chunk of the report that it comes from, and its time.
 */
export class SuiteTests {
  /** Most tests passed at once: of them only the time is kept. */
  readonly #byName = new Map<string, number | Attempt | Attempt[]>();
  readonly #keys = new Keys();
  #failures = 0;
  count = 0;

  get names(): number {
    return this.#byName.size;
  }

  add(identity: Identity, attempt: Attempt): void {
    const name = this.#keys.of(identity);
    const kept = this.#short(attempt);
    const before = this.#byName.get(name);
    if (before === undefined) this.#byName.set(name, isPlain(kept) ? kept.durationMs : kept);
    else if (Array.isArray(before)) before.push(kept);
    else this.#byName.set(name, [whole(before), kept]);
    this.count++;
  }

  /** Hands over all tests and forgets them. */
  drain(single: (test: ReportedTest) => void, several: (tests: SameName) => void): void {
    for (const [name, attempts] of this.#byName) {
      if (Array.isArray(attempts)) several({ name: this.#keys.identity(name), attempts });
      else single(testOf(this.#keys.identity(name), attempts));
    }
    this.#byName.clear();
  }

  #short(attempt: Attempt): Attempt {
    if (attempt.message === undefined) return attempt;
    const { message, stack, ...rest } = attempt;
    if (this.#failures++ < mostWholeTests) return structuredClone(attempt);
    return { ...rest, message: structuredClone(shortMessageOf(message)) };
  }
}

function isPlain({ status, attempts, file, line }: Attempt): boolean {
  return status === "passed" && attempts === 1 && file === undefined && line === undefined;
}

function whole(attempt: number | Attempt): Attempt {
  return typeof attempt === "number" ? { status: "passed", durationMs: attempt, attempts: 1 } : attempt;
}

/** XML cannot contain it. */
const separator = "\0";

/** Identities as texts. The test before is mostly of the same file and class, so that only the last title is different. */
class Keys {
  #before: Identity = { titles: [], file: undefined, project: undefined, line: undefined };
  /** What the key of the test before begins with: all but the last title. */
  #begin = "";

  of(identity: Identity): string {
    if (!isBeside(identity, this.#before)) {
      const { titles, file, project, line } = identity;
      this.#begin = [project ?? "", file ?? "", line ?? "", ...titles.slice(0, -1)].join(separator);
      this.#before = identity;
    }
    // Joining makes a copy; a sum would keep its parts, and with them the chunk.
    return [this.#begin, identity.titles.at(-1)].join(separator);
  }

  identity(key: string): Identity {
    const end = key.lastIndexOf(separator);
    if (end !== this.#begin.length || !key.startsWith(this.#begin)) {
      const [project, file, line, ...titles] = key.split(separator);
      this.#begin = key.slice(0, end);
      this.#before = { titles, file: file || undefined, project: project || undefined, line };
    }
    const { titles, file, project, line } = this.#before;
    return { titles: [...titles.slice(0, -1), key.slice(end + 1)], file, project, line };
  }
}

/** Whether they differ in the last title at most. */
function isBeside({ titles, file, project, line }: Identity, other: Identity): boolean {
  return (
    file === other.file &&
    project === other.project &&
    line === other.line &&
    titles.length === other.titles.length &&
    titles.every((title, index) => title === other.titles[index] || index === titles.length - 1)
  );
}

function testOf({ titles, file, project }: Identity, attempt: number | Attempt): ReportedTest {
  const test: ReportedTest =
    typeof attempt === "number" ? { titles, status: "passed", durationMs: attempt, attempts: 1 } : { titles, ...attempt };
  if (file !== undefined && test.file === undefined) test.file = file;
  if (project !== undefined) test.project = project;
  return test;
}

/** @returns how many tests they are */
export function report({ name, attempts }: SameName, reading: Reading, findings: Findings): number {
  const tests = reading === "tests" ? attempts : read(attempts, reading);
  for (const test of tests) findings.test(testOf(name, test));
  return tests.length;
}

function read(attempts: readonly Attempt[], reading: Exclude<Reading, "tests">): Attempt[] {
  const isPytest = reading.startsWith("pytest");
  if (reading === "pytest in order") return runsUpToFailures(attempts).map((run) => joined(run, isPytest));
  const failed = isPytest ? withTeardowns(attempts.filter(isFailed)) : attempts.filter(isFailed);
  if (reading === "one" || reading === "pytest") return [joined(attempts, isPytest)];
  if (failed.length === 0) return [joined(attempts, isPytest, reading !== "marked")];
  const [first, ...others] = failed;
  const before = attempts.filter((attempt) => !isFailed(attempt));
  return first ? [joined([...before, first], isPytest), ...others] : [];
}

function runsUpToFailures(attempts: readonly Attempt[]): Attempt[][] {
  const runs: Attempt[][] = [];
  let isOver = true;
  for (const attempt of attempts) {
    // After a failed one another failed one is its teardown.
    if (isOver && !(isFailed(attempt) && runs.length > 0)) runs.push([]);
    runs.at(-1)?.push(attempt);
    isOver = isFailed(attempt);
  }
  return runs;
}

/** pytest writes the error of a teardown as a test of its own if the test failed too. */
function withTeardowns(failed: readonly Attempt[]): Attempt[] {
  const tests: Attempt[][] = [];
  for (const attempt of failed) {
    const before = tests.at(-1);
    if (before?.length === 1 && !before[0]?.errored && attempt.errored) before.push(attempt);
    else tests.push([attempt]);
  }
  return tests.map((test) => joined(test, true));
}

function isFailed({ status }: Attempt): boolean {
  return status === "failed" || status === "unknown";
}

/** One test of several attempts. A failed one decides, wherever it stands; else a skipped one that is the last. */
function joined(attempts: readonly Attempt[], isPytest: boolean, isFlaky = true): Attempt {
  const failed = attempts.filter(isFailed);
  const last = attempts.at(-1);
  const decisive =
    failed.find(({ status }) => status === "failed") ?? failed[0] ?? attempts.find(({ status }) => status === "flaky") ?? last;
  if (!decisive || attempts.length === 1) return decisive as Attempt;
  const durationMs = attempts.reduce((sum, attempt) => sum + attempt.durationMs, 0);
  const tried = isPytest ? attempts.length - Math.max(failed.length - 1, 0) : attempts.length;
  const number = attempts.reduce((sum, attempt) => sum + attempt.attempts - 1, tried);
  if (failed.length > 0) return { ...decisive, ...textsOf(failed), durationMs, attempts: number };
  if (last?.status === "skipped") return { ...last, durationMs, attempts: number };
  if (!isFlaky && decisive.status !== "flaky") return { ...decisive, durationMs, attempts: number };
  return {
    ...decisive,
    status: "flaky",
    durationMs,
    attempts: number,
    message: decisive.message ?? passedLaterMessage(number),
  };
}

function textsOf(failed: readonly Attempt[]): Pick<Attempt, "message" | "stack"> {
  const texts = (key: "message" | "stack", link: string) =>
    [...new Set(failed.slice(0, 10).map((attempt) => attempt[key] ?? ""))].filter((text) => text !== "").join(link);
  const [message, stack] = [texts("message", "\n"), texts("stack", "\n\n")];
  return { ...(message ? { message } : {}), ...(stack ? { stack } : {}) };
}
