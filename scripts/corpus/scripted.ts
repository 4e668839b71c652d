import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Counts, lastLine, number, type Workbench } from "./workbench.ts";

export function makeRspec(bench: Workbench): void {
  bench.need("rspec", "ruby-rspec", "ruby-rspec-junit-formatter");
  const tool = /rspec-core (\S+)/.exec(bench.must("rspec", ["--version"]))?.[1] ?? "";
  const runs = { plain: ["rooms"], closes: ["closes"], broken: ["rooms", "broken"] };
  for (const [name, parts] of Object.entries(runs)) {
    const files = parts.map((part) => `spec/${part}_spec.rb`);
    const outputs = ["--format", "json", "--out", "rspec.json", "--format", "RspecJunitFormatter", "--out", "rspec.xml"];
    const { text } = bench.run("rspec", [...files, "--require", "rspec_junit_formatter", "--format", "progress", ...outputs]);
    const said = lastLine(text, /^\d+ examples?, \d+ failures?/);
    const [examples, failed] = [number(said, /(\d+) example/), number(said, /(\d+) failure/)];
    const [skipped, outside] = [number(said, /(\d+) pending/), number(said, /(\d+) errors? occurred/)];
    const counts = { passed: examples - failed - skipped, failed, skipped, flaky: 0 };
    const file = { "rspec.json": `${name}.json` };
    bench.keep(
      `${name}, JSON`,
      [said],
      file,
      { ...counts, ...(outside > 0 ? { "crashed>": 0 } : { crashed: 0 }) },
      `RSpec ${tool}`,
    );
    // Its JUnit has no place for errors outside of examples.
    if (outside === 0)
      bench.keep(`${name}, JUnit`, [said], { "rspec.xml": `${name}.xml` }, counts, `RSpec ${tool}, rspec_junit_formatter`);
  }
}

export function makePhpunit(bench: Workbench): void {
  bench.need("phpunit", "phpunit");
  const tool = /PHPUnit \S+/.exec(bench.must("phpunit", ["--version"]))?.[0] ?? "";
  const { text } = bench.run("phpunit", ["--no-configuration", "--log-junit", "junit.xml", "."]);
  const said = lastLine(text, /^Tests: \d+, Assertions: /);
  const count = (word: string) => number(said, new RegExp(`${word}: (\\d+)`));
  const failed = count("Errors") + count("Failures") + count("Warnings");
  const skipped = count("Skipped") + count("Incomplete");
  const counts = { passed: count("Tests") - failed - skipped, failed, skipped, flaky: 0, crashed: 0 };
  bench.keep("plain", [said], { "junit.xml": "junit.xml" }, counts, tool);
}

export function makeBats(bench: Workbench): void {
  bench.need("bats", "bats");
  const tool = bench.must("bats", ["--version"]).trim();
  const { text } = bench.run("bats", ["--formatter", "pretty", "--report-formatter", "junit", "--output", ".", "."]);
  const said = lastLine(text, /^\d+ tests?, \d+ failures?/);
  const [tests, failed, skipped] = [number(said, /(\d+) test/), number(said, /(\d+) failure/), number(said, /(\d+) skipped/)];
  const never = number(said, /(\d+) not run/);
  const counts = { passed: tests - failed - skipped - never, "failed+crashed": failed };
  // A file whose set-up fails takes a place of its own, so that TAP lacks one of the tests that it announced.
  bench.keep("JUnit", [said], { "report.xml": "junit.xml" }, counts, tool);
  writeFileSync(join(bench.work, "bats.tap"), bench.run("bats", ["--formatter", "tap", "."]).stdout);
  bench.keep("TAP", [said], { "bats.tap": "bats.tap" }, { passed: counts.passed, "failed+crashed>": failed - 1 }, tool);
}

/** Perl's tests write TAP; `prove` reads and counts them. */
export function makeProve(bench: Workbench): void {
  bench.need("prove", "perl");
  for (const [name, files] of Object.entries({ plain: ["rooms", "good"], skips: ["skips"], dies: ["dies", "good"] })) {
    const { text } = bench.run(
      "prove",
      files.map((file) => `t/${file}.t`),
    );
    for (const file of files) bench.run("sh", ["-c", `perl t/${file}.t >${name}-${file}.tap`]);
    const said = lastLine(text, /^Files=\d+, Tests=\d+/);
    const failures = text.split("\n").filter((line) => /^Failed \d+\/\d+ subtests/.test(line));
    const [tests, failed] = [number(said, /Tests=(\d+)/), failures.reduce((sum, line) => sum + number(line, /(\d+)/), 0)];
    // A skip and a todo are tests that passed, for prove. Of a program that dies, it counts as failed what was planned.
    let counts: Counts = { "passed+skipped": tests - failed, failed, "skipped>": 0 };
    if (name === "skips") counts = { passed: tests, "failed+crashed": failed };
    if (name === "dies") counts = { passed: tests, "failed+crashed>": 0 };
    bench.keep(name, [...failures, said], { [`${name}-*.tap`]: "" }, counts, "prove (TAP::Harness)");
  }
}

/** What Debian has of NUnit: 2.6, on Mono. */
export function makeNunit(bench: Workbench): void {
  bench.need("nunit-console", "nunit-console", "mono-mcs");
  bench.need("mcs", "mono-mcs");
  const { text: found } = bench.run("sh", ["-c", "find /usr/lib -name nunit.framework.dll | sort | head -n 1"]);
  bench.must("mcs", ["-target:library", `-reference:${found.trim()}`, "-out:rooms.dll", "rooms.cs"]);
  const { text } = bench.run("nunit-console", ["-nologo", "rooms.dll"]);
  const ran = lastLine(text, /^Tests run: \d+/);
  const not = lastLine(text, /Not run: \d+/);
  const [run, errors, failures] = [number(ran, /run: (\d+)/), number(ran, /Errors: (\d+)/), number(ran, /Failures: (\d+)/)];
  const inconclusive = number(ran, /Inconclusive: (\d+)/);
  // A fixture whose clean-up fails is none of the tests.
  const counts = {
    passed: run - errors - failures - inconclusive,
    failed: errors + failures,
    "crashed>": 0,
    skipped: inconclusive + number(not, /Not run: (\d+)/),
  };
  bench.keep("plain", [ran, not], { "TestResult.xml": "TestResult.xml" }, counts, "NUnit 2.6");
}
