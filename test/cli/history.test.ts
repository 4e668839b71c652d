import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { recordOf } from "../../src/history/record/of-report.ts";
import { folderStore } from "../../src/history/store/folder.ts";
import type { HistoryRecord } from "../../src/model/history.ts";
import { freshBundle } from "../harness/process.ts";
import { worldOf } from "../history/world.ts";
import { failedIntegration, hostileNames } from "../report/sample.ts";

/** The history in the terminal, from a real folder. It could break if a name of others reaches the terminal as it is, or if a number differs. */

const root = mkdtempSync(join(tmpdir(), "history-cli-"));
const records = worldOf({ records: 400 });
const world = join(root, "world");
const empty = join(root, "empty");

beforeAll(async () => {
  for (const folder of [world, empty]) mkdirSync(folder);
  await fill(world, records);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function fill(folder: string, all: readonly HistoryRecord[]): Promise<void> {
  const store = folderStore(join(folder, ".env-actions", "history"), folder);
  for (const record of all) await store.add(record);
}

function run(cwd: string, ...args: string[]) {
  const { GITHUB_ACTIONS: _runner, FORCE_COLOR: __, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [freshBundle, "history", ...args], {
    cwd,
    env,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

function json<Shape>(cwd: string, ...args: string[]): Shape {
  const { status, stdout, stderr } = run(cwd, ...args, "--json");
  expect([status, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as Shape;
}

/** As people call it: the workflow run, and its attempt if it is not the first. */
const nameOf = ({ origin: { workflowRun, attempt } }: HistoryRecord) => `${workflowRun}${attempt === "1" ? "" : `.${attempt}`}`;
const newest = records.at(-1) as HistoryRecord;

describe("runs", () => {
  test("lists the newest first, with each stage's verdict, as many as wanted", () => {
    const { runs } = json<{ runs: { id: string; startedAt: string; stages: { stage: string; verdict: string }[] }[] }>(
      world,
      "--limit",
      "1000",
    );
    const ofWorkflow = new Set(records.map(({ origin }) => `${origin.workflowRun}/${origin.attempt}`));
    expect(runs).toHaveLength(ofWorkflow.size);
    expect(runs.map(({ startedAt }) => startedAt)).toEqual(
      runs
        .map(({ startedAt }) => startedAt)
        .sort()
        .reverse(),
    );
    const { stdout, status } = run(world, "--limit", "3");
    const lines = stdout.split("\n");
    expect(status).toBe(0);
    expect(lines[0]).toBe(`400 records in the folder ${join(world, ".env-actions/history")}. Times are UTC.`);
    expect(lines.filter((line) => /^ {2}\d{4}-/.test(line)).map((line) => line.trim().split(/ {2,}/)[1])).toEqual(
      runs.slice(0, 3).map(({ id }) => id),
    );
    expect(stdout).toContain(`… and ${ofWorkflow.size - 3} older runs`);
  });

  test("shows only what was asked for", () => {
    const wanted = records.filter((one) => one.branch === "main" && one.stage === "e2e" && one.environment.name === "staging");
    const found = json<{ records: number; runs: { stages: { stage: string; environment: string }[] }[] }>(
      world,
      ...["--branch", "main", "--stage", "e2e", "-e", "staging", "--limit", "1000"],
    );
    expect(found.records).toBe(wanted.length);
    expect(new Set(found.runs.flatMap(({ stages }) => stages.map((one) => `${one.stage} ${one.environment}`)))).toEqual(
      new Set(["e2e staging"]),
    );
  });
});

test("a test's record has its rate, its strip and its branches", () => {
  const { tests } = json<{ tests: { test: { name: string }; runs: number; failed: number; flaky: number }[] }>(world, "tests");
  expect(tests.length).toBeGreaterThan(3);
  const name = "a student joins with a code";
  expect(tests.map(({ test }) => test.name)).toContain(name);
  const { stdout, status } = run(world, "test", "joins with", "--stage", "e2e", "-e", "sandbox", "--limit", "1000");
  const all = records.filter((one) => one.tests && one.stage === "e2e" && one.environment.name === "sandbox");
  const bad = all.filter(({ tests }) =>
    [...(tests?.failures ?? []), ...(tests?.flakyTests ?? [])].some((one) => one.name === name),
  );
  expect(status).toBe(0);
  expect(stdout).toContain(`${bad.length} of ${all.length} runs: `);
  const strip = stdout
    .split("\n")
    .filter((line) => /^ {4}[·x~q?]+$/.test(line))
    .join("")
    .replace(/ /g, "");
  expect([strip.length, strip.replace(/·/g, "").length]).toEqual([all.length, bad.length]);
  expect(stdout).toMatch(/by branch: feature\//);
});

test("a check's latencies have the last P95, the median before, and a block for each run", () => {
  const { checks } = json<{
    checks: { stage: string; environment: string; now: { latency: { p95: number } }; usual: { runs: number; p95: number } }[];
  }>(world, "check", "api.health", "-e", "staging");
  const [check] = checks;
  const p95s = records
    .filter((one) => one.stage === check?.stage && one.environment.name === "staging")
    .flatMap(({ checks }) => checks.filter((one) => one.id === "api.health" && one.latency))
    .map(({ latency, verdict }) => ({ p95: latency?.p95 ?? 0, verdict }));
  const before = p95s
    .slice(0, -1)
    .filter(({ verdict }) => verdict === "passed" || verdict === "degraded")
    .slice(-20);
  const sorted = before.map(({ p95 }) => p95).sort((a, b) => a - b);
  const median = ((sorted[Math.floor((sorted.length - 1) / 2)] ?? 0) + (sorted[Math.ceil((sorted.length - 1) / 2)] ?? 0)) / 2;
  expect(check?.now.latency.p95).toBe(p95s.at(-1)?.p95);
  expect(check?.usual).toMatchObject({ runs: before.length, p95: median });
  const { stdout } = run(world, "check", "api.health", "-e", "staging", "--limit", "12");
  expect(stdout).toMatch(/^ {2}[▁▂▃▄▅▆▇█]{12}$/m);
  expect(run(world, "checks").stdout).toMatch(/P95 \d+ ms \(median of 20 runs before: \d+ ms\), limit 300 ms {2}api\.health/);
});

describe("differences", () => {
  test("between two runs by name, each in its stage", () => {
    const e2e = records.filter((one) => one.stage === "e2e" && one.environment.name === "sandbox");
    const failed = e2e.find(({ tests }) => (tests?.failures.length ?? 0) > 0);
    const good = e2e.find(({ verdict, tests }) => verdict === "passed" && tests?.failures.length === 0);
    if (!failed || !good) throw new Error("the world has no such runs");
    const lost = run(world, "diff", good.runId, failed.runId);
    expect(lost.stdout).toMatch(/verdict: ✔ passed {2}→ {2}✘ failed/);
    expect(lost.stdout).toMatch(new RegExp(`newly failing: 1\\n {4}✘ ${failed.tests?.failures[0]?.name}`));
    expect(run(world, "diff", failed.runId, good.runId).stdout).toMatch(/no longer failing: 1/);
    const named = json<{ changes: { from: { run: string }; to: { run: string } }[] }>(
      world,
      ...["diff", nameOf(good), nameOf(failed)],
    ).changes;
    expect(named.length).toBeGreaterThan(0);
    expect(named.map(({ from, to }) => [from.run, to.run])).toEqual(named.map(() => [nameOf(good), nameOf(failed)]));
  });

  test("of the last two runs of each stage, if none is named", () => {
    const { changes } = json<{ changes: { stage: string; environment: string; to: { runId: string } }[] }>(world, "diff");
    const last = changes.find(({ stage, environment }) => stage === newest.stage && environment === newest.environment.name);
    expect(last?.to.runId).toBe(newest.runId);
  });

  test("are refused between different stages", () => {
    const [a, b] = ["preflight", "smoke"].map((stage) => records.find((one) => one.stage === stage)?.runId ?? "");
    expect(run(world, "diff", a ?? "", b ?? "")).toMatchObject({ status: 2, stderr: expect.stringContaining("EA8132") });
  });
});

describe("what is wrong", () => {
  test.each([
    [["-e", "stagign"], 'environment "stagign"; did you mean "staging"?'],
    [["--branch", "mian"], 'did you mean "main"?'],
    [["--stage", "e3e"], 'did you mean "e2e"?'],
    [["test", "a studnet joins with a code"], 'did you mean "a student joins with a code"?'],
    [["check", "api.helth"], 'did you mean "api.health"?'],
    [["diff", "1", "2"], 'no run "1"'],
    [["tets"], 'did you mean "tests"?'],
    [["test"], "expected the name of a test"],
    [["diff", "1"], "expected two runs"],
    [["--limit", "0"], "--limit: expected a whole number from 1 on"],
    [["compact", "--stage", "e2e"], "--stage has no effect"],
    [["--config", "nowhere.yml"], "nowhere.yml"],
  ])("%j", (args, message) => {
    const { status, stdout, stderr } = run(world, ...args);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
  });

  test("an empty history is no mistake: it says where it looked", () => {
    for (const what of [[], ["tests"], ["checks"], ["test", "x"], ["diff"]]) {
      const { status, stdout } = run(empty, ...what);
      expect([status, stdout]).toEqual([
        0,
        expect.stringContaining(`no record in the folder ${join(empty, ".env-actions/history")}`),
      ]);
    }
    expect(json(empty)).toMatchObject({ records: 0, runs: [], unreadable: [] });
  });

  test("the configuration says where it is: elsewhere, by a variable, or nowhere", async () => {
    const [here, there] = [join(root, "here"), join(root, "there")];
    for (const folder of [here, there]) mkdirSync(folder);
    const store = folderStore(there, there);
    await store.add(newest);
    const write = (text: string) => writeFileSync(join(here, "c.yml"), `version: 1\n${text}`);
    write(`environments: { x: { token: "\${MISSING}" } }\nhistory: { store: { folder: ${there} } }\n`);
    expect(json(here, "--config", "c.yml")).toMatchObject({ records: 1, place: `the folder ${there}` });
    write('history: { store: { folder: "${NO_SUCH_VARIABLE}" } }\n');
    expect(run(here, "--config", "c.yml")).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/EA8130.*NO_SUCH_VARIABLE/),
    });
    write("history: { store: elsewhere }\n");
    expect(run(here, "--config", "c.yml")).toMatchObject({ status: 2, stderr: expect.stringContaining("EA8130") });
    write("history: { store: none }\n");
    expect(run(here, "--config", "c.yml")).toMatchObject({ status: 2, stderr: expect.stringContaining("EA8133") });
    write(`history: { store: { folder: ${join(root, "gone")} } }\n`);
    expect(run(here, "--config", "c.yml")).toMatchObject({ status: 3, stderr: expect.stringContaining("EA8101") });
  });

  test("files that are no records are named, and the others are shown", async () => {
    const cwd = join(root, "damaged");
    mkdirSync(cwd);
    await fill(cwd, [newest]);
    const place = join(
      cwd,
      ".env-actions/history/records",
      new Date(Number(newest.runId.slice(0, 13))).toISOString().slice(0, 7),
      newest.finishedAt.slice(8, 10),
    );
    writeFileSync(join(place, `${newest.runId.slice(0, 13)}_00000000.e2e.staging.json`), "{}");
    const { status, stdout } = run(cwd);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /▲ 1 file can't be read, so its runs are missing here:\n {4}records\/.*00000000\.e2e\.staging\.json: /,
    );
    expect(json(cwd)).toMatchObject({ records: 1, unreadable: [{ name: expect.any(String), why: expect.any(String) }] });
  });
});

test("compact joins old records and keeps them readable", async () => {
  const cwd = join(root, "compact");
  mkdirSync(cwd);
  const old = records
    .slice(0, 50)
    .map((record, at): HistoryRecord => ({ ...record, runId: `${Date.now() - 40 * 86_400_000 + at}${record.runId.slice(13)}` }));
  const ancient = { ...newest, runId: `${Date.now() - 500 * 86_400_000}_0123abcd` };
  await fill(cwd, [...old, ancient, { ...newest, runId: `${Date.now()}_0123abcd` }]);
  expect(json(cwd, "compact")).toMatchObject({ joined: 51, removed: 1 });
  expect(existsSync(join(cwd, ".env-actions/history/months"))).toBe(true);
  expect(readdirSync(join(cwd, ".env-actions/history/months")).length).toBeLessThanOrEqual(2);
  expect(json(cwd)).toMatchObject({ records: 51 });
});

test("hostile names stay text in every view", async () => {
  const cwd = join(root, "hostile");
  mkdirSync(cwd);
  // As if others had written the files: without what makes texts plain when a record is made.
  const hostile = (at: number): HistoryRecord => {
    const [name, other, third] = hostileNames;
    const record = recordOf(failedIntegration());
    return {
      ...record,
      ...{ runId: `${Date.now() - 1000 + at}_0123abcd`, branch: other, reason: third, commit: { sha: third } },
      origin: { ...record.origin, workflowRun: name, job: other, cell: third },
      checks: [
        { id: third, title: name, verdict: at ? "failed" : "passed", latency: { count: 1, p50: 1, p95: 1 + 9 * at, max: 1 } },
        { id: other, verdict: at ? "passed" : "failed" },
      ],
      tests: {
        ...(record.tests as NonNullable<HistoryRecord["tests"]>),
        failed: 1,
        unknown: 0,
        crashedSuites: 0,
        failures: [{ name: hostileNames[at] ?? "", file: third, project: name }],
        flakyTests: [],
        flaky: 0,
        slowest: [],
      },
    };
  };
  await fill(cwd, [hostile(0), hostile(1)]);
  const views = [
    [],
    ["tests"],
    ["test", hostileNames[0]],
    ["test", "no such"],
    ["checks"],
    ["check", hostileNames[2]],
    ["check", "none"],
    ["diff"],
    ["diff", hostileNames[0], hostileNames[0]],
    ["--branch", "none"],
  ];
  for (const view of views) {
    const { stdout, stderr } = run(cwd, ...view);
    const said = stdout + stderr;
    expect(said, view.join(" ")).not.toMatch(/(?!\n)[\p{Cc}\p{Bidi_Control}]/u);
    expect(said, view.join(" ")).not.toMatch(/^::|##\[|::error/m);
    expect(said.length, view.join(" ")).toBeGreaterThan(50);
  }
});

test("a closed pipe ends it quietly, and no colour reaches one", async () => {
  const child = spawn(process.execPath, [freshBundle, "history", "--limit", "1000"], {
    cwd: world,
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stdout.once("data", () => child.stdout.destroy());
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [status] = (await once(child, "close")) as [number];
  expect([status, stderr]).toEqual([0, ""]);
  expect(run(world, "tests").stdout).not.toContain("\u001b");
});
