import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import type { HistoryRecord } from "../src/index.ts";
import { load, watchHost } from "./machine.ts";
import { median, type Point, report, short } from "./result.ts";

/**
 * Measures the dashboard: `node bench/dashboard.ts`. Makes histories of three sizes, joins what is older than a month as the dashboard
 * does, and then reads the store and makes the page, in turns with unpacking and parsing the same files and nothing else. Unless it is
 * short, it opens the page in Chromium, in turns with an empty one. CPU time, and wall time of the browser; medians. Exit status 1 when over a bound.
 */

const sizes = short ? [300, 600, 1_200] : [2_500, 5_000, 10_000];
const rounds = short ? 3 : 7;
const openings = 7;
/** The page also has tables and charts of its own size, which doesn't grow. A short history has too little to compare. */
const bounds = { ratio: short ? 12 : 8, store: 10, page: 0.5, build: 2_000, open: 1_000 };
const day = 86_400_000;

const repository = join(import.meta.dirname, "..");

interface Rooms {
  dashboardHtml(records: readonly HistoryRecord[], options: { now: number; staleAfterMs: number }): string;
  folderStore(
    folder: string,
    root: string,
  ): {
    add(record: HistoryRecord): Promise<void>;
    all(): Promise<{ records: HistoryRecord[] }>;
  };
  writeMonth(records: readonly HistoryRecord[]): Buffer;
  joinAfterMs: number;
  worldOf(world: { records: number }): HistoryRecord[];
  worldEnd: number;
}

/** Bundled from source text, because src has no such entry point. */
async function roomsIn(folder: string): Promise<Rooms> {
  const [entry, file] = [join(folder, "entry.ts"), join(folder, "rooms.mjs")];
  const exported = {
    "src/dashboard/page.ts": "dashboardHtml",
    "src/history/store/folder.ts": "folderStore",
    "src/history/store/months.ts": "writeMonth",
    "src/history/store/store.ts": "joinAfterMs",
    "test/history/world.ts": "worldOf, worldEnd",
  };
  const lines = Object.entries(exported).map(
    ([path, names]) => `export { ${names} } from ${JSON.stringify(join(repository, path))};`,
  );
  writeFileSync(entry, lines.join("\n"));
  const bundled = await rolldown({ input: entry, platform: "node", cwd: repository });
  await bundled.write({ file, format: "esm", codeSplitting: false });
  await bundled.close();
  return (await import(pathToFileURL(file).href)) as Rooms;
}

/** As a folder is after the dashboard has joined old records: writing each of them first would only take time. */
async function fill(rooms: Rooms, root: string, records: readonly HistoryRecord[]): Promise<void> {
  const history = join(root, "history");
  const before = rooms.worldEnd - rooms.joinAfterMs;
  const old = records.filter(({ runId }) => Number(runId.split("_")[0]) < before);
  mkdirSync(join(history, "months"), { recursive: true });
  for (const [month, of] of Map.groupBy(old, ({ startedAt }) => startedAt.slice(0, 7)))
    writeFileSync(join(history, "months", `${month}.jsonl.gz`), rooms.writeMonth(of));
  const store = rooms.folderStore(history, root);
  for (const record of records) if (!old.includes(record)) await store.add(record);
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** What nobody can do without. */
async function parseAll(folder: string): Promise<number> {
  const { readFile } = await import("node:fs/promises");
  let records = 0;
  for (const file of filesIn(folder)) {
    const content = await readFile(file);
    const text = file.endsWith(".gz") ? gunzipSync(content).toString("utf8") : content.toString("utf8");
    for (const line of text.split("\n")) if (line !== "") records += JSON.parse(line) ? 1 : 0;
  }
  return records;
}

async function timed(work: () => unknown): Promise<number> {
  const before = performance.now();
  await work();
  return performance.now() - before;
}

async function cpu(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

interface Opened {
  ours: number;
  empty: number;
}

/** Until the first frame with the whole page. */
async function opened(page: string, folder: string): Promise<Opened | undefined> {
  const { chromium } = await import("playwright-core");
  const { findBrowsers } = await import("../examples/classroom/tests/e2e/browsers.ts");
  const chrome = findBrowsers(process.env).found.find(({ name }) => name === "chrome");
  if (!chrome) return undefined;
  const files = { ours: join(folder, "page.html"), empty: join(folder, "empty.html") };
  writeFileSync(files.ours, page);
  writeFileSync(files.empty, "<!doctype html><title>empty</title><p>empty");
  const browser = await chromium.launch(chrome.launch);
  const times: Record<keyof Opened, number[]> = { ours: [], empty: [] };
  try {
    for (let round = 0; round < openings; round++)
      for (const which of ["ours", "empty"] as const) {
        const tab = await browser.newPage();
        times[which].push(
          await timed(async () => {
            await tab.goto(pathToFileURL(files[which]).href, { waitUntil: "load" });
            await tab.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))");
          }),
        );
        await tab.close();
      }
  } finally {
    await browser.close();
  }
  return { ours: median(times.ours), empty: median(times.empty) };
}

const folder = mkdtempSync(join(tmpdir(), "bench-dashboard-"));
let isWithin = true;
try {
  const stolen = watchHost();
  const rooms = await roomsIn(folder);
  const { worldEnd } = rooms;
  const [stores, pages, builds]: [Point[], Point[], Point[]] = [[], [], []];
  let html = "";
  for (const size of sizes) {
    const root = join(folder, String(size));
    mkdirSync(root);
    await fill(rooms, root, rooms.worldOf({ records: size }));
    const history = join(root, "history");
    const store = rooms.folderStore(history, root);
    const [ours, peer]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      peer.push(await cpu(() => parseAll(history)));
      ours.push(
        await cpu(async () => {
          html = rooms.dashboardHtml((await store.all()).records, { now: worldEnd, staleAfterMs: 8 * day });
        }),
      );
    }
    const megabytes = filesIn(history).reduce((sum, file) => sum + statSync(file).size, 0) / 1e6;
    stores.push({ size, value: megabytes });
    pages.push({ size, value: Buffer.byteLength(html) / 1e6 });
    builds.push({ size, value: median(ours), peer: median(peer) });
    console.log(
      `${String(size).padStart(6)} records: store ${megabytes.toFixed(2)} MB in ${filesIn(history).length} files, page ${(Buffer.byteLength(html) / 1e3).toFixed(0)} kB, read and made in ${median(ours).toFixed(0)} ms of CPU (unpacked and parsed in ${median(peer).toFixed(0)} ms)`,
    );
  }
  const [first, ...others] = builds;
  const rows = [
    report({ name: "store", unit: "MB", points: stores as [Point], sizes: "records", bounds: { value: bounds.store } }),
    report({ name: "page", unit: "MB", points: pages as [Point], sizes: "records", bounds: { value: bounds.page } }),
    report({
      ...{
        name: "reading the store and making the page",
        unit: "ms of CPU",
        sizes: "records",
        peer: "unpacking and parsing alone",
      },
      points: [first as Point, ...others],
      bounds: { ratio: bounds.ratio, value: bounds.build },
    }),
  ];
  if (!short) {
    const open = await opened(html, folder);
    if (open) {
      console.log(`opened in Chromium in ${open.ours.toFixed(0)} ms (an empty page in ${open.empty.toFixed(0)} ms)`);
      rows.push(
        report({
          ...{ name: "opening the page", unit: "ms", peer: "an empty page" },
          points: [{ value: open.ours, peer: open.empty }],
          bounds: { value: bounds.open },
        }),
      );
    } else console.log("not opened: there is no Chrome or Chromium");
  }
  isWithin = rows.every(Boolean);
  console.log(`node ${process.version}, load ${load()}, ${(stolen() * 100).toFixed(0)} % of the CPU time taken by the host`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = isWithin ? 0 : 1;
