import { expect, test } from "vitest";
import type { ColumnPolicy } from "../../src/staging/policies/model.ts";
import { build, ownWorld, policiesOf, policyOf, structureOf, tableOf } from "./policies-world.ts";

const columns = {
  id: "string",
  name: "string",
  email: "string",
  notes: "string",
  level: "int",
  born: "date",
  seen: "timestamp",
  tags: "array<string>",
  home: "struct<city:string,zip:string>",
  friends: "array<struct<id:string,name:string>>",
  scores: "map<string,string>",
  profile: "string",
  number: "bigint",
};
const world = ownWorld({ "classwaves.users.students": { columns } });

test("each policy makes of a row what it says", async () => {
  await world.warehouse.load(`INSERT INTO users.students VALUES
    ('s1', 'Ada Real', 'ada@real.org', 'a note', 17, DATE '2011-05-17', TIMESTAMPTZ '2026-03-04 05:06:07+00', ['red', NULL], {'city': 'Realville', 'zip': '12345'}, [{'id': 's2', 'name': 'Bob Real'}, {'id': NULL, 'name': 'Nobody'}], MAP {'s2': 'likes', 's1': 'is'}, '{"name":"Ada Real","friends":[{"id":"s2"}],"secret":"Real"}', 41),
    ('s2', NULL, 'bob@real.org', NULL, -3, NULL, NULL, NULL, NULL, NULL, NULL, 'no json', 42)`);
  const keep: ColumnPolicy = { how: "keep", reason: "test" };
  const student: ColumnPolicy = { how: "surrogate", domain: "student" };
  const policies = policiesOf(
    {
      "users.students": policyOf({
        id: student,
        name: { how: "synthetic", kind: "fullName", of: "id" },
        email: { how: "synthetic", kind: "email", of: "id" },
        notes: { how: "synthetic", kind: "text" },
        level: { how: "generalise", to: { band: 10 } },
        born: { how: "generalise", to: "year" },
        seen: { how: "generalise", to: "month" },
        tags: { how: "elements", elements: keep },
        home: { how: "fields", fields: { city: { how: "synthetic", kind: "city" }, zip: { how: "null" } } },
        friends: {
          how: "elements",
          elements: { how: "fields", fields: { id: student, name: { how: "synthetic", kind: "fullName" } } },
        },
        scores: { how: "entries", keys: student, values: { how: "constant", value: "x" } },
        profile: {
          how: "json",
          type: "struct<name:string,friends:array<struct<id:string>>>",
          within: {
            how: "fields",
            fields: {
              name: { how: "synthetic", kind: "fullName" },
              friends: { how: "elements", elements: { how: "fields", fields: { id: student } } },
            },
          },
        },
        number: { how: "surrogate", domain: "number" },
      }),
    },
    { student: { prefix: "st_" }, number: {} },
  );
  const structure = structureOf({ "users.students": tableOf(columns) });
  await build(world, policies, structure);
  const [ada, bob, ...others] = await world.copy.query("SELECT * FROM staging.users.students ORDER BY level DESC");
  expect(others).toEqual([]);
  const [adaId, bobId] = [String(ada?.id), String(bob?.id)];
  const uuid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
  for (const id of [adaId, bobId]) expect(id).toMatch(new RegExp(`^st_${uuid}$`));
  expect(adaId).not.toBe(bobId);
  const name = String(ada?.name);
  expect(name).toMatch(/^[A-Z][a-z]+ [A-Z][a-z]+$/);
  expect(ada).toMatchObject({
    email: expect.stringMatching(`^${name.toLowerCase().replace(" ", ".")}\\.[0-9a-f]{12}@mail\\.example$`),
    notes: expect.stringMatching(/^[A-Z].+\.$/),
    level: 10,
    born: new Date("2011-01-01T00:00:00Z"),
    seen: new Date("2026-03-01T00:00:00Z"),
    tags: ["red", null],
    home: { city: expect.stringMatching(/^[A-Z]/), zip: null },
    friends: [{ id: bobId }, { id: null, name: expect.stringMatching(/^[A-Z]/) }],
    scores: { [adaId]: "x", [bobId]: "x" },
    profile: expect.stringMatching(`^\\{"name":"[A-Z][a-z]+ [A-Z][a-z]+","friends":\\[\\{"id":"${bobId}"\\}\\]\\}$`),
  });
  const nothing = { name: null, notes: null, born: null, seen: null, tags: null, home: null, friends: null, scores: null };
  expect(bob).toMatchObject({ ...nothing, level: -10, profile: "{}", email: expect.stringMatching(/@mail\.example$/) });
  expect(new Set([ada?.number, bob?.number]).size).toBe(2);
  expect(JSON.stringify([ada, bob], (_, value) => (typeof value === "bigint" ? String(value) : value))).not.toMatch(
    /real|nobody|note"|12345|"s[12]"|41,|42,/i,
  );
});
