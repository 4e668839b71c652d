import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TableDefinition } from "../../local/warehouse/index.ts";
import { executeCleanup, prove } from "../../src/cleanup/execute/execute.ts";
import { planCleanup } from "../../src/cleanup/plan/plan-cleanup.ts";
import { executeUndo, planUndo } from "../../src/cleanup/undo/restore-rows.ts";
import type { Table } from "../../src/config/schema.ts";
import { type Catalog, requestFor, runId, startTestStores, type TestStores, table } from "./test-stores.ts";

// Tables whose columns have rules of their own – identities, generated values, defaults, checks – and rows that no key identifies.
// Their rows come back as they were, or the reason is known before the first row of any table is written.
let stores: TestStores;
let count = 0;

beforeAll(async () => {
  stores = await startTestStores();
});
afterAll(() => stores.stop());

const mine = `integration_test_${runId}`;
const plain = "school.plain";
const ruled = "school.ruled";
const match = [{ column: "title", prefix: true as const }];

interface Case {
  columns: TableDefinition["columns"];
  /** Two test rows and a real one. */
  insert: string;
  declared?: Table;
  changes?: string[];
}

async function undone({ columns, insert, declared = table({ match }), changes = [] }: Case) {
  const school: Catalog = await stores.catalog(`rules${count++}`, {
    [plain]: { columns: { id: "string", title: "string" } },
    [ruled]: { columns, properties: { "delta.columnMapping.mode": "name", "delta.enableTypeWidening": "true" } },
  });
  try {
    const run = (text: string) => school.run((full) => text.replaceAll("$t", full), ruled);
    const rows = async (name = ruled) => (await school.rows(name)).map((row) => JSON.stringify(row, plainly)).sort();
    await school.insert(plain, [{ id: "p", title: `${mine} plain` }]);
    await run(insert.replaceAll("$mine", mine));
    const before = await rows();
    const ports = school.ports();
    const tables = { [plain]: table({ match }), [ruled]: declared };
    const cleanup = await executeCleanup(await prove(ports), await planCleanup(ports, requestFor(tables)));
    expect(cleanup).toMatchObject({ leftOver: 0, problems: [] });
    for (const change of changes) await run(change);
    const seen = stores.warehouse.statements.length;
    const report = { runId, environment: { name: "sandbox", access: "test-data" as const }, cleanup };
    const plan = await planUndo(school.warehouse, { report, tables, protectedTables: [] });
    const { environment } = ports;
    const result = await executeUndo({ warehouse: school.warehouse, environment, audit: async () => undefined }, plan, new Map());
    const sent = stores.warehouse.statements.slice(seen).map(({ sql }) => sql);
    const of = (name: string) => result.tables.find((one) => one.table === name);
    return { before, after: await rows(), ruled: of(ruled), plain: of(plain), sent };
  } finally {
    await school.close();
  }
}

const plainly = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);

describe("come back as they were", () => {
  it.each<[string, Case]>([
    [
      "generated values",
      {
        columns: { id: "string", title: "string", n: "int", twice: { type: "int", generatedAs: "n * 2" } },
        insert: "INSERT INTO $t (id, title, n) VALUES ('1', '$mine a', 4), ('2', '$mine b', 5), ('3', 'real', 6)",
      },
    ],
    [
      "values that a default would replace",
      {
        columns: { id: "string", title: "string", n: { type: "int", default: "7" } },
        insert: "INSERT INTO $t VALUES ('1', '$mine a', NULL), ('2', '$mine b', 7), ('3', 'real', 1)",
      },
    ],
    [
      "identities that values can be given for",
      {
        columns: { number: { type: "bigint", identity: { always: false } }, id: "string", title: "string" },
        insert: "INSERT INTO $t (id, title) VALUES ('1', '$mine a'), ('2', '$mine b'), ('3', 'real')",
      },
    ],
    [
      "rows without a key, equal ones as often as before",
      {
        columns: { id: "string", title: "string", tags: "map<string,string>" },
        insert:
          "INSERT INTO $t SELECT CAST(NULL AS STRING), '$mine a', map('k', 'v') UNION ALL SELECT CAST(NULL AS STRING), '$mine a', map('k', 'v') UNION ALL SELECT CAST(NULL AS STRING), '$mine a', map('k', 'w') UNION ALL SELECT '3', 'real', map('k', 'v')",
      },
    ],
    [
      "rows without a key that have a column named like the one that numbers equal rows",
      {
        columns: { id: "string", title: "string", nth_of_equal: "int" },
        insert: "INSERT INTO $t VALUES (NULL, '$mine a', 7), (NULL, '$mine a', 7), ('3', 'real', 7)",
      },
    ],
    [
      "variants",
      {
        columns: { id: "string", title: "string", data: "variant" },
        insert:
          "INSERT INTO $t SELECT '1', '$mine a', parse_json('{\"a\":1}') UNION ALL SELECT '2', '$mine b', parse_json('[1,2]') UNION ALL SELECT '3', 'real', parse_json('null')",
      },
    ],
  ])("%s", async (_, test) => {
    const result = await undone(test);
    expect(result.ruled?.problem).toBeUndefined();
    expect(result.after).toEqual(result.before);
    expect(result.plain).toMatchObject({ restored: 1 });
  });

  it("values in a column that was widened since", async () => {
    const result = await undone({
      columns: { id: "string", title: "string", n: "int" },
      insert: "INSERT INTO $t VALUES ('1', '$mine a', 2147483647), ('2', '$mine b', -5), ('3', 'real', 1)",
      changes: ["ALTER TABLE $t ALTER COLUMN n TYPE BIGINT"],
    });
    expect(result.ruled?.problem).toBeUndefined();
    expect(result.after.map((row) => row.replaceAll(/"(-?\d+)"}$/g, "$1}"))).toEqual(result.before);
  });
});

describe("are refused before anything is written", () => {
  it("identities that take no values; the other tables come back", async () => {
    const result = await undone({
      columns: { number: { type: "bigint", identity: { always: true } }, id: "string", title: "string" },
      insert: "INSERT INTO $t (id, title) VALUES ('1', '$mine a'), ('2', '$mine b'), ('3', 'real')",
    });
    expect(result.ruled).toMatchObject({ restorable: 2, problem: expect.stringMatching(/^nothing was written to it: EA3008: /) });
    expect(result.ruled?.restored).toBeUndefined();
    expect(result.plain).toMatchObject({ restored: 1 });
    const writes = result.sent
      .map((sql) => /(EXPLAIN )?INSERT INTO `\w+`\.`\w+`\.`(\w+)`/.exec(sql))
      .filter((found) => found !== null);
    // The refusal was known when the first row was written.
    expect(writes.map(([, explained, name]) => `${explained ?? ""}${name}`).sort()).toEqual(
      ["EXPLAIN plain", "EXPLAIN ruled", "plain"].sort(),
    );
    expect(writes.findIndex(([, explained]) => explained === undefined)).toBe(2);
  });

  it.each([
    [
      "a column that was added since and takes no NULL",
      ["ALTER TABLE $t ADD COLUMN x INT", "UPDATE $t SET x = 1", "ALTER TABLE $t ALTER COLUMN x SET NOT NULL"],
      /column x was added since and refuses NULL/,
    ],
    ["a table that was created again", ["CREATE OR REPLACE TABLE $t (id STRING, title STRING, n INT)"], /was replaced|history/],
  ])("%s", async (_, changes, why) => {
    const result = await undone({
      columns: { id: "string", title: "string", n: "int" },
      insert: "INSERT INTO $t VALUES ('1', '$mine a', 1), ('2', '$mine b', 2), ('3', 'real', 3)",
      changes,
    });
    expect(result.ruled?.problem).toMatch(why);
    expect(result.ruled?.restored).toBeUndefined();
    expect(result.after.filter((row) => row.includes("integration_test"))).toEqual([]);
  });
});
