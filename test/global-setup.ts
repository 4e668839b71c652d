import { existsSync } from "node:fs";
import { join } from "node:path";
import { readTools, toolsFile } from "../scripts/tools.ts";
import { freshBundle } from "./fresh-bundle.ts";

/** Workers inherit what the set-up found: the Redis server and the browser; and where node keeps what it compiled. */
export default async function setup(): Promise<void> {
  if (process.platform === "win32" && !existsSync(toolsFile()))
    console.warn(
      "SKIPPED: there is no Redis for Windows. Tests that start one fail here: leave them out, as .github/workflows/ci.yml does",
    );
  else {
    const tools = readTools();
    process.env.REDIS_SERVER = tools.redisServer;
    process.env.CHROME_PATH = tools.chrome;
  }
  // The suite is started as a process a few hundred times: half of that would be spent on stripping the same types.
  process.env.NODE_COMPILE_CACHE = join(import.meta.dirname, "..", ".cache", "node-compile");
  delete process.env.FRESH_BUNDLE;
  try {
    process.env.FRESH_BUNDLE = await freshBundle();
  } catch (error) {
    console.warn(`The sources cannot be bundled; tests start them file by file. ${String(error)}`);
  }
}
