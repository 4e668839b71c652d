import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { StageRequest } from "../../src/app/run-stage.ts";
import { newRunId } from "../../src/cleanup/run-id.ts";
import { startOf } from "../../src/lib/linux-proc.ts";
import { thisProcess } from "../../src/lib/lock-file.ts";
import { UserError } from "../../src/model/user-error.ts";
import { folderForEachTest } from "../harness/folder.ts";
import { listen } from "../harness/port.ts";
import { performIn } from "../harness/stage.ts";

// What a stage tells and leaves: nothing secret, whatever other runs left in the same workspace, and only of a run that is known.

const token = "bearer-of-the-reader-0123456789";
const workspace = folderForEachTest();
let api: Server;
let port: number;

beforeEach(async () => {
  // It repeats what it was sent, as error pages do.
  api = createServer((request, response) => {
    const denied = request.headers.authorization !== undefined;
    response.writeHead(denied ? 401 : 200).end(denied ? `no access for ${request.headers.authorization}` : "{}");
  });
  port = await listen(api);
});
afterEach(() => {
  api.closeAllConnections();
  api.close();
});

async function perform(stage: StageRequest["stage"], more: Partial<StageRequest> = {}, endpoint: object = { path: "/health" }) {
  const here = {
    access: "test-data",
    token: "${READER_TOKEN}",
    api: { url: `http://127.0.0.1:${port}`, endpoints: [endpoint], samples: 1 },
  };
  const config = { environments: { here } };
  return await performIn(workspace.path, { ...more, stage, config, env: { READER_TOKEN: token, ...more.env } });
}

test("a summary whose lock another process holds is written with a warning", async () => {
  await mkdir(join(workspace.path, ".env-actions"));
  const holder = { ...thisProcess(), pid: process.ppid, start: startOf(process.ppid) ?? "", taking: "1" };
  await writeFile(join(workspace.path, ".env-actions", "summary.lock"), JSON.stringify(holder));
  const { files, warnings } = await perform("preflight");
  expect(await readFile(files.summary, "utf8")).toContain("Preflight");
  expect(warnings).toContainEqual(
    expect.stringMatching(
      /^summary\.md and report\.html may be incomplete, because another stage ended at the same time: .*summary\.lock is locked by process \d+/,
    ),
  );
});

test("a secret in an answer is masked in everything that is printed, returned or written", async () => {
  const { report, files, seen } = await perform("smoke", { deployment: "1" }, { path: "/health", signIn: true });
  const told = report.checks.find(({ id }) => id === "api.health");
  // It is there, masked: else this would prove nothing.
  expect(told).toMatchObject({ verdict: "failed", message: expect.stringContaining("no access for Bearer ***") });
  const written = await Promise.all([files.report, files.summary, files.html, files.audit].map((file) => readFile(file, "utf8")));
  for (const text of [JSON.stringify(seen), JSON.stringify(report), files.reportText, files.summaryText, ...written])
    expect(text).not.toContain(token);
  expect(JSON.stringify(seen)).toContain("no access for Bearer ***");
});

describe("reports that are there already", () => {
  const leave = async (stage: string, text: string) => {
    await mkdir(join(workspace.path, ".env-actions", "reports"), { recursive: true });
    await writeFile(join(workspace.path, ".env-actions", "reports", `${stage}.json`), text);
  };

  test("of another run and version are ignored", async () => {
    await leave("smoke", JSON.stringify({ schemaVersion: 0, runId: "1763920000000_0a0b0c0d", verdict: "green" }));
    const { report, warnings, files } = await perform("preflight");
    expect(report.verdict).toBe("passed");
    expect(warnings).toEqual([]);
    expect(await readFile(files.summary, "utf8")).toMatch(/preflight on here/i);
  });

  test("that are cut short cause a warning, and this stage is recorded anyway", async () => {
    await leave("integration", '{"schemaVersion": 1, "stage": "integr');
    const { report, warnings, files } = await perform("preflight");
    expect(report.verdict).toBe("passed");
    expect(warnings).toEqual([expect.stringMatching(/^the summary does not include integration: .*integration\.json/)]);
    expect(await readFile(files.html, "utf8")).toMatch(/preflight on here/i);
  });
});

describe("which run it is", () => {
  test("scope run without a run is an error, not a clean result", async () => {
    for (const env of [{}, { ENV_ACTIONS_RUN_ID: "" }])
      await expect(perform("cleanup", { overrides: { scope: "run", execute: true }, env })).rejects.toThrow(
        /no run was found in this workspace: name the run with ENV_ACTIONS_RUN_ID/,
      );
    const runId = newRunId();
    const named = await perform("cleanup", { overrides: { scope: "run" }, env: { ENV_ACTIONS_RUN_ID: runId } });
    expect(named.report.runId).toBe(runId);
  });

  test.each([
    ["no run id", "1763920000000", /ENV_ACTIONS_RUN_ID: expected a run id/],
    [
      "of 1970, by which every row would be younger",
      "0000000000000_00000000",
      /started at 1970.*longer ago than evidence\.maxAge/,
    ],
    ["of yesterday", newRunId(Date.now() - 86_400_000), /longer ago than evidence\.maxAge.*cleanup --scope expired/],
    ["of tomorrow", newRunId(Date.now() + 86_400_000), /in the future/],
  ])("a run id is refused: %s", async (_, ENV_ACTIONS_RUN_ID, says) => {
    for (const stage of ["preflight", "cleanup"] as const) {
      const broken = perform(stage, { env: { ENV_ACTIONS_RUN_ID } });
      await expect(broken).rejects.toThrow(UserError);
      await expect(broken).rejects.toThrow(says);
    }
  });
});
