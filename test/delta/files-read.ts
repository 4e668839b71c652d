import { report } from "../../bench/result.ts";
import { findDelta } from "../../scripts/delta.ts";
import { executeCleanup, prove } from "../../src/cleanup/execute/execute.ts";
import { parseLedger } from "../../src/cleanup/ledger/ledger.ts";
import { type CleanupPlan, type CleanupRequest, planCleanup } from "../../src/cleanup/plan/plan-cleanup.ts";
import { environmentSchema } from "../../src/config/schema.ts";
import { tableSchema, testDataSchema } from "../../src/config/test-data-schema.ts";
import type { TestDataWarehouse } from "../../src/warehouse/access.ts";
import { deleteStatement } from "../../src/warehouse/writes.ts";
import { startSpark } from "./spark.ts";
import { type Ran, sparkCatalog, sparkWarehouse } from "./spark-warehouse.ts";

/**
 * How many of a table's 200 files each step of a cleanup reads on real Spark with Delta: `node bench/delta.ts`. The table has
 * 400,000 rows, one a second; the run's 200 test rows are in ten files. Exit status 1 if a step that can skip files reads
 * more than eleven; 77 if Spark or Delta is missing.
 */

const files = 200;
const rows = 400_000;
const mostFiles = 11;
const runStarted = 1_763_200_000_000;
const runId = `${runStarted}_1a2b3c4d`;

const prefixed = "ids with the run's prefix";
/** Found in few files through their lessons; their own ids are anywhere, so only their times lead to few files. */
const random = "random ids, with a time";

/** What the statements were before, for the same rows. `:p` is a JSON list, `:a` and `:b` its smallest and largest value. */
const before = [
  ["a list by a subquery", "`id` IN (SELECT explode(from_json(:list, 'array<string>')))"],
  ["a list or a prefix", "startswith(`title`, :prefix) OR `id` IN (SELECT explode(from_json(:list, 'array<string>')))"],
  [
    "two lists",
    "`id` IN (SELECT explode(from_json(:list, 'array<string>'))) OR `title` IN (SELECT explode(from_json(:titles, 'array<string>')))",
  ],
] as const;

export async function countFilesRead(): Promise<void> {
  const found = findDelta();
  if ("missing" in found) {
    console.log(found.missing);
    process.exitCode = 77;
    return;
  }
  const spark = await startSpark(found);
  try {
    await spark.run("CREATE SCHEMA IF NOT EXISTS school");
    // Every two-hundredth row of the last ten files is test data, as after a run: by its id in `lessons`, by its lesson in `notes`,
    // whose own ids are random.
    const isTest = `id % 200 = 199 AND id >= ${rows - 20_000}`;
    const lesson = `concat(CASE WHEN ${isTest} THEN 'integration_test_${runId}_' ELSE 'lesson_' END, lpad(CAST(id AS STRING), 8, '0'))`;
    const time = `timestamp_millis(${runStarted} + (id - ${rows - 20_000}) * 1000)`;
    const source = `range(0, ${rows}, 1, ${files})`;
    await spark.run(
      `CREATE TABLE school.lessons USING delta AS SELECT ${lesson} AS id, concat('title ', id) AS title, id AS n, ${time} AS created_at FROM ${source}`,
    );
    await spark.run(
      `CREATE TABLE school.notes USING delta AS SELECT md5(CAST(id AS STRING)) AS id, ${lesson} AS lesson_id, ${time} AS created_at FROM ${source}`,
    );
    const ran: Ran[] = [];
    const tables = ["school.lessons", "school.notes"];
    const whole = sparkWarehouse(spark, tables, ran);
    const warehouse: TestDataWarehouse = {
      ...whole,
      async deleteRows(deletion) {
        // A DELETE doesn't say which files it looked into; a SELECT with its condition reads the same.
        const { statement, parameters } = deleteStatement(sparkCatalog, deletion);
        await whole.query(statement.replace(/^DELETE FROM/, "SELECT count(*) AS n FROM"), parameters);
        return await whole.deleteRows(deletion);
      },
    };
    const lines: [step: string, most: number | string][] = [];
    // A statement may ask both tables, in the order in which they are declared.
    const step = async (name: string, work: () => Promise<unknown>) => {
      ran.length = 0;
      await work();
      for (const [index, table] of tables.entries()) {
        const of = ({ sql, files: read }: Ran) => {
          const asked = tables.filter((one) => sql.includes(`\`${one.split(".")[1]}\``));
          return asked.length === read.length ? read.filter((_, at) => asked[at] === table) : asked.includes(table) ? read : [];
        };
        lines.push([`${name}: ${index === 0 ? prefixed : random}`, Math.max(0, ...ran.flatMap(of))]);
      }
    };

    const ids = (await spark.run("SELECT id, title FROM school.lessons WHERE id LIKE 'integration%' ORDER BY id LIMIT 50")).rows;
    const args = {
      list: JSON.stringify(ids.map(([id]) => id)),
      titles: JSON.stringify(ids.map(([, title]) => title)),
      prefix: "integration_test_",
    };
    for (const [name, condition] of before) {
      const used = Object.fromEntries(Object.entries(args).filter(([key]) => condition.includes(`:${key}`)));
      const answer = await spark.run(`SELECT count(n) FROM school.lessons WHERE ${condition}`, used, { files: true });
      lines.push([`before: ${name}`, Math.max(...(answer.files ?? []))]);
    }

    const environment = environmentSchema.parse({
      access: "test-data",
      databricks: {
        host: "spark",
        warehouse: "w",
        token: "t",
        catalog: sparkCatalog,
        expect: { host: "spark", principal: "spark" },
      },
    });
    const ports = {
      warehouse,
      environment,
      signal: new AbortController().signal,
      onStep: () => undefined,
      onRemaining: () => undefined,
      audit: async () => undefined,
    };
    const request: CleanupRequest = {
      scope: "run",
      runId,
      runStarted,
      testData: testDataSchema.parse({ prefixes: ["integration_test_"], preset: "none" }),
      tables: {
        "school.lessons": tableSchema.parse({ match: [{ column: "id", prefix: true }], time: "created_at" }),
        "school.notes": tableSchema.parse({ parents: { lesson_id: { partOf: "school.lessons" } }, time: "created_at" }),
      },
      ledger: parseLedger(""),
      now: runStarted + 21_000_000,
    };
    let plan: CleanupPlan | undefined;
    await step("planning and counting", async () => {
      plan = await planCleanup(ports, { ...request, showsReading: true });
    });
    console.log((plan?.rows?.notes ?? []).join("\n"));
    await step("deleting and looking again", async () => {
      if (!plan) throw new Error("nothing was planned");
      const result = await executeCleanup(await prove(ports), plan);
      console.log(`deleted ${result.deletedRows} rows, left ${result.leftOver}; ${result.problems.join("; ")}`);
    });
    for (const [name, most] of lines) console.log(`${name.padEnd(40)} ${String(most).padStart(4)} of ${files} files`);
    for (const [name, most] of lines)
      if (!name.startsWith("before"))
        report({ name, unit: "files", bounds: { value: mostFiles }, points: [{ value: Number(most) }] });
    if (lines.some(([name, most]) => !name.startsWith("before") && Number(most) > mostFiles)) process.exitCode = 1;
  } finally {
    await spark.stop();
  }
}
