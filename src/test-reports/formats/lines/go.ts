import { type Findings, messageOf, type ReportedTest, UnreadableReport } from "../../reported.ts";
import type { TextFormat } from "../format.ts";
import { buildMessage, packageMessage, troubleOf } from "./go-output.ts";
import { eachObject, firstObject, numberIn, textIn } from "./lines.ts";
import { Output } from "./output.ts";

/**
 * The events of `go test -json` (`go doc test2json`). Like gotestsum, it counts a test with subtests as a test, too. A test that
 * gotestsum runs again, when its package has ended, is an attempt of the same one. With `-count=2` it runs twice before its package
 * ends: that is no second attempt, so a failure stays one.
 */
export const go: TextFormat = {
  syntax: "text",
  writers: ["go test -json"],
  recognise,
  read,
};

function recognise(start: string): string | undefined {
  const first = firstObject(start);
  if (!first || textIn(first, "Action") === undefined) return undefined;
  return textIn(first, "Package") !== undefined || textIn(first, "ImportPath") !== undefined ? "go-json" : undefined;
}

async function read(file: string, text: AsyncIterable<string>, findings: Findings): Promise<void> {
  const reader = new GoReader(file, findings);
  await eachObject(
    file,
    text,
    (event, line) => reader.event(event, line),
    (line) => reader.text(line),
  );
  reader.end();
}

/** How a test ended, if it did not simply pass. */
interface Ended {
  status: "passed" | "failed" | "flaky" | "skipped";
  attempts: number;
  durationMs: number;
  trouble: ReturnType<typeof troubleOf> | undefined;
}

interface Package {
  name: string;
  /** The output of tests that began and did not end yet. */
  open: Map<string, Output>;
  /** A number is the duration of a test that passed at once: most do, and each takes memory until its package ends. */
  done: Map<string, Ended | number>;
  output: Output;
  ended: boolean;
  /** Failed tests since it began. */
  failed: number;
  /** Their names. */
  failedNow: Set<string>;
  /** The tests with a subtest that failed. */
  failedAbove: Set<string>;
  /** Its tests may be run again later. */
  repeatable: boolean;
  crashed: boolean;
}

class GoReader {
  readonly #file: string;
  readonly #findings: Findings;
  readonly #packages = new Map<string, Package>();
  readonly #builds = new Map<string, Output>();
  readonly #failedBuilds = new Set<string>();
  /** What other programs printed: compilers did so before Go 1.24. */
  readonly #said = new Output();

  constructor(file: string, findings: Findings) {
    this.#file = file;
    this.#findings = findings;
  }

  text(line: string): void {
    this.#said.add(`${line}\n`);
  }

  event(event: object, line: number): void {
    const [action, name] = [textIn(event, "Action"), textIn(event, "Package")];
    if (action === undefined) {
      // A program that logs in JSON.
      if (name === undefined) return;
      throw new UnreadableReport("EA6004", this.#file, "damaged: expected an event with an Action", `line ${line}`);
    }
    if (name === undefined) this.#build(action, event);
    else this.#inPackage(this.#package(name), action, event);
  }

  #build(action: string, event: object): void {
    const path = textIn(event, "ImportPath");
    if (path === undefined) return;
    if (action === "build-output") {
      const output = this.#builds.get(path) ?? new Output();
      this.#builds.set(path, output);
      output.add(textIn(event, "Output") ?? "");
    } else if (action === "build-fail") this.#failedBuilds.add(path);
  }

  #package(name: string): Package {
    const known = this.#packages.get(name);
    if (known) {
      known.ended = false;
      return known;
    }
    const added = {
      name,
      open: new Map<string, Output>(),
      done: new Map<string, Ended | number>(),
      output: new Output(),
      ended: false,
      failed: 0,
      failedNow: new Set<string>(),
      failedAbove: new Set<string>(),
      repeatable: false,
      crashed: false,
    };
    this.#packages.set(name, added);
    return added;
  }

  #inPackage(of: Package, action: string, event: object): void {
    const test = textIn(event, "Test");
    const ends = action === "pass" || action === "fail" || action === "skip";
    if (test === undefined) {
      if (action === "output") of.output.add(textIn(event, "Output") ?? "");
      else if (ends) this.#endPackage(of, action, textIn(event, "FailedBuild"));
      return;
    }
    if (action === "run") {
      // Each run of a test waits for the one before.
      if (of.open.has(test)) endTest(of, test, "unended", 0);
      of.open.set(test, new Output());
    }
    if (action === "output") (of.open.get(test) ?? of.output).add(textIn(event, "Output") ?? "");
    else if (ends || action === "bench") endTest(of, test, action === "bench" ? "pass" : action, numberIn(event, "Elapsed") ?? 0);
  }

  #endPackage(of: Package, action: "pass" | "fail" | "skip", failedBuild: string | undefined): void {
    for (const [test, output] of [...of.open]) {
      // Go says only in the output that a benchmark ended.
      const isBenchmark = test.startsWith("Benchmark") && (action === "pass" || output.text().includes("ns/op"));
      endTest(of, test, isBenchmark ? "pass" : "unended", 0);
    }
    if (action === "fail") of.repeatable = true;
    if (action === "fail" && of.failed === 0 && !of.crashed) {
      of.crashed = true;
      this.#findings.crashed({ file: of.name, message: messageOf(this.#crashMessage(of, failedBuild)) });
    }
    if (failedBuild !== undefined) this.#failedBuilds.delete(failedBuild);
    of.ended = true;
    of.failed = 0;
    of.failedNow.clear();
    of.output = new Output();
    if (!of.repeatable) this.#report(of);
  }

  #crashMessage({ name, output }: Package, failedBuild: string | undefined): string {
    const build = failedBuild === undefined ? undefined : this.#builds.get(failedBuild);
    return (build && buildMessage(build.text())) || packageMessage(name, output.text(), this.#said.text());
  }

  #report({ name, done }: Package): void {
    for (const [test, ended] of done) this.#findings.test(reported(name, test, ended));
    done.clear();
  }

  end(): void {
    let open: string | undefined;
    for (const of of this.#packages.values()) {
      if (!of.ended) {
        open ??= of.name;
        for (const test of [...of.open.keys()]) endTest(of, test, "unended", 0);
      }
      this.#report(of);
    }
    for (const path of this.#failedBuilds)
      this.#findings.crashed({
        file: path,
        message: messageOf(buildMessage(this.#builds.get(path)?.text() ?? "") || "the build failed"),
      });
    // What a build says comes before its package.
    if (this.#packages.size === 0 && this.#failedBuilds.size === 0 && this.#builds.size > 0)
      throw new UnreadableReport("EA6004", this.#file, "truncated: a package was built, and no package was tested");
    if (open !== undefined) throw new UnreadableReport("EA6004", this.#file, `truncated: the package ${open} has no end`);
  }
}

function reported(name: string, test: string, ended: Ended | number): ReportedTest {
  const titles = [name, test];
  if (typeof ended === "number") return { titles, status: "passed", durationMs: ended, attempts: 1 };
  const { trouble, ...rest } = ended;
  return { titles, ...rest, ...(ended.status === "failed" || ended.status === "flaky" ? trouble : {}) };
}

/** Joins this attempt of a test with those before: it is flaky if it failed before and passed last. */
function endTest(of: Package, test: string, action: "pass" | "fail" | "skip" | "unended", elapsed: number): void {
  const output = of.open.get(test);
  of.open.delete(test);
  const durationMs = Math.max(elapsed, 0) * 1_000;
  const before = of.done.get(test);
  if (action === "pass" && before === undefined) {
    of.done.set(test, durationMs);
    return;
  }
  const earlier: Ended | undefined =
    typeof before === "number" ? { status: "passed", attempts: 1, durationMs: before, trouble: undefined } : before;
  const fails = action === "fail" || action === "unended";
  if (fails) {
    of.failed++;
    of.failedNow.add(test);
    of.repeatable = true;
    const outer = test.lastIndexOf("/");
    if (outer > 0) of.failedAbove.add(test.slice(0, outer));
  }
  of.done.set(test, {
    status: fails || of.failedNow.has(test) ? "failed" : statusAfter(earlier?.status, action),
    attempts: (earlier?.attempts ?? 0) + 1,
    durationMs: (earlier?.durationMs ?? 0) + durationMs,
    trouble: fails ? troubleOf(of.name, output?.text() ?? "", reasonOf(of, test, action)) : earlier?.trouble,
  });
}

/** Why it failed, if it does not say. */
function reasonOf(of: Package, test: string, action: "fail" | "unended"): string {
  if (action === "unended") return "it did not end: the test program ended before";
  return of.failedAbove.has(test) ? "a subtest failed" : "the report gives no message";
}

function statusAfter(before: Ended["status"] | undefined, action: "pass" | "skip"): Ended["status"] {
  const hasFailed = before === "failed" || before === "flaky";
  if (action === "pass") return hasFailed ? "flaky" : "passed";
  return before ?? "skipped";
}
