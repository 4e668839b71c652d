import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSilent } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { folderForEachTest, writeFiles } from "../harness/folder.ts";
import { freePort } from "../harness/free-port.ts";
import { listen } from "../harness/port.ts";
import { bundle, distNode, run, runnerEnvironment, runnerFiles } from "../harness/process.ts";

/** dist/index.js as the runner starts it: INPUT_* and files for outputs, state and summary. What is tested is what is published. */
const folder = folderForEachTest();
let workspace: string;
beforeEach(async () => {
  workspace = folder.path;
  await writeFiles(workspace, runnerFiles);
});

const runnerEnv = (inputs: Record<string, string>, more: Record<string, string> = {}) => ({
  PATH: process.env.PATH ?? "",
  ...runnerEnvironment(workspace, inputs),
  ...more,
});
const file = (name: string) => readFileSync(join(workspace, name), "utf8");
const configure = (text: string) => {
  mkdirSync(join(workspace, ".github"), { recursive: true });
  writeFileSync(join(workspace, ".github", "env-actions.yml"), text);
};

describe("all missing or wrong inputs are reported at once with valid values", () => {
  test.each([
    [{}, ["EA1104: the input `stage` is missing: expected one of preflight, integration, e2e, smoke, cleanup"]],
    [
      { stage: "preflght", "dry-run": "yes" },
      ["the input `stage`: expected one of", 'the input `dry-run`: expected true or false, got "yes"'],
    ],
    [{ stage: "cleanup", scope: "everything" }, ['the input `scope`: expected one of run, expired, all, got "everything"']],
    [
      { stage: "preflight", budget: "2 minutes" },
      ['the input `budget`: expected a duration such as 15m, above 0 and at most 24d, got "2 minutes"'],
    ],
    [{ stage: "integration", "pass-rate": "0.95" }, ['the input `pass-rate`: expected a percentage such as 95%, got "0.95"']],
    [{ stage: "preflight" }, [".github/env-actions.yml", "env-actions init"]],
  ] as [Record<string, string>, string[]][])("%j", (inputs, messages) => {
    const ran = spawnSync(distNode, [bundle], { env: runnerEnv(inputs), encoding: "utf8" });
    expect(ran.status).toBe(2);
    expect(ran.stdout).toMatch(/^::error (?:file=[^\n]*,)?title=env-actions%3A invalid (?:input or )?configuration::/m);
    for (const message of messages) expect(ran.stdout.replaceAll("%25", "%")).toContain(message);
    expect(ran.stderr).toBe("");
  });
});

test("after wrong inputs the post step does nothing, even if the inputs are right by then", () => {
  const main = spawnSync(distNode, [bundle], { env: runnerEnv({ stage: "preflght" }), encoding: "utf8" });
  expect(main.status).toBe(2);
  // The runner makes variables of what was saved, and evaluates the inputs again.
  const saved = [...file("state").matchAll(/^(\w+)<<(\S+)\n([\s\S]*?)\n\2$/gm)].map(([, name, , value]) => [
    `STATE_${name}`,
    value,
  ]);
  configure("version: 1\nenvironments:\n  local:\n    access: read-only\n");
  const env = runnerEnv({ stage: "preflight" }, Object.fromEntries(saved) as Record<string, string>);
  const post = spawnSync(distNode, [bundle], { env, encoding: "utf8" });
  expect(post).toMatchObject({ status: 0, stdout: "", stderr: "" });
  expect(file("summary")).toBe("");
});

test("a failed test in a folder of the checkout is annotated at its place in the repository", async () => {
  const report =
    '<testsuite><testcase name="adds"><failure message="no">at t (src/a.test.mjs:3:4)</failure></testcase></testsuite>';
  await writeFiles(join(workspace, "apps/school"), {
    ".github/env-actions.yml": `version: 1
environments: { local: { access: test-data, variables: [PATH] } }
stages: { integration: { command: node ../tests.mjs, workingDirectory: web, reports: [out/r.xml] } }
`,
    "tests.mjs": `import { writeFileSync } from "node:fs";\nwriteFileSync("out/r.xml", ${JSON.stringify(report)});`,
    "web/src/a.test.mjs": "",
  });
  const ran = (stage: string) =>
    spawnSync(distNode, [bundle], { env: runnerEnv({ stage, "working-directory": "apps/school" }), encoding: "utf8" });
  expect(ran("preflight").status).toBe(0);
  const { status, stdout } = ran("integration");
  expect(status).toBe(1);
  expect(stdout).toMatch(/^::error title=Test failed%3A adds,file=apps\/school\/web\/src\/a\.test\.mjs,line=3::no/m);
});

test("an error in the configuration has file, line and column", () => {
  configure("version: 1\nenvironments:\n  local:\n    acess: test-data\n");
  const ran = spawnSync(distNode, [bundle], { env: runnerEnv({ stage: "preflight" }), encoding: "utf8" });
  expect(ran.status).toBe(2);
  expect(ran.stdout).toMatch(/^\.github\/env-actions\.yml:4:5 {2}/m);
  expect(ran.stdout).toMatch(/^::error file=\.github\/env-actions\.yml,line=4,col=5,title=[^\n]*::[^\n]*access/m);
});

test("a silent server does not block the job: results are reported and the process ends", async () => {
  const silent = createSilent((socket) => void socket.on("error", () => undefined));
  const port = await listen(silent);
  try {
    configure(`version: 1
environments:
  local:
    access: test-data
    databricks: { host: "localhost:${port}", warehouse: w, token: "\${DATABRICKS_TOKEN}", expect: { host: localhost } }
    websocket: { url: "http://127.0.0.1:${port}", namespaces: ["/sessions"], plain: [{ path: /plain }] }
`);
    const child = spawn(distNode, [bundle], {
      env: runnerEnv({ stage: "preflight", budget: "1s" }, { DATABRICKS_TOKEN: "dapi-0123456789" }),
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [status] = await once(child, "exit");
    expect(status).toBe(3);
    expect(file("summary")).toContain("budget of 1 s was used up");
  } finally {
    silent.close();
  }
});

describe("a preflight", () => {
  const hostile = "::set-output name=verdict::passed ##[add-path]/evil \u001b[31m";
  let url: string;
  let close: () => void;
  let status: number;
  beforeEach(async () => {
    status = 200;
    const server = createServer((_request, response) =>
      response.writeHead(status, { "content-type": "text/plain" }).end(status === 200 ? "{}" : `${hostile}\n${hostile}`),
    );
    url = `http://127.0.0.1:${await listen(server)}`;
    close = () => server.close();
    configure(
      `version: 1\nenvironments:\n  local:\n    access: read-only\n    variables: [NEEDED]\n    api: { url: "${url}", samples: 3 }\n    token: \${READER_TOKEN}\n`,
    );
  });
  afterEach(() => close());

  /** The server lives in this process, so the bundle must not block it. */
  const preflight = (more: Record<string, string>) => run(bundle, { env: runnerEnv({ stage: "preflight" }, more) });

  test("that passes writes masks first, then outputs, summary, state and evidence", async () => {
    const ran = await preflight({ NEEDED: "yes", READER_TOKEN: "reader-token-of-the-test" });
    expect(ran).toMatchObject({ status: 0, stderr: "" });
    const lines = ran.stdout.split("\n");
    expect(lines.indexOf("::add-mask::reader-token-of-the-test")).toBe(
      lines.findIndex((line) => line.startsWith("::add-mask::")),
    );
    expect(lines.findIndex((line) => line.startsWith("::add-mask::"))).toBeLessThan(
      lines.findIndex((line) => line.includes("preflight in local")),
    );
    expect(file("output")).toMatch(/verdict<<[^\n]+\npassed\n/);
    expect(file("output")).toMatch(/run-id<<[^\n]+\n\d{13}_[0-9a-f]{8}\n/);
    expect(file("output")).toMatch(/score<<[^\n]+\nnone\n/);
    expect(file("output")).not.toMatch(/deleted-rows|rollback/);
    expect(file("summary")).toMatch(/Preflight on local: passed/);
    expect(file("state")).toMatch(/FINISHED/);
    const [, runId] = /run-id<<[^\n]+\n(.+)\n/.exec(file("output")) ?? [];
    const evidence = JSON.parse(file(`.env-actions/evidence/preflight-local-${runId}.json`)) as object;
    expect(evidence).toMatchObject({
      verdict: "passed",
      commit: { sha: "a".repeat(40) },
      origin: { kind: "github", workflowRun: "1" },
    });
  });

  test("that fails exits with 1 and an annotation, and no server output is run as a workflow command", async () => {
    status = 500;
    const ran = await preflight({ NEEDED: "yes", READER_TOKEN: "reader-token-of-the-test" });
    expect(ran.status).toBe(1);
    expect(ran.stdout).toMatch(/^::error title=[^\n]*::/m);
    expectNothingObeyed(ran.stdout);
    expect(file("output")).toMatch(/verdict<<[^\n]+\nfailed\n/);
    expect(file("summary")).not.toContain("\n::");
  });

  test("shows the output of its server, and runs none of it as a workflow command", async () => {
    const port = await freePort();
    const serve = `require("http").createServer((q, r) => r.end("{}")).listen(${port}, "127.0.0.1")`;
    writeFileSync(
      join(workspace, "noisy.cjs"),
      `console.log(${JSON.stringify(`${hostile}\r::add-path::/evil\n::stop-commands::x`)}); process.stderr.write("::debug::half a line"); ${serve}`,
    );
    configure(
      `version: 1\nenvironments:\n  local:\n    access: read-only\n    servers:\n      noisy: { command: '"${process.execPath}" noisy.cjs', ready: { url: "http://127.0.0.1:${port}/" } }\n`,
    );
    const ran = await preflight({});
    expect(ran.stdout).toMatch(/^noisy \| .*set-output/m);
    expect(ran.stdout).toMatch(/^noisy \| .*stop-commands/m);
    // Folded up by the runner, and ended before the suite's own words go on.
    expect(ran.stdout).toMatch(/^::group::output of noisy\nnoisy \| [\s\S]*?\n::endgroup::\n[^n]/m);
    expectNothingObeyed(ran.stdout);
    expect(file("output")).not.toMatch(/evil/);
    // The log that is kept shows what was really printed.
    const [log = ""] = globSync(".env-actions/logs/*/preflight-noisy.log", { cwd: workspace });
    expect(file(log)).toContain("::stop-commands::x");
  });

  test("that is killed: the post step stops its server and reports that it was cut short", async () => {
    const port = await freePort();
    const serve = `require("http").createServer(() => console.log("asked")).listen(${port}, "127.0.0.1")`;
    writeFileSync(join(workspace, "silent.cjs"), serve);
    configure(
      `version: 1\nenvironments:\n  local:\n    access: read-only\n    servers:\n      silent: { command: '"${process.execPath}" silent.cjs', ready: { url: "http://127.0.0.1:${port}/" } }\n`,
    );
    const child = spawn(distNode, [bundle], { env: runnerEnv({ stage: "preflight" }) });
    let stdout = "";
    for await (const chunk of child.stdout) {
      stdout += String(chunk);
      if (stdout.includes("silent | asked")) break;
    }
    child.kill("SIGKILL");
    await once(child, "exit");
    const saved = [...file("state").matchAll(/^(\w+)<<(\S+)\n([\s\S]*?)\n\2$/gm)].map(([, name, , value]) => [
      `STATE_${name}`,
      value,
    ]);
    const post = await preflight({ INPUT_STAGE: "", ...(Object.fromEntries(saved) as Record<string, string>) });
    expect(post).toMatchObject({ status: 0, stderr: "" });
    expect(post.stdout).toContain("Processes that preflight started were still running, and were stopped.");
    expect(file("summary")).toMatch(/Preflight on local: error\s+Cut short: preflight, begun at/);
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  });

  test("that passes with warnings fails with `fail-on: degraded`", async () => {
    // The service itself says by its status that something is not as it should be.
    configure(
      `version: 1\nenvironments:\n  local:\n    access: read-only\n    api: { url: "${url}", endpoints: [{ path: /health, status: [204], degradedStatus: [200] }] }\n`,
    );
    const lenient = await preflight({ INPUT_BUDGET: "1m" });
    const verdict = /verdict<<[^\n]+\n(\w+)\n/.exec(file("output"))?.[1];
    expect([lenient.status, verdict]).toEqual([0, "degraded"]);
    const strict = await preflight({ "INPUT_FAIL-ON": "degraded" });
    expect(strict.status).toBe(1);
    expect(strict.stdout).toMatch(/^::error title=preflight degraded::/m);
  });

  test("whose summary can't be written warns with its path, and keeps outputs and verdict", async () => {
    rmSync(join(workspace, "summary"));
    const ran = await preflight({ NEEDED: "yes", READER_TOKEN: "reader-token-of-the-test" });
    expect(ran).toMatchObject({ status: 0, stderr: "" });
    expect(ran.stdout).toMatch(/^::warning::The job summary could not be written: .*\.env-actions\/summary\.md/m);
    expect(file("output")).toMatch(/verdict<<[^\n]+\npassed\n/);
  });

  test("in a read-only workspace reports one sentence without a stack", async () => {
    writeFileSync(join(workspace, "taken"), "");
    const ran = await preflight({ INPUT_CONFIG: "../.github/env-actions.yml", "INPUT_WORKING-DIRECTORY": "taken" });
    expect(ran.status).toBe(2);
    expect(ran.stdout).not.toMatch(/\bat .*:\d+:\d+/);
  });

  test("prints its run id, and the time of each check under debug logging", async () => {
    const ran = await preflight({ NEEDED: "yes", READER_TOKEN: "reader-token-of-the-test" });
    expect(ran.stdout).toMatch(/^run \d{13}_[0-9a-f]{8} of gate \S+$/m);
    expect(ran.stdout).toMatch(/^::debug::variables[^\n]*: passed after \d+ ms/m);
  });

  test("with a missing variable fails and names it", async () => {
    const ran = await preflight({ READER_TOKEN: "reader-token-of-the-test" });
    expect(ran.status).toBe(1);
    expect(ran.stdout).toContain("missing: NEEDED");
  });
});

/** A line that is a command of ours is read as that and as nothing else: its message is data, whatever it says. */
function expectNothingObeyed(stdout: string): void {
  const others = stdout
    .split("\n")
    .filter((line) => !/^::(?:(?:add-mask|error|warning|notice|debug)[ :]|group::output of noisy$|endgroup::$)/.test(line));
  expect(others.length).toBeGreaterThan(3);
  for (const line of others) {
    expect(line).not.toMatch(/^\s*::/);
    expect(line).not.toMatch(/##\[/);
    expect(line).not.toContain("\r");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what must not be there.
    expect(line).not.toMatch(/\u001b/);
  }
}
