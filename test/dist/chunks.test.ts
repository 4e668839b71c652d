import { readdirSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { folderForEachTest, writeFiles } from "../harness/folder.ts";
import { listen } from "../harness/port.ts";
import { bundle, run, runnerEnvironment, runnerFiles } from "../harness/process.ts";

/** A start reads only the files of dist for what is configured. Reading them is most of what a short stage takes. */

const folder = folderForEachTest();
const dist = dirname(bundle);
let api: Server;
let url: string;

beforeAll(async () => {
  api = createServer((_, answer) => answer.writeHead(200, { "content-type": "application/json" }).end("{}"));
  url = `http://127.0.0.1:${await listen(api)}`;
});
afterAll(() => void api.close());

/** Prints the names of the files that the process imported, as the last line. */
const recorder = `
import { writeFileSync } from "node:fs";
import { registerHooks } from "node:module";
const loaded = [];
registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
process.on("exit", () => writeFileSync(process.env.LOADED, JSON.stringify(loaded)));
`;

async function filesLoaded(
  environment: string,
  inputs: Record<string, string>,
): Promise<{ status: number | null; files: string[] }> {
  const workspace = folder.path;
  await writeFiles(workspace, { ...runnerFiles, "recorder.mjs": recorder, "c.yml": environment });
  const list = join(workspace, "loaded.json");
  const { status } = await run(bundle, {
    cwd: workspace,
    env: {
      ...runnerEnvironment(workspace, inputs),
      LOADED: list,
      REDIS_URL: "redis://127.0.0.1:1",
      DATABRICKS_TOKEN: "token-of-the-test",
      NODE_OPTIONS: `--import=${pathToFileURL(join(workspace, "recorder.mjs")).href}`,
    },
  });
  const { default: loaded } = (await import(pathToFileURL(list).href, { with: { type: "json" } })) as { default: string[] };
  return { status, files: loaded.filter((name) => name.startsWith(pathToFileURL(dist).href)).map((name) => basename(name)) };
}

const file = (sections: string) => `version: 1
environments:
  here:
    access: read-only
${sections}stages:
  preflight: { requestsPerSecond: 1000 }
`;
const ofApi = () => `    api: { url: "${url}", samples: 1, endpoints: [{ path: / }] }\n`;
/** Nothing listens there. */
const ofRedis = `    redis: { url: "\${REDIS_URL}" }\n`;
const ofDatabricks = `    databricks: { host: "127.0.0.1:1", warehouse: w, token: "\${DATABRICKS_TOKEN}" }\n`;

const library = { redis: /^ioredis/, databricks: /^databricks-sql/, github: /^(?:actions-github|undici)/, zod: /^zod/ };

test("a missing input loads the entry alone", async () => {
  const { status, files } = await filesLoaded("", {});
  expect(status).toBe(2);
  expect(files).toEqual(["index.js"]);
});

test("a wrong input loads no library, and less than a tenth of what a stage may", async () => {
  const { status, files } = await filesLoaded("", { stage: "none" });
  expect(status).toBe(2);
  expect(files.length).toBeLessThanOrEqual(6);
  for (const name of Object.values(library)) expect(files.filter((one) => name.test(one))).toEqual([]);
  expect(files.filter((one) => /^(?:app|stages|checks|yaml|warehouse|redis)/.test(one))).toEqual([]);
});

test("an API alone loads no code for a warehouse, Redis, tests, servers, cleanup or GitHub", async () => {
  const { status, files } = await filesLoaded(file(ofApi()), { stage: "preflight", config: "c.yml" });
  expect(status).toBe(0);
  expect(files).toContain("checks-api-client.js");
  // Opening a file takes as long as compiling 20 kB: what is loaded together is one file (scripts/joined-chunks.ts).
  expect(files.length).toBeLessThanOrEqual(15);
  for (const name of [library.redis, library.databricks, library.github])
    expect(files.filter((one) => name.test(one))).toEqual([]);
  const others =
    /^(?:cleanup|warehouse|redis|processes|test-reports|notifications|stages-(?:tests|cleanup|run-cleanup)|re2js|saxes|ws|socket)/;
  expect(files.filter((one) => others.test(one))).toEqual([]);
  expect(files.filter((one) => /^checks-(?!api|connection|variables|registry|run-check)/.test(one))).toEqual([]);
});

test.each([
  ["Redis", () => ofRedis, library.redis, library.databricks],
  ["a warehouse", () => ofDatabricks, library.databricks, library.redis],
])("%s alone loads its driver, and no other", async (_, sections, own, other) => {
  const { files } = await filesLoaded(file(sections()), { stage: "preflight", config: "c.yml", budget: "5s" });
  expect(files.some((one) => own.test(one))).toBe(true);
  for (const name of [other, library.github]) expect(files.filter((one) => name.test(one))).toEqual([]);
  expect(
    files.filter((one) =>
      /^(?:checks-(?:api-check|auth|websocket|oauth)|notifications|stages-tests|test-reports|saxes)/.test(one),
    ),
  ).toEqual([]);
});

test("every library has a file, so that these names are those of dist", async () => {
  const names = readdirSync(dist);
  for (const name of Object.values(library)) expect(names.filter((one) => name.test(one))).not.toEqual([]);
});
