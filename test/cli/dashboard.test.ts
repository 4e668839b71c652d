import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { terminal } from "../../src/cli/main.ts";
import { newestIn } from "../../src/dashboard/page.ts";
import { folderStore } from "../../src/history/store/folder.ts";
import { worldOf } from "../history/world.ts";

/** `env-actions dashboard`: reads the history, and writes the page. */

let workspace: string;

beforeEach(async () => {
  workspace = await mkdtemp(join(tmpdir(), "cli-dashboard-"));
});

afterEach(() => rm(workspace, { recursive: true, force: true }));

async function run(...argv: string[]) {
  const [stdout, stderr] = [collecting(), collecting()];
  const status = await terminal(["dashboard", ...argv], {
    cwd: workspace,
    env: { PATH: process.env.PATH },
    stdout: stdout.stream,
    stderr: stderr.stream,
  });
  return { status, stdout: stdout.text(), stderr: stderr.text() };
}

function collecting(): { stream: NodeJS.WriteStream; text: () => string } {
  let text = "";
  const stream = new Writable({
    write(chunk, _, done) {
      text += String(chunk);
      done();
    },
  });
  return { stream: stream as NodeJS.WriteStream, text: () => text };
}

const minute = 60_000;
const day = 1440 * minute;

async function fill(until: number, records = 40): Promise<void> {
  const store = folderStore(join(workspace, ".env-actions", "history"), workspace);
  for (const record of worldOf({ records, until })) await store.add(record);
}

const page = () => readFile(join(workspace, ".env-actions", "dashboard.html"), "utf8");

test("writes the page, and says where it is and how old the data is", async () => {
  await fill(Date.now());
  const { status, stdout, stderr } = await run();
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toContain(join(workspace, ".env-actions", "dashboard.html"));
  expect(stdout).toContain("40 records");
  expect(stdout).toMatch(/Newest .* old/);
  expect(newestIn(await page())).toBeDefined();
  expect(await readdir(join(workspace, ".env-actions"))).toEqual(["dashboard.html", "history"]);
});

test("without a history, the page says what to do, and the command succeeds", async () => {
  const { status, stdout } = await run("--out", "site/index.html");
  expect(status).toBe(0);
  expect(stdout).toContain("0 records");
  expect(await readFile(join(workspace, "site", "index.html"), "utf8")).toContain("There is no history yet");
});

test("an older page is not written over a newer one", async () => {
  await fill(Date.now());
  expect((await run()).status).toBe(0);
  const newer = await page();
  await rm(join(workspace, ".env-actions", "history"), { recursive: true });
  await fill(Date.now() - 10 * day);
  const { status, stderr } = await run();
  expect(status).toBe(2);
  expect(stderr).toContain("EA8120");
  expect(await page()).toBe(newer);
  // Nor elsewhere, if the published one is newer.
  await writeFile(join(workspace, "published.html"), newer);
  const other = await run("--out", "other.html", "--published", "published.html");
  expect([other.status, other.stderr.includes("EA8120")]).toEqual([2, true]);
  expect(await readdir(workspace)).not.toContain("other.html");
  expect((await run("--out", "other.html")).status).toBe(0);
});

test("what is published and is no dashboard protects nothing, and is refused", async () => {
  await fill(Date.now());
  await writeFile(join(workspace, "404.html"), "<h1>Not found</h1>");
  expect((await run("--published", "404.html")).stderr).toContain("EA8122");
  expect((await run("--published", "missing.html")).stderr).toContain("EA8122");
});

test("records that can't be read are counted and named, and the others are shown", async () => {
  await fill(Date.now());
  const now = Date.now();
  const [one] = worldOf({ records: 1 });
  if (!one) throw new Error("the world has records");
  const today = new Date(now).toISOString();
  const folder = join(workspace, ".env-actions", "history", "records", today.slice(0, 7), today.slice(8, 10));
  await folderStore(join(workspace, ".env-actions", "history"), workspace).add({
    ...one,
    runId: `${now}_0000aaaa`,
  });
  await writeFile(join(folder, `${now}_0000bbbb.smoke.production.json`), "{");
  const { status, stdout } = await run();
  expect(status).toBe(0);
  expect(stdout).toContain(`${now}_0000bbbb.smoke.production.json: it is not JSON`);
  expect(await page()).toContain("1 file of the history could not be read");
});

test("records older than a month are joined, and those older than history.keep are removed", async () => {
  await fill(Date.now() - 40 * day);
  const made = JSON.parse((await run("--json")).stdout) as { records: number; compaction: { joined: number; removed: number } };
  expect(made).toMatchObject({ records: 40, compaction: { joined: 40, removed: 0 } });
  expect(await readdir(join(workspace, ".env-actions", "history"))).toContain("months");
});

test("mistakes are user errors with a code", async () => {
  expect((await run("--stale-after", "soon")).stderr).toContain("EA1104");
  expect((await run("extra")).stderr).toContain("EA1102");
  const configuration = join(workspace, "c.yml");
  await writeFile(configuration, "version: 1\nhistory:\n  store: none\n");
  const off = await run("--config", "c.yml");
  expect([off.status, off.stderr.includes("EA8133")]).toEqual([2, true]);
});
