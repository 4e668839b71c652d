import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { AuditLog, auditFile } from "../../src/audit/log.ts";
import { newRunId } from "../../src/cleanup/run-id.ts";
import { recordOf } from "../../src/history/record/of-report.ts";
import { readRecord } from "../../src/history/record/schema.ts";
import type { HistoryData } from "../../src/model/history.ts";
import { type Catalog, startTestStores, type TestStores } from "../cleanup/test-stores.ts";
import { auditVerify } from "../harness/audit.ts";
import { junit, type Project, runSuite } from "../stages/suite.ts";

/**
 * What a record says about test data and what the audit log says must be the same sums: people compare them. The log is read here as
 * its lines are, without the code that reports it.
 */

let stores: TestStores;
let control: Server;
let catalogs = 0;
/** What the tests of the next run do. */
let doing: (prefix: string) => Promise<void> = async () => undefined;

beforeAll(async () => {
  stores = await startTestStores();
  control = createServer((request, response) => {
    const prefix = new URL(request.url ?? "", "http://x").searchParams.get("prefix") ?? "";
    doing(prefix).then(
      () => response.end("done"),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  await new Promise<void>((resolve) => control.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  control.close();
  await stores.stop();
});

const columns = { id: "string", title: "string", created_at: "timestamp" };
const testsProgram = `import { writeFileSync } from "node:fs";
const answer = await fetch(process.env.CONTROL + "?prefix=" + process.env.ENV_ACTIONS_PREFIX);
if (!answer.ok) throw new Error(await answer.text());
writeFileSync("report.xml", ${JSON.stringify(junit())});
`;

interface Case extends Pick<Project, "overrides" | "cleans"> {
  stage?: "integration" | "cleanup";
  /** Before the stage, such as rows of earlier runs. */
  before?: (catalog: Catalog) => Promise<void>;
  work?: (catalog: Catalog, prefix: string) => Promise<void>;
  testData?: string;
  /** When a step begins. */
  onStep?: (text: string) => void;
}

interface Line {
  run: string;
  details: { what?: string; table?: string; execute?: boolean; leftOver?: number | "unknown"; verdict?: string };
  counts: Record<string, number>;
}

async function run({ stage = "integration", before, work, testData = "", onStep, overrides, cleans }: Case) {
  await stores.keys.flushall();
  await stores.keys.set("production:1", "1");
  const tables = { "school.sessions": { columns }, "school.teachers": { columns }, "school.safe": { columns } };
  const catalog = await stores.catalog(`a${catalogs++}`, tables);
  await insert(catalog, "teachers", "real", "Ada");
  await before?.(catalog);
  doing = async (prefix) => await work?.(catalog, prefix);
  const { port } = control.address() as { port: number };
  const { host, warehouseId, certificateAuthority } = stores.warehouse;
  const workspace = await mkdtemp(join(tmpdir(), "env-actions-sums-"));
  onTestFinished(() => rm(workspace, { recursive: true, force: true }));
  await mkdir(join(workspace, ".env-actions"));
  const runId = newRunId();
  const file = join(workspace, ".env-actions", auditFile);
  const log = new AuditLog(file, { who: "mira", run: runId, environment: "local", stage, key: undefined }, (text) => text);
  const table = (name: string) => `    school.${name}: { match: [{ column: title, prefix: true }], time: created_at }`;
  const project: Project = {
    inside: `databricks: { host: "${host}", warehouse: ${warehouseId}, token: "\${WAREHOUSE_TOKEN}", catalog: ${catalog.name}, certificateAuthority: ${certificateAuthority}, expect: { host: "${host}" } }
redis: { url: "\${REDIS_ADDRESS}", exclusive: true, expect: { host: 127.0.0.1 } }`,
    beside: `testData:
  preset: none
  principals: [app@school.example, runner@school.example]
  tables:
${["sessions", "teachers"].map(table).join("\n")}
${testData}`,
    settings: stage === "cleanup" ? "budget: 2m" : "command: node tests.mjs\nreports: [report.xml]",
    files: { "tests.mjs": testsProgram },
    runId,
    audit: (note) => log.write(note),
    ...(onStep ? { onStep } : {}),
    ...(overrides ? { overrides } : {}),
    ...(cleans ? { cleans } : {}),
  };
  try {
    const { report } = await runSuite(stage, project, {
      CONTROL: `http://127.0.0.1:${port}/`,
      WAREHOUSE_TOKEN: "token",
      REDIS_ADDRESS: stores.redisUrl,
    });
    const record = recordOf(report);
    expect(readRecord(JSON.parse(JSON.stringify(record)))).toEqual(JSON.parse(JSON.stringify(record)));
    const text = await readFile(file, "utf8").catch(() => "");
    if (text !== "") expect((await auditVerify(workspace)).ok).toBe(true);
    const lines = text.split("\n").filter(Boolean);
    return { report, data: record.data, log: lines.map((line) => JSON.parse(line) as Line), catalog };
  } finally {
    Object.assign(stores.warehouse.faults, { reappearingRows: 0, dropSockets: [], tokenExpiresAfterStatements: undefined });
    await catalog.close();
  }
}

async function insert(catalog: Catalog, table: string, id: string, title: string, as = "production") {
  await catalog.as(as, `INSERT INTO ${catalog.name}.school.${table} (id, title) VALUES ('${id}', '${title}')`);
}

/** As the application writes. */
async function make(catalog: Catalog, table: string, ...titles: string[]) {
  for (const [index, title] of titles.entries()) await insert(catalog, table, `${table}-${index}`, title, "app");
}

const of = (log: readonly Line[], what: string) => log.filter(({ details }) => details.what === what);
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

/** The sum of what is known, or null if an answer is missing. */
function sumOf(lines: readonly Line[]): number | null {
  return lines.some(({ counts }) => counts.deleted === undefined) ? null : sum(lines.map(({ counts }) => counts.deleted ?? 0));
}

/** Everything that both say must be equal. */
function compare(data: HistoryData | undefined, log: readonly Line[]): asserts data {
  if (!data) throw new Error("the record says nothing about test data");
  const deletes = of(log, "delete");
  expect(data.deletedRows).toBe(sum(deletes.map(({ counts }) => counts.deleted ?? 0)));
  expect(data.deletedKeys).toBe(sum(of(log, "unlink").map(({ counts }) => counts.deleted ?? 0)));
  const lost = [...deletes, ...of(log, "unlink")].some(({ counts }) => counts.deleted === undefined);
  expect(data.deletedAtLeast ?? false).toBe(lost);
  const named = [...new Set([...deletes.map(({ details }) => details.table ?? ""), ...data.tables.map(({ table }) => table)])];
  for (const table of named) {
    const said = data.tables.find((one) => one.table === table);
    expect([table, said?.deleted ?? (said ? null : 0)]).toEqual([
      table,
      sumOf(deletes.filter(({ details }) => details.table === table)),
    ]);
  }
  const [books] = of(log, "books");
  if (books) {
    const { made, unexplained, touched } = books.counts;
    expect([data.made?.least, data.unexplained?.least, data.touched?.least]).toEqual([made, unexplained, touched]);
    expect(sum(data.tables.map((table) => table.made?.least ?? 0))).toBe(made);
    expect(sum(data.tables.map((table) => table.unexplained?.least ?? 0))).toBe(unexplained);
  } else expect([data.made, data.unexplained, data.touched]).toEqual([undefined, undefined, undefined]);
  const verified = of(log, "verified");
  if (verified.length > 0) {
    const isUnknown = verified.some(({ details }) => details.leftOver === "unknown");
    expect(data.left).toBe(isUnknown ? null : sum(verified.map(({ details }) => Number(details.leftOver))));
    if (isUnknown) return;
    expect(data.leftKeys).toBe(sum(verified.map(({ counts }) => counts.keys ?? 0)));
    for (const { table, left } of data.tables)
      expect([table, left]).toEqual([table, sum(verified.map(({ counts }) => counts[table] ?? 0))]);
  }
}

test("a run that deletes all it made", async () => {
  const { data, log } = await run({
    work: async (catalog, prefix) => {
      await make(catalog, "sessions", `${prefix}_a`, `${prefix}_b`);
      await make(catalog, "teachers", `${prefix}_c`);
      await stores.keys.mset(`session:${prefix}`, "1", `more:${prefix}`, "1");
    },
  });
  compare(data, log);
  const exactly = (number: number) => ({ least: number, most: number });
  expect(data).toMatchObject({ made: exactly(3), deletedRows: 3, deletedKeys: 2, left: 0, unexplained: exactly(0) });
  expect(data.tables).toMatchObject([
    { table: "school.sessions", made: exactly(2), deleted: 2, left: 0 },
    { table: "school.teachers", made: exactly(1), deleted: 1, left: 0 },
  ]);
});

test("rows that come back are deleted in a later round, and counted each time", async () => {
  const { data, log } = await run({
    work: async (catalog, prefix) => {
      await make(catalog, "sessions", `${prefix}_a`, `${prefix}_b`);
      stores.warehouse.faults.reappearingRows = 1;
    },
  });
  compare(data, log);
  expect(of(log, "delete")).toHaveLength(2);
  expect(data).toMatchObject({ deletedRows: 3, left: 0 });
});

test("rows that always come back are left", async () => {
  const { data, log } = await run({
    work: async (catalog, prefix) => {
      await make(catalog, "sessions", `${prefix}_a`, `${prefix}_b`);
      stores.warehouse.faults.reappearingRows = 100;
    },
  });
  compare(data, log);
  expect(data.left).toBe(2);
  expect(data.tables).toMatchObject([{ table: "school.sessions", left: 2 }]);
});

test("rows and keys without the prefix are unexplained, and kept rows are told apart", async () => {
  const { data, log, report } = await run({
    testData: "  protectedTables: [school.safe]",
    work: async (catalog, prefix) => {
      await make(catalog, "sessions", `${prefix}_a`, "Maths", "Physics");
      await make(catalog, "safe", `${prefix}_b`);
      await stores.keys.set("session:5c11", "1");
    },
  });
  compare(data, log);
  expect(data).toMatchObject({ unexplained: { least: 2 }, unexplainedKeys: { least: 1 }, deletedRows: 1, left: 0, kept: 1 });
  // Whatever was made is deleted, left, kept or unexplained.
  expect(data.made?.least).toBe(data.deletedRows + (data.left ?? 0) + (data.kept ?? 0) + (data.unexplained?.least ?? 0));
  expect(report.books?.line).toContain("rows made 4");
});

test("a lost answer makes a count unknown, and never 0", async () => {
  const { data, log } = await run({
    work: async (catalog, prefix) => {
      await make(catalog, "sessions", `${prefix}_a`);
      await make(catalog, "teachers", `${prefix}_c`);
    },
    onStep: (text) => {
      // The first may be the answer to a read, which is asked again.
      if (text.startsWith("deleting from"))
        stores.warehouse.faults.dropSockets.push({ times: 2, when: "after", rpc: "ExecuteStatement" });
    },
  });
  compare(data, log);
  expect(data.deletedAtLeast).toBe(true);
  expect(data.tables.filter(({ deleted }) => deleted === null)).not.toEqual([]);
});

test("if nobody could look again, what is left is unknown", async () => {
  const { data, log } = await run({
    work: (catalog, prefix) => make(catalog, "sessions", `${prefix}_a`),
    onStep: (text) => {
      if (text.startsWith("deleting from")) stores.warehouse.faults.tokenExpiresAfterStatements = 0;
    },
  });
  compare(data, log);
  expect(data).toMatchObject({ left: null, leftKeys: null });
  expect(data.tables.find(({ table }) => table === "school.sessions")).toMatchObject({ deleted: null, left: null });
  expect(data.tables.filter(({ left }) => left === 0)).toEqual([]);
});

test("a cleanup that reached nothing leaves unknown counts, not none", async () => {
  const { data, report } = await run({
    work: async () => {
      stores.warehouse.faults.tokenExpiresAfterStatements = 0;
    },
  });
  expect(report.cleanup).toBeUndefined();
  expect(data).toMatchObject({ left: null, deletedAtLeast: true });
});

const hour = 3_600_000;
const earlier = [`${Date.now() - 30 * hour}_0a0b0c0d`, `${Date.now() - 20 * hour}_0e0f0a0b`] as const;

async function leftovers(catalog: Catalog) {
  for (const [index, id] of earlier.entries()) {
    stores.warehouse.faults.clock = Number(id.split("_")[0]);
    for (let row = 0; row <= index; row++) {
      const at = new Date(stores.warehouse.faults.clock).toISOString();
      await catalog.as(
        "app",
        `INSERT INTO ${catalog.name}.school.sessions (id, title, created_at) VALUES ('s${index}${row}', 'integration_test_${id}_${row}', '${at}')`,
      );
    }
    await stores.keys.set(`session:integration_test_${id}`, "1");
  }
  stores.warehouse.faults.clock = undefined;
}

test("a dry run deletes nothing, and leaves what it planned", async () => {
  const { data, log } = await run({ stage: "cleanup", before: leftovers, overrides: { scope: "expired" } });
  compare(data, log);
  const [plan] = of(log, "plan");
  expect(plan?.details.execute).toBe(false);
  expect(data).toMatchObject({ scope: "expired", dryRun: true, deletedRows: 0, deletedKeys: 0 });
  expect(data).not.toHaveProperty("deletedAtLeast");
  expect(data.tables.map(({ table, left }) => [table, left])).toEqual([["school.sessions", plan?.counts["school.sessions"]]]);
  expect(data.leftKeys).toBe(plan?.counts.keys);
  expect(data.left).toBe(3 + (data.leftKeys ?? 0));
  expect(data.tables[0]?.oldest?.slice(0, 16)).toBe(new Date(Number(earlier[0].split("_")[0])).toISOString().slice(0, 16));
});

test("a cleanup of several runs has the sums of all of them", async () => {
  const { data, log } = await run({
    stage: "cleanup",
    before: leftovers,
    overrides: { scope: "run", execute: true },
    cleans: [...earlier],
  });
  compare(data, log);
  expect(new Set(of(log, "delete").map(({ run: of }) => of))).toEqual(new Set(earlier));
  expect(data).toMatchObject({ scope: "run", dryRun: false, deletedRows: 3, left: 0 });
});
