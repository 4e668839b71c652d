import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Warehouse, Watch } from "../../../local/warehouse/index.ts";
import type { RefreshResult } from "../../../src/model/staging.ts";
import { lastRefresh } from "../../../src/staging/refresh/record.ts";
import { refreshSchemas } from "../../../src/staging/refresh/state.ts";
import { classWaves, generation, seedSql, shapeSql } from "./classwaves.ts";
import type { Job } from "./runner.ts";
import { openCopy, requestOf, settingsOf, startWorld } from "./world.ts";

/** A refresh is killed at any statement, by the system, and continued by another process; readers read all the time. */

const world = classWaves([
  "users.schools",
  "users.teachers",
  "users.students",
  "sessions.classroom_sessions",
  "sessions.student_groups",
  "sessions.participants",
  "sessions.student_group_members",
  "sessions.transcriptions",
  "analytics.session_events",
  "compliance.parental_consents",
  "notifications.templates",
  "admin.districts",
]);
const tables = Object.keys(world.tables);
const folder = mkdtempSync(join(tmpdir(), "refresh-killed-"));
const kills = Number(process.env.KILLS ?? 20);
const rows = 40;

let warehouse: Warehouse;
/** Called before each statement of the refresher. */
let onStatement: () => void = () => undefined;

const watch: Watch = (execute) => (session, sql, parameters, signal) => {
  if (session.token === "refresher") onStatement();
  return execute(session, sql, parameters, signal);
};

beforeAll(async () => {
  warehouse = await startWorld(world.tables, { watch });
  await warehouse.load(seedSql(world, rows, 0).join("; "));
  await warehouse.load(seedSql(world, rows, 0).join("; ").replaceAll("production.", "staging."));
}, 120_000);

afterAll(async () => {
  await warehouse.stop();
  rmSync(folder, { recursive: true, force: true });
});

function start(
  script: string,
  input: unknown,
  ...stdin: "pipe"[]
): ChildProcess & { out: Promise<string>; errors: Promise<string> } {
  const file = join(folder, `${script}-${Math.random()}.json`);
  writeFileSync(file, JSON.stringify(input));
  const child = spawn(process.execPath, [join(import.meta.dirname, script), file], {
    stdio: [stdin[0] ?? "ignore", "pipe", "pipe"],
  });
  return Object.assign(child, {
    out: text(child.stdout as NonNullable<typeof child.stdout>),
    errors: text(child.stderr as NonNullable<typeof child.stderr>),
  });
}

const job = (): Job => ({ settings: settingsOf(warehouse), ...world, request: requestOf({ keepOldMs: 1 }) });

async function completed(): Promise<{ result: RefreshResult; statements: number }> {
  let statements = 0;
  onStatement = () => {
    statements++;
  };
  const child = start("runner.ts", job());
  const [out, errors] = await Promise.all([child.out, child.errors, once(child, "close")]);
  expect(errors).toBe("");
  return { result: (JSON.parse(out) as { result: RefreshResult }).result, statements };
}

async function killedAt(statement: number): Promise<boolean> {
  let statements = 0;
  const child = start("runner.ts", job());
  onStatement = () => {
    if (++statements === statement) child.kill("SIGKILL");
  };
  const [, signal] = (await once(child, "close")) as [number | null, string | null];
  return signal === "SIGKILL";
}

async function nextGeneration(of: number): Promise<void> {
  await warehouse.load(tables.map((table) => `UPDATE production.${table} SET ${generation} = ${of}`).join("; "));
}

const shapes = async (catalog: string) => {
  const found = await warehouse.query(`FROM (${shapeSql(world, catalog)}) ORDER BY name`);
  return found;
};

test("killed at any statement and continued, it ends as if it had not been killed, and readers never see half a table", {
  timeout: 1_800_000,
}, async () => {
  const copy = await openCopy(warehouse);
  await nextGeneration(1);
  const { statements } = await completed();
  expect(await shapes("staging")).toEqual(await shapes("production"));
  const reader = start("reader.ts", { settings: settingsOf(warehouse, "app"), tables }, "pipe");
  let reached = 0;
  for (let kill = 0; kill < kills; kill++) {
    await nextGeneration(kill + 2);
    // Each part of the refresh is hit, at a random place within it.
    const at = Math.ceil(((kill + Math.random()) * statements) / kills);
    const wasKilled = await killedAt(at);
    reached += wasKilled ? 1 : 0;
    const { result } = await completed();
    expect(result, `killed at statement ${at}`).toMatchObject({ switched: true, leaks: 0, orphans: 0 });
    expect(await shapes("staging"), `killed at statement ${at}`).toEqual(await shapes("production"));
    expect(
      (await refreshSchemas(copy, "staging")).filter(({ kind }) => kind === "working"),
      `killed at statement ${at}`,
    ).toEqual([]);
    expect((await lastRefresh(copy, "staging")).switched?.id).toBe(result.id);
  }
  reader.stdin?.end();
  const lines = (await reader.out).trim().split("\n");
  expect(await reader.errors).toBe("");
  expect(lines.slice(0, -1)).toEqual(["reading"]);
  const { reads, generations } = JSON.parse(lines.at(-1) ?? "{}") as { reads: number; generations: number };
  console.log(
    `killed ${reached} of ${kills} times within ${statements} statements; ${reads} reads of ${generations} generations`,
  );
  expect(reached).toBeGreaterThan(kills * 0.8);
  expect(generations).toBeGreaterThan(kills / 2);
  await copy.close();
});
