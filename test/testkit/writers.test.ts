import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readLedger } from "../../src/cleanup/ledger/ledger.ts";
import { ended, makeProject, type Project } from "./project.ts";

/**
 * Many writers of one ledger, as test runners start them, and writers that are killed. Each prints the entries that were confirmed to it.
 * All of those must be read back.
 */

// A hundred writers on two cores, which may run other tests at the same time.

let project: Project;
beforeEach(() => {
  project = makeProject();
});
afterEach(() => project.remove());

/** Prints each key once it is confirmed. Threads do the same as their process. Waits for a signal, so that all start at the same time. */
const writer = `
const { isMainThread, Worker, workerData } = require("node:worker_threads");
const { writeSync } = require("node:fs");
const { testId, track, trackKey } = require("@classwaves/env-actions/testkit");
const write = (name, lines) => {
  const done = [];
  for (let n = 0; n < lines; n++) {
    const key = name + ":" + n + ":" + "x".repeat(n % 50);
    if (n % 2) trackKey(key); else track("a.b", key);
    done.push(key);
  }
  writeSync(1, done.join("\\n") + "\\n");
};
if (!isMainThread) write(...workerData);
else {
  const [name, threads, lines] = process.argv.slice(2);
  process.stdin.once("data", () => {
    for (let n = 0; n < Number(threads); n++) new Worker(__filename, { workerData: [name + "-" + n, Number(lines)] });
    write(name, Number(lines));
    process.stdin.unref();
  });
  writeSync(1, "ready\\n");
}`;

test("a hundred processes and threads write at the same time, and every confirmed line is read back", async () => {
  project.write({ "writer.cjs": writer });
  const lines = 50;
  // 40 processes, and in 6 of them 10 threads each: 100 writers.
  const children = Array.from({ length: 40 }, (_, n) => {
    const threads = n < 6 ? 10 : 0;
    return project.start(process.execPath, ["writer.cjs", `w${n}`, `${threads}`, `${lines}`], project.identity);
  });
  const ends = Promise.all(children.map(ended));
  await Promise.all(children.map((child) => new Promise((ready) => child.stdout.once("data", ready))));
  const started = performance.now();
  for (const child of children) child.stdin.end("go");
  const all = await ends;
  console.log(`100 writers, ${100 * lines} lines: ${Math.round(performance.now() - started)} ms`);
  expect(all.filter(({ status, stderr }) => status !== 0 || stderr !== "")).toEqual([]);
  const acknowledged = all.flatMap(({ stdout }) => stdout.split("\n").filter((line) => line.includes(":")));
  expect(acknowledged).toHaveLength(100 * lines);
  const { rows, keys, problems } = await readLedger(project.ledger);
  expect(problems).toEqual([]);
  expect([...(rows.get("a.b") ?? []), ...keys].sort()).toEqual(acknowledged.sort());
});

/** Writes until it is killed: one line at a time, or millions of bytes, so that a kill often comes during a write. */
const endless = `
const { writeSync } = require("node:fs");
const { trackKey } = require("@classwaves/env-actions/testkit");
const [name, many] = process.argv.slice(2);
for (let n = 0; ; n++) {
  const keys = Array.from({ length: Number(many) }, (_, index) => name + ":" + n + ":" + index + ":" + "x".repeat(many > 1 ? 2000 : 20));
  trackKey(...keys);
  writeSync(1, name + ":" + n + "\\n");
}`;

/** Writes as other programs would: no line end first, and one write for each line. */
const python = `
import json, os, sys
name = sys.argv[1]
n = 0
while True:
    with open(os.environ["ENV_ACTIONS_LEDGER"], "ab", buffering=0) as ledger:
        ledger.write((json.dumps({"key": f"{name}:{n}:é", "by": {"language": "python"}}, ensure_ascii=False) + "\\n").encode())
    os.write(1, f"{name}:{n}\\n".encode())
    n += 1
`;
const hasPython = spawnSync("python3", ["--version"]).status === 0;

/** What the ledger must hold once a writer printed `name:n`. */
function keysOf(name: string, n: number): string[] {
  if (name.startsWith("python")) return [`${name}:${n}:é`];
  const [many, length] = name.startsWith("one") ? [1, 20] : [2000, 2000];
  return Array.from({ length: many }, (_, index) => `${name}:${n}:${index}:${"x".repeat(length)}`);
}

test.skipIf(process.platform === "win32")("no confirmed line is lost when writers are killed at random moments", async () => {
  project.write({ "endless.cjs": endless, "endless.py": python });
  let [torn, lines] = [0, 0];
  for (let round = 0; round < 4; round++) {
    // An incomplete line of an earlier writer. The first writer appends to it.
    writeFileSync(project.ledger, '{"table":"a.b","i');
    const nodes = [
      ["one", "1"],
      ["many", "2000"],
      ["more", "2000"],
    ];
    const writers = [
      ...nodes.map((args) => project.start(process.execPath, ["endless.cjs", ...args], project.identity)),
      ...(hasPython ? [project.start("python3", ["endless.py", "python"], project.identity)] : []),
    ];
    const ends = writers.map(ended);
    // Waits for a size, so that a kill often comes during a write of millions of bytes.
    const enough = 1e6 + Math.random() * 15e6;
    while (statSync(project.ledger).size < enough) await new Promise((turn) => setImmediate(turn));
    for (const child of writers) child.kill("SIGKILL");
    const acknowledged = (await Promise.all(ends)).flatMap(({ stdout, stderr }) => {
      expect(stderr).toBe("");
      return stdout.split("\n").slice(0, -1);
    });
    const { keys, problems } = await readLedger(project.ledger);
    for (const line of acknowledged) {
      const [name = "", n = ""] = line.split(":");
      expect(keysOf(name, Number(n)).filter((key) => !keys.has(key))).toEqual([]);
    }
    expect(problems[0]).toMatch(/^ledger line 1(, bytes 1 to 17,)? is incomplete: the writer was stopped while writing it$/);
    for (const problem of problems) expect(problem).toContain(" is incomplete: ");
    torn += problems.length - 1;
    lines += acknowledged.length;
  }
  console.log(`killed ${hasPython ? 16 : 12} writers: ${lines} calls were acknowledged, ${torn} lines torn`);
});

test.skipIf(!hasPython)("python3 and a shell append with their own means, next to the testkit", async () => {
  const fromPython = `import json, os
with open(os.environ["ENV_ACTIONS_LEDGER"], "a", encoding="utf-8") as ledger:
    print(json.dumps({"table": "a.b", "id": "naïve \\"quoted\\" \\U0001F600"}), file=ledger)
    print(json.dumps({"key": "ключ"}, ensure_ascii=False), file=ledger)`;
  expect(await project.run("python3", ["-c", fromPython], project.identity)).toMatchObject({ status: 0, stderr: "" });
  await project.node('require("@classwaves/env-actions/testkit").trackKey("node")', project.identity);
  const fromShell = `printf '{"table":"%s","id":"%s"}\\n' a.b "from sh" >> "$ENV_ACTIONS_LEDGER"; echo '{"key":"echoed"}' >> "$ENV_ACTIONS_LEDGER"`;
  expect(await project.run("sh", ["-c", fromShell], project.identity)).toMatchObject({ status: 0, stderr: "" });
  expect(await readLedger(project.ledger)).toEqual({
    rows: new Map([["a.b", new Set(['naïve "quoted" \u{1F600}', "from sh"])]]),
    keys: new Set(["ключ", "node", "echoed"]),
    problems: [],
  });
});

/** @returns the reason if no disk was mounted */
function mountSmallDisk(folder: string): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "only root can mount a small disk, on Linux";
  mkdirSync(folder);
  const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], { encoding: "utf8" });
  return status === 0 ? undefined : `no small disk can be mounted here: ${stderr}`;
}

test("on a disk that fills up, confirmed entries are kept, the others throw, and writing continues once there is room", async (context) => {
  const disk = join(project.folder, "disk");
  const why = mountSmallDisk(disk);
  if (why !== undefined) return context.skip(why);
  try {
    const ledger = join(disk, "ledger.jsonl");
    writeFileSync(join(disk, "ballast"), Buffer.alloc(20_000));
    // A record needs several pages, so that the last free page holds only a part of it.
    const code = `const { rmSync } = require("node:fs");
      const { trackKey } = require("@classwaves/env-actions/testkit");
      const keys = (n) => Array.from({ length: 5 }, (_, index) => n + ":" + index + ":" + "x".repeat(1300));
      const done = [];
      const write = (n) => { trackKey(...keys(n)); done.push(...keys(n)); };
      let n = 0;
      let message = "";
      while (message === "") try { write(n++); } catch (error) { message = error.message; }
      try { write("still full"); } catch (error) { message += "; " + error.message; }
      const full = done.length;
      rmSync(${JSON.stringify(join(disk, "ballast"))});
      write("after");
      console.log(JSON.stringify({ done, full, message }));`;
    const { stdout, stderr } = await project.node(code, { ...project.identity, ENV_ACTIONS_LEDGER: ledger });
    expect(stderr).toBe("");
    const { done, full, message } = JSON.parse(stdout) as { done: string[]; full: number; message: string };
    expect(message).toMatch(/the disk is full \(ENOSPC.*; .*the disk is full \(ENOSPC/);
    expect(full).toBeGreaterThan(5);
    const { keys, problems } = await readLedger(ledger);
    expect(done.filter((key) => !keys.has(key))).toEqual([]);
    expect(keys).toContain(`after:4:${"x".repeat(1300)}`);
    expect(problems.length).toBeGreaterThan(0);
    for (const problem of problems) expect(problem).toContain(" is incomplete: ");
  } finally {
    execFileSync("umount", [disk]);
  }
});
