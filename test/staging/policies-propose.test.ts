import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { gaps } from "../../src/staging/policies/gaps.ts";
import { proposePolicies } from "../../src/staging/policies/propose.ts";
import { readPolicies } from "../../src/staging/policies/read.ts";
import type { Structure } from "../../src/staging/structure/structure.ts";
import { structureOf, tableOf } from "./policies-world.ts";

function classWaves(): Structure {
  const schema = JSON.parse(readFileSync("examples/classroom/schema.json", "utf8")) as Record<
    string,
    { columns: Record<string, string> }
  >;
  return structureOf(
    Object.fromEntries(Object.entries(schema).map(([name, { columns }]) => [name.replace("classwaves.", ""), tableOf(columns)])),
  );
}

test("ClassWaves' 48 tables", () => {
  const structure = classWaves();
  const { text, unsure, added, left } = proposePolicies(structure);
  console.log(text, unsure, added);
  expect(left).toEqual([]);
  const { policies } = readPolicies(text, "policies.yml");
  expect(gaps(policies, structure)).toEqual([]);
});
