import fc from "fast-check";
import { expect, test } from "vitest";
import { gaps } from "../../src/staging/policies/gaps.ts";
import type { ColumnPolicy } from "../../src/staging/policies/model.ts";
import { dateUnits, syntheticKinds } from "../../src/staging/policies/model.ts";
import { proposePolicies } from "../../src/staging/policies/propose.ts";
import { readPolicies } from "../../src/staging/policies/read.ts";
import type { ColumnStructure, TableStructure } from "../../src/staging/structure/structure.ts";
import { build, forget, ownWorld, policiesOf, policyOf, structureOf, tableOf } from "./policies-world.ts";

/** Types, with values that are as difficult as the type allows, as DuckDB writes them. */
const values: Readonly<Record<string, string[]>> = {
  string: ["''", "'a'", '\'{"a":"b"}\'', "'[1]'", "'ünïcode 😀'", "'x''y'", "repeat('long ', 100)"],
  tinyint: ["-128", "127", "0"],
  int: ["-2147483648", "2147483647", "7"],
  bigint: ["-9223372036854775808", "9223372036854775807", "41"],
  "decimal(5,2)": ["-999.99", "999.99", "0"],
  "decimal(18,0)": ["-999999999999999999", "999999999999999999", "5"],
  double: ["-1.5", "1e300", "0.1", "'nan'::DOUBLE", "'-inf'::DOUBLE"],
  boolean: ["true", "false"],
  date: ["DATE '0001-01-01'", "DATE '9999-12-31'", "DATE '2024-02-29'"],
  timestamp: ["TIMESTAMPTZ '2026-03-04 05:06:07.891+00'", "TIMESTAMPTZ '1969-12-31 23:59:59+00'"],
};
const simple = Object.keys(values);
const nested: Readonly<Record<string, string>> = {
  "array<string>": "['a', NULL, 'a']",
  "array<int>": "[1, NULL]",
  "struct<a:string,b:int>": "{'a': 'x', 'b': NULL}",
  "map<string,string>": "MAP {'k': 'v', 'l': NULL}",
  "array<struct<a:string,b:array<string>>>": "[{'a': 'x', 'b': ['y', NULL]}, NULL]",
};

const leaf: fc.Arbitrary<ColumnPolicy> = fc.oneof(
  fc.constant<ColumnPolicy>({ how: "keep", reason: "test" }),
  fc.constant<ColumnPolicy>({ how: "keep" }),
  fc.constant<ColumnPolicy>({ how: "null" }),
  fc.constantFrom<ColumnPolicy>(
    ...["a", "it's ${x} \\ \n", "2024-02-29", "2026-01-31T08:00:00Z", 0, 7, -128, 99.5, true].map(
      (value): ColumnPolicy => ({ how: "constant", value }),
    ),
  ),
  fc.constantFrom<ColumnPolicy>(
    { how: "surrogate", domain: "one" },
    { how: "surrogate", domain: "two" },
    { how: "pseudonym", domain: "keyed" },
  ),
  fc.constantFrom<ColumnPolicy>(
    ...dateUnits.map((to): ColumnPolicy => ({ how: "generalise", to })),
    ...[1, 10, 100, 0.5, 1000].map((band): ColumnPolicy => ({ how: "generalise", to: { band } })),
    { how: "generalise", to: { first: 2 } },
  ),
  fc.record({
    how: fc.constant("synthetic" as const),
    kind: fc.constantFrom(...syntheticKinds),
    locale: fc.constantFrom("en" as const, "de" as const),
  }),
  fc.constantFrom<ColumnPolicy>(
    { how: "synthetic", kind: "number", min: -128, max: 127 },
    { how: "synthetic", kind: "word", of: "id" },
  ),
);

/** Mostly of the type's own form, so that many pass. */
function policyFor(type: string): fc.Arbitrary<ColumnPolicy> {
  const fields = (a: fc.Arbitrary<ColumnPolicy>, b: fc.Arbitrary<ColumnPolicy>) =>
    fc.record({ how: fc.constant("fields" as const), fields: fc.record({ a, b }) });
  const elements = (of: fc.Arbitrary<ColumnPolicy>) => fc.record({ how: fc.constant("elements" as const), elements: of });
  const json = fc.record({
    how: fc.constant("json" as const),
    type: fc.constant("struct<a:string,b:string>"),
    within: fields(leaf, leaf) as fc.Arbitrary<{ how: "fields"; fields: Record<string, ColumnPolicy> }>,
  });
  switch (type) {
    case "string":
      return fc.oneof({ arbitrary: leaf, weight: 5 }, { arbitrary: json, weight: 1 });
    case "array<string>":
    case "array<int>":
      return elements(leaf);
    case "struct<a:string,b:int>":
      return fields(leaf, leaf);
    case "map<string,string>":
      return fc.record({ how: fc.constant("entries" as const), keys: leaf, values: leaf });
    case "array<struct<a:string,b:array<string>>>":
      return elements(fields(leaf, elements(leaf)));
    default:
      return leaf;
  }
}

interface Case {
  columns: { type: string; policy: ColumnPolicy; nullable: boolean; inKey: boolean }[];
  rows: (number | null)[][];
}

const column = fc.constantFrom(...simple, ...Object.keys(nested)).chain((type) =>
  fc.record({
    type: fc.constant(type),
    policy: policyFor(type),
    nullable: fc.boolean(),
    inKey: fc.constantFrom(false, false, false, true),
  }),
);

const cases: fc.Arbitrary<Case> = fc.array(column, { minLength: 1, maxLength: 6 }).chain((columns) =>
  fc.record({
    columns: fc.constant(columns),
    rows: fc.array(fc.tuple(...columns.map(({ nullable }) => fc.option(fc.nat(), { nil: nullable ? null : 0 }))), {
      maxLength: 4,
    }),
  }),
);

const world = ownWorld({});

/** A table of this case, with a key `id` that has a stand-in. */
async function tableOfCase({ columns, rows }: Case, name: string): Promise<TableStructure> {
  const own: Record<string, Partial<ColumnStructure> & { type: string }> = { id: { type: "string", nullable: false } };
  for (const [index, { type, nullable }] of columns.entries()) own[`c${index}`] = { type, nullable };
  await world.warehouse.createTables({
    [`classwaves.users.${name}`]: {
      columns: Object.fromEntries(Object.entries(own).map(([key, { type, nullable = true }]) => [key, { type, nullable }])),
    },
  });
  const value = (type: string, pick: number | null | undefined) => {
    const known = values[type] ?? [nested[type] ?? "NULL"];
    return pick === null || pick === undefined ? "NULL" : (known[pick % known.length] ?? "NULL");
  };
  for (const [at, row] of rows.entries())
    await world.warehouse.load(
      `INSERT INTO users.${name} VALUES ('id${at}', ${columns.map(({ type }, index) => value(type, row[index])).join(", ")})`,
    );
  const key = columns.flatMap(({ inKey, nullable, type }, index) =>
    inKey && !nullable && simple.includes(type) ? [`c${index}`] : [],
  );
  return tableOf(own, { primaryKey: { name: "pk", columns: ["id", ...key] } });
}

let runs = 0;

test("policies without gaps are never refused later", async () => {
  let passed = 0;
  const property = fc.asyncProperty(cases, async (one) => {
    const name = `t${runs++}`;
    const policies = policiesOf(
      {
        [`users.${name}`]: policyOf({
          id: { how: "surrogate", domain: "id" },
          ...Object.fromEntries(one.columns.map(({ policy }, index) => [`c${index}`, policy])),
        }),
      },
      { id: {}, one: { prefix: "one-" }, two: { shape: "hex" }, keyed: { secret: { scope: "staging", key: "pseudonyms" } } },
    );
    const columns = Object.fromEntries(one.columns.map(({ type, nullable }, index) => [`c${index}`, { type, nullable }]));
    const key = one.columns.flatMap(({ inKey, nullable, type }, index) =>
      inKey && !nullable && simple.includes(type) ? [`c${index}`] : [],
    );
    const early = tableOf(
      { id: { type: "string", nullable: false }, ...columns },
      { primaryKey: { name: "pk", columns: ["id", ...key] } },
    );
    if (gaps(policies, structureOf({ [`users.${name}`]: early })).length > 0) return;
    const table = await tableOfCase(one, name);
    const structure = structureOf({ [`users.${name}`]: table });
    passed++;
    await forget(world);
    await build(world, policies, structure);
    const rows = await world.copy.query(`SELECT * FROM staging.users.${name}`);
    // As many rows, no NULL where the original takes none, types that fit, and keys that are still different.
    expect(rows).toHaveLength(one.rows.length);
    for (const { name: column, nullable } of table.columns)
      if (!nullable) expect(rows.map((row) => row[column])).not.toContain(null);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
    const types = await world.copy.query(`DESCRIBE TABLE staging.users.${name}`);
    expect(types.map(({ col_name, data_type }) => [col_name, data_type])).toEqual(
      table.columns.map(({ name: column, type }) => [column, type]),
    );
  });
  const numRuns = Number(process.env.RUNS ?? 25);
  // By chance, most of a round's cases may have gaps. Then nothing was tried.
  for (let round = 0; round < 8 && passed <= 2; round++)
    await fc.assert(property, { numRuns, ...(process.env.SEED ? { seed: Number(process.env.SEED) + round } : {}) });
  expect(passed).toBeGreaterThan(2);
});

test("a proposal has no gaps on the structure that it was made from", () => {
  const types = fc.constantFrom(
    ...simple,
    ...Object.keys(nested),
    "variant",
    "binary",
    "smallint",
    "varchar(10)",
    "struct<a:string not null,b:variant>",
  );
  const own = fc.record({ type: types, nullable: fc.boolean(), generated: fc.constantFrom(false, false, false, false, true) });
  const names = fc.constantFrom(
    "id",
    "name",
    "teacher_id",
    "email",
    "notes",
    "payload",
    "status",
    "born",
    "level",
    "Tags",
    "school_id",
    "weird name",
  );
  const table = fc.record({
    columns: fc.dictionary(names, own, { minKeys: 1, maxKeys: 7 }),
    kind: fc.constantFrom("table" as const, "table" as const, "table" as const, "view" as const, "other" as const),
    key: fc.boolean(),
    reference: fc.boolean(),
    check: fc.boolean(),
  });
  const tables = fc.dictionary(fc.constantFrom("users.teachers", "users.schools", "a.sessions", "b.events", "b.things"), table, {
    minKeys: 1,
  });
  fc.assert(
    fc.property(tables, (drafts) => {
      const structure = structureOf(
        Object.fromEntries(
          Object.entries(drafts).map(([name, { columns, kind, key, reference, check }]) => {
            const list = Object.keys(columns);
            const [first = "", second] = list;
            const [target, targetTable] = Object.entries(drafts).find(([other]) => other !== name) ?? [];
            const [to] = Object.keys(targetTable?.columns ?? {});
            const made = tableOf(
              Object.fromEntries(
                list.map((column) => [
                  column,
                  {
                    type: columns[column]?.type ?? "string",
                    nullable: columns[column]?.nullable ?? true,
                    ...(columns[column]?.generated ? { generatedAs: "1" } : {}),
                  },
                ]),
              ),
              {
                kind,
                ...(key ? { primaryKey: { name: "pk", columns: [first] } } : {}),
                foreignKeys:
                  reference && target && to && second ? { fk: { columns: [second], references: target, to: [to] } } : {},
                checks: check ? { some_check: `\`${first}\` IS NOT NULL` } : {},
              },
            );
            return [name, made];
          }),
        ),
      );
      const { text, left } = proposePolicies(structure);
      expect(left).toEqual([]);
      expect(gaps(readPolicies(text, "policies.yml").policies, structure)).toEqual([]);
      // A second proposal has nothing to add, and changes no word.
      const again = proposePolicies(structure, { present: readPolicies(text, "policies.yml") });
      expect([again.added, again.text]).toEqual([0, text]);
    }),
    { numRuns: Number(process.env.RUNS ?? 40) },
  );
});
