import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { TableDefinition } from "../../local/warehouse/index.ts";
import type { SeedTable } from "../../src/staging/seed/generators.ts";
import type { TableStructure } from "../../src/staging/structure/structure.ts";
import { type Copy, catalog, openCopy } from "./seed-world.ts";

// Tables that no preset knows: a shop, and random ones.

let copy: Copy | undefined;
afterEach(async () => {
  await copy?.close();
  copy = undefined;
});

const refers = (column: string, parent: string, to = "id") => ({ columns: [column], references: parent, to: [to] });

const shop: Record<string, TableDefinition> = {
  [`${catalog}.shop.customers`]: {
    columns: {
      id: { type: "string", nullable: false },
      full_name: { type: "string", nullable: false },
      email: "string",
      tier: { type: "string", nullable: false },
      age: "int",
      balance: "decimal(8,2)",
      since: "date",
      tags: "array<string>",
      address: "struct<city:string,zip:string,at:struct<lat:double>>",
      extra: "map<string,int>",
      favourite: "int",
    },
    constraints: { tiers: "tier IN ('gold', 'silver')", adult: "age >= 18 AND age <= 99" },
  },
  [`${catalog}.shop.products`]: {
    columns: {
      number: { type: "int", nullable: false },
      title: "string",
      price: { type: "decimal(6,2)", nullable: false },
      gross: { type: "decimal(8,2)", generatedAs: "price * 2" },
    },
    constraints: { paid: "price > 0" },
  },
  [`${catalog}.shop.orders`]: {
    columns: {
      id: { type: "bigint", nullable: false },
      customer_id: { type: "string", nullable: false },
      status: "string",
      placed_at: "timestamp",
      total: "double",
    },
  },
  [`${catalog}.shop.order_lines`]: {
    columns: {
      order_id: { type: "bigint", nullable: false },
      product: { type: "int", nullable: false },
      quantity: { type: "int", nullable: false },
    },
    constraints: { some: "quantity BETWEEN 1 AND 9" },
  },
  [`${catalog}.shop.departments`]: { columns: { id: "string", head: "string", name: "string" } },
  [`${catalog}.shop.employees`]: {
    columns: { id: "string", department: { type: "string", nullable: false }, boss: "string", name: "string" },
  },
};

const keys: Record<string, Partial<TableStructure>> = {
  "shop.customers": {
    primaryKey: { name: "pk", columns: ["id"] },
    foreignKeys: { f: refers("favourite", "shop.products", "number") },
  },
  "shop.products": { primaryKey: { name: "pk", columns: ["number"] } },
  "shop.orders": { primaryKey: { name: "pk", columns: ["id"] }, foreignKeys: { c: refers("customer_id", "shop.customers") } },
  "shop.order_lines": {
    primaryKey: { name: "pk", columns: ["order_id", "product"] },
    foreignKeys: { o: refers("order_id", "shop.orders"), p: refers("product", "shop.products", "number") },
  },
  "shop.departments": { foreignKeys: { h: refers("head", "shop.employees") } },
  "shop.employees": { foreignKeys: { d: refers("department", "shop.departments"), b: refers("boss", "shop.employees") } },
};

const said: Record<string, SeedTable> = {
  "shop.orders": {
    rows: { per: "shop.customers", from: 1, to: 4 },
    columns: { status: { oneOf: { open: 1, paid: 9 } }, placed_at: { days: [-30, 0] }, total: { number: [5, 80], decimals: 2 } },
    references: {},
  },
};

const ask = async (sql: string) => (await (copy as Copy).warehouse.query(sql))[0] ?? {};

describe("a shop", () => {
  it("is filled by its structure and by what the configuration says", async () => {
    copy = await openCopy(shop, keys);
    const { tables } = await copy.seed({ rows: 50, tables: said });
    const rows = new Map(tables.map(({ table, rows: made }) => [table, made]));
    expect(rows.get("shop.customers")).toBeGreaterThan(50);
    expect(rows.get("shop.products")).toBe(50);
    expect(rows.get("shop.orders")).toBeGreaterThan(100);
    expect(rows.get("shop.order_lines")).toBeGreaterThan(100);
    // Each query has its own oracle: what the keys, the rules and the configuration promise.
    expect(
      await ask(
        `SELECT count(*) FILTER (WHERE c.id IS NULL) AS orphans, min(n) AS fewest, max(n) AS most FROM (SELECT customer_id, count(*) AS n FROM ${catalog}.shop.orders GROUP BY 1) o LEFT JOIN ${catalog}.shop.customers c ON c.id = o.customer_id`,
      ),
    ).toMatchObject({ orphans: 0n, fewest: 1n, most: 4n });
    expect(
      await ask(
        `SELECT count(*) - count(DISTINCT id) AS twice, min(total) >= 5 AND max(total) <= 80 AS totals, min(placed_at) >= '2026-10-26' AND max(placed_at) < '2026-11-26' AS times,
         count(*) FILTER (WHERE status = 'paid') / count(*) AS paid FROM ${catalog}.shop.orders`,
      ),
    ).toMatchObject({ twice: 0n, totals: true, times: true, paid: expect.closeTo(0.9, 1) });
    expect(
      await ask(
        `SELECT count(*) - count(DISTINCT (order_id, product)) AS twice, count(*) FILTER (WHERE o.id IS NULL OR p.number IS NULL) AS orphans FROM ${catalog}.shop.order_lines l
         LEFT JOIN ${catalog}.shop.orders o ON o.id = l.order_id LEFT JOIN ${catalog}.shop.products p ON p.number = l.product`,
      ),
    ).toEqual({ twice: 0n, orphans: 0n });
    expect(
      await ask(
        `SELECT count(*) FILTER (WHERE d.id IS NULL) AS orphans, count(*) > 20 AS some, count(boss) AS bosses FROM ${catalog}.shop.employees e LEFT JOIN ${catalog}.shop.departments d ON d.id = e.department`,
      ),
    ).toEqual({ orphans: 0n, some: true, bosses: 0n });
    expect(
      await ask(
        `SELECT count(address.at.lat) = count(*) AND count(tags[1]) = count(*) AND count(email) = count(DISTINCT email) AS full_rows, count(DISTINCT full_name) > 40 AS names FROM ${catalog}.shop.customers`,
      ),
    ).toEqual({ full_rows: true, names: true });
    copy.sent();
    const again = await copy.seed({ rows: 50, tables: said });
    expect(again.tables.every(({ rows: made }) => made === 0)).toBe(true);
    expect(copy.sent().filter((sql) => sql.includes("INSERT"))).toEqual([]);
  });

  it("names the column that a CHECK refuses, and is completed with a generator for it", async () => {
    const tables = {
      [`${catalog}.shop.codes`]: {
        columns: { id: "string", code: { type: "string", nullable: false } },
        constraints: { form: "length(code) = 3 OR code = 'none'" },
      },
    };
    copy = await openCopy(tables);
    await expect(copy.seed({ rows: 5 })).rejects.toMatchObject({
      code: "EA6134",
      message:
        "shop.codes: CHECK form doesn't hold for 5 of the rows that were made, because of code. Name a generator for it in staging.seed.tables.shop.codes.columns",
    });
    const generator: SeedTable = { columns: { code: { oneOf: ["abc", "none"] } }, references: {} };
    const { tables: filled } = await copy.seed({ rows: 5, tables: { "shop.codes": generator } });
    expect(filled).toEqual([{ table: "shop.codes", rows: 5 }]);
  });

  it.each<[string, Record<string, SeedTable>, string, string]>([
    [
      "a table",
      { "shop.nothing": { columns: {}, references: {} } },
      "EA6132",
      "staging.seed.tables.shop.nothing: the copy has no such table",
    ],
    [
      "a column",
      { "shop.orders": { columns: { nothing: "email" }, references: {} } },
      "EA6132",
      "shop.orders: the table has no column nothing",
    ],
    [
      "a parent",
      { "shop.orders": { columns: {}, references: { status: "shop.nothing" } } },
      "EA6132",
      "the copy has no table shop.nothing",
    ],
    [
      "a parent without a column",
      { "shop.products": { rows: { per: "shop.orders", from: 1, to: 2 }, columns: {}, references: {} } },
      "EA6132",
      "no column of shop.products refers to it",
    ],
  ])("refuses %s that isn't there", async (_, tables, code, message) => {
    copy = await openCopy(shop, keys);
    copy.sent();
    await expect(copy.seed({ rows: 5, tables })).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    expect(copy.sent().filter((sql) => sql.includes("INSERT"))).toEqual([]);
  });

  it("tables that must have each other first are named, unless a column may be NULL", async () => {
    const strict = {
      [`${catalog}.s.a`]: { columns: { id: "string", b: { type: "string", nullable: false } } },
      [`${catalog}.s.b`]: { columns: { id: "string", a: { type: "string", nullable: false } } },
    };
    copy = await openCopy(strict, {
      "s.a": { foreignKeys: { f: refers("b", "s.b") } },
      "s.b": { foreignKeys: { f: refers("a", "s.a") } },
    });
    await expect(copy.seed({ rows: 5 })).rejects.toMatchObject({ code: "EA6132", message: expect.stringContaining("s.a, s.b") });
  });
});

const leaf = fc.constantFrom(
  "string",
  "int",
  "bigint",
  "smallint",
  "tinyint",
  "double",
  "float",
  "boolean",
  "date",
  "timestamp",
  "binary",
  "decimal(5,2)",
  "decimal(18,0)",
  "decimal(5,4)",
  "variant",
);
const nested = fc.oneof(
  { weight: 4, arbitrary: leaf },
  { weight: 1, arbitrary: leaf.filter((type) => type !== "variant").map((type) => `array<${type}>`) },
  {
    weight: 1,
    arbitrary: leaf.filter((type) => type !== "variant").map((type) => `struct<a:${type},b_score:array<struct<c:${type}>>>`),
  },
  { weight: 1, arbitrary: leaf.filter((type) => type !== "variant").map((type) => `map<string,${type}>`) },
);
const names = [
  "status",
  "email",
  "display_name",
  "total_count",
  "score",
  "created_at",
  "notes",
  "metadata",
  "ratio",
  "value",
  "failed_at",
  "external_id",
  "error_message",
];
const columns = fc.uniqueArray(fc.record({ name: fc.constantFrom(...names), type: nested, nullable: fc.boolean() }), {
  selector: ({ name }) => name,
  minLength: 1,
  maxLength: 8,
});
/** Each table refers to some of the tables before it. */
const schemas = fc.array(
  fc.record({
    key: fc.constantFrom("string", "int", "bigint"),
    columns,
    parents: fc.uniqueArray(fc.nat({ max: 3 }), { maxLength: 2 }),
    required: fc.boolean(),
  }),
  { minLength: 2, maxLength: 5 },
);

it("any schema gets rows that keep NOT NULL and refer to rows that are there", async () => {
  let world = 0;
  await fc.assert(
    fc.asyncProperty(schemas, async (drawn) => {
      const tables: Record<string, TableDefinition> = {};
      const structure: Record<string, Partial<TableStructure>> = {};
      const edges: [child: number, parent: number][] = [];
      drawn.forEach(({ key, columns: own, parents, required }, index) => {
        const before = parents.filter((parent) => parent < index);
        edges.push(...before.map((parent) => [index, parent] as [number, number]));
        tables[`${catalog}.s.t${index}`] = {
          columns: {
            id: { type: key, nullable: false },
            ...Object.fromEntries(
              before.map((parent) => [`ref_${parent}`, { type: drawn[parent]?.key ?? "string", nullable: !required }]),
            ),
            ...Object.fromEntries(own.map(({ name, type, nullable }) => [name, { type, nullable }])),
          },
        };
        structure[`s.t${index}`] = {
          foreignKeys: Object.fromEntries(before.map((parent) => [`f${parent}`, refers(`ref_${parent}`, `s.t${parent}`)])),
        };
      });
      const own = await openCopy(tables, structure);
      try {
        const result = await own.seed({ rows: 20, seed: world++ });
        expect(result.tables).toHaveLength(drawn.length);
        expect(result.tables.find(({ table }) => table === "s.t0")?.rows).toBe(20);
        for (const [child, parent] of edges) {
          const [found] = await own.warehouse.query(
            `SELECT count(*) FILTER (WHERE c.ref_${parent} IS NULL OR p.id IS NULL) AS orphans FROM ${catalog}.s.t${child} c LEFT JOIN ${catalog}.s.t${parent} p ON p.id = c.ref_${parent}`,
          );
          expect(found).toEqual({ orphans: 0n });
        }
      } finally {
        await own.close();
      }
    }),
    { numRuns: Number(process.env.CASES ?? 5), ...(process.env.SEED ? { seed: Number(process.env.SEED) } : {}) },
  );
}, 600_000);
