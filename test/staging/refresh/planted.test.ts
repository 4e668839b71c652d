import { afterAll, beforeAll, expect, test } from "vitest";
import { startWarehouse, type Warehouse } from "../../../local/warehouse/index.ts";
import type { RefreshResult } from "../../../src/model/staging.ts";
import { readPolicies } from "../../../src/staging/policies/read.ts";
import { policyRules } from "../../../src/staging/refresh/policy-rules.ts";
import { refresh } from "../../../src/staging/refresh/refresh.ts";
import { readStructure } from "../../../src/staging/structure/read.ts";
import { type CopyWarehouse, openForCopy } from "../../../src/warehouse/access.ts";
import { openCopy, requestOf, settingsOf } from "./world.ts";

/**
 * Names, addresses and ids are planted in every place of the original that can hold one. The searcher reads the copy past the
 * warehouse's protocol, and knows nothing of the policies.
 */

const planted = Number(process.env.PLANTED ?? 1000);
const tester = "tester@school.test";
const key = "k3y-that-only-the-warehouse-knows";
const pupil = {
  id: "string",
  name: "string",
  email: "string",
  address: "struct<street:string,city:string>",
  friends: "array<struct<id:string,name:string>>",
  remarks: "map<string,string>",
  profile: "string",
  note: "string",
  tags: "array<string>",
};
const marks = { id: "string", pupil_id: "string", teacher: "string", comment: "string", value: "int" };

const policiesText = `
version: 1
domains:
  pupil: { prefix: pup_ }
  mark: {}
  teacher: { secret: { scope: staging, key: pseudonyms } }
tables:
  u.pupils:
    columns:
      id: { surrogate: pupil }
      name: { synthetic: fullName, of: id }
      email: { synthetic: email, of: id }
      address: { fields: { street: { synthetic: street }, city: { constant: Springfield } } }
      friends: { elements: { fields: { id: { surrogate: pupil }, name: { synthetic: fullName } } } }
      remarks: { keys: { surrogate: pupil }, values: null }
      profile: { json: "struct<nick:string>", fields: { nick: { synthetic: firstName } } }
      note: null
      tags: { elements: { synthetic: word } }
  u.marks:
    columns:
      id: { surrogate: mark }
      pupil_id: { surrogate: pupil }
      teacher: { pseudonym: teacher }
      comment: { synthetic: sentence }
      value: keep
`;

let warehouse: Warehouse;
let copy: CopyWarehouse;

beforeAll(async () => {
  const rights = ["USE CATALOG", "USE SCHEMA", "SELECT"] as const;
  const refresher = {
    user: "refresh@school.test",
    grants: rights.map((privilege) => ({ privilege, on: "production" })),
    owns: ["staging"],
  };
  warehouse = await startWarehouse({
    catalog: "production",
    principals: { refresher, tester: { user: tester, grants: [] } },
    secrets: { "staging/pseudonyms": key },
  });
  for (const catalog of ["production", "staging"])
    await warehouse.createTables({ [`${catalog}.u.pupils`]: { columns: pupil }, [`${catalog}.u.marks`]: { columns: marks } });
  const person = (what: string) => `'Zq${what}' || i || 'x'`;
  await warehouse.load(`
    INSERT INTO production.u.pupils SELECT ${person("id")}, ${person("name")}, ${person("mail")} || '@real.example',
      {'street': ${person("street")}, 'city': ${person("city")}},
      [{'id': 'Zqid' || ((i + 1) % ${planted}) || 'x', 'name': ${person("friend")}}, {'id': ${person("other")}, 'name': NULL}],
      MAP {'Zqid' || ((i + 2) % ${planted}) || 'x': ${person("remark")}},
      '{"nick":"' || ${person("nick")} || '","seat":3,"hidden":"' || ${person("hidden")} || '"}',
      'she said ' || ${person("note")}, [${person("tag")}, NULL] FROM range(${planted}) r(i);
    INSERT INTO production.u.marks SELECT ${person("mark")}, 'Zqid' || (i % ${planted}) || 'x', 'Zqteacher' || (i % 20) || 'x', ${person("comment")}, i % 6
      FROM range(${planted}) r(i);`);
  copy = await openCopy(warehouse);
});
afterAll(async () => {
  await copy.close();
  await warehouse.stop();
});

async function run(): Promise<RefreshResult> {
  return await refresh(
    {
      warehouse: copy,
      rules: policyRules(readPolicies(policiesText, "policies.yml"), { suppress: "null" }),
      readStructure: (catalog) => readStructure(copy, catalog, new Date()),
      signal: new AbortController().signal,
    },
    requestOf({
      keys: { "u.pupils": ["id"], "u.marks": ["id"] },
      references: [{ table: "u.marks", columns: ["pupil_id"], parent: "u.pupils", parentColumns: ["id"] }],
    }),
  );
}

/** Every text that anything in the catalog has, of each table that is there. */
async function everything(): Promise<string> {
  const tables = await warehouse.query(
    "SELECT schema_name || '.\"' || table_name || '\"' AS name FROM duckdb_tables() WHERE database_name = 'staging' AND schema_name <> '__history'",
  );
  const found = await Promise.all(
    tables.map(async ({ name }) => [
      name,
      await warehouse.query(`SELECT to_json(t)::VARCHAR AS row FROM staging.${String(name)} AS t`),
    ]),
  );
  return JSON.stringify(found);
}

test("nothing that was planted is in the copy, joins hold, and no surrogate or key comes back", {
  timeout: 120_000,
}, async () => {
  const result = await run();
  expect(result).toMatchObject({ switched: true, leaks: 0, orphans: 0 });
  const first = await everything();
  expect(first.length).toBeGreaterThan(planted * 300);
  expect(first.match(/Zq\w*/)).toBeNull();
  const joined =
    "SELECT count(*)::INT AS marks, count(DISTINCT p.id)::INT AS pupils, count(DISTINCT m.teacher)::INT AS teachers FROM staging.u.marks m JOIN staging.u.pupils p ON m.pupil_id = p.id";
  const expected = [{ marks: planted, pupils: planted, teachers: 20 }];
  expect(await warehouse.query(joined)).toEqual(expected);
  const friends =
    "SELECT count(*)::INT AS n FROM (SELECT unnest(friends).id AS friend FROM staging.u.pupils) f JOIN staging.u.pupils p ON f.friend = p.id";
  expect(await warehouse.query(friends)).toEqual([{ n: planted }]);

  const surrogates = (text: string) => new Set(text.match(/[0-9a-f]{8}-[0-9a-f-]{27}/g));
  const ofFirst = surrogates(await presentIds());
  await run();
  const ofSecond = surrogates(await presentIds());
  expect([ofFirst.size, ofSecond.size]).toEqual([2 * planted, 2 * planted]);
  expect([...ofSecond].filter((one) => ofFirst.has(one))).toEqual([]);
  const second = await everything();
  expect(second.match(/Zq\w*/)).toBeNull();
  const said = JSON.stringify(warehouse.statements);
  expect(said).toContain("secret(");
  expect(said + first + second + JSON.stringify(result)).not.toContain(key);
});

async function presentIds(): Promise<string> {
  return JSON.stringify(
    await warehouse.query("SELECT p.id, m.id AS mark FROM staging.u.pupils p JOIN staging.u.marks m ON m.pupil_id = p.id"),
  );
}

test("whoever may read the whole copy, but not production, cannot read a mapping", async () => {
  const scope = { catalog: "staging", ownsCatalog: false, labelsCatalog: true };
  const owner = await openForCopy(settingsOf(warehouse), scope, { signal: new AbortController().signal });
  await owner.change("GRANT USE CATALOG, USE SCHEMA ON CATALOG staging TO `tester@school.test`");
  await owner.change("GRANT SELECT ON SCHEMA staging.u TO `tester@school.test`");
  expect(await run()).toMatchObject({ switched: true });
  await owner.change("GRANT SELECT ON CATALOG staging TO `tester@school.test`");
  await expect(run()).rejects.toMatchObject({
    code: "EA6111",
    message: expect.stringContaining(`${tester} has SELECT on the whole`),
  });
  await owner.change("REVOKE SELECT ON CATALOG staging FROM `tester@school.test`");
  await owner.close();
});
