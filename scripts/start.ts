import { spawn } from "node:child_process";
import { once } from "node:events";
import { delimiter, join } from "node:path";
import type { ClassroomWorld, Fingerprint } from "../examples/classroom/world.ts";
import { readArguments } from "../src/cli/arguments.ts";
import { errorText } from "../src/lib/error-text.ts";
import { suggestion } from "../src/lib/nearest.ts";
import { UserError } from "../src/model/user-error.ts";
import { readTools } from "./tools.ts";

/**
 * `npm start`: runs the whole quality gate on the small ClassWaves, and `npm start -- library` on the library, which is another
 * application. It first starts the stand-ins for the cloud, then runs the gate as a user would in that folder. At the end it
 * compares production's data with their initial state.
 */
const root = join(import.meta.dirname, "..");
const examples = join(root, "examples");
const say = (text: string) => process.stdout.write(`${text}\n`);

/** The tasks that make a copy of production, and the options with which they carry out their plan. */
const copyTasks: readonly (readonly string[])[] = [["drift"], ["sync", "--execute"], ["drift"], ["refresh", "--execute"]];
const stagingConfig = ".github/env-actions.staging.yml";

const starts = { classroom: startClassroom, library: startLibrary, staging: startStaging };
const names = Object.keys(starts) as (keyof typeof starts)[];

process.exitCode = await start(process.argv.slice(2));

/** Refuses a wrong name or option before anything is started. */
async function start(argv: readonly string[]): Promise<number> {
  const [first = ""] = argv;
  const isNamed = first !== "" && !first.startsWith("-");
  const name = isNamed ? names.find((one) => one === first) : "classroom";
  if (name === undefined) {
    process.stderr.write(
      `npm start: there is no example "${first}"; ${suggestion(first, names)}\n  npm start               the small ClassWaves, examples/classroom\n  npm start -- library    another application, examples/library\n  npm start -- staging    the small ClassWaves, tested in a copy of its production\nOptions of the gate may follow, such as: npm start -- library -v\n`,
    );
    return 2;
  }
  const args = isNamed ? argv.slice(1) : argv;
  try {
    readArguments(["gate", ...args]);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    process.stderr.write(`npm start: ${errorText(error)}\n`);
    return 2;
  }
  return await starts[name](args);
}

async function startClassroom(args: readonly string[]): Promise<number> {
  const { startClassroomWorld } = await import("../examples/classroom/world.ts");
  const tools = readTools(root);
  const started = Date.now();
  const world = await startClassroomWorld({ redisServer: tools.redisServer });
  try {
    const before = await world.fingerprint();
    const rows = Object.values(before.tables).reduce((sum, table) => sum + table.rows, 0);
    say(
      `A small ClassWaves: ${Object.keys(before.tables).length} tables with ${rows} rows in a local warehouse (${world.warehouse.host}), a Redis beside it, up in ${Date.now() - started} ms.`,
    );
    const env = { ...world.env, CHROME_PATH: tools.chrome, ...(await broken(world)) };
    const status = await runGate("classroom", ["--environment", "local", "--production", "production", ...args], env);
    return productionUntouched(await world.fingerprint(), before) ? status : Math.max(status, 1);
  } finally {
    await world.stop();
  }
}

/** Production's structure is copied and filled with sanitised data; the gate tests on branches of it, and smoke looks at production. */
async function startStaging(args: readonly string[]): Promise<number> {
  const { startClassroomWorld } = await import("../examples/classroom/world.ts");
  const tools = readTools(root);
  const world = await startClassroomWorld({ redisServer: tools.redisServer, staging: true });
  try {
    const before = await world.fingerprint();
    say(
      `A small ClassWaves: ${Object.keys(before.tables).length} tables of production in the catalog classwaves, and an outdated copy in classwaves_staging.`,
    );
    const env = { ...world.env, ...world.stagingEnv, CHROME_PATH: tools.chrome };
    let status = 0;
    for (const [at, task] of copyTasks.entries()) {
      say(`\nenv-actions staging ${task.join(" ")}`);
      const code = await runIn("classroom", ["staging", ...task, "--config", stagingConfig], env);
      // The first drift shows what an outdated copy looks like.
      if (at > 0 && code !== 0) return code;
    }
    say("\nenv-actions gate --environment staging --production production");
    const gate = ["gate", "--config", stagingConfig, "--environment", "staging", "--production", "production"];
    status = await runIn("classroom", [...gate, ...args], env);
    const isUntouched = productionUntouched(await world.fingerprint(), before);
    return nothingLeft(await world.schemas()) && isUntouched ? status : Math.max(status, 1);
  } finally {
    await world.stop();
  }
}

/** Branches are catalogs; a refresh works in a schema of the copy. */
function nothingLeft(schemas: readonly string[]): boolean {
  const left = schemas.filter((schema) => /_ea_\d|\.env_actions_refresh_/.test(schema));
  for (const schema of left) say(`  ✘ ${schema} was left behind`);
  if (left.length === 0) say("  ✔ nothing left in the copy: no branch of a run, and no working schema of the refresh");
  return left.length === 0;
}

/** Its configuration is what `env-actions init --yes` wrote, so nothing is passed that a user would not pass. */
async function startLibrary(args: readonly string[]): Promise<number> {
  const { startLibraryWorld } = await import("./library-world.ts");
  const started = Date.now();
  const world = await startLibraryWorld();
  try {
    const tables = await world.fingerprint();
    const rows = Object.values(tables).reduce((sum, table) => sum + table.rows, 0);
    say(
      `A library: ${Object.keys(tables).length} tables with ${rows} rows in a local warehouse (${world.warehouse.host}), up in ${Date.now() - started} ms.`,
    );
    const status = await runGate("library", args, world.env);
    const fingerprint = (all: typeof tables): Fingerprint => ({ tables: all, keys: undefined, strangeKeys: [] });
    const isUntouched = productionUntouched(fingerprint(await world.fingerprint()), fingerprint(tables), "");
    return isUntouched ? status : Math.max(status, 1);
  } finally {
    await world.stop();
  }
}

/**
 * Breaks the services below the application, as CLASSROOM_BREAK says: a list of `stopped-redis`, `wrong-token`,
 * `sleeping-warehouse`. Other values break the application itself: see the example's README.
 * @returns the variables that change
 */
async function broken(world: ClassroomWorld): Promise<Record<string, string>> {
  const asked = (process.env.CLASSROOM_BREAK ?? "").split(",").map((name) => name.trim());
  if (asked.includes("stopped-redis")) await world.stopRedis();
  if (asked.includes("sleeping-warehouse")) world.warehouse.faults.neverWakes = true;
  return asked.includes("wrong-token") ? { DATABRICKS_TOKEN: "dapi-a-token-that-nobody-issued" } : {};
}

/** In a separate process, as in a terminal, so that the services do not slow down the measurements. */
async function runGate(example: string, args: readonly string[], worldEnv: Record<string, string>): Promise<number> {
  return await runIn(example, ["gate", ...args], worldEnv);
}

async function runIn(example: string, args: readonly string[], worldEnv: Record<string, string>): Promise<number> {
  // Without the runner's variables, because this gate is about the example, wherever it runs.
  const { GITHUB_ACTIONS: _onRunner, ENV_ACTIONS_RUN_ID: _otherRun, ...env } = process.env;
  const path = [join(root, "node_modules", ".bin"), env.PATH ?? ""].join(delimiter);
  // The stand-ins are on this machine, where no proxy can reach them.
  const direct = [env.no_proxy || env.NO_PROXY, "localhost,127.0.0.1,::1"].filter(Boolean).join(",");
  const child = spawn(process.execPath, [join(root, "src", "main.ts"), ...args], {
    cwd: join(examples, example),
    env: { ...env, ...worldEnv, PATH: path, NO_PROXY: direct, no_proxy: direct },
    stdio: "inherit",
  });
  // Ctrl-C reaches the gate too. The gate cleans up, and the services must run until it has finished.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 3;
}

function productionUntouched(after: Fingerprint, before: Fingerprint, aboutKeys = keysOf(after)): boolean {
  const changed = Object.keys({ ...before.tables, ...after.tables }).filter(
    (table) => JSON.stringify(before.tables[table]) !== JSON.stringify(after.tables[table]),
  );
  const wrong = [
    ...changed.map(
      (table) =>
        `  ✘ ${table} is not what it was: ${before.tables[table]?.rows ?? 0} rows before, ${after.tables[table]?.rows ?? 0} after`,
    ),
    ...(after.keys === undefined || before.keys === after.keys ? [] : ["  ✘ Redis: production's keys are not what they were"]),
    ...after.strangeKeys.slice(0, 5).map((key) => `  ✘ Redis: ${key} was left behind`),
  ];
  for (const line of wrong) say(line);
  if (wrong.length === 0)
    say(
      `  ✔ production untouched: the same checksum over ${Object.keys(after.tables).length} tables${aboutKeys}, and nothing left behind`,
    );
  return wrong.length === 0;
}

function keysOf({ keys }: Fingerprint): string {
  return keys === undefined ? " (Redis was stopped on purpose)" : " and Redis";
}
