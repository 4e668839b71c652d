import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { folderForEachTest } from "../harness/folder.ts";
import { bundle, run } from "../harness/process.ts";

// Tests may clean or rebuild the folder that env-actions runs from, or want to run in its process. Nothing that is needed after they
// began may come from there.

const folder = folderForEachTest();
let redis: RunningRedis;
let client: Redis;
beforeAll(async () => {
  redis = await startRedis();
  client = new Redis(redis.url);
});
afterAll(async () => {
  client.disconnect();
  await redis.stop();
});

const configuration = `version: 1
environments:
  sandbox:
    access: test-data
    redis: { url: "\${REDIS_URL}", expect: { host: 127.0.0.1 } }
    rollback: { command: "true" }
stages:
  integration: { command: node tests.mjs, reports: [report.xml] }
`;

/** One key of test data, a report with a failed test, and then what is done to dist. */
const suite = (then: string) => `import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { Redis } from ${JSON.stringify(import.meta.resolve("ioredis"))};
const client = new Redis(process.env.TEST_REDIS);
const key = \`cw:test:\${process.env.ENV_ACTIONS_PREFIX}\`;
await client.set(key, 1);
writeFileSync("written", key);
writeFileSync("report.xml", '<testsuites><testsuite name="s" tests="1"><testcase name="t"><failure message="no"/></testcase></testsuite></testsuites>');
${then}
process.exit(1);
`;

const dist = (name: string) => join(folder.path, "action", "dist", name);

async function integration(then: string) {
  cpSync(dirname(bundle), dist("."), { recursive: true });
  const workspace = join(folder.path, "workspace");
  mkdirSync(workspace);
  writeFileSync(join(workspace, "c.yml"), configuration);
  writeFileSync(join(workspace, "tests.mjs"), suite(then));
  const env = { REDIS_URL: redis.url, TEST_REDIS: redis.url, PATH: process.env.PATH ?? "" };
  const start = { cwd: workspace, env };
  await run(dist("index.js"), { ...start, args: ["preflight", "--config", "c.yml"] });
  const { status, stdout, stderr } = await run(dist("index.js"), { ...start, args: ["integration", "--config", "c.yml"] });
  return { status, output: stdout + stderr, workspace };
}

test.each([
  ["is removed", `rmSync(${JSON.stringify("DIST")}, { recursive: true });`],
  [
    "is overwritten",
    `for (const file of readdirSync(${JSON.stringify("DIST")})) if (file.endsWith(".js"))
  writeFileSync(${JSON.stringify("DIST/")} + file, 'import { writeFileSync } from "node:fs"; writeFileSync("ran-in-the-process", "yes");');`,
  ],
])("a stage ends as it should if dist %s while its tests run", async (_what, then) => {
  const { status, output, workspace } = await integration(then.replaceAll("DIST", dist(".")));
  expect(status, output).toBe(1);
  expect(output).toContain("integration failed on sandbox");
  // The suite writes this name when Redis has taken its key.
  const key = readFileSync(join(workspace, "written"), "utf8");
  expect(await client.exists(key), output).toBe(0);
  expect(readFileSync(join(workspace, ".env-actions", "summary.md"), "utf8")).toContain("1 key");
  expect(existsSync(join(workspace, ".env-actions", "report.html"))).toBe(true);
  expect(existsSync(join(workspace, "ran-in-the-process"))).toBe(false);
});
