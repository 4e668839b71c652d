import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Counts, lastLine, number, type Workbench } from "./workbench.ts";

/** The counts of the last line, and, because it counts a test twice whose teardown fails, the names above it (`-rA`). */
function pytestCounts(output: string): { said: string[]; counts: Counts } {
  const said = lastLine(output, /^=* ?\d+ (?:passed|failed|errors?|skipped).* in [\d.]+s/);
  const named = (word: string) =>
    new Set(
      [...output.matchAll(new RegExp(`^(?:\\S.* )?${word}\\S*(?: .*)? (\\S+\\.py(?:::.*?)?)(?: - .*)?$`, "gm"))].map(
        ([, id = ""]) => id,
      ),
    );
  // pytest 8 writes "(i=1) SUBFAIL test_a.py::test", pytest 9 "SUBFAILED(i=1) test_a.py::test".
  const [passed, failed, errors] = [named("PASSED"), new Set([...named("FAILED"), ...named("SUBFAIL")]), named("ERROR")];
  const notPassed = new Set([...failed, ...errors]);
  const broken = [...errors].filter((id) => !id.includes("::"));
  // A rerun counts a test again that passed before, because its teardown failed; so the names count, not the number.
  const fine = new Set([...passed, ...named("XPASS")]);
  const tests = notPassed.size - broken.length;
  // Its numbers, and its JUnit, have a test twice that failed and whose teardown failed, too. It is one test, but may be counted as two.
  const twice = [...failed].filter((id) => errors.has(id)).length;
  return {
    said: [said],
    counts: {
      "passed+flaky": [...fine].filter((id) => !notPassed.has(id)).length,
      ...(twice === 0 ? { failed: tests } : { "failed>": tests - 1, "failed<": tests + twice + 1 }),
      crashed: broken.length,
      skipped: number(said, /(\d+) skipped/) + number(said, /(\d+) xfailed/),
    },
  };
}

const pytests = { "pytest-8": ["pytest==8.4.2", "pytest-subtests==0.14.2"], "pytest-9": ["pytest==9.2.0"] } as const;

export function makePytest(bench: Workbench, version: keyof typeof pytests): void {
  const bin = bench.python(...pytests[version], "pytest-xdist==3.8.0", "pytest-rerunfailures==16.7");
  // It says nothing about files that cannot be collected.
  const withCtrf = bench.python(...pytests[version], "pytest-json-ctrf==0.6.1");
  const tool = bench.must(join(bin, "pytest"), ["--version"]).trim();
  const variants: Record<string, string[]> = {
    plain: [],
    xunit1: ["-o", "junit_family=xunit1"],
    xdist: ["-n", "3"],
    reruns: ["--reruns", "2"],
    "reruns-xdist": ["--reruns", "2", "-n", "3"],
    ctrf: ["--ctrf=ctrf.json"],
  };
  for (const [name, options] of Object.entries(variants)) {
    bench.run("sh", ["-c", "rm -f attempts-*"]);
    const all = ["-rA", "-p", "no:cacheprovider", "--continue-on-collection-errors", "--junitxml=junit.xml", ...options];
    const { said, counts } = pytestCounts(
      bench.run(join(name === "ctrf" ? withCtrf : bin, "pytest"), [
        ...all,
        "test_rooms.py",
        ...(name === "ctrf" ? [] : ["test_broken.py"]),
      ]).text,
    );
    const reruns = name.startsWith("reruns");
    // These pass at the second or third attempt; without reruns they fail.
    if (reruns) counts.flaky = 3;
    bench.keep(name, said, name === "ctrf" ? { "ctrf.json": "ctrf.json" } : { "junit.xml": `${name}.xml` }, counts, tool);
    rmSync(join(bench.work, "junit.xml"));
  }
  const { said, counts } = pytestCounts(
    bench.run(join(bin, "pytest"), ["-rA", "-p", "no:cacheprovider", "--junitxml=junit.xml", "test_parts.py"]).text,
  );
  bench.keep("subtests", said, { "junit.xml": "subtests.xml" }, counts, tool);
}

export function makeRobot(bench: Workbench): void {
  const bin = bench.python("robotframework==7.5");
  for (const suite of ["rooms", "setup", "teardown", "good", "all"]) {
    const from = suite === "all" ? "." : `${suite}.robot`;
    const { text } = bench.run(join(bin, "robot"), ["--xunit", "xunit.xml", "--log", "NONE", "--report", "NONE", from]);
    const said = lastLine(text, /^\d+ tests?, \d+ passed, \d+ failed/);
    const [passed, failed, skipped] = [number(said, /(\d+) passed/), number(said, /(\d+) failed/), number(said, /(\d+) skipped/)];
    // While it writes the tests into output.xml, it does not know yet that the suite's teardown will fail, which fails them all.
    bench.keep(
      `${suite}, output.xml`,
      [said],
      { "output.xml": `${suite}.output.xml` },
      { passed, "failed+crashed": failed, skipped },
      "Robot 7.5",
    );
    bench.keep(`${suite}, xunit`, [said], { "xunit.xml": `${suite}.xunit.xml` }, { passed, failed, skipped }, "Robot 7.5");
  }
}

export function makeBehave(bench: Workbench): void {
  const bin = bench.python("behave==1.3.3");
  const { text } = bench.run(join(bin, "behave"), [
    "--junit",
    "--junit-directory=junit",
    "--format=json",
    "--outfile=behave.json",
  ]);
  const said = lastLine(text, /^\d+ scenarios? passed/);
  const bad = ["failed", "error", "undefined"].reduce((sum, word) => sum + number(said, new RegExp(`(\\d+) ${word}`)), 0);
  const counts = {
    passed: number(said, /(\d+) scenarios? passed/),
    "failed+crashed": bad,
    skipped: number(said, /(\d+) skipped/),
  };
  bench.keep("JUnit", [said], { "junit/*.xml": "junit.xml" }, counts, "behave 1.3.3");
  bench.keep("JSON", [said], { "behave.json": "behave.json" }, counts, "behave 1.3.3");
}

export function makeUnittest(bench: Workbench): void {
  const bin = bench.python("unittest-xml-reporting==4.0.0");
  const { text } = bench.run(join(bin, "python"), ["-m", "xmlrunner", "discover", "-v", "--output-file", "junit.xml"]);
  const said = lastLine(text, /^FAILED \(/);
  const count = (word: string) => number(said, new RegExp(`[ (]${word}=(\\d+)`));
  // The number of tests leaves out those whose class could not be set up.
  const passed = [...text.matchAll(/ \.\.\. ok( \(|$)/gm)].length;
  const failed = count("failures") + count("errors") + count("unexpected successes");
  const counts = { passed, "failed+crashed": failed, skipped: count("skipped") + count("expected failures") };
  bench.keep("plain", [said], { "junit.xml": "junit.xml" }, counts, "unittest-xml-reporting 4.0.0");
}
