import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Apt } from "./apt.mjs";
import { chrome } from "./browser.mjs";
import { SetupFailure } from "./context.mjs";
import { dependencies, ownNode } from "./dependencies.mjs";
import { redisServer } from "./redis.mjs";

/**
 * Installs everything that `npm start` and `npm test` need: the dependencies, Node, a Redis server and a browser. It runs before
 * anything is installed, so it is plain JavaScript for Node 20 without dependencies. If nothing is missing, it prints nothing. It
 * writes the paths to .cache/tools.json for scripts/tools.ts. `--only dependencies,node,redis,browser` runs some steps only.
 */

const steps = ["dependencies", "node", "redis", "browser"];

/**
 * @param {import("./context.mjs").Context} context
 * @param {string[]} wanted
 * @returns {Promise<SetupFailure[]>} what is missing
 */
async function setUp(context, wanted) {
  const file = join(context.root, ".cache", "tools.json");
  const before = read(file);
  const tools = { ...before };
  const apt = new Apt(context);
  // The other steps need these two.
  if (wanted.includes("dependencies")) await dependencies(context);
  if (wanted.includes("node")) await ownNode(context);

  const failures = [];
  const get = async (step, key, find) => {
    if (!wanted.includes(step)) return;
    try {
      tools[key] = await find();
    } catch (error) {
      if (!(error instanceof SetupFailure)) throw error;
      delete tools[key];
      failures.push(error);
    }
  };
  await get("redis", "redisServer", () => redisServer(context, apt));
  await get("browser", "chrome", () => chrome(context, apt, before.chrome));
  if (JSON.stringify(tools) !== JSON.stringify(before)) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify(tools, undefined, 2)}\n`);
  }
  return failures;
}

/**
 * @returns {{ redisServer?: string, chrome?: string }} what an earlier set-up found; empty if there was none or it was
 * interrupted
 */
function read(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    if (error.code === "ENOENT" || error instanceof SyntaxError) return {};
    throw error;
  }
}

/**
 * @returns {string[]}
 * @throws {SetupFailure} for an unknown step
 */
function wantedSteps() {
  const { values } = parseArgs({ options: { only: { type: "string" } } });
  const wanted = values.only === undefined ? steps : values.only.split(",");
  const unknown = wanted.filter((step) => !steps.includes(step));
  if (unknown.length > 0) throw new SetupFailure(`--only knows ${steps.join(", ")}, not ${unknown.join(", ")}`);
  return wanted;
}

async function main() {
  const context = {
    root: join(dirname(fileURLToPath(import.meta.url)), "..", ".."),
    env: process.env,
    platform: process.platform,
    isRoot: process.getuid?.() === 0,
    say: (line) => console.log(`set-up: ${line}`),
  };
  let failures;
  try {
    failures = await setUp(context, wantedSteps());
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    failures = [error];
  }
  for (const failure of failures) console.error(`set-up: ${failure.message}`);
  process.exitCode = failures.length > 0 ? 1 : 0;
}

if (Number(process.versions.node.split(".")[0]) < 20) {
  console.error(`set-up: this is node ${process.versions.node}; install node 20 or newer, then start again`);
  process.exitCode = 1;
} else {
  await main();
}
