import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readLedger } from "../../src/cleanup/ledger/ledger.ts";
import { makeProject, type Project } from "./project.ts";

/** What a single writer can rely on: if `track` returns, the entry is in the ledger; if the entry is not there, `track` throws. */

let project: Project;
beforeEach(() => {
  project = makeProject();
});
afterEach(() => project.remove());

/** Prints the result or the error of each call. */
function told(...callsMade: string[]): string {
  const each = callsMade.map((call) => `() => ${call}`).join(", ");
  return `import { track, trackKey } from "@classwaves/env-actions/testkit";
    for (const call of [${each}]) try { console.log(call()); } catch (error) { console.log(error.name + ": " + error.message); }`;
}

test("rows and keys are written to the ledger, one or several in a call; none is allowed", async () => {
  const code = told('track("a.b", "1")', 'track("a.b", ...["2", "3"])', 'trackKey("k", "l")', 'track("a.b")', "trackKey()");
  expect(await project.node(code, project.identity)).toEqual({ status: 0, stdout: "true\n".repeat(5), stderr: "" });
  expect(await readLedger(project.ledger)).toEqual({
    rows: new Map([["a.b", new Set(["1", "2", "3"])]]),
    keys: new Set(["k", "l"]),
    problems: [],
  });
});

test("any id or key is read back from the ledger unchanged", async () => {
  // Code units, so that they include lone surrogates, control characters, quotes and line ends.
  const unit = fc.oneof(
    fc.nat(0x7f),
    fc.nat(0xffff),
    fc.constantFrom(0x0a, 0x0d, 0x22, 0x5c, 0x7b, 0x7d, 0xd83d, 0xde00, 0x2028, 0),
  );
  const text = fc.array(unit, { minLength: 1, maxLength: 30 }).map((units) => String.fromCharCode(...units).toWellFormed());
  const input = join(project.folder, "names.json");
  const code = `const { readFileSync } = require("node:fs");
    const { track, trackKey } = require("@classwaves/env-actions/testkit");
    const { names, tables, keys } = JSON.parse(readFileSync("names.json", "utf8"));
    track("a.b", ...names);
    for (const table of tables) track(table, "x");
    trackKey(...keys);`;
  const names = fc.array(text, { minLength: 1, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(names, names, names, async (ids, tables, keys) => {
      rmSync(project.ledger, { force: true });
      writeFileSync(input, JSON.stringify({ names: ids, tables, keys }));
      expect(await project.node(code, project.identity)).toEqual({ status: 0, stdout: "", stderr: "" });
      const read = await readLedger(project.ledger);
      expect(read.problems).toEqual([]);
      expect(read.keys).toEqual(new Set(keys));
      const { rows } = read;
      expect(new Set(rows.keys())).toEqual(new Set(["a.b", ...tables]));
      expect([...(rows.get("a.b") ?? [])]).toEqual(expect.arrayContaining(ids));
    }),
    // Each process writes a hundred names.
    { numRuns: 20 },
  );
});

describe("an invalid name is refused, and nothing of the call is recorded", () => {
  test.each([
    ['track("", "1")', "RangeError: env-actions: the table is empty"],
    ['track("a.b", "1", "")', "RangeError: env-actions: the id of a row of a.b is empty"],
    ['track("a.b", "1", undefined)', "TypeError: env-actions: the id of a row of a.b is undefined, and must be a text"],
    ['track("a.b", 7)', "TypeError: env-actions: the id of a row of a.b is of type number, and must be a text"],
    ['track("a.b", ["1"])', "TypeError: env-actions: the id of a row of a.b is of type object, and must be a text"],
    ["track(undefined)", "TypeError: env-actions: the table is undefined, and must be a text"],
    ['trackKey("k", null)', "TypeError: env-actions: the key is null, and must be a text"],
    ['trackKey("")', "RangeError: env-actions: the key is empty"],
    ['trackKey("a\\ud83d")', "RangeError: env-actions: the key is no valid Unicode: it has half of a surrogate pair"],
    ['track("a".repeat(768), "1")', "RangeError: env-actions: the table is longer than 767 characters"],
    ['trackKey("a".repeat(4097))', "RangeError: env-actions: the key is longer than 4096 characters"],
  ])("%s", async (call, message) => {
    expect(await project.node(told(call), project.identity)).toMatchObject({ stdout: `${message}\n` });
    expect(await readLedger(project.ledger)).toMatchObject({ rows: new Map(), keys: new Set() });
  });

  test("the longest names are accepted by the writer and by the reader", async () => {
    // Each character takes six bytes in the line.
    const code = told('track("\\0".repeat(767), "\\0".repeat(4096))', 'trackKey("\\0".repeat(4096))');
    expect(await project.node(code, project.identity)).toMatchObject({ stdout: "true\ntrue\n" });
    const { rows, keys, problems } = await readLedger(project.ledger);
    expect([[...rows].map(([table, ids]) => [table.length, [...ids][0]?.length]), [...keys][0]?.length, problems]).toEqual([
      [[767, 4096]],
      4096,
      [],
    ]);
  });
});

describe("track throws if an entry could not be recorded", () => {
  const attempt = told('track("a.b", "1")');

  test("because the ledger's folder does not exist", async () => {
    const env = { ...project.identity, ENV_ACTIONS_LEDGER: join(project.folder, "gone", "ledger.jsonl") };
    const { stdout } = await project.node(attempt, env);
    expect(stdout).toMatch(/^Error: env-actions: not recorded in the ledger .*gone\/ledger\.jsonl: its folder is gone \(ENOENT/);
  });

  test("because the ledger is a folder", async () => {
    const { stdout } = await project.node(attempt, { ...project.identity, ENV_ACTIONS_LEDGER: project.folder });
    expect(stdout).toContain(": EISDIR");
  });

  test.skipIf(process.platform === "win32")("because this user may not write the ledger", async () => {
    writeFileSync(project.ledger, "", { mode: 0o444 });
    chmodSync(project.folder, 0o755);
    // Root may write everything.
    const somebody = process.getuid?.() === 0 ? { uid: 65534 } : {};
    const { stdout } = await project.node(attempt, project.identity, somebody);
    expect(stdout).toMatch(/^Error: env-actions: not recorded .*: this user may not write it \(EACCES/);
  });

  test("because a write was incomplete; the error gives the size, and the next entry is on a new line", async () => {
    const code = `const fs = require("node:fs");
      const { writeSync } = fs;
      let short = 2;
      // A disk that takes ten bytes, twice.
      fs.writeSync = (descriptor, bytes) => writeSync(descriptor, short-- > 0 ? bytes.subarray(0, 10) : bytes);
      const { trackKey } = require("@classwaves/env-actions/testkit");
      try { trackKey("a", "b"); } catch (error) { console.log(error.message); }
      console.log(trackKey("c"));
      short = 1;
      console.log(trackKey("d"));`;
    const { stdout } = await project.node(code, project.identity);
    expect(stdout).toMatch(/: only 10 of 25 bytes were written\ntrue\ntrue\n$/);
    const { keys, problems } = await readLedger(project.ledger);
    expect(keys).toEqual(new Set(["c", "d"]));
    expect(problems).toEqual(
      [2, 3, 6].map((line) => `ledger line ${line} is incomplete: the writer was stopped while writing it`),
    );
  });

  test("because fs is a mock that writes nothing", async () => {
    const code = `const fs = require("node:fs");
      fs.openSync = fs.writeSync = fs.closeSync = fs.fdatasyncSync = () => undefined;
      const { trackKey } = require("@classwaves/env-actions/testkit");
      try { trackKey("a"); } catch (error) { console.log(error.message); }`;
    expect((await project.node(code, project.identity)).stdout).toContain("only undefined of 13 bytes were written");
  });

  test.skipIf(process.platform !== "linux")("because the disk is full", async () => {
    const { stdout } = await project.node(attempt, { ...project.identity, ENV_ACTIONS_LEDGER: "/dev/full" });
    expect(stdout).toMatch(/^Error: env-actions: not recorded in the ledger \/dev\/full: the disk is full \(ENOSPC/);
  });
});

describe("outside of a run", () => {
  test("track returns false, does not fail, and warns once for ES module and CommonJS together", async () => {
    const code = `import { createRequire } from "node:module";
      import { track } from "@classwaves/env-actions/testkit";
      const { trackKey } = createRequire(process.cwd() + "/x.js")("@classwaves/env-actions/testkit");
      console.log(track("a.b", "1"), track("a.b", "2"), trackKey("k"));`;
    const { status, stdout, stderr } = await project.node(code);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "false false false\n" });
    expect(stderr.match(/EnvActionsWarning: .*recorded nowhere/g)).toHaveLength(1);
  });

  test.each(["ENV_ACTIONS_RUN_ID", "ENV_ACTIONS_PREFIX"])("a run with %s but without a ledger is an error", async (name) => {
    const { stdout, stderr } = await project.node(told('trackKey("k")'), { [name]: project.identity[name] });
    expect(stdout).toMatch(/^Error: env-actions: ENV_ACTIONS_LEDGER is not set, though/);
    expect(stderr).toBe("");
  });

  test("an invalid name is refused too, so that the mistake shows before the first run", async () => {
    const { stdout } = await project.node(told('track("a.b", undefined)'));
    expect(stdout).toMatch(/^TypeError/);
  });
});

test("a test that changes the working directory still writes to a ledger with a relative path", async () => {
  const code = told('(process.chdir("/"), trackKey("k"))');
  expect(await project.node(code, { ...project.identity, ENV_ACTIONS_LEDGER: "ledger.jsonl" })).toMatchObject({
    stdout: "true\n",
  });
  expect((await readLedger(project.ledger)).keys).toEqual(new Set(["k"]));
});
