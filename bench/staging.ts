import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { startWarehouse, type Warehouse } from "../local/warehouse/index.ts";
import type { StageReport } from "../src/index.ts";
import { report, short } from "./result.ts";

/**
 * How a refresh of ClassWaves' 48 tables grows with their rows: `node bench/staging.ts`. A whole process refreshes; the warehouse is
 * in another one. No row passes through the process, so its memory and the number of its statements must not grow. ROWS sets the
 * sizes, ENTRY names another bundle than `dist/index.js`. Exit status 1 when something is over its bound.
 */

const sizes = (process.env.ROWS ?? (short ? "4800,14400" : "100000,300000,1000000")).split(",").map(Number);
const entry = process.env.ENTRY ?? join(import.meta.dirname, "..", "dist", "index.js");
const token = "dapi-bench";
const mostMegabytes = 150;

const schema = JSON.parse(readFileSync(join(import.meta.dirname, "../examples/classroom/schema.json"), "utf8")) as Record<
  string,
  { columns: Record<string, string> }
>;
const tables = Object.entries(schema).map(([name, { columns }]) => ({ name: name.split(".").slice(1).join("."), columns }));

/** Column → the table that it refers to. */
const parents: Readonly<Record<string, string>> = {
  session_id: "sessions.classroom_sessions",
  group_id: "sessions.student_groups",
  teacher_id: "users.teachers",
  school_id: "users.schools",
  student_id: "users.students",
};
const domainOf = (table: string) => table.replace(".", "_").toLowerCase();

interface Measured {
  size: number;
  megabytes: number;
  statements: number;
  ms: number;
}

/** Not `maxRSS`: after a fork that counts what the parent had, which holds the warehouse. */
const reportsMemory = `data:text/javascript,${encodeURIComponent(
  `import { readFileSync, writeSync } from "node:fs"; process.on("exit", () => writeSync(3, /VmHWM:\\s*(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]));`,
)}`;

async function measure(size: number): Promise<Measured> {
  const rows = Math.floor(size / tables.length);
  const grants = (["USE CATALOG", "USE SCHEMA", "SELECT", "BROWSE"] as const).map((privilege) => ({
    privilege,
    on: "production",
  }));
  const warehouse = await startWarehouse({
    catalog: "production",
    principals: {
      [token]: { user: "bench@school.example", grants: grants as { privilege: "SELECT"; on: string }[], owns: ["staging"] },
    },
  });
  const workspace = mkdtempSync(join(tmpdir(), "bench-staging-"));
  try {
    for (const catalog of ["production", "staging"])
      await warehouse.createTables(Object.fromEntries(tables.map(({ name, columns }) => [`${catalog}.${name}`, { columns }])));
    await warehouse.load(tables.map(({ name, columns }) => insertOf(name, columns, rows)).join("; "));
    mkdirSync(join(workspace, ".github"));
    writeFileSync(join(workspace, ".github", "env-actions.policies.yml"), policies());
    writeFileSync(join(workspace, "c.yml"), configuration(warehouse));
    const before = warehouse.statements.length;
    const begun = performance.now();
    const child = spawn(
      process.execPath,
      ["--import", reportsMemory, entry, "staging", "refresh", "--execute", "--config", "c.yml", "--json"],
      {
        cwd: workspace,
        env: { PATH: process.env.PATH, HOME: process.env.HOME, DATABRICKS_TOKEN: token },
        stdio: ["ignore", "pipe", "pipe", "pipe"],
      },
    );
    const memory = child.stdio[3];
    if (!child.stdout || !child.stderr || !memory || !("read" in memory)) throw new Error("the process has no output");
    const [out, err, megabytes] = await Promise.all([text(child.stdout), text(child.stderr), text(memory), once(child, "exit")]);
    const ms = performance.now() - begun;
    if (out === "") throw new Error(`there is no report: ${err}`);
    const { staging, reason } = JSON.parse(out) as StageReport;
    const copied = staging?.refresh?.tables.reduce((sum, table) => sum + (table.rows ?? 0), 0);
    if (!staging?.refresh?.switched || copied !== rows * tables.length) throw new Error(`${copied} rows were copied: ${reason}`);
    return { size, megabytes: Number(megabytes) / 1024, statements: warehouse.statements.length - before, ms };
  } finally {
    rmSync(workspace, { recursive: true, force: true });
    await warehouse.stop();
  }
}

function insertOf(name: string, columns: Record<string, string>, rows: number): string {
  const values = Object.entries(columns).map(([column, type]) => {
    const parent = parents[column];
    if (column === "id") return `'${name} ' || i`;
    if (parent !== undefined) return `'${parent} ' || (i * 7 % ${rows})`;
    if (type === "string") return `'${column} ' || i`;
    return ["int", "bigint", "double"].includes(type) ? "i % 1000" : "NULL";
  });
  return `INSERT INTO production.${name} SELECT ${values.join(", ")} FROM range(${rows}) r(i)`;
}

function policies(): string {
  const written = tables.map(({ name, columns }) => {
    const own = Object.entries(columns).map(([column, type]) => {
      const domain = column === "id" ? name : parents[column];
      if (domain !== undefined) return `      ${column}: { surrogate: ${domainOf(domain)} }`;
      if (column === "name") return `      ${column}: { synthetic: fullName }`;
      return `      ${column}: ${/^(int|bigint|double|boolean|timestamp|date|decimal)/.test(type) ? "keep" : "null"}`;
    });
    return `  ${name}:\n    columns:\n${own.join("\n")}`;
  });
  const domains = tables.map(({ name }) => `  ${domainOf(name)}: {}`);
  return `version: 1\ndomains:\n${domains.join("\n")}\ntables:\n${written.join("\n")}\n`;
}

function configuration({ host, warehouseId, certificateAuthority }: Warehouse): string {
  const place = `host: "${host}", warehouse: ${warehouseId}, token: "\${DATABRICKS_TOKEN}", certificateAuthority: ${certificateAuthority}`;
  return `version: 1
preset: none
environments:
  production: { access: read-only, databricks: { ${place}, catalog: production } }
  staging: { access: test-data, databricks: { ${place}, catalog: staging, expect: { host: "${host}", catalog: staging } } }
staging: { original: production, copy: staging }
`;
}

const measured: Measured[] = [];
for (const size of sizes) {
  const one = await measure(size);
  measured.push(one);
  console.log(
    `${size} rows in ${tables.length} tables: ${(one.ms / 1000).toFixed(1)} s, ${one.statements} statements, ${one.megabytes.toFixed(0)} MB in the process`,
  );
}
const points = (value: (one: Measured) => number) => {
  const [first, ...others] = measured.map((one) => ({ size: one.size, value: value(one) }));
  if (!first) throw new Error("nothing was measured");
  const all: [typeof first, ...typeof others] = [first, ...others];
  return all;
};
const within = [
  report({
    name: "refresh: memory of the process",
    unit: "MB",
    sizes: "rows",
    points: points((one) => one.megabytes),
    bounds: { value: mostMegabytes, growth: 0.1 },
  }),
  report({
    name: "refresh: statements",
    unit: "statements",
    sizes: "rows",
    points: points((one) => one.statements),
    bounds: { growth: 0.1 },
  }),
  report({ name: "refresh: time on the local warehouse", unit: "ms", sizes: "rows", points: points((one) => one.ms) }),
];
process.exit(within.every(Boolean) ? 0 : 1);
