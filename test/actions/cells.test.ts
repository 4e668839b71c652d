import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { type FoundAct, findAct } from "../../scripts/act.ts";
import { readZip } from "../../src/github/zip.ts";
import type { Evidence, StageReport } from "../../src/model/report.ts";
import { type Finished, runWorkflow } from "./act.ts";
import { type Cloud, productionTable, startCloud, tablesWithRows } from "./cloud.ts";
import { requiredCheck } from "./jobs.ts";
import { publishForAct } from "./published.ts";
import { makeRepository } from "./workspace.ts";

/**
 * Several executions of one stage at once, whose data is alive while another of them ends: the cells of a matrix, two jobs in one folder,
 * a step that is killed, and one whose workspace is cleaned before its post step. Files order them; nothing waits for time to pass.
 */

let act: FoundAct;
let scratch: string;
let cloud: Cloud;
let finished: Finished;
let meeting: string;
/** By what the cell or job is called. */
const reports = new Map<string, StageReport>();
let evidence: Evidence[];

/** The first of each ends while the others' data is alive. */
const groups = {
  matrix: ["matrix-ends", "matrix-stays", "matrix-killed"],
  folder: ["folder-ends", "folder-stays"],
  cleaned: ["cleaned-killed"],
};

const credentials = { DATABRICKS_TOKEN: "${{ secrets.DATABRICKS_TOKEN }}", REDIS_URL: "${{ secrets.REDIS_URL }}" };
const begin = [
  { uses: "actions/checkout@v7", with: { "persist-credentials": false } },
  { run: 'test -e node_modules || ln -s "$MODULES" node_modules' },
];

function integration(name: string, how: string, more: Record<string, string> = {}): object[] {
  const report = `${name}.xml`;
  return [
    {
      uses: "classwaves/env-actions/integration@v1",
      env: { ...credentials, NAME: name, HOW: how, REPORT: report },
      with: { command: "node cell.mjs", reports: report, ...more },
    },
    { run: `touch "$MEETING/${name}-ended"` },
  ];
}

function jobs(folder: string): object {
  const cell = "${{ matrix.how }}";
  const job = (steps: object[]) => ({ "runs-on": "ubuntu-latest", needs: "preflight", steps: [...begin, ...steps] });
  const inFolder = { "working-directory": folder };
  return {
    preflight: {
      "runs-on": "ubuntu-latest",
      // The folder has a configuration of its own: evidence of one project says nothing about the other.
      steps: [
        ...begin,
        { uses: "classwaves/env-actions/preflight@v1", env: credentials },
        { uses: "classwaves/env-actions/preflight@v1", env: credentials, with: inFolder },
      ],
    },
    cells: {
      ...job(integration(`matrix-${cell}`, cell)),
      strategy: { "fail-fast": false, matrix: { how: ["ends", "stays", "killed"], database: ["delta"] } },
    },
    one: job(integration("folder-ends", "ends", inFolder)),
    two: job(integration("folder-stays", "stays", inFolder)),
    cleaned: job([
      ...integration("cleaned-killed", "killed"),
      { if: "always()", run: 'rm -rf "$GITHUB_WORKSPACE"/* "$GITHUB_WORKSPACE"/.env-actions "$GITHUB_WORKSPACE"/.github' },
    ]),
    after: {
      ...job([{ uses: "classwaves/env-actions/e2e@v1", env: credentials }]),
      needs: ["cells", "one", "two", "cleaned"],
      if: "always()",
    },
    ...requiredCheck(["preflight", "cells", "one", "two", "cleaned", "after"]),
  };
}

beforeAll(async () => {
  act = findAct();
  if ("missing" in act) return console.warn(`SKIPPED: no cells were run under act. ${act.missing}`);
  scratch = mkdtempSync(join(tmpdir(), "env-actions-cells-"));
  cloud = await startCloud();
  meeting = join(scratch, "meeting");
  mkdirSync(meeting);
  writeFileSync(join(meeting, "groups.json"), JSON.stringify(groups));
  // Whom it would wait for: itself, of which no step says that it has ended.
  writeFileSync(join(meeting, "cleaned-killed-ended"), "");
  const [workspace, folder] = [join(scratch, "consumer"), join(scratch, "folder")];
  for (const place of [workspace, folder])
    for (const source of ["consumer", "cells"]) cpSync(join(import.meta.dirname, source), place, { recursive: true });
  symlinkSync(cloud.variables.MODULES ?? "", join(folder, "node_modules"));
  makeRepository(workspace, { ".github/workflows/cells.yml": stringify({ name: "cells", on: "push", jobs: jobs(folder) }) });
  finished = await runWorkflow({
    act: act.path,
    workspace,
    workflow: "cells.yml",
    repositories: publishForAct(join(scratch, "published")),
    env: { ...cloud.variables, MEETING: meeting },
    secrets: { ...cloud.secrets },
    scratch: join(scratch, "act"),
  });
  collect(join(scratch, "act", "artifacts"));
}, 200_000);
afterAll(async () => {
  await cloud?.stop();
  if (scratch) rmSync(scratch, { recursive: true, force: true });
});

/** What the executions left as artifacts. */
function collect(directory: string): void {
  const files = globSync("*/*/*.zip", { cwd: directory }).flatMap((path) => readZip(readFileSync(join(directory, path))));
  const parsed = (name: string) =>
    files.filter((file) => file.name === name).map(({ content }) => JSON.parse(content.toString()) as unknown);
  evidence = parsed("evidence.json") as Evidence[];
  const names = new Map(
    Object.values(groups)
      .flat()
      .map((name) => [readFileSync(join(meeting, `${name}-ready`), "utf8"), name]),
  );
  for (const report of [...parsed("integration.json"), ...parsed("e2e.json")] as StageReport[])
    reports.set(names.get(report.runId) ?? report.stage, report);
}

function saw(name: string): unknown {
  return JSON.parse(readFileSync(join(meeting, `${name}-saw`), "utf8"));
}

describe("several executions of one stage at once", () => {
  test("each has its own run id, and all share one gate id", (context) => {
    if ("missing" in act) return context.skip(act.missing);
    expect(reports.size, finished.output).toBe(7);
    expect(new Set([...reports.values()].map(({ runId }) => runId)).size).toBe(7);
    expect(new Set(evidence.map(({ gateId }) => gateId)).size).toBe(1);
    expect(
      evidence
        .map(({ origin }) => origin.cell)
        .filter(Boolean)
        .sort(),
    ).toEqual(["ends", "killed", "stays"].map((how) => `database=delta, how=${how}`));
  });

  test.each(["matrix-stays", "matrix-killed", "folder-stays"])("%s keeps its data after another has ended", (name) => {
    if ("missing" in act) return;
    expect(saw(name)).toEqual({ rows: 2, key: "42" });
  });

  test.each(["matrix-ends", "matrix-stays", "folder-ends", "folder-stays"])(
    "%s deleted its own data and reports no other",
    (name) => {
      if ("missing" in act) return;
      const report = reports.get(name);
      expect(report).toMatchObject({ cleanup: { deletedRows: 2, deletedKeys: 1, leftOver: 0 } });
      expect(report?.checks.find(({ id }) => id === "test-data.cleanup")?.verdict).toBe("passed");
      // All cells sign in with one token: while another's row with an id of the server's is there, nobody can tell whose it is.
      if (report?.verdict !== "passed")
        expect(report).toMatchObject({
          verdict: "degraded",
          reason: expect.stringMatching(
            /(unexplained|touched) rows unknown \(at most \d\), because testData.principals does not say who/,
          ),
          books: { touched: { least: 0 }, unexplained: { least: 0 } },
        });
    },
  );

  test("the killed one is reported as cut short, and its post step deletes its data", (context) => {
    if ("missing" in act) return context.skip(act.missing);
    expect(reports.get("matrix-killed")).toMatchObject({
      verdict: "error",
      reason: expect.stringMatching(/^Cut short: integration, begun at .* was killed/),
      cleanup: { deletedRows: 2, deletedKeys: 1, leftOver: 0, problems: [] },
    });
  });

  test("after the workspace was cleaned, data with the run's prefix is deleted, and the rest is reported as possibly left", (context) => {
    if ("missing" in act) return context.skip(act.missing);
    expect(reports.get("cleaned-killed")).toMatchObject({
      reason: expect.stringMatching(/^Cut short/),
      cleanup: { deletedRows: 1, deletedKeys: 1, problems: [expect.stringContaining("the ledger of this run is gone")] },
    });
    expect(reports.get("cleaned-killed")?.checks.find(({ id }) => id === "test-data.cleanup")?.verdict).toBe("failed");
    expect(finished.output).toMatch(/test data of run \S+ may remain: the ledger of this run is gone/);
  });

  test("the next stage sees all of them and does not start", (context) => {
    if ("missing" in act) return context.skip(act.missing);
    expect(reports.get("e2e")).toMatchObject({
      verdict: "error",
      reason: expect.stringMatching(/Refused to start: e2e needs passed evidence of integration: integration.* ended with/),
    });
  });

  test("the required check fails, and names the cell that was killed", (context) => {
    if ("missing" in act) return context.skip(act.missing);
    expect(finished.output).toMatch(/gate (?:failed|error): (?!every stage)/);
    expect(finished.output).toMatch(/✘ integration failed: [^\n]*error in job cells \(database=delta, how=killed\)/);
    expect(finished.output).toMatch(/✔ preflight (?:passed|degraded): job preflight/);
  });

  test("nothing is left but what was reported, and production data is unchanged", async (context) => {
    if ("missing" in act) return context.skip(act.missing);
    expect(await tablesWithRows(cloud.warehouse)).toEqual(["sessions.classroom_sessions", productionTable]);
    const { rows } = (await cloud.warehouse.checksum())["sessions.classroom_sessions"] ?? {};
    expect(Number(rows)).toBe(1);
    const client = new Redis(cloud.redis.url);
    expect(await client.dbsize()).toBe(0);
    client.disconnect();
  });
});
