import { afterAll, beforeAll, expect, it } from "vitest";
import { readSchema } from "../../examples/classroom/warehouse/schema.ts";
import { seedClassroom } from "../../examples/classroom/warehouse/seed.ts";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { findDelta } from "../../scripts/delta.ts";
import { newRunId } from "../../src/cleanup/run-id.ts";
import { branchScope, createBranch } from "../../src/staging/branch/create.ts";
import { dropBranches } from "../../src/staging/branch/drop.ts";
import { proposePolicies } from "../../src/staging/policies/propose.ts";
import { readPolicies } from "../../src/staging/policies/read.ts";
import { policyRules } from "../../src/staging/refresh/policy-rules.ts";
import { refresh } from "../../src/staging/refresh/refresh.ts";
import { seed } from "../../src/staging/seed/seed.ts";
import { readStructure } from "../../src/staging/structure/read.ts";
import { sync } from "../../src/staging/sync/sync.ts";
import { openForCopy } from "../../src/warehouse/access.ts";
import { deltaByDefault, type Recorder, recorder } from "./replay.ts";
import { startSpark, withoutProcesses } from "./spark.ts";

// The whole way off production, for all 48 tables of ClassWaves: each statement that was sent to the local warehouse is sent to Spark
// with Delta too, in the same order. Delta must take every one, and the tables must have as many rows at the end.
let local: Warehouse;
let recording: Recorder;
const principal = "mirror@school.example";
const signal = new AbortController().signal;
const runId = newRunId();

beforeAll(async () => {
  recording = recorder();
  local = await startWarehouse({
    watch: recording.watch,
    principals: {
      token: {
        user: principal,
        owns: ["classwaves", "staging"],
        grants: [{ privilege: "CREATE CATALOG", on: "METASTORE" }],
      },
    },
  });
  await seedClassroom(local);
  await local.createTables({ "staging.default.nothing": { columns: { id: "string" } } });
});
afterAll(() => local.stop());

it("sync, seed, refresh, and a run's own tables are what Delta makes of the same statements", async () => {
  await recording.begin();
  const settings = {
    ...{ host: local.host, path: local.path, token: "token", catalog: "staging", startTimeoutMs: 5_000 },
    certificateAuthority: local.certificateAuthority,
    runId,
  };
  const warehouse = await openForCopy(settings, { catalog: "staging", ownsCatalog: false }, { signal });
  const read = (catalog: string) => readStructure(warehouse, catalog, new Date());
  const toSync = {
    ...{ original: "classwaves", copy: "staging" },
    ignore: [{ object: "*", facet: "grants" as const, reason: "another principal" }],
  };
  const ports = { warehouse, signal, now: () => new Date() };
  // It drops the one table that only the copy has, which needs the digest.
  const { digest } = (await sync(ports, { ...toSync, dryRun: true })).result;
  const synced = await sync(ports, { ...toSync, digest });
  const failed = synced.result.steps.filter(({ outcome }) => outcome !== "done");
  expect(failed).toEqual([]);
  await seed(
    { warehouse, readStructure: read, signal, onStep: () => undefined, audit: async () => undefined },
    {
      ...{ copy: { catalog: "staging", expect: { host: "localhost", principal } }, add: false, reset: false },
      ...{ readOnly: [{ environment: "production", catalog: "classwaves" }], seed: 7, day: "2026-11-23" },
      ...{ schools: 2, rows: 3, tables: {} },
    },
  );
  const { text } = proposePolicies(await read("classwaves"));
  const refreshed = await refresh(
    { warehouse, rules: policyRules(readPolicies(text, "policies.yml"), { suppress: "null" }), readStructure: read, signal },
    {
      ...{ original: "classwaves", copy: "staging", references: [], keys: {}, roots: {}, k: 2 },
      ...{ keepOldMs: 86_400_000, retentionMs: 86_400_000 },
    },
  );
  expect(refreshed).toMatchObject({ switched: true, leaks: 0 });
  await warehouse.close();

  const form = { as: "catalog" } as const;
  const branches = await openForCopy({ ...settings, catalog: "classwaves" }, branchScope("classwaves", form, runId), { signal });
  const pins = new Map<string, number>();
  for (const name of Object.keys(await readSchema())) {
    const [row] = await branches.query(`DESCRIBE HISTORY ${name} LIMIT 1`);
    pins.set(name.split(".").slice(1).join("."), Number(row?.version));
  }
  const marker = { of: "classwaves", runId, by: principal, environment: "local", endsBy: Date.now() + 60_000 };
  const made = await createBranch(branches, { form, runId, choices: {}, grantTo: [], pins, marker });
  expect(made.cloned).toHaveLength(48);
  await branches.close();

  const found = findDelta();
  if ("missing" in found) throw new Error(found.missing);
  const spark = await startSpark(found, { ...withoutProcesses, ...deltaByDefault });
  try {
    const replayed = await recording.replay(spark);
    const { differences, rows: _, ...numbers } = replayed;
    console.log(JSON.stringify({ ...numbers, differences: differences.length }));
    expect(replayed.differences).toEqual([]);
    const counted = await Promise.all(
      Object.keys(replayed.rows).map(async (name) => {
        const [row] = await local.query(`SELECT count(*) AS rows FROM ${name}`);
        return [name, Number(row?.rows)] as const;
      }),
    );
    expect(replayed.rows).toEqual(Object.fromEntries(counted));
    // Both catalogs and the run's own.
    expect(counted.length).toBeGreaterThan(3 * 47);
  } finally {
    await spark.stop();
  }

  const again = await openForCopy({ ...settings, catalog: "classwaves" }, branchScope("classwaves", form, runId), { signal });
  const dropped = await dropBranches(again, { original: "classwaves", form }, { runs: [runId], now: Date.now() });
  expect(dropped.branches.map(({ gone }) => gone)).toEqual([true]);
  await again.close();
});
