import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { startWarehouse, type Warehouse } from "../local/warehouse/index.ts";
import type { StageReport } from "../src/index.ts";
import { load } from "./machine.ts";

/**
 * How a cleanup grows with the number of tables and with the depth of their graph: `node bench/tables.ts`. Whole processes find,
 * delete and verify three rows in each table. Counts statements, the rounds in which they wait for each other, and CPU time.
 * TABLES and DEPTHS set the sizes, SHORT=1 takes smaller ones. Exit status 1 when something grows faster than the bound, or when
 * a graph takes more rounds than its depth needs.
 */

const short = process.env.SHORT === "1";
const sizesOf = (name: string, usual: string) => (process.env[name] ?? usual).split(",").map(Number);
const widths = sizesOf("TABLES", short ? "30,120,480" : "120,480,1920");
const depths = sizesOf("DEPTHS", "8,16,32");
const steepest = 1.2;
/** So long that the statements of one round overlap. */
const latencyMs = 100;
const rowsPerTable = 3;
const token = "dapi-bench";
const entry = join(import.meta.dirname, "..", "dist", "index.js");

/** Two days old, so that the sweep of expired test data includes it. */
const made = Date.now() - 2 * 86_400_000;
const title = `integration_test_${made}_0a0b0c0d lesson `;

interface Measured {
  size: number;
  statements: number;
  rounds: number;
  cpuMs: number;
}

/** Writes the CPU time of the process to its third pipe when it ends. */
const reportsCpu = `data:text/javascript,${encodeURIComponent(
  `import { writeSync } from "node:fs"; process.on("exit", () => { const { user, system } = process.cpuUsage(); writeSync(3, String((user + system) / 1000)); });`,
)}`;

/** @param parentOf the number of the table that this one depends on; the first one's rows match by themselves */
async function measure(size: number, parentOf: (table: number) => number, waitMs: number): Promise<Measured> {
  const warehouse = await startWarehouse({ principals: { [token]: { user: "bench@school.example", grants: [], admin: true } } });
  const workspace = mkdtempSync(join(tmpdir(), "bench-tables-"));
  try {
    await seed(warehouse, size, parentOf);
    writeFileSync(join(workspace, "c.yml"), configuration(warehouse, size, parentOf));
    warehouse.faults.latencyMs = waitMs;
    const before = warehouse.statements.length;
    const child = spawn(
      process.execPath,
      ["--import", reportsCpu, entry, "cleanup", "--config", "c.yml", "--scope", "expired", "--execute", "--json"],
      {
        cwd: workspace,
        env: { PATH: process.env.PATH, DATABRICKS_TOKEN: token, NODE_EXTRA_CA_CERTS: warehouse.certificateAuthority },
        stdio: ["ignore", "pipe", "pipe", "pipe"],
      },
    );
    const cpu = child.stdio[3];
    if (!child.stdout || !child.stderr || !cpu || !("read" in cpu)) throw new Error("the process has no output");
    const [out, err, cpuMs] = await Promise.all([text(child.stdout), text(child.stderr), text(cpu), once(child, "exit")]);
    if (out === "") throw new Error(`there is no report: ${err}`);
    const report: StageReport = JSON.parse(out);
    if (report.cleanup?.deletedRows !== size * rowsPerTable || report.verdict !== "passed")
      throw new Error(
        `not a clean cleanup: ${report.cleanup?.deletedRows} of ${size * rowsPerTable} rows deleted: ${report.reason}`,
      );
    const statements = warehouse.statements.slice(before);
    return { size, statements: statements.length, rounds: roundsOf(statements), cpuMs: Number(cpuMs) };
  } finally {
    rmSync(workspace, { recursive: true, force: true });
    await warehouse.stop();
  }
}

async function seed(warehouse: Warehouse, size: number, parentOf: (table: number) => number): Promise<void> {
  const pointer = (index: number) => (index === 0 ? "title" : "parent_id");
  // The tables are older than their rows, so their history can be asked about the rows' age.
  warehouse.faults.clock = made - 86_400_000;
  await warehouse.createTables(
    Object.fromEntries(
      Array.from({ length: size }, (_, index) => [
        `classwaves.s.t${index}`,
        { columns: { id: "string", [pointer(index)]: "string", created_at: "timestamp" } },
      ]),
    ),
  );
  warehouse.faults.clock = made;
  const inserts = Array.from({ length: size }, (_, index) => {
    const value = index === 0 ? `'${title}' || i` : `'k${parentOf(index)}-' || i`;
    return `INSERT INTO classwaves.s.t${index} BY NAME SELECT 'k${index}-' || i AS id, ${value} AS ${pointer(index)}, to_timestamp(${made / 1000}) AS created_at FROM range(${rowsPerTable}) AS numbers(i)`;
  });
  await warehouse.load(inserts.join(";\n"));
  warehouse.faults.clock = undefined;
}

function configuration(warehouse: Warehouse, size: number, parentOf: (table: number) => number): string {
  const tables = Array.from({ length: size }, (_, index) => {
    const rule =
      index === 0 ? "match: [{ column: title, prefix: true }]" : `parents: { parent_id: { partOf: s.t${parentOf(index)} } }`;
    return `    s.t${index}: { ${rule}, time: created_at }`;
  });
  return `version: 1
environments:
  sandbox:
    access: test-data
    databricks:
      host: ${warehouse.host}
      warehouse: ${warehouse.warehouseId}
      token: \${DATABRICKS_TOKEN}
      expect: { host: localhost }
stages: { cleanup: { budget: 30m } }
testData:
  preset: none
  maxShare: 100%
  tables:
${tables.join("\n")}
`;
}

/** The longest chain of statements of which each began after the one before had ended. */
function roundsOf(statements: Warehouse["statements"]): number {
  let rounds = 0;
  let ended = Number.NEGATIVE_INFINITY;
  for (const { at, endedAt } of statements.toSorted((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0)))
    if (at >= ended && endedAt !== undefined) {
      rounds++;
      ended = endedAt;
    }
  return rounds;
}

/** How a figure grows from the first size to the last: 1 if in proportion, 2 if with the square. */
function exponent(measured: readonly Measured[], figure: (one: Measured) => number): number {
  const [first, last] = [measured.at(0), measured.at(-1)];
  return first && last ? Math.log(figure(last) / figure(first)) / Math.log(last.size / first.size) : Number.NaN;
}

function report(name: string, measured: readonly Measured[], base: Measured): number[] {
  console.log(`\n${name.padEnd(16)} statements   rounds   CPU, beyond ${base.cpuMs.toFixed(0)} ms for one table`);
  // What a process takes for its start grows with nothing.
  const beyond = ({ cpuMs }: Measured) => Math.max(1, cpuMs - base.cpuMs);
  for (const one of measured)
    console.log(
      `${String(one.size).padEnd(16)} ${String(one.statements).padStart(10)} ${String(one.rounds).padStart(8)} ${beyond(one).toFixed(0).padStart(7)} ms`,
    );
  const grown = [
    exponent(measured, (one) => one.statements),
    exponent(measured, (one) => one.rounds),
    exponent(measured, beyond),
  ];
  const [statements = 0, rounds = 0, cpu = 0] = grown;
  console.log(
    `${"grows with".padEnd(16)} ${`n^${statements.toFixed(2)}`.padStart(10)} ${`n^${rounds.toFixed(2)}`.padStart(8)} ${`n^${cpu.toFixed(2)}`.padStart(7)}`,
  );
  return grown;
}

const base = await measure(1, () => 0, 0);
const wide: Measured[] = [];
for (const size of widths) wide.push(await measure(size, () => 0, latencyMs));
const deep: Measured[] = [];
for (const size of depths) deep.push(await measure(size, (table) => table - 1, latencyMs));

console.log(`node ${process.version}, load ${load()}, ${rowsPerTable} rows a table; bound n^${steepest}`);
const grown = [...report("tables, depth 2", wide, base), ...report("depth", deep, base)];
// Each level is found in one round and deleted in another. Besides: who and where, the catalog, the count, and the last search.
const late = deep.filter(({ size, rounds }) => rounds > 2 * size + 4);
for (const { size, rounds } of late) console.log(`depth ${size} took ${rounds} rounds, expected at most ${2 * size + 4}`);
process.exitCode = late.length > 0 || grown.some((one) => !(one <= steepest)) ? 1 : 0;
