import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Workshop } from "./workshop.ts";

/** Needs Python 3.9 or newer with venv. */
export function makePytest(workshop: Workshop): void {
  const cwd = workshop.project("pytest");
  workshop.must(cwd, "python3", ["-m", "venv", "venv"]);
  const bin = join(cwd, "venv/bin");
  workshop.must(cwd, join(bin, "pip"), ["install", "--quiet", "--requirement", "requirements.txt"]);
  const all = ["-p", "no:cacheprovider", "--continue-on-collection-errors", "test_sessions.py", "test_broken.py"];
  for (const family of ["xunit1", "xunit2"]) {
    const xml = join(workshop.out, `pytest-${family}.xml`);
    workshop.run(cwd, join(bin, "pytest"), [...all, "-o", `junit_family=${family}`, `--junitxml=${xml}`]);
    workshop.keep(xml, `pytest/${family}.xml`);
  }
  const ctrf = join(workshop.out, "pytest.ctrf.json");
  workshop.run(cwd, join(bin, "pytest"), [...all, `--ctrf=${ctrf}`]);
  workshop.keepText(
    readFileSync(ctrf, "utf8").replace(/"(os(?:Release|Version))": ?"[^"]*"/g, '"$1": "runner"'),
    "pytest/ctrf.json",
  );
}

const gotestsum = "gotest.tools/gotestsum@v1.13.0";
const goJunitReport = "github.com/jstemmer/go-junit-report/v2@v2.1.0";

/** Needs Go 1.24 or newer. */
export function makeGo(workshop: Workshop): void {
  const cwd = workshop.project("go");
  const bin = join(workshop.out, "bin");
  for (const tool of [gotestsum, goJunitReport]) workshop.must(cwd, "go", ["install", tool], { GOBIN: bin });
  const all = join(workshop.out, "gotestsum.xml");
  workshop.run(cwd, join(bin, "gotestsum"), ["--junitfile", all, "./..."]);
  workshop.keep(all, "go/gotestsum.xml");

  const rerun = join(workshop.out, "gotestsum-rerun.xml");
  rmSync(join(cwd, "session/reconnected"));
  workshop.run(cwd, join(bin, "gotestsum"), ["--rerun-fails", "--packages=./session", "--junitfile", rerun]);
  workshop.keep(rerun, "go/gotestsum-rerun.xml");

  const xml = join(workshop.out, "go-junit-report.xml");
  const text = join(workshop.out, "go.txt");
  rmSync(join(cwd, "session/reconnected"));
  workshop.run(cwd, "sh", ["-c", `go test -v ./... >${text} 2>&1`]);
  workshop.must(cwd, join(bin, "go-junit-report"), ["-in", text, "-out", xml]);
  workshop.keep(xml, "go/go-junit-report.xml");
}

const junitToCtrf = "junit-to-ctrf@0.0.14";

/** Needs Maven 3 and Java 17. */
export function makeSurefire(workshop: Workshop): void {
  const cwd = workshop.project("maven");
  workshop.must(cwd, "mvn", ["--batch-mode", "test"]);
  for (const test of ["SessionTest", "BrokenTest"]) {
    const report = readFileSync(join(cwd, `target/surefire-reports/TEST-com.classwaves.${test}.xml`), "utf8");
    workshop.keepText(report, `surefire/${test}.xml`);
  }
  // As in projects whose runner has no CTRF reporter.
  workshop.must(cwd, "npm", ["install", "--prefix", "converter", "--no-audit", "--no-fund", junitToCtrf]);
  const xml = "target/surefire-reports/TEST-com.classwaves.SessionTest.xml";
  workshop.must(cwd, "node", ["converter/node_modules/junit-to-ctrf/dist/cli.js", xml, "--output", "ctrf.json"]);
  workshop.keep(join(cwd, "ctrf.json"), "surefire/SessionTest.ctrf.json");
}

const gradleLibraries = ["junit:junit:4.13.2", "org.hamcrest:hamcrest-core:1.3"];

/** Needs Gradle 4 (Debian's package) or newer, Java 17, and Maven 3, which downloads the libraries with its own settings. */
export function makeGradle(workshop: Workshop): void {
  const cwd = workshop.project("gradle");
  for (const library of gradleLibraries)
    workshop.must(cwd, "mvn", [
      "--batch-mode",
      "dependency:copy",
      `-Dartifact=${library}`,
      `-DoutputDirectory=${join(cwd, "lib")}`,
    ]);
  // A daemon would keep running after the script, and keep the folder open.
  workshop.must(cwd, "gradle", ["--offline", "--no-daemon", `--gradle-user-home=${join(workshop.out, "gradle-home")}`, "test"]);
  for (const test of ["GroupTest", "BrokenTest", "LeftOverTest", "UnloadableTest"]) {
    const report = readFileSync(join(cwd, `build/test-results/test/TEST-com.classwaves.${test}.xml`), "utf8");
    workshop.keepText(withoutMachinery(report), `gradle/${test}.xml`);
  }
}

/** Gradle cannot leave internal calls of Java, JUnit and itself out of a stack: forty lines that change with every version. */
function withoutMachinery(report: string): string {
  return report.replace(/^\tat (?!com\.classwaves)[^\n]*\n/gm, "");
}
