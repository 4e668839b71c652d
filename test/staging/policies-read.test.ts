import { expect, test } from "vitest";
import { UserError } from "../../src/model/user-error.ts";
import { gaps } from "../../src/staging/policies/gaps.ts";
import { gapsError } from "../../src/staging/policies/gaps-error.ts";
import { readPolicies } from "../../src/staging/policies/read.ts";
import type { Structure, TableStructure } from "../../src/staging/structure/structure.ts";
import { structureOf, tableOf } from "./policies-world.ts";

const file = ".github/env-actions.policies.yml";

function fileWith(
  columns: string,
  { domains = "{ teacher: {}, keyed: { secret: { scope: s, key: k } } }", more = "" } = {},
): string {
  return `version: 1\ndomains: ${domains}\ntables:\n  users.teachers:\n    columns:\n${columns
    .split("\n")
    .map((line) => `      ${line}`)
    .join("\n")}\n${more}`;
}

function mistakesIn(text: string): string[] {
  try {
    readPolicies(text, file);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.mistakes.map(({ code, line, column, message }) => `${code} ${line}:${column} ${message}`);
  }
  return [];
}

test("every policy can be written", () => {
  const text = `
version: 1
seed: 3
locale: de
domains:
  teacher: { prefix: teacher_ }
  keyed: { secret: { scope: staging, key: pseudonyms } }
  plain:
tables:
  Users.Teachers:
    key: [ID]
    quasiIdentifiers: [Level]
    withoutChecks: [Low]
    columns:
      ID: { surrogate: teacher }
      a: keep
      b: { keep: "one of three words" }
      c: null
      d: "null"
      e: { constant: 7 }
      f: { pseudonym: keyed }
      g: { generalise: month }
      h: { generalise: { band: 10 } }
      i: { generalise: { first: 2 } }
      j: { synthetic: fullName, of: id, locale: en }
      k: { synthetic: number, min: 1, max: 5 }
      l: { fields: { City: { synthetic: city }, zip: null } }
      m: { elements: { fields: { id: { surrogate: teacher } } } }
      n: { keys: { surrogate: teacher }, values: null }
      o: { json: "struct<name: string>", fields: { name: { synthetic: fullName } } }
  compliance.audit_log: omit
`;
  const { policies } = readPolicies(text, file);
  expect(policies.domains).toEqual({
    teacher: { prefix: "teacher_", shape: "uuid" },
    keyed: { prefix: "", shape: "uuid", secret: { scope: "staging", key: "pseudonyms" } },
    plain: { prefix: "", shape: "uuid" },
  });
  expect(policies).toMatchObject({ seed: 3, locale: "de" });
  expect(policies.tables["compliance.audit_log"]).toMatchObject({ omit: true });
  const { columns, ...table } = policies.tables["users.teachers"] ?? { columns: {} };
  expect(table).toEqual({ omit: false, key: ["id"], quasiIdentifiers: ["level"], withoutChecks: ["low"] });
  const city = { how: "synthetic", kind: "city" };
  const id = { how: "surrogate", domain: "teacher" };
  expect(columns).toEqual({
    id,
    a: { how: "keep" },
    b: { how: "keep", reason: "one of three words" },
    c: { how: "null" },
    d: { how: "null" },
    e: { how: "constant", value: 7 },
    f: { how: "pseudonym", domain: "keyed" },
    g: { how: "generalise", to: "month" },
    h: { how: "generalise", to: { band: 10 } },
    i: { how: "generalise", to: { first: 2 } },
    j: { how: "synthetic", kind: "fullName", of: "id", locale: "en" },
    k: { how: "synthetic", kind: "number", min: 1, max: 5 },
    l: { how: "fields", fields: { city, zip: { how: "null" } } },
    m: { how: "elements", elements: { how: "fields", fields: { id } } },
    n: { how: "entries", keys: id, values: { how: "null" } },
    o: {
      how: "json",
      type: "struct<name: string>",
      within: { how: "fields", fields: { name: { how: "synthetic", kind: "fullName" } } },
    },
  });
});

test.each([
  ["a policy that doesn't exist", "name: { syntetic: fullName }", 'EA2102 6:15 .+unknown policy; did you mean "synthetic"\\?'],
  ["a word that is no policy", "name: drop", "EA2101 6:13 .+expected a policy: null, keep"],
  ["nothing", "name:", "EA2101 6:7 .+expected a policy, got nothing"],
  ["an empty group", "name: {}", "EA2101 6:7 .+expected a policy"],
  ["a kind that doesn't exist", "name: { synthetic: fulname }", "EA2101 6:26 .+fullName"],
  ["another key", "name: { synthetic: email, off: id }", 'EA2102 6:33 .+did you mean "of"\\?'],
  ["two policies", "name: { constant: 1, synthetic: email }", "EA2102 6:28 .+unknown key"],
  ["keep without words", 'name: { keep: "" }', "EA2101 6:21 .+expected"],
  ["an unknown domain", "name: { surrogate: techer }", 'EA2103 6:26 .+did you mean "teacher"\\?'],
  ["a pseudonym without a key", "name: { pseudonym: teacher }", "EA2103 6:26 .+no secret"],
  ["a surrogate of a keyed domain", "name: { surrogate: keyed }", "EA2103 6:26 .+pseudonyms"],
  ["an unknown domain within", "name: { elements: { surrogate: x } }", "EA2103 6:38 .+unknown domain"],
  ["a bad band", "name: { generalise: { band: 0 } }", "EA2101 6:35 .+above 0"],
  ["a map without values", "name: { keys: keep }", "EA2101 6:7 .+values"],
  ["JSON without what is within", 'name: { json: "struct<a: string>" }', "EA2101 6:7 .+fields, elements"],
  ["JSON of no type", "name: { json: text, fields: {} }", "EA2101 6:21 .+struct<name: string>"],
  ["a name twice", "name: keep\nNAME: keep", "EA2101 7:7 .+duplicate name"],
])("a mistake has its place: %s", (_what, columns, expected) => {
  const found = mistakesIn(fileWith(columns));
  expect(found.length, found.join("\n")).toBe(1);
  expect(found[0]).toMatch(new RegExp(`^${expected}`));
});

test.each([
  ["a table's name", fileWith("id: keep", { more: "  teachers: omit\n" }), "EA2101 7:3 .+schema.table"],
  ["a table's policy", fileWith("id: keep", { more: "  a.b: keep\n" }), 'EA2101 7:8 .+expected "omit"'],
  ["a table's key", fileWith("id: keep", { more: "    colums: {}\n" }), 'EA2102 7:5 .+did you mean "columns"\\?'],
  ["a domain's name", fileWith("id: keep", { domains: "{ Teacher: {} }" }), "EA2101 2:12 .+lower-case"],
  ["the version", "version: 2\ntables: {}\n", "EA2101 1:10 "],
  ["no tables", "version: 1\n", "EA2101 .+tables.+missing"],
  ["an empty file", "", "EA2101 .+"],
  ["no YAML", "a: [", "EA1005 "],
])("a mistake outside of columns has its place: %s", (_what, text, expected) => {
  expect(mistakesIn(text).join("\n")).toMatch(new RegExp(expected));
});

/** What the policies lack for a structure, as `code object`. */
function gapsOf(columns: string, table: TableStructure, others: Record<string, TableStructure> = {}, more = ""): string[] {
  const { policies } = readPolicies(fileWith(columns, { more }), file);
  return gaps(policies, structureOf({ "users.teachers": table, ...others })).map(({ code, object }) => `${code} ${object}`);
}

test.each<[string, string, string | Partial<TableStructure["columns"][number]>, string[]]>([
  ["fits", "x: keep", "int", []],
  ["text kept without a reason", "x: keep", "string", ["EA2115 users.teachers.x"]],
  ["binary kept without a reason", "x: keep", "binary", ["EA2115 users.teachers.x"]],
  ["text kept with a reason", "x: { keep: few words }", "string", []],
  ["NULL where none is taken", "x: null", { type: "int", nullable: false }, ["EA2112 users.teachers.x"]],
  ["a constant of another type", "x: { constant: a }", "int", ["EA2112 users.teachers.x"]],
  ["a constant beyond the type", "x: { constant: 128 }", "tinyint", ["EA2112 users.teachers.x"]],
  ["a constant that is no day", "x: { constant: '2026-02-30' }", "date", ["EA2112 users.teachers.x"]],
  ["a made-up text in a number", "x: { synthetic: word }", "int", ["EA2112 users.teachers.x"]],
  ["a made-up text that is too long", "x: { synthetic: text }", "varchar(20)", ["EA2112 users.teachers.x"]],
  ["a made-up text that is short enough", "x: { synthetic: postcode }", "varchar(5)", []],
  ["a stand-in that is too long", "x: { surrogate: teacher }", "varchar(35)", ["EA2112 users.teachers.x"]],
  ["a stand-in of a date", "x: { surrogate: teacher }", "date", ["EA2112 users.teachers.x"]],
  ["a pseudonym of a number", "x: { pseudonym: keyed }", "bigint", ["EA2112 users.teachers.x"]],
  ["a day of a date", "x: { generalise: day }", "date", ["EA2112 users.teachers.x"]],
  ["a month of a text", "x: { generalise: month }", "string", ["EA2112 users.teachers.x"]],
  ["a band that keeps whole numbers", "x: { generalise: { band: 1 } }", "int", ["EA2112 users.teachers.x"]],
  ["a band that keeps decimals", "x: { generalise: { band: 0.01 } }", "decimal(10,2)", ["EA2112 users.teachers.x"]],
  ["a band of decimals", "x: { generalise: { band: 0.5 } }", "decimal(10,2)", []],
  ["of a column without a stand-in", "x: { synthetic: email, of: x }", "string", ["EA2112 users.teachers.x"]],
  ["a struct that is kept as a whole", "x: { keep: it is fine }", "struct<a:int>", ["EA2112 users.teachers.x"]],
  ["a field without a policy", "x: { fields: { a: keep } }", "struct<a:int,b:int>", ["EA2110 users.teachers.x.b"]],
  [
    "a field of a name that objects have",
    "x: { fields: { a: keep } }",
    "struct<a:int,constructor:string>",
    ["EA2110 users.teachers.x.constructor"],
  ],
  ["a field that doesn't exist", "x: { fields: { a: keep, c: keep } }", "struct<a:int>", ["EA2111 users.teachers.x.c"]],
  [
    "a field deep within",
    "x: { elements: { fields: { a: { elements: keep } } } }",
    "array<struct<a:array<string>>>",
    ["EA2115 users.teachers.x[].a[]"],
  ],
  ["NULL in a field that takes none", "x: { fields: { a: null } }", "struct<a:int not null>", ["EA2112 users.teachers.x.a"]],
  ["keys that would collide", "x: { keys: { constant: a }, values: null }", "map<string,int>", ["EA2112 users.teachers.x{key}"]],
  ["JSON in a number", "x: { json: 'array<string>', elements: null }", "int", ["EA2112 users.teachers.x"]],
  [
    "a field of JSON without a policy",
    "x: { json: 'struct<a: string, b: int>', fields: { a: null } }",
    "string",
    ["EA2110 users.teachers.x.b"],
  ],
  ["a generated column", "x: keep", { type: "int", generatedAs: "1" }, ["EA2112 users.teachers.x"]],
  ["a masked column", "x: keep", { type: "int", mask: { function: "main.f.m", columns: [] } }, ["EA2117 users.teachers"]],
  ["a misspelt column", "y: keep", "int", ["EA2110 users.teachers.x", "EA2111 users.teachers.y"]],
  ["a type that nobody knows", "x: { synthetic: word }", "geography(4326)", ["EA2112 users.teachers.x"]],
])("%s", (_what, columns, column, expected) => {
  expect(gapsOf(columns, tableOf({ x: column }))).toEqual(expected);
});

test("a generated column needs no policy", () => {
  expect(
    gapsOf(
      "id: keep",
      tableOf({ id: "int", twice: { type: "int", generatedAs: "id * 2" }, n: { type: "bigint", identity: { always: true } } }),
    ),
  ).toEqual([]);
});

test("a new table, one that is gone, a view, and what is no table", () => {
  const id = tableOf({ id: "int" });
  const others = {
    "users.pupils": id,
    "users.list": { ...id, kind: "view" as const },
    "users.feed": { ...id, kind: "other" as const, type: "STREAMING_TABLE" },
  };
  expect(gapsOf("id: keep", id, others, "  users.pupil: omit\n")).toEqual([
    "EA2110 users.feed",
    "EA2111 users.pupil",
    "EA2110 users.pupils",
  ]);
  expect(gapsOf("id: keep", id, others, "  users.pupils: omit\n  users.feed: omit\n")).toEqual([]);
});

test("keys keep their rows apart and together", () => {
  const schools = tableOf(
    { id: { type: "string", nullable: false }, area: "string" },
    { primaryKey: { name: "pk", columns: ["id"] } },
  );
  const teachers = tableOf(
    { school_id: "string" },
    { foreignKeys: { school: { columns: ["school_id"], references: "users.schools", to: ["id"] } } },
  );
  const found = (own: string, parent: string) =>
    gapsOf(`school_id: ${own}`, teachers, { "users.schools": schools }, `  users.schools: ${parent}\n`);
  const columns = (id: string) => `{ columns: { id: ${id}, area: null } }`;
  expect(found("{ surrogate: teacher }", columns("{ surrogate: teacher }"))).toEqual([]);
  expect(found("null", columns("{ surrogate: teacher }"))).toEqual([]);
  expect(found("{ keep: x }", columns("{ keep: x }"))).toEqual([]);
  expect(found("null", "omit")).toEqual([]);
  expect(found("{ keep: x }", columns("{ surrogate: teacher }"))).toEqual(["EA2114 users.teachers.school_id"]);
  expect(found("{ pseudonym: keyed }", columns("{ surrogate: teacher }"))).toEqual(["EA2114 users.teachers.school_id"]);
  expect(found("{ constant: a }", columns("{ constant: a }"))).toEqual([
    "EA2114 users.schools.id",
    "EA2114 users.teachers.school_id",
  ]);
  expect(found("{ keep: x }", "omit")).toEqual(["EA2114 users.teachers.school_id"]);
});

test("one domain has one type", () => {
  const columns = "a: { surrogate: teacher }\nb: { surrogate: teacher }";
  expect(gapsOf(columns, tableOf({ a: "string", b: "varchar(40)" }))).toEqual([]);
  expect(gapsOf(columns, tableOf({ a: "string", b: "bigint" }))).toEqual(["EA2113 users.teachers.b"]);
  expect(gapsOf(columns, tableOf({ a: "int", b: "bigint" }))).toEqual(["EA2113 users.teachers.b"]);
});

test("a CHECK of what changes", () => {
  const table = tableOf({ level: "int" }, { checks: { Low: "`level` < 10" } });
  expect(gapsOf("level: keep", table)).toEqual([]);
  expect(gapsOf("level: { constant: 3 }", table)).toEqual(["EA2118 users.teachers"]);
  const { policies } = readPolicies(fileWith("level: { constant: 3 }", { more: "    withoutChecks: [low]\n" }), file);
  expect(gaps(policies, structureOf({ "users.teachers": table }))).toEqual([]);
});

test("what could not be seen", () => {
  const structure: Structure = {
    ...structureOf({ "users.teachers": tableOf({ id: "int" }) }),
    unseen: [
      { facet: "tables", within: "users", why: "SELECT on users is missing, so tables may be hidden" },
      { facet: "grants", within: "", why: "MANAGE is missing" },
    ],
  };
  const { policies } = readPolicies(fileWith("id: keep"), file);
  expect(gaps(policies, structure)).toEqual([
    { code: "EA2116", object: "users", path: ["tables"], message: "SELECT on users is missing, so tables may be hidden" },
  ]);
});

test("an error names each gap with the line that it is about", () => {
  const read = readPolicies(fileWith("ID: keep\nname: { fields: { a: keep } }"), file);
  const found = gaps(
    read.policies,
    structureOf({ "users.teachers": tableOf({ id: "string", name: "struct<a:int,b:int>", email: "string" }) }),
  );
  const error = gapsError(read, found);
  expect(error.message.split("\n")).toEqual([
    `${file} doesn't fit production, so nothing was read (3 gaps):`,
    `${file}:5:5  EA2110: users.teachers.email: no policy for email string`,
    `${file}:6:7  EA2115: users.teachers.id: it can hold anything: write { keep: why it names nobody }, or choose another policy`,
    `${file}:7:15  EA2110: users.teachers.name.b: no policy for this field`,
  ]);
  expect(error.codes).toEqual(["EA2110", "EA2115", "EA2110"]);
});
