import { readTools } from "../scripts/tools.ts";

/** Workers inherit what the set-up found: the Redis server and the browser. */
export default function setup(): void {
  const tools = readTools();
  process.env.REDIS_SERVER = tools.redisServer;
  process.env.CHROME_PATH = tools.chrome;
}
