import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Warehouse } from "../../../local/warehouse/index.ts";
import type { Config } from "../../../src/config/schema.ts";
import { checksLeftOut } from "../../../src/stages/policy-checks.ts";
import { compareStructures } from "../../../src/staging/drift/compare.ts";
import type { IgnoreRule } from "../../../src/staging/drift/ignore.ts";
import { gaps } from "../../../src/staging/policies/gaps.ts";
import { readPolicies } from "../../../src/staging/policies/read.ts";
import { policyRules } from "../../../src/staging/refresh/policy-rules.ts";
import { refresh } from "../../../src/staging/refresh/refresh.ts";
import { readStructure } from "../../../src/staging/structure/read.ts";
import { type CopyWarehouse, openForCopy } from "../../../src/warehouse/access.ts";
import { openCopy, requestOf, settingsOf, startWorld } from "./world.ts";

/** CHECK constraints that production's rows meet and sanitised ones may not: a refresh that was not refused must not fail for them. */

let warehouse: Warehouse;
let copy: CopyWarehouse;
/** Its owner's connection: the copy's may not write there. */
let production: CopyWarehouse;
let workspace = "";
let worlds = 0;

beforeAll(async () => {
  workspace = await mkdtemp(join(tmpdir(), "env-actions-checks-"));
  const rights = ["USE CATALOG", "USE SCHEMA", "SELECT"] as const;
  const refresher = {
    user: "refresh@school.test",
    grants: rights.map((privilege) => ({ privilege, on: "production" })),
    owns: ["staging"],
  };
  const owner = { user: "owner@school.test", grants: [], owns: ["production"] };
  warehouse = await startWorld({ "u.none": { columns: { id: "string" } } }, { principals: { refresher, owner } });
  const signal = new AbortController().signal;
  production = await openForCopy(settingsOf(warehouse, "owner"), { catalog: "production", ownsCatalog: false }, { signal });
  copy = await openCopy(warehouse);
});
afterAll(async () => {
  await copy.close();
  await production.close();
  await warehouse.stop();
  await rm(workspace, { recursive: true, force: true });
});

const columns = {
  name: { type: "STRING", check: "`name` LIKE 'Ada%'", changed: ["null", "{ constant: Somebody }", "{ synthetic: fullName }"] },
  year: { type: "INT", check: "`year` > 4", changed: ["null", "{ constant: 1 }"] },
  born: { type: "DATE", check: "`born` > DATE '2015-06-15'", changed: ["{ generalise: year }", "null"] },
};
type Column = keyof typeof columns;
const names = Object.keys(columns) as Column[];

/** By column: whether the policy changes it and how, and whether it has a CHECK. */
const choices = fc.record(
  Object.fromEntries(names.map((name) => [name, fc.record({ how: fc.nat(2), checked: fc.boolean() })])) as Record<
    Column,
    fc.Arbitrary<{ how: number; checked: boolean }>
  >,
);

test("whatever is changed: the copy gets the rows, loses these constraints only, and drift has nothing to say", {
  timeout: 120_000,
}, async () => {
  const all = { how: 0, checked: true };
  await fc.assert(
    fc.asyncProperty(choices, async (chosen) => {
      const schema = `checks${++worlds}`;
      const policyOf = (name: Column) => ["keep", ...columns[name].changed][chosen[name].how] ?? "keep";
      const left = names.filter((name) => chosen[name].checked && policyOf(name) !== "keep").map((name) => `Has_${name}`);
      const kept = names.filter((name) => chosen[name].checked && policyOf(name) === "keep").map((name) => `has_${name}`);
      for (const [catalog, { change }] of [
        ["production", production],
        ["staging", copy],
      ] as const) {
        const table = `\`${catalog}\`.\`${schema}\`.\`pupils\``;
        await change(`CREATE SCHEMA \`${catalog}\`.\`${schema}\``);
        const list = names.map((name) => `\`${name}\` ${columns[name].type}`).join(", ");
        await change(`CREATE TABLE ${table} (\`id\` STRING, ${list})`);
        for (const name of names.filter((one) => chosen[one].checked))
          await change(`ALTER TABLE ${table} ADD CONSTRAINT \`Has_${name}\` CHECK (${columns[name].check})`);
        await change(
          `INSERT INTO ${table} SELECT concat('p', id), concat('Ada ', id), CAST(5 + id AS INT), DATE '2015-07-01' FROM (SELECT explode(sequence(1, 12)) AS id) AS n`,
        );
      }
      const policies = `version: 1\ndomains: { pupil: {} }\ntables:\n  u.none: omit\n${Array.from(
        { length: worlds },
        (_, at) => at + 1,
      )
        .filter((at) => at !== worlds)
        .map((at) => `  checks${at}.pupils: omit\n`)
        .join(
          "",
        )}  ${schema}.pupils:\n    withoutChecks: [${left.join(", ")}]\n    columns:\n      id: { surrogate: pupil }\n${names
        .map((name) => `      ${name}: ${policyOf(name) === "keep" && name === "name" ? "{ keep: a test }" : policyOf(name)}\n`)
        .join("")}`;
      const read = readPolicies(policies, "policies.yml");
      const original = await readStructure(copy, "production", new Date());
      expect(gaps(read.policies, original)).toEqual([]);
      const result = await refresh(
        {
          warehouse: copy,
          rules: policyRules(read, { suppress: "null" }),
          readStructure: (catalog) => readStructure(copy, catalog, new Date()),
          signal: new AbortController().signal,
        },
        requestOf({ keepOldMs: 0 }),
      );
      expect(result).toMatchObject({ switched: true, leaks: 0 });
      const after = await readStructure(copy, "staging", new Date());
      expect(Object.keys(after.schemas[schema]?.tables.pupils?.checks ?? {}).sort()).toEqual(kept.sort());
      expect(await warehouse.query(`SELECT count(*)::INT AS n FROM staging.${schema}.pupils WHERE id NOT LIKE 'p_'`)).toEqual([
        { n: 12 },
      ]);
      const differing = (ignore: readonly IgnoreRule[]) =>
        compareStructures(original, after, { ignore }).facets.constraints.differences.filter(
          ({ object }) => object === `${schema}.pupils`,
        );
      expect(differing([])).toHaveLength(left.length);
      await writeFile(join(workspace, "policies.yml"), policies);
      const config = { staging: { policies: "policies.yml" } } as Config;
      expect(differing(await checksLeftOut({ config, workspace }))).toEqual([]);
    }),
    {
      numRuns: Number(process.env.RUNS ?? 3),
      examples: [
        [{ name: { how: 2, checked: true }, year: { how: 1, checked: true }, born: { how: 1, checked: true } }],
        [{ name: { how: 3, checked: true }, year: all, born: { how: 2, checked: true } }],
      ],
    },
  );
});
