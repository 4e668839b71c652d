import { expect, test } from "vitest";
import { sanitisedColumns } from "../../src/staging/policies/columns.ts";
import { type LeakQuery, leakQueries } from "../../src/staging/policies/leaks.ts";
import type { ColumnPolicy, SyntheticKind } from "../../src/staging/policies/model.ts";
import { syntheticKinds } from "../../src/staging/policies/model.ts";
import { build, ownWorld, policiesOf, policyOf, structureOf, tableOf } from "./policies-world.ts";

/** Columns of every form that can hold a text, each full of values that were planted. */
const textKinds = syntheticKinds.filter((kind): kind is Exclude<SyntheticKind, "number"> => kind !== "number");
const columns: Record<string, string> = {
  id: "string",
  parent_id: "string",
  gone: "string",
  fixed: "string",
  short: "string",
  hashed: "string",
  ...Object.fromEntries(textKinds.map((kind) => [kind.toLowerCase(), "string"])),
  list: "array<string>",
  ids: "array<string>",
  deep: "array<struct<id:string,items:array<string>,home:struct<street:string>>>",
  lookup: "map<string,struct<name:string>>",
  person: "struct<name:string,contact:struct<email:string>>",
  payload: "string",
  anything: "struct<a:array<string>>",
};
const world = ownWorld({ "classwaves.users.people": { columns } });
const table = tableOf(columns);
const id: ColumnPolicy = { how: "surrogate", domain: "person" };
const name: ColumnPolicy = { how: "synthetic", kind: "fullName" };
const policy = policyOf({
  id,
  parent_id: id,
  gone: { how: "null" },
  fixed: { how: "constant", value: "fixed" },
  short: { how: "generalise", to: { first: 1 } },
  hashed: { how: "pseudonym", domain: "keyed" },
  ...Object.fromEntries(textKinds.map((kind): [string, ColumnPolicy] => [kind.toLowerCase(), { how: "synthetic", kind }])),
  list: { how: "elements", elements: { how: "synthetic", kind: "sentence" } },
  ids: { how: "elements", elements: id },
  deep: {
    how: "elements",
    elements: {
      how: "fields",
      fields: {
        id,
        items: { how: "elements", elements: id },
        home: { how: "fields", fields: { street: { how: "synthetic", kind: "street" } } },
      },
    },
  },
  lookup: { how: "entries", keys: id, values: { how: "fields", fields: { name } } },
  person: { how: "fields", fields: { name, contact: { how: "fields", fields: { email: { how: "synthetic", kind: "email" } } } } },
  payload: {
    how: "json",
    type: "struct<student:struct<id:string,name:string>,said:array<string>>",
    within: {
      how: "fields",
      fields: {
        student: { how: "fields", fields: { id, name } },
        said: { how: "elements", elements: { how: "synthetic", kind: "text" } },
      },
    },
  },
  anything: { how: "null" },
});
const policies = policiesOf(
  { "users.people": policy },
  { person: {}, keyed: { secret: { scope: "staging", key: "pseudonyms" } } },
);
const structure = structureOf({ "users.people": table });

/** A value that occurs nowhere else: a name, an address or an id, 1,000 of them, and each in every column. */
const planted = "concat(CASE n % 3 WHEN 0 THEN 'Planta ' WHEN 1 THEN 'planta@' ELSE 'planta-' END, n, 'x')";
const values = Object.entries(columns).map(([column, type]) => {
  const v = planted;
  const nested: Record<string, string> = {
    list: `[${v}, NULL, 'Planta twice']`,
    ids: `[${v}, 'planta-shared']`,
    deep: `[{'id': ${v}, 'items': [${v}, NULL], 'home': {'street': ${v}}}, NULL]`,
    lookup: `MAP {${v}: {'name': ${v}}}`,
    person: `{'name': ${v}, 'contact': {'email': ${v}}}`,
    payload: `CASE WHEN n % 10 = 0 THEN concat('broken ', ${v}) ELSE concat('{"student":{"id":"', ${v}, '","name":"', ${v}, '","born":"', ${v}, '"},"said":["', ${v}, '"],"', ${v}, '":["', ${v}, '"]}') END`,
    anything: `{'a': [${v}]}`,
  };
  return type === "string" && column !== "payload" ? v : (nested[column] ?? "NULL");
});

async function counts(queries: readonly LeakQuery[]): Promise<Record<string, [number, number]>> {
  const rows = await world.copy.query(queries.map(({ sql }) => sql).join("\nUNION ALL\n"));
  return Object.fromEntries(rows.map(({ place, leaks, chance }) => [String(place), [Number(leaks), Number(chance)]]));
}

const queries = leakQueries(table, policy, { policies, original: "classwaves.users.people", copy: "staging.users.people" });

test("none of 1,000 planted values survives in any text, nested or JSON column", async () => {
  await world.warehouse.load(`INSERT INTO users.people SELECT ${values.join(", ")} FROM range(1000) AS r(n)`);
  await build(world, policies, structure);
  // This searcher knows no policy: it looks for what was planted in everything that can be read of the copy.
  const rows = await world.copy.query("SELECT * FROM staging.users.people");
  const everything = JSON.stringify(rows, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
  expect(rows).toHaveLength(1000);
  expect(everything.match(/planta[^"]*/gi) ?? []).toEqual([]);
  // It finds them in the original.
  const before = JSON.stringify(await world.copy.query("SELECT * FROM classwaves.users.people"));
  expect(before.match(/planta[^"]*/gi)?.length).toBeGreaterThan(1000 * Object.keys(columns).length);
  // The copy isn't just empty: each row has its own stand-ins and names, and their references still meet.
  expect(new Set(rows.map((row) => row.id)).size).toBe(1000);
  expect(rows.filter((row) => row.id === row.parent_id && (row.ids as string[])[0] === row.id)).toHaveLength(1000);
  expect(new Set(rows.map((row) => String(row.fullname))).size).toBeGreaterThan(900);
  // The key is in no statement, and no key was copied.
  expect(everything).not.toContain("k3y-of-nobody");
  expect(JSON.stringify(world.warehouse.statements)).not.toContain("k3y-of-nobody");
  expect(rows[0]?.hashed).toMatch(/^[0-9a-f]{32}$/);

  const found = await counts(queries);
  expect(Object.values(found).map(([leaks]) => leaks)).toEqual(queries.map(() => 0));
  expect(Object.keys(found).sort()).toEqual(queries.map(({ place }) => place).sort());
});

/** The copy with one row of production in these columns. */
async function leakyIn(leaking: readonly string[]): Promise<string[]> {
  const list = Object.keys(columns).map((one) => `${leaking.includes(one) ? "s" : "c"}.${one} AS ${one}`);
  await world.copy.change(
    `CREATE OR REPLACE TABLE staging.users.leaky AS SELECT ${list.join(", ")} FROM (SELECT * FROM classwaves.users.people WHERE id = 'planta@1x') AS s CROSS JOIN (SELECT * FROM staging.users.people LIMIT 1) AS c`,
  );
  const context = { policies, original: "classwaves.users.people", copy: "staging.users.leaky" };
  const found = await counts(leakQueries(table, policy, context));
  return Object.keys(found).filter((place) => found[place]?.[0] !== 0);
}

test("a value that survives is counted where it is, and only there", async () => {
  expect((await leakyIn(Object.keys(columns))).sort()).toEqual(queries.map(({ place }) => place).sort());
  expect((await leakyIn(["hashed", "deep"])).sort()).toEqual(["deep[].home.street", "deep[].id", "deep[].items[]", "hashed"]);
});

test("what a policy makes of anything isn't a leak", async () => {
  await world.warehouse.load(`DELETE FROM users.people`);
  await world.warehouse.load(`INSERT INTO users.people (id, fixed, short) VALUES ('a', 'fixed', 'P'), ('b', 'other', 'Planta')`);
  await world.copy.change(
    "CREATE OR REPLACE TABLE staging.users.small AS SELECT id, fixed, short FROM staging.users.people LIMIT 0",
  );
  await world.copy.change("INSERT INTO staging.users.small VALUES ('x', 'fixed', 'P')");
  const small = tableOf({ id: "string", fixed: "string", short: "string" });
  const found = await counts(
    leakQueries(small, policy, { policies, original: "classwaves.users.people", copy: "staging.users.small" }),
  );
  expect(found).toEqual({ id: [0, 0], fixed: [0, 1], short: [0, 1] });
});

test("a text never stays whole, however short it is", async () => {
  const own = policyOf({ id: { how: "null" }, short: { how: "generalise", to: { first: 30 } } });
  const small = tableOf({ id: "string", short: "string" });
  const of = policiesOf({ "users.people": own }, {});
  await world.warehouse.load(`DELETE FROM users.people`);
  await world.warehouse.load("INSERT INTO users.people (short) VALUES ('anna@school.test'), ('Jo'), ('X'), (''), (NULL)");
  const { columns: made } = sanitisedColumns(small, own, {
    policies: of,
    table: "users.people",
    working: { catalog: "staging", schema: "w" },
  });
  await world.copy.change(
    `CREATE OR REPLACE TABLE staging.users.short AS SELECT ${made.map(({ name, sql }) => `${sql} AS ${name}`).join(", ")} FROM classwaves.users.people AS s`,
  );
  const found = await world.copy.query("SELECT short FROM staging.users.short ORDER BY short NULLS FIRST");
  expect(found.map(({ short }) => short)).toEqual([null, "", "", "J", "anna@school.tes"]);
  const context = { policies: of, original: "classwaves.users.people", copy: "staging.users.short" };
  expect(await counts(leakQueries(small, own, context))).toEqual({ id: [0, 0], short: [0, 1] });
  // A whole text is a leak, although it has no more letters than the policy keeps.
  await world.copy.change("CREATE OR REPLACE TABLE staging.users.short AS SELECT id, short FROM classwaves.users.people");
  expect(await counts(leakQueries(small, own, context))).toEqual({ id: [0, 0], short: [3, 1] });
});
