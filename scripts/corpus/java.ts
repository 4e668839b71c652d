import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Counts, lastLine, number, type Workbench } from "./workbench.ts";

/** Surefire's last line over all classes. A hook that fails is an error, of a test without a name. */
function surefireCounts(output: string): { said: string[]; counts: Counts } {
  const said = lastLine(output, /^\[\w+\] Tests run: \d+, Failures: \d+, Errors: \d+, Skipped: \d+(?:, Flakes: \d+)?$/);
  const [run, failures, errors] = [number(said, /run: (\d+)/), number(said, /Failures: (\d+)/), number(said, /Errors: (\d+)/)];
  const [skipped, flaky] = [number(said, /Skipped: (\d+)/), number(said, /Flakes: (\d+)/)];
  const notPassed = failures + errors;
  return { said: [said], counts: { passed: run - notPassed - skipped - flaky, "failed+crashed": notPassed, skipped, flaky } };
}

function runSurefire(bench: Workbench, ...options: string[]): { said: string[]; counts: Counts } {
  bench.need("mvn", "maven");
  rmSync(join(bench.work, "target/surefire-reports"), { recursive: true, force: true });
  return surefireCounts(bench.must("mvn", ["--batch-mode", "test", ...options]));
}

const xml = "target/surefire-reports/TEST-*.xml";

/** With JUnit 4 or 5. */
export function makeSurefire(bench: Workbench): void {
  const tool = `Maven Surefire 3.5.4, ${bench.tool.endsWith("4") ? "JUnit 4.13.2" : "JUnit 5.14.4"}`;
  const once = runSurefire(bench);
  bench.keep("plain", once.said, { [xml]: "plain/" }, once.counts, tool);
  const again = runSurefire(bench, "-Dsurefire.rerunFailingTestsCount=2");
  // With JUnit 5 it counts a dynamic test that passes again once more for each time.
  if (bench.tool.endsWith("5")) Reflect.deleteProperty(again.counts, "passed");
  bench.keep("reruns", again.said, { [xml]: "reruns/" }, again.counts, tool);
}

/** It writes a format of its own as well. */
export function makeTestng(bench: Workbench): void {
  const tool = "Maven Surefire 3.5.4, TestNG 7.10.2";
  const { said, counts } = runSurefire(bench);
  bench.keep("Surefire's files", said, { [xml]: "surefire/" }, counts, tool);
  bench.keep("TestNG's own file", said, { "target/surefire-reports/testng-results.xml": "testng-results.xml" }, counts, tool);
}

/** Debian's Gradle 4, which has no JUnit 5. */
export function makeGradle(bench: Workbench): void {
  bench.need("mvn", "maven");
  bench.need("gradle", "gradle");
  for (const artifact of ["junit:junit:4.13.2", "org.hamcrest:hamcrest-core:1.3"])
    bench.must("mvn", [
      "--batch-mode",
      "dependency:copy",
      `-Dartifact=${artifact}`,
      `-DoutputDirectory=${join(bench.work, "lib")}`,
    ]);
  const output = bench.must("gradle", ["--offline", "--no-daemon", `--gradle-user-home=${join(bench.work, "home")}`, "test"]);
  const said = lastLine(output, /^\d+ tests? completed/);
  const [total, failed, skipped] = [
    number(said, /(\d+) tests? comp/),
    number(said, /(\d+) failed/),
    number(said, /(\d+) skipped/),
  ];
  const counts = { passed: total - failed - skipped, "failed+crashed": failed, skipped, flaky: 0 };
  bench.keep("plain", [said], { "build/test-results/test/TEST-*.xml": "plain/" }, counts, "Gradle 4.4, JUnit 4.13.2");
}
