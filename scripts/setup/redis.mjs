import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.mjs";
import { findOnPath, isExecutable } from "./lookup.mjs";
import { firstOf } from "./sources.mjs";

const servers = ["redis-server", "valkey-server"];
const brewDeadlineMs = 600_000;
const npmDeadlineMs = 120_000;
const compileDeadlineMs = 600_000;
/** Both versions are pinned, so that everybody compiles the same server. */
const compiler = "redis-memory-server@0.17.1";
const compiledVersion = "7.2.7";

/**
 * @param {import("./context.mjs").Context} context
 * @param {import("./apt.mjs").Apt} apt
 * @returns {Promise<string>} the path of redis-server or valkey-server
 * @throws {import("./context.mjs").SetupFailure}
 */
export async function redisServer(context, apt) {
  const onPath = () => findOnPath(context, servers);
  const compiled = compiledServer(context);
  return await firstOf(
    "redis-server",
    [
      { name: "PATH", get: async () => found(onPath(), `neither ${servers.join(" nor ")}`) },
      { name: "compiled earlier", get: async () => found(isExecutable(compiled) ? compiled : undefined, "no") },
      {
        name: "apt",
        get: async () => {
          const why = await apt.install("redis-server", "no redis-server on the PATH");
          return why === undefined ? found(onPath(), "installed, but it is not on the PATH") : { why };
        },
      },
      { name: "Homebrew", get: () => fromHomebrew(context, onPath) },
      { name: "redis-memory-server (npm)", get: () => compile(context, compiled) },
    ],
    ["sudo apt-get install -y redis-server", "brew install redis"],
  );
}

function found(path, why) {
  return path === undefined ? { why } : { path };
}

async function fromHomebrew(context, onPath) {
  if (findOnPath(context, ["brew"]) === undefined) return { why: "brew is not here" };
  context.say("no redis-server on the PATH: installing Homebrew's redis (brew install redis)");
  const installed = await run(context, "brew-redis", ["brew", "install", "redis"], {
    deadlineMs: brewDeadlineMs,
    env: { HOMEBREW_NO_AUTO_UPDATE: "1", NONINTERACTIVE: "1" },
  });
  return installed.ok ? found(onPath(), "installed, but it is not on the PATH") : { why: installed.why };
}

/** The last resort: the npm package downloads the sources and compiles them, which needs make and a C compiler. */
async function compile(context, compiled) {
  const folder = join(context.root, ".cache", "redis");
  context.say(`no redis-server on the PATH: compiling ${compiledVersion} with ${compiler}, which takes some minutes`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  // We run its install script explicitly below, because npm may be configured not to run any.
  const install = ["npm", "install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", compiler];
  const installed = await run(context, "redis-npm", install, { deadlineMs: npmDeadlineMs, cwd: folder });
  if (!installed.ok) return { why: installed.why };
  const script = join(folder, "node_modules", "redis-memory-server", "scripts", "postinstall.js");
  const made = await run(context, "redis-compile", [process.execPath, script], {
    deadlineMs: compileDeadlineMs,
    cwd: folder,
    env: { REDISMS_DOWNLOAD_DIR: folder, REDISMS_VERSION: compiledVersion, INIT_CWD: folder },
  });
  if (!made.ok) return { why: made.why };
  return found(isExecutable(compiled) ? compiled : undefined, `it made no ${compiled}`);
}

function compiledServer(context) {
  return join(context.root, ".cache", "redis", compiledVersion, "redis-server");
}
