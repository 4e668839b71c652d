import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Facet, facets } from "../../src/model/staging.ts";
import { connect, type TestClient } from "../warehouse-local/client.ts";
import { type CopyWorld, grantsLeftOut, perform, startCopyWorld } from "./copy-world.ts";

/** What a person is told about a copy: equal only if everything was seen, and a missing right is never a tick. */

let world: CopyWorld;
let owner: TestClient;
beforeAll(async () => {
  world = await startCopyWorld({ blind: [], narrow: ["USE CATALOG", "USE SCHEMA"] });
  owner = await connect(world.warehouse, "keeper", { initialCatalog: "staging", initialSchema: "default" });
});
afterAll(async () => {
  await owner.close();
  await world.stop();
});

/** Production is not ours to grant. */
const notYet: readonly Facet[] = ["grants"];

const only = (...names: Facet[]) =>
  `drift: { ignore: [${facets
    .filter((facet) => !names.includes(facet))
    .map((facet) => `{ object: '*', facet: ${facet}, reason: 'not part of this test' }`)
    .join(", ")}] }`;

test("a copy that has what production has passes, with a check for each facet", async () => {
  const { report } = await perform(world, "drift", { staging: only(...facets.filter((facet) => !notYet.includes(facet))) });
  expect(report.checks.map(({ id, verdict, message }) => [id, verdict, message])).toEqual(
    ["drift.read", ...facets.map((facet) => `drift.${facet}`)].map((id) => [id, "passed", undefined]),
  );
  expect(report).toMatchObject({ verdict: "passed", stage: "drift", environment: { name: "staging" } });
  expect(report.staging?.drift).toMatchObject({ original: "classwaves", copy: "staging" });
});

test("a difference fails, and names the column and what shows the cure", async () => {
  await owner.rows("CREATE TABLE staging.users.friends (id STRING)");
  try {
    const { report, check } = await perform(world, "drift");
    expect(report.verdict).toBe("failed");
    expect(check("drift.tables")).toMatchObject({ verdict: "failed", observed: "1 of 4 differ", expected: "none" });
    expect(check("drift.tables")?.message).toMatch(/users\.friends is only in staging.*staging sync/);
    // One cause is counted once: the columns of a table that production lacks are no differences of their own.
    expect(check("drift.columns")?.verdict).toBe("passed");
  } finally {
    await owner.rows("DROP TABLE staging.users.friends");
  }
});

test.each([
  ["blind", "no right on production at all"],
  ["narrow", "no right to read its tables"],
])("with %s (%s) nothing passes for equal that was not seen", async (as) => {
  const { report } = await perform(world, "drift", { as, staging: only("tables", "columns", "views") });
  expect(["error", "failed"]).toContain(report.verdict);
  const seen = Object.values(report.staging?.drift?.facets ?? {}).flatMap(({ differences }) => differences);
  // A table that the principal can't see is not one that production lacks.
  expect(seen).toEqual([]);
  expect(report.checks.find(({ id }) => id === "drift.tables")).toMatchObject({ verdict: "error", expected: "everything seen" });
});

test("what could not be seen is a warning, if the configuration says so, and still no pass", async () => {
  const staging = `${only("tables", "columns").slice(0, -2)}, unseen: degraded }`;
  const { report } = await perform(world, "drift", { as: "narrow", staging });
  expect(report.verdict).toBe("degraded");
});

test("the audit log says what was compared, and the evidence names the stage", async () => {
  const { workspace, answer } = await perform(world, "drift", { staging: only("tables") });
  const log = (await readFile(join(workspace, ".env-actions", "audit.jsonl"), "utf8")).trim().split("\n");
  const notes = log.map((line) => JSON.parse(line) as { details: Record<string, unknown>; counts: Record<string, number> });
  expect(notes.find(({ details }) => details.what === "drift")).toMatchObject({
    details: { original: "classwaves", copy: "staging", verdict: "equal" },
    counts: { differences: 0, unseen: 0 },
  });
  const evidence = JSON.parse(await readFile(answer.files.evidence, "utf8")) as { stage: string; environment: string };
  expect(evidence).toMatchObject({ stage: "drift", environment: "staging", verdict: "passed" });
});

test("another environment than the copy is refused, before anything is sent", async () => {
  const sent = world.warehouse.statements.length;
  const { performStage } = await import("../../src/app/run-stage.ts");
  const { workspace } = await perform(world, "drift", { staging: grantsLeftOut });
  const before = world.warehouse.statements.length;
  await expect(
    performStage({
      stage: "drift",
      workspace,
      configFile: "c.yml",
      environment: "production",
      env: { TOKEN: "keeper" },
      cancel: new AbortController().signal,
      onProgress: () => undefined,
      onSecret: () => undefined,
    }),
  ).rejects.toThrow(/run in staging \(staging\.copy in c\.yml\), not in production/);
  expect(world.warehouse.statements.length).toBe(before);
  expect(before).toBeGreaterThan(sent);
});

test("a snapshot stands for production where it can't be read, and a difference has its line in it", async () => {
  const taken = await perform(world, "drift", { overrides: { writeSnapshot: "structure.json" } });
  expect(taken.check("drift.snapshot")).toMatchObject({ verdict: "passed" });
  const text = await readFile(join(taken.workspace, "structure.json"), "utf8");
  await owner.rows("DROP TABLE staging.users.pupils");
  try {
    const staging = `${only("tables").slice(0, -2)}, snapshot: structure.json }`;
    const { report } = await perform(world, "drift", { staging, files: { "structure.json": text } });
    const drift = report.staging?.drift;
    expect(drift).toMatchObject({ original: "structure.json", place: { file: "structure.json" } });
    const [difference] = drift?.facets.tables.differences ?? [];
    expect(difference).toMatchObject({ object: "users.pupils", how: "missing" });
    expect(text.split("\n")[(difference?.line ?? 0) - 1]).toContain('"pupils"');
  } finally {
    await owner.rows("CREATE TABLE staging.users.pupils (id STRING NOT NULL, name STRING, teacher_id STRING)");
  }
});
