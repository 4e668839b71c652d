import { compareRedis } from "../cleanup/execute/proof.ts";
import { accountsInUse, namespacesInUse, type PrefixInUse, prefixesInUse } from "../cleanup/propose/in-use.ts";
import { newRunId } from "../cleanup/run-id.ts";
import { readCatalogColumns, readViews } from "../cleanup/tables/catalog.ts";
import { loadConfig, selectEnvironment } from "../config/load.ts";
import { prefixSchema } from "../config/test-data-schema.ts";
import { configurationText } from "../init/configuration.ts";
import { keyBeginnings, prefixCandidates } from "../init/detect/in-use.ts";
import { proposedTables } from "../init/detect/stores.ts";
import { hostOf } from "../init/detect/variables.ts";
import { type Project, redisOnly, referredVariables, warehouseOnly } from "../init/project.ts";
import type { Repository } from "../init/repository.ts";
import { count } from "../lib/count.ts";
import { errorText } from "../lib/error-text.ts";
import { redisSettings, type WarehouseAccess, withWarehouseReader } from "../stages/connections.ts";
import type { GuardedTerminal } from "./main.ts";

const withinMs = 30_000;
const redisWithinMs = 10_000;
const mostKeys = 20_000;
const scanMs = 3_000;

export interface Look {
  project: Project;
  /** What was seen, for people: counts, and no value of a row or key. */
  lines: string[];
}

/** Asks the warehouse and the Redis that the project names, if this terminal has all that it takes. Reads only; `init` goes on without. */
export async function lookAtEnvironment(
  project: Project,
  repository: Repository,
  world: GuardedTerminal,
  say: (line: string) => void,
): Promise<Look> {
  const none: Look = { project, lines: [] };
  if (canAskWarehouse(project, world.env))
    say(`Reading the names of tables and columns in ${project.databricks?.host}, and how many test rows they have …`);
  if (canAskRedis(project, world.env)) say(`Counting keys in ${project.redis?.host}, at most ${mostKeys} …`);
  const [warehouse, redis] = await Promise.all([
    canAskWarehouse(project, world.env) ? lookAtWarehouse(project, repository, world) : none,
    canAskRedis(project, world.env) ? lookAtRedis(project, repository, world) : none,
  ]);
  return {
    project: {
      ...warehouse.project,
      testNamespaces: redis.project.testNamespaces,
      notes: [...warehouse.project.notes, ...redis.project.notes.slice(project.notes.length)],
    },
    lines: [...warehouse.lines, ...redis.lines],
  };
}

/** Whether this terminal has all that it takes to ask the warehouse that the project names, and no other. */
function canAskWarehouse(project: Project, env: GuardedTerminal["env"]): boolean {
  const { databricks, preset } = project;
  if (!databricks?.host || preset === "classwaves") return false;
  return (
    referredVariables(warehouseOnly(project)).every(({ name }) => env[name]) &&
    hostOf(env.DATABRICKS_HOST ?? "") === databricks.host
  );
}

/** A Redis that each job starts anew has nothing to show. */
function canAskRedis({ redis, preset }: Project, { REDIS_URL }: GuardedTerminal["env"]): boolean {
  if (!redis?.host || redis.service || preset === "classwaves" || !REDIS_URL) return false;
  return hostOf(REDIS_URL) === redis.host;
}

function noted(project: Project, note: string): Look {
  return { project: { ...project, notes: [...project.notes, note] }, lines: [] };
}

/** Names of tables and columns, and counts of rows. */
async function lookAtWarehouse(project: Project, repository: Repository, world: GuardedTerminal): Promise<Look> {
  try {
    const place = await placeOf(warehouseOnly(project), world);
    const options = { signal: AbortSignal.timeout(withinMs), onWaking: () => undefined };
    return await withWarehouseReader(place, options, async (warehouse) => {
      const [columns, views] = await Promise.all([readCatalogColumns(warehouse), readViews(warehouse)]);
      const tables = proposedTables(columns, views, `the catalog ${warehouse.catalog}`);
      const declared = tables.proposal.tables;
      if (Object.keys(declared).length === 0) return { project, lines: [] };
      const lines = [`tables        ${Object.keys(declared).length} in ${tables.from}`];
      const seen = { ...project, tables };
      try {
        const candidates = prefixCandidates(repository, project);
        const [prefixes, accounts] = await Promise.all([
          prefixesInUse(warehouse, declared, columns, candidates),
          accountsInUse(warehouse, declared, columns, candidates),
        ]);
        for (const one of prefixes) lines.push(`ids           ${prefixLine(one)}`);
        for (const { table, rows } of accounts)
          lines.push(`accounts      ${table}: ${count(rows, "row")} with an e-mail address of a test domain, and no prefix`);
        return { project: { ...withPrefix(seen, prefixes), accounts }, lines };
      } catch (error) {
        const note = `the rows of the warehouse could not be counted: ${errorText(error)}`;
        return { ...noted(seen, note), lines };
      }
    });
  } catch (error) {
    return noted(project, `the tables of the warehouse could not be read: ${errorText(error)}`);
  }
}

function prefixLine({ prefix, rows, tables }: PrefixInUse): string {
  const short = prefixSchema.safeParse(prefix).success ? "" : ": too short for testData.prefixes";
  return `${count(rows, "row")} in ${count(tables, "table")} begin with ${prefix}${short}`;
}

/** A proposal alone: a person has to know that nobody else uses it. */
function withPrefix(project: Project, found: readonly PrefixInUse[]): Project {
  const usable = found.find(({ prefix }) => prefixSchema.safeParse(prefix).success);
  if (!usable || project.prefixFrom !== undefined) return project;
  return { ...project, prefix: usable.prefix, prefixFrom: "environment" };
}

async function lookAtRedis(project: Project, repository: Repository, world: GuardedTerminal): Promise<Look> {
  try {
    const place = await placeOf(redisOnly(project), world);
    const settings = redisSettings(place);
    if (!settings) return { project, lines: [] };
    const { openRedisReader } = await import("../redis/connection.ts");
    const redis = await openRedisReader(settings, AbortSignal.timeout(redisWithinMs));
    try {
      compareRedis(place.environment, redis.identity);
      const known = keyBeginnings(repository);
      const { named, tests, others, seen, isWhole } = await namespacesInUse(redis.scan(), known, { mostKeys, withinMs: scanMs });
      const parts = [
        ...[...tests, ...named].map(({ namespace, keys }) => `${namespace} ${count(keys, "key")}`),
        ...(others > 0 ? [`${count(others, "key")} whose beginning the code doesn't name`] : []),
      ];
      const lines = [`Redis         ${isWhole ? "" : "of the first "}${count(seen, "key")}: ${parts.join(", ") || "none"}`];
      return { project: { ...project, testNamespaces: tests.map(({ namespace }) => namespace) }, lines };
    } finally {
      await redis.close();
    }
  } catch (error) {
    return noted(project, `the keys of Redis could not be counted: ${errorText(error)}`);
  }
}

/** The environment as the file that is about to be written has it, with nothing but one store. */
async function placeOf(project: Project, { cwd, env, secrets }: GuardedTerminal): Promise<WarehouseAccess> {
  const text = configurationText(project);
  const { config, secrets: written } = await loadConfig({ file: "the environment", cwd, env, text });
  for (const secret of written) secrets.add(secret.reveal());
  const { name, environment } = selectEnvironment(config, undefined);
  return { environment: { ...environment, name }, workspace: cwd, runId: newRunId(), env, secrets };
}
