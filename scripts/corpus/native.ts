import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Counts, lastLine, number, type Workbench } from "./workbench.ts";

/** The lines of `go test -v`, one for each test and subtest. A test that misleads prints another. */
function goCounts(verbose: string): { said: string[]; counts: Counts } {
  const lines = (pattern: RegExp) => verbose.split("\n").filter((line) => pattern.test(line));
  const [passed, failed, skipped] = [lines(/^ *--- PASS: /), lines(/^ *--- FAIL: /), lines(/^ *--- SKIP: /)];
  const name = (line: string) => /: (\S+)/.exec(line)?.[1];
  const misleading = passed.filter((line) => failed.some((other) => name(other) === name(line))).length;
  return {
    said: [
      ...lines(/^(?:FAIL|ok {2})\t/),
      `${passed.length} × --- PASS, ${failed.length} × --- FAIL, ${skipped.length} × --- SKIP`,
    ],
    counts: { passed: passed.length - misleading, failed: failed.length, skipped: skipped.length },
  };
}

/** gotestsum runs `go test -json` and keeps what it wrote. */
export function makeGo(bench: Workbench): void {
  bench.need("go");
  const tools = ["gotest.tools/gotestsum@v1.13.0", "github.com/jstemmer/go-junit-report/v2@v2.1.0"];
  const bin = bench.programs("go", (folder) => {
    for (const tool of tools) bench.must("go", ["install", tool], { GOBIN: folder });
  });
  const fresh = () => rmSync(join(bench.work, "rooms/reconnected"), { force: true });
  for (const [name, packages] of Object.entries({ plain: "./...", rooms: "./rooms" })) {
    fresh();
    const { text } = bench.run("go", ["test", "-v", packages]);
    const { said, counts } = goCounts(text);
    // Packages that cannot be built, or end before their tests.
    Object.assign(counts, name === "plain" ? { crashed: 2 } : { crashed: 0 });
    writeFileSync(join(bench.work, "go.txt"), text);
    bench.must(join(bin, "go-junit-report"), ["-in", "go.txt", "-out", "go-junit-report.xml"]);
    const converted = { "go-junit-report.xml": `${name}.go-junit-report.xml` };
    bench.keep(
      `${name}, go-junit-report`,
      said,
      converted,
      name === "plain" ? { failed: counts.failed ?? 0, "crashed>": 0 } : counts,
      "go-junit-report 2.1.0",
    );
    fresh();
    bench.run(join(bin, "gotestsum"), ["--jsonfile=go.json", "--junitfile=go.xml", packages]);
    bench.keep(`${name}, JSON lines`, said, { "go.json": `${name}.jsonl` }, counts, "go test -json");
    bench.keep(`${name}, JUnit`, said, { "go.xml": `${name}.xml` }, counts, "gotestsum 1.13.0");
  }
  fresh();
  const { text } = bench.run(join(bin, "gotestsum"), [
    "--jsonfile=go.json",
    "--junitfile=go.xml",
    "--rerun-fails=2",
    "--packages=./rooms",
  ]);
  const said = lastLine(text, /^DONE /);
  // Of the tests that failed at first, one passes the second time. With `-count=2` the same would be a failure, and look the same.
  const { counts } = goCounts(bench.run("go", ["test", "-v", "./rooms"]).text);
  const again = {
    // gotestsum itself counts an attempt as a test.
    "passed>": (counts.passed ?? 0) - 2,
    "passed<": (counts.passed ?? 0) + 1,
    skipped: counts.skipped ?? 0,
    "failed>": (counts.failed ?? 0) - 1,
    "failed+flaky>": counts.failed ?? 0,
  };
  bench.keep("reruns, JSON lines", [said], { "go.json": "reruns.jsonl" }, again, "go test -json");
  bench.keep("reruns, JUnit", [said], { "go.xml": "reruns.xml" }, again, "gotestsum 1.13.0");
}

export function makeCatch2(bench: Workbench): void {
  bench.needFile("/usr/include/catch2/catch.hpp", "catch2");
  bench.need("g++", "g++");
  for (const name of ["rooms", "sections"]) {
    bench.must("g++", ["-std=c++17", "-O0", "-o", name, `${name}.cpp`]);
    const said = lastLine(bench.run(`./${name}`, []).text, /^test cases: /);
    const expected = number(said, /(\d+) failed as expected/);
    const failed = number(said, /(\d+) failed(?! as)/);
    bench.run(`./${name}`, ["-r", "junit", "-o", "junit.xml"]);
    // It describes each section as a test, and only sections with assertions, so that passed ones are more than the cases. A test
    // that may fail is written like any other that failed.
    const counts: Counts =
      name === "rooms" ? { passed: number(said, /(\d+) passed/), "failed+skipped": failed + expected } : { failed };
    bench.keep(name, [said], { "junit.xml": `${name}.xml` }, counts, "Catch2 2.13");
  }
}

export function makeDoctest(bench: Workbench): void {
  bench.needFile("/usr/include/doctest/doctest.h", "doctest-dev");
  bench.must("g++", ["-std=c++17", "-O0", "-o", "rooms", "doctest.cpp"]);
  const said = lastLine(bench.run("./rooms", []).text, /^\[doctest\] test cases:/);
  bench.run("./rooms", ["-r=junit", "-o=junit.xml"]);
  // A test that may fail is counted as passed, and described like any other that failed.
  const [passed, failed] = [number(said, /(\d+) passed/), number(said, /(\d+) failed/)];
  bench.keep(
    "plain",
    [said],
    { "junit.xml": "junit.xml" },
    { "failed+skipped+passed": passed + failed, "failed>": failed - 1 },
    "doctest 2.4",
  );
}

export function makeGoogletest(bench: Workbench): void {
  bench.needFile("/usr/include/gtest/gtest.h", "libgtest-dev");
  bench.must("g++", ["-std=c++17", "-O0", "-o", "rooms", "rooms.cpp", "-lgtest", "-lgtest_main", "-lpthread"]);
  const { text } = bench.run("./rooms", ["--gtest_output=xml:gtest.xml"]);
  const passed = lastLine(text, /^\[ {2}PASSED {2}\] \d+ tests?/);
  const failed = lastLine(text, /^ *\d+ FAILED TESTS?$/);
  const suites = lastLine(text, /^ *\d+ FAILED TEST SUITES?$/);
  const skipped = lastLine(text, /^\[ {2}SKIPPED \] \d+ test/);
  const disabled = lastLine(text, /YOU HAVE \d+ DISABLED TEST/);
  const n = (line: string) => number(line, /(\d+)/);
  // A suite whose set-up fails leaves no trace in the report but that its tests are skipped.
  const counts = {
    passed: n(passed),
    failed: n(failed),
    skipped: n(skipped) + n(disabled),
    flaky: 0,
  };
  bench.keep("plain", [passed, skipped, failed, suites, disabled], { "gtest.xml": "junit.xml" }, counts, "GoogleTest");
}

export function makeCtest(bench: Workbench): void {
  bench.need("cmake", "cmake");
  const tool = bench.must("ctest", ["--version"]).split("\n")[0] ?? "";
  bench.must("cmake", ["-S", ".", "-B", "build"]);
  const { text } = bench.run("ctest", ["--test-dir", "build", "--output-junit", join(bench.work, "junit.xml")]);
  const said = lastLine(text, /tests passed, \d+ tests? failed out of \d+/);
  const [failed, ran] = [number(said, /(\d+) tests? failed/), number(said, /out of (\d+)/)];
  // Disabled tests are not among those that ran.
  const skipped = [...text.matchAll(/^\s+\d+ - \S+ \(Skipped\)$/gm)].length;
  const disabled = [...text.matchAll(/^\s+\d+ - \S+ \(Disabled\)$/gm)].length;
  const counts = { passed: ran - failed - skipped, "failed+crashed": failed, skipped: skipped + disabled, flaky: 0 };
  bench.keep("plain", [said], { "junit.xml": "junit.xml" }, counts, tool);
}

export function makeNextest(bench: Workbench): void {
  bench.need("cargo");
  const folder = bench.programs("nextest", (root) => {
    bench.must("cargo", ["install", "cargo-nextest", "--locked", "--no-default-features", "--root", root]);
  });
  const env = { PATH: `${join(folder, "bin")}:${process.env.PATH}` };
  const { text } = bench.run("cargo", ["nextest", "run", "--profile", "ci", "--color", "never"], env);
  const said = lastLine(text, /^ +Summary \[/);
  const flaky = number(said, /(\d+) flaky/);
  const counts = {
    passed: number(said, /(\d+) passed/) - flaky,
    flaky,
    "failed+crashed": number(said, /(\d+) failed/) + number(said, /(\d+) timed out/) + number(said, /(\d+) exec failed/),
  };
  const version = bench.must("cargo", ["nextest", "--version"], env).split(/[\n(]/)[0]?.trim() ?? "";
  bench.keep("retries", [said], { "target/nextest/ci/junit.xml": "junit.xml" }, counts, version);
}
