import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { functionsOf } from "./eager-functions.ts";

/**
 * Writes `scripts/start-functions.json`: the functions that a preflight of one HTTP API calls. `node scripts/profile-start.ts`, and then
 * `npm run build`. Nothing depends on how new the list is but the time of a start.
 */

const list = join(import.meta.dirname, "start-functions.json");

interface Coverage {
  result: { url: string; functions: { ranges: { startOffset: number; count: number }[] }[] }[];
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "profile-start-"));
  const server = createServer((_, answer) => answer.writeHead(200, { "content-type": "application/json" }).end("{}"));
  try {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const dist = join(folder, "dist");
    const { status } = spawnSync(process.execPath, [join(import.meta.dirname, "build.ts"), "--readable", dist], {
      stdio: "inherit",
    });
    if (status !== 0) throw new Error("the sources do not build");
    await run(folder, dist, (server.address() as AddressInfo).port);
    writeFileSync(list, `${JSON.stringify(called(join(folder, "coverage")), undefined, 1)}\n`);
  } finally {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(folder: string, dist: string, port: number): Promise<void> {
  const api = `api: { url: "http://127.0.0.1:${port}", samples: 1, endpoints: [{ path: /health }] }`;
  const environment = `{ access: read-only, ${api} }`;
  writeFileSync(
    join(folder, "c.yml"),
    `version: 1\nenvironments:\n  here: ${environment}\nstages:\n  preflight: { requestsPerSecond: 1000 }\n`,
  );
  const child = spawn(process.execPath, [join(dist, "index.js")], {
    env: {
      ...{ PATH: process.env.PATH, NODE_V8_COVERAGE: join(folder, "coverage"), GITHUB_ACTIONS: "true", GITHUB_WORKSPACE: folder },
      ...{ GITHUB_SHA: "a".repeat(40), INPUT_STAGE: "preflight", INPUT_CONFIG: "c.yml" },
    },
    stdio: "inherit",
  });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`the preflight ended with ${code}`);
}

/** In a fixed order, so that only what changed is a change. */
function called(folder: string): Record<string, string[]> {
  const found = new Map<string, Set<string>>();
  for (const file of readdirSync(folder)) {
    const { result } = JSON.parse(readFileSync(join(folder, file), "utf8")) as Coverage;
    for (const { url, functions } of result) {
      if (!url.startsWith("file:")) continue;
      const starts = new Set(
        functions.filter(({ ranges: [range] }) => range && range.count > 0).map(({ ranges }) => ranges[0]?.startOffset),
      );
      const path = fileURLToPath(url);
      for (const { module, path: place, start } of functionsOf(basename(path), readFileSync(path, "utf8")))
        if (place !== "" && starts.has(start)) found.set(module, (found.get(module) ?? new Set()).add(place));
    }
  }
  const modules = [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(modules.map(([module, places]) => [module, [...places].sort()]));
}

await main();
