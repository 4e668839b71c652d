import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { load, refusal } from "./file.ts";

/** What a copy may be a copy of: a mistake here could let a task write to production, so each one is refused at its line. */

interface World {
  production?: string;
  staging?: string;
  group?: string;
}

function file({
  production = "access: read-only\n    databricks: { host: adb-1.example, catalog: main, warehouse: w, token: '$" + "{T}' }",
  staging = "access: test-data\n    databricks: { host: adb-1.example, catalog: copy, warehouse: w, token: '$" +
    "{T}', expect: { host: adb-1.example } }",
  group = "{ original: production, copy: staging }",
}: World = {}): string {
  return `version: 1
defaultEnvironment: production
environments:
  production:
    ${production}
  staging:
    ${staging}
staging: ${group}
`;
}

const env = { T: "dapi0123456789" };
const warehouse = (catalog: string, host = "adb-1.example") =>
  `databricks: { host: ${host}, catalog: ${catalog}, warehouse: w, token: '\${T}', expect: { host: ${host} } }`;

test.each<[string, World, string]>([
  [
    "an original that doesn't exist",
    { group: "{ original: prod, copy: staging }" },
    'c.yml:10:22  EA2130: staging.original  no environment has the name "prod"; ',
  ],
  [
    "a copy that doesn't exist",
    { group: "{ original: production, copy: stage }" },
    'c.yml:10:40  EA2130: staging.copy  no environment has the name "stage"; ',
  ],
  [
    "a copy without a warehouse",
    { staging: "access: test-data" },
    "EA2130: staging.copy  the environment staging has no databricks, so it has no catalog",
  ],
  [
    "a copy of itself",
    { group: "{ original: staging, copy: staging }" },
    "c.yml:10:37  EA2131: staging.copy  expected another environment than the original",
  ],
  [
    "an original in which test data may be written",
    { production: `access: test-data\n    ${warehouse("main")}` },
    "c.yml:5:13  EA2132: environments.production.access  expected read-only: it is the original of a copy",
  ],
  [
    "a read-only copy",
    { staging: `access: read-only\n    ${warehouse("copy")}` },
    "c.yml:8:13  EA2132: environments.staging.access  expected test-data: it is the copy",
  ],
  [
    "a copy in the original's catalog",
    { staging: `access: test-data\n    ${warehouse("main")}` },
    "EA2133: environments.staging.databricks.catalog  the copy has the same catalog as its original, production:",
  ],
  [
    "the same catalog in other letters",
    { staging: `access: test-data\n    ${warehouse("MAIN")}` },
    "EA2133: environments.staging.databricks.catalog",
  ],
  [
    "the same catalog in another workspace, which may share it",
    { staging: `access: test-data\n    ${warehouse("main", "adb-2.example")}` },
    "(workspaces can share a catalog)",
  ],
  [
    "an unknown facet",
    { group: "{ original: production, copy: staging, drift: { limits: { comment: 1 } } }" },
    "staging.drift.limits",
  ],
  [
    "an ignored difference without a reason",
    { group: "{ original: production, copy: staging, drift: { ignore: [{ object: a.* }] } }" },
    "EA1008: staging.drift.ignore[0].reason  missing",
  ],
])("%s is refused", async (_, world, says) => {
  expect(await refusal(file(world), { env })).toContain(says);
});

test("a copy in another workspace and another catalog is accepted", async () => {
  const { config } = await load(file({ staging: `access: test-data\n    ${warehouse("copy", "adb-2.example")}` }), { env });
  expect(config.staging).toMatchObject({ original: "production", copy: "staging", drift: { unseen: "error" } });
});

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "doors-config-"));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

test("the original's catalog is known where its secrets are not", async () => {
  const production =
    "access: read-only\n    databricks: { host: adb-1.example, catalog: main, warehouse: w, token: '$" + "{PROD_TOKEN}' }";
  await writeFile(join(scratch, "c.yml"), file({ production }));
  const { original, unresolved } = await loadConfig({ file: "c.yml", cwd: scratch, env, ofCopy: true });
  expect(unresolved).toEqual({ production: ["PROD_TOKEN"] });
  expect(original).toEqual({ name: "production", host: "adb-1.example", catalog: "main" });
});

test("a catalog from a variable that is not set is unknown, and never a guess", async () => {
  const production =
    "access: read-only\n    databricks: { host: adb-1.example, catalog: '$" +
    "{PROD_CATALOG}', warehouse: w, token: '$" +
    "{T}' }";
  await writeFile(join(scratch, "c.yml"), file({ production }));
  const { original } = await loadConfig({ file: "c.yml", cwd: scratch, env, ofCopy: true });
  expect(original).toEqual({ name: "production", host: "adb-1.example", catalog: undefined });
});

test("without a name, the tasks need the variables of the copy, and not those of the default environment", async () => {
  const production =
    "access: read-only\n    databricks: { host: adb-1.example, catalog: main, warehouse: w, token: '$" + "{PROD_TOKEN}' }";
  await writeFile(join(scratch, "c.yml"), file({ production }));
  await expect(loadConfig({ file: "c.yml", cwd: scratch, env: {}, ofCopy: true })).rejects.toThrow(
    /environments\.staging\.databricks\.token/,
  );
  await expect(loadConfig({ file: "c.yml", cwd: scratch, env: {} })).rejects.toThrow(/PROD_TOKEN/);
});
