import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startClassroomWorld } from "../examples/classroom/world.ts";

/**
 * Serves the example's warehouse and Redis until the job ends. Writes the variables with their addresses to GITHUB_ENV for later
 * steps. Writes `masks`, for the log, to the given folder, and `ready` last.
 */

const [folder] = process.argv.slice(2);
const { GITHUB_ENV: variablesFile } = process.env;
if (!folder || !variablesFile) throw new Error("usage: GITHUB_ENV=FILE node scripts/serve-world.ts FOLDER");
mkdirSync(folder, { recursive: true });

const { env } = await startClassroomWorld();
const variables = Object.entries(env);
const secrets = variables.filter(([name]) => /TOKEN|SECRET|REDIS_URL/.test(name));
appendFileSync(variablesFile, variables.map(([name, value]) => `${name}=${value}\n`).join(""));
writeFileSync(join(folder, "masks"), secrets.map(([, value]) => `::add-mask::${value}\n`).join(""));
writeFileSync(join(folder, "ready"), "");
