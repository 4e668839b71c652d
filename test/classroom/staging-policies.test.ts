import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { readSchema } from "../../examples/classroom/warehouse/schema.ts";
import { gaps } from "../../src/staging/policies/gaps.ts";
import { readPolicies } from "../../src/staging/policies/read.ts";
import { structureOf, tableOf } from "../staging/structures.ts";

// The policies of the small ClassWaves are what a person would make of a proposal.

const file = ".github/env-actions.policies.yml";
const text = await readFile(new URL(`../../examples/classroom/${file}`, import.meta.url), "utf8");
const { policies } = readPolicies(text, file);
const schema = await readSchema();
const structure = structureOf(
  "classwaves",
  Object.fromEntries(Object.entries(schema).map(([name, { columns }]) => [name.split(".").slice(1).join("."), tableOf(columns)])),
);

test("they decide about every column of the 48 tables", () => {
  expect(Object.keys(schema)).toHaveLength(48);
  expect(gaps(policies, structure)).toEqual([]);
});

test("a new column would be refused", () => {
  structure.schemas.users?.tables.teachers?.columns.push({ name: "home_address", type: "string", nullable: true });
  expect(gaps(policies, structure)).toMatchObject([{ object: expect.stringContaining("home_address") }]);
  structure.schemas.users?.tables.teachers?.columns.pop();
});

test("nothing is left to decide, and no reason is only what a sample had", () => {
  expect(text).not.toMatch(/TODO|in a sample|one of a few words \(/);
});

test("what names a person is not kept", () => {
  const personal = /(?:^|_)(?:name|email|phone|address|token|code|content|message|notes|text|reason|user_agent|google_id)$/;
  const notPersonal = /migration_name|job_name|metric_name|status_code|language_code|templates/;
  const kept = text
    .split("\n")
    .map((line) => /^ {6}(\w+): (?:\{ )?keep/.exec(line)?.[1] ?? "")
    .filter((column) => personal.test(column) && !notPersonal.test(column));
  // The names of notification templates are written by the team.
  expect(kept).toEqual(["name"]);
});
