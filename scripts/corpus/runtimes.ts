import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Counts, lastLine, number, type Workbench } from "./workbench.ts";

export function makeBun(bench: Workbench): void {
  const modules = bench.npm("@oven/bun-linux-x64@1.4.4");
  const bun = join(modules, "@oven/bun-linux-x64/bin/bun");
  const { text } = bench.run(bun, ["test", "--reporter=junit", "--reporter-outfile=junit.xml"]);
  const words = ["pass", "skip", "todo", "fail", "error"];
  const said = words.flatMap((word) =>
    text
      .split("\n")
      .filter((line) => new RegExp(`^ *\\d+ ${word}s?$`).test(line))
      .slice(-1),
  );
  const count = (word: string) => said.reduce((sum, line) => sum + number(line, new RegExp(`(\\d+) ${word}`)), 0);
  const tool = `bun ${bench.must(bun, ["--version"]).trim()}`;
  // A file that cannot be loaded is an error and a failure. Its JUnit leaves it out.
  const counts = {
    "passed+flaky": count("pass"),
    failed: count("fail") - count("error"),
    skipped: count("skip") + count("todo"),
  };
  bench.keep("plain", said, { "junit.xml": "junit.xml" }, counts, tool);
}

export function makeDeno(bench: Workbench): void {
  const modules = bench.npm("@deno/linux-x64-glibc@2.9.6");
  const deno = join(modules, "@deno/linux-x64-glibc/deno");
  const env = { DENO_DIR: join(bench.work, "deno-dir"), DENO_NO_UPDATE_CHECK: "1" };
  // Its reports leave out files that cannot be loaded.
  const files = ["rooms.test.js"];
  const { text } = bench.run(deno, ["test", "--no-config", "--junit-path=junit.xml", ...files], env);
  const said = lastLine(text, /^(?:FAILED|ok) \| \d+ passed/);
  // Each test, and each of its steps, is a test of its own in the reports.
  const count = (word: string) =>
    number(said, new RegExp(`(\\d+) ${word}`)) + number(said, new RegExp(`${word} \\((\\d+) steps?\\)`));
  const counts = { passed: count("passed"), "failed+crashed": count("failed"), skipped: count("ignored") };
  const tool = bench.must(deno, ["--version"]).split(/[\n(]/)[0]?.trim() ?? "";
  bench.keep("JUnit", [said], { "junit.xml": "junit.xml" }, counts, tool);
  writeFileSync(join(bench.work, "deno.tap"), bench.run(deno, ["test", "--no-config", "--reporter=tap", ...files], env).stdout);
  // In TAP, a test with steps stands for them.
  const atLeast = { skipped: counts.skipped, "failed>": count("failed") - 3, "passed>": counts.passed - 2 };
  bench.keep("TAP", [said], { "deno.tap": "deno.tap" }, atLeast, tool);
}

/** Libraries for JavaScript that write TAP. Their own counts are the comments at its end. */
export function makeTap(bench: Workbench): void {
  const modules = bench.npm("tape@5.9.0", "ava@6.4.1", "qunit@2.24.1");
  const runs = {
    tape: { args: [join(modules, "tape/bin/tape"), "tape/rooms.cjs"] },
    ava: { args: [join(modules, "ava/entrypoints/cli.mjs"), "--tap", "ava/rooms.test.mjs"] },
    qunit: { args: [join(modules, "qunit/bin/qunit.js"), "--reporter", "tap", "qunit/rooms.js"] },
  };
  for (const [name, { args }] of Object.entries(runs)) {
    const { text } = bench.run(process.execPath, args);
    writeFileSync(join(bench.work, `${name}.tap`), `${text.trim()}\n`);
    // AVA's comments count what is to do as failed; what it says to people does not.
    const shown =
      name === "ava"
        ? bench.run(
            process.execPath,
            args.filter((arg) => arg !== "--tap"),
          ).text
        : text;
    const said = shown
      .split("\n")
      .filter((line) => /^(?:# (?:pass|fail|skip|todo) +\d+| +\d+ (?:tests? |known )\w+)$/.test(line));
    const count = (word: RegExp) => said.filter((line) => word.test(line)).reduce((sum, line) => sum + number(line, /(\d+)/), 0);
    const failed = count(/# fail| failed/);
    // AVA says nothing of the tests that passed if others failed.
    const counts: Counts =
      name === "ava" ? { failed, skipped: count(/skip|todo/) } : { failed, "passed+skipped": count(/pass|skip|todo/) };
    bench.keep(name, said, { [`${name}.tap`]: `${name}.tap` }, counts, name);
  }
}

export function makeJasmine(bench: Workbench): void {
  const modules = bench.npm("jasmine@5.12.0", "jasmine-reporters@2.5.2");
  const helper = `const { JUnitXmlReporter } = require("jasmine-reporters");
jasmine.getEnv().addReporter(new JUnitXmlReporter({ savePath: ".", consolidateAll: true, filePrefix: "junit" }));\n`;
  writeFileSync(join(bench.work, "helper.cjs"), helper);
  const { text } = bench.run(process.execPath, [
    join(modules, "jasmine/bin/jasmine.js"),
    "--helper=helper.cjs",
    "rooms.spec.cjs",
  ]);
  const said = lastLine(text, /^\d+ specs?, \d+ failures?/);
  const [specs, failed] = [number(said, /(\d+) spec/), number(said, /(\d+) failure/)];
  const pending = number(said, /(\d+) pending/);
  // Excluded specs are not among them, and described as skipped.
  const counts = { passed: specs - failed - pending, failed, "skipped>": pending - 1 };
  bench.keep("plain", [said], { "junit.xml": "junit.xml" }, counts, "jasmine 5.12.0, jasmine-reporters 2.5.2");
}
