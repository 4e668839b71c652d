import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { git } from "./workspace.ts";

/** A consumer of the reusable workflow: three files of its own, and the two that `init` writes. */

const entry = join(import.meta.dirname, "../../src/main.ts");

/** FAILS names the part of the tests that fails; BLOCKS a file: the tests wait until it is gone. */
function ownFiles(port: number): Record<string, string> {
  return {
    "package.json": JSON.stringify({
      name: "shop",
      scripts: { start: "node server.js", test: "node --test tests/orders.test.js" },
    }),
    "server.js": `const { createServer } = require("node:http");
const routes = {};
const app = { get: (path, answer) => (routes[path] = answer) };
app.get("/health", () => ({ status: "ok" }));
createServer(({ url }, response) => {
  response.writeHead(routes[url] ? 200 : 404, { "content-type": "application/json" });
  response.end(JSON.stringify(routes[url]?.() ?? {}));
}).listen(${port});
`,
    "tests/orders.test.js": `const { existsSync, writeFileSync } = require("node:fs");
const { setTimeout: sleep } = require("node:timers/promises");
const { test } = require("node:test");
const { FAILS = "", BLOCKS = "", ENV_ACTIONS_SHARD: shard, ENV_ACTIONS_SHARDS: shards } = process.env;
test("orders, part " + shard + " of " + shards, async () => {
  if (BLOCKS) writeFileSync(BLOCKS, "");
  while (BLOCKS && existsSync(BLOCKS)) await sleep(50);
  if (FAILS === "all" || FAILS === shard) throw new Error("told to fail");
});
`,
  };
}

/** @param change of what `init` wrote, by its path. @returns the commit */
export function makeConsumer(
  directory: string,
  { port, change = {} }: { port: number; change?: Record<string, (text: string) => string> },
): string {
  for (const [path, content] of Object.entries(ownFiles(port))) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  git(directory, "init", "--quiet", "--initial-branch=main");
  git(directory, "remote", "add", "origin", "https://github.com/classwaves/consumer.git");
  const { GITHUB_ACTIONS: _runner, ...env } = process.env;
  execFileSync(process.execPath, [entry, "init", "--yes"], { cwd: directory, env, stdio: "pipe" });
  for (const [path, changed] of Object.entries(change)) {
    const before = readFileSync(join(directory, path), "utf8");
    const after = changed(before);
    if (after === before) throw new Error(`${path} was not changed`);
    writeFileSync(join(directory, path), after);
  }
  git(directory, "add", "--all");
  git(directory, "commit", "--quiet", "--message", "A consumer of the reusable workflow");
  return git(directory, "rev-parse", "HEAD");
}

/** Actions of others that the workflow uses, and that nobody can download here: they do nothing. */
export function standIns(folder: string): Record<string, string> {
  const workflow = readFileSync(join(import.meta.dirname, "../../.github/workflows/quality-gate.yml"), "utf8");
  const used = new Set(workflow.match(/actions\/(?:setup-node|cache)@[0-9a-f]{40}/g));
  return Object.fromEntries(
    [...used].map((name) => {
      const place = join(folder, name.replace(/@.*/, ""));
      mkdirSync(place, { recursive: true });
      writeFileSync(
        join(place, "action.yml"),
        "name: stand-in\ndescription: Does nothing.\nruns: { using: composite, steps: [{ run: exit 0, shell: bash }] }\n",
      );
      return [name, place];
    }),
  );
}
