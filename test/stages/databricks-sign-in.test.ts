import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { gitHubIssuer, type IdTokens, startIdTokens } from "../../local/github/id-tokens.ts";
import { noFaults } from "../../local/warehouse/faults.ts";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import type { StageReport } from "../../src/model/report.ts";
import { folderForEachTest, writeFiles } from "../harness/folder.ts";
import { run, runnerEnvironment, runnerFiles, sources } from "../harness/process.ts";

/** Signing in as a person and as the runner start the suite; and nothing of it is to be seen anywhere afterwards. */

let warehouse: Warehouse;
let gitHub: IdTokens;
const folder = folderForEachTest();
let workspace: string;

beforeAll(async () => {
  gitHub = await startIdTokens("repo:classwaves/app:environment:sandbox");
  warehouse = await startWarehouse({
    principals: {
      "dapi-nobody-uses-it": { user: "app", grants: [{ privilege: "ALL PRIVILEGES", on: "classwaves" }] },
    },
    oauthClients: { "client-1": { secret: "dose-of-the-service-principal", user: "app" } },
    federation: [
      {
        issuer: gitHubIssuer,
        audience: "acc",
        subject: "repo:classwaves/app:environment:sandbox",
        user: "app",
        clientId: "client-1",
      },
    ],
  });
  await warehouse.createTables({ "classwaves.sessions.classroom_sessions": { columns: { id: "string", title: "string" } } });
});
beforeEach(async () => {
  workspace = folder.path;
  await writeFiles(workspace, runnerFiles);
  await configure("oidc: { audience: acc }");
});
afterEach(() => void Object.assign(warehouse.faults, noFaults()));
afterAll(() => Promise.all([warehouse.stop(), gitHub.stop()]));

async function configure(signIn: string) {
  await mkdir(join(workspace, ".github"), { recursive: true });
  await writeFile(
    join(workspace, ".github", "env-actions.yml"),
    `version: 1
environments:
  sandbox:
    access: test-data
    databricks:
      certificateAuthority: ${warehouse.certificateAuthority}
      expect: { host: "${warehouse.host}" }
      ${signIn}
testData: { preset: none, tables: { sessions.classroom_sessions: {} } }
stages:
  preflight: { sqlP95: 30s }
  integration: { command: node tests.mjs, reports: [report.xml] }
`,
  );
}

const variables = () => ({ DATABRICKS_HOST: warehouse.host, DATABRICKS_WAREHOUSE_ID: warehouse.warehouseId });

function runnerVariables(stage: string) {
  return { ...runnerEnvironment(workspace, { stage }), DATABRICKS_CLIENT_ID: "client-1", ...variables() };
}

async function start(args: string[], env: Record<string, string>) {
  const { status, stdout, stderr } = await run(sources, { args, cwd: workspace, env });
  return { status, output: stdout + stderr };
}

async function reportOf(stage: string): Promise<StageReport> {
  return JSON.parse(await readFile(join(workspace, ".env-actions", "reports", `${stage}.json`), "utf8")) as StageReport;
}

/** Everything that the run left on the disk, the runner's own files included. */
async function written(): Promise<string> {
  const entries = await readdir(workspace, { recursive: true, withFileTypes: true });
  const files = entries.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name), "utf8"));
  return (await Promise.all(files)).join("\n");
}

/** Nothing secret is on the disk, and on the screen only where the runner is told to mask it, before anything else could print it. */
async function expectNoSecret(output: string, secrets: readonly string[]) {
  const disk = await written();
  const shown = output.replaceAll(/^::add-mask::.*$/gm, "");
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(6);
    expect(disk).not.toContain(secret);
    expect(shown).not.toContain(secret);
  }
  expect(`${disk}${shown}`).not.toMatch(/local-oauth-|eyJ/);
}

test("on a runner, each stage exchanges GitHub's id token once, again when it expires, and tests never see it", async () => {
  const before = warehouse.tokenRequests.length;
  const looked = await start([], { ...runnerVariables("preflight"), ...gitHub.env });
  expect(looked.output).toContain("Databricks connection");
  expect(looked.status).toBe(0);
  // The same token opens the REST interface; and one that is renewed has no life to look at.
  const { checks } = await reportOf("preflight");
  expect(checks.find(({ id }) => id === "databricks.warehouse")?.verdict).toBe("passed");
  expect(checks.map(({ id }) => id)).not.toContain("databricks.token");
  expect(warehouse.tokenRequests.slice(before)).toMatchObject([{ clientId: "client-1", claims: { aud: "acc" }, status: 200 }]);
  // Masked before it was used: the job's bearer, GitHub's token, the workspace's token.
  const masks = looked.output.split("\n").filter((line) => line.startsWith("::add-mask::"));
  expect(masks).toEqual(
    expect.arrayContaining([
      `::add-mask::${gitHub.env.ACTIONS_ID_TOKEN_REQUEST_TOKEN}`,
      `::add-mask::${gitHub.tokens.at(-1)}`,
      expect.stringMatching(/^::add-mask::local-oauth-/),
    ]),
  );

  await writeFile(
    join(workspace, "tests.mjs"),
    `import { writeFileSync } from "node:fs";
     await new Promise((resolve) => setTimeout(resolve, 1100));
     console.log("seen:", Object.keys(process.env).filter((name) => /^(ACTIONS_ID_TOKEN|INPUT_)/.test(name)).join() || "nothing");
     writeFileSync("report.xml", '<testsuite name="s"><testcase name="works" time="0.01"/></testsuite>');`,
  );
  warehouse.faults.tokenLifetimeSeconds = 1;
  const seen = warehouse.tokenRequests.length;
  const tested = await start([], { ...runnerVariables("integration"), ...gitHub.env });
  expect(tested.output).toContain("seen: nothing");
  expect(tested.status).toBe(0);
  expect((await reportOf("integration")).cleanup?.leftOver).toBe(0);
  expect(warehouse.tokenRequests.length - seen).toBeGreaterThanOrEqual(2);
  expect(warehouse.tokenRequests.slice(seen).every(({ status }) => status === 200)).toBe(true);
  await expectNoSecret(looked.output + tested.output, [...gitHub.tokens, gitHub.env.ACTIONS_ID_TOKEN_REQUEST_TOKEN]);
});

test("on a runner, a federation policy for another audience is an error with the fix", async () => {
  await configure("oidc: {}");
  const env = { ...runnerVariables("preflight"), ...gitHub.env, DATABRICKS_TOKEN_AUDIENCE: "another" };
  const { status, output } = await start([], env);
  expect(status).toBe(3);
  const check = (await reportOf("preflight")).checks.find(({ id }) => id === "databricks.connect");
  expect(check).toMatchObject({
    verdict: "error",
    message: expect.stringMatching(
      /refused the sign-in \(HTTP 401: invalid_grant.*policy of the service principal client-1 .*subject repo:classwaves\/app:environment:sandbox; audience another/,
    ),
  });
  await expectNoSecret(output, gitHub.tokens);
});

test("in a terminal, a wrong client secret is an error that does not show the secret", async () => {
  await configure("startTimeout: 1m");
  const wrong = "dose-of-somebody-else";
  const env = { ...variables(), DATABRICKS_CLIENT_ID: "client-1", DATABRICKS_CLIENT_SECRET: wrong };
  const { status, output } = await start(["preflight"], env);
  expect(status).toBe(3);
  expect((await reportOf("preflight")).checks.find(({ id }) => id === "databricks.connect")?.message).toMatch(
    /refused the sign-in \(HTTP 401: invalid_client.*Check the service principal client-1 and its secret/,
  );
  await expectNoSecret(output, [wrong, Buffer.from(`client-1:${wrong}`).toString("base64")]);
});
