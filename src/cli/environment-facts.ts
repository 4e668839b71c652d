import { readConfiguration } from "../app/read-configuration.ts";
import { compareRedis } from "../cleanup/execute/proof.ts";
import { differences } from "../cleanup/propose/proposal-text.ts";
import { proposeTables } from "../cleanup/propose/propose.ts";
import { newRunId } from "../cleanup/run-id.ts";
import { readCatalogColumns, readViews } from "../cleanup/tables/catalog.ts";
import type { EnvironmentFacts, Subject } from "../doctor/rule.ts";
import { errorText } from "../lib/error-text.ts";
import { redisSettings, type WarehouseAccess, withWarehouseReader } from "../stages/connections.ts";
import type { Arguments } from "./arguments.ts";
import type { GuardedTerminal } from "./main.ts";

/** Long enough for a sleeping warehouse to start. */
const withinMs = 5 * 60_000;

type Clock = EnvironmentFacts["clocks"][number];

/**
 * Asks the environment for its tables and clocks, by reading only.
 * @throws UserError, and whatever a connection throws
 */
export async function environmentFacts(args: Arguments, world: GuardedTerminal, subject: Subject): Promise<EnvironmentFacts> {
  const { config, tables, environment } = await readConfiguration(
    {
      workspace: world.cwd,
      env: world.env,
      configFile: args.config,
      ...(args.environment ? { environment: args.environment } : {}),
    },
    world.secrets,
  );
  const signal = AbortSignal.timeout(args.budgetMs ?? withinMs);
  const access: WarehouseAccess = {
    environment,
    workspace: world.cwd,
    runId: newRunId(),
    env: world.env,
    secrets: world.secrets,
  };
  const clocks: Clock[] = [];
  const facts: EnvironmentFacts = {
    name: environment.name,
    at: subject.configuration?.file.keyPlace(["environments", environment.name]) ?? { file: args.config, line: 1, column: 1 },
    clocks,
  };
  const failed = (what: string) => (error: unknown) =>
    subject.notLookedAt({ what: `${what} of ${environment.name}`, why: errorText(error).split("\n")[0] ?? "", failed: true });
  await Promise.all([
    environment.databricks
      ? withWarehouseReader(access, { signal, onWaking: (text) => world.stderr.write(`${text}\n`) }, async (warehouse) => {
          const { started, ended, answer } = await timed(() => warehouse.query("SELECT unix_millis(current_timestamp()) AS now"));
          clocks.push(clock("Databricks", Number(answer[0]?.now), started, ended));
          const [columns, views] = await Promise.all([readCatalogColumns(warehouse), readViews(warehouse)]);
          const proposal = proposeTables({ columns, views, protectedTables: config.testData.protectedTables });
          facts.tables = differences(tables, proposal, columns, config.testData.protectedTables);
        }).catch(failed("tables and the clock of Databricks"))
      : undefined,
    redisClock(access, signal)
      .then((found) => clocks.push(...found))
      .catch(failed("the clock of Redis")),
  ]);
  if (!environment.databricks) subject.notLookedAt({ what: "tables", why: `${environment.name} has no databricks` });
  return facts;
}

async function redisClock(access: WarehouseAccess, signal: AbortSignal): Promise<Clock[]> {
  const settings = redisSettings(access);
  if (!settings) return [];
  const { openRedisReader } = await import("../redis/connection.ts");
  const redis = await openRedisReader(settings, signal);
  try {
    compareRedis(access.environment, redis.identity);
    const { started, ended, answer } = await timed(() => redis.infoOfEach());
    return answer.flatMap(({ node, info }) => {
      // Some servers that speak Redis' protocol don't say it.
      const micros = Number(info.server_time_usec);
      return Number.isFinite(micros) ? [clock(`Redis (${node})`, micros / 1_000, started, ended)] : [];
    });
  } finally {
    await redis.close();
  }
}

async function timed<Answer>(question: () => Promise<Answer>): Promise<{ started: number; ended: number; answer: Answer }> {
  const started = Date.now();
  const answer = await question();
  return { started, ended: Date.now(), answer };
}

/** The answer was made at some moment of the round trip. */
function clock(of: string, at: number, started: number, ended: number): Clock {
  return { of, aheadMs: at - (started + ended) / 2, uncertaintyMs: (ended - started) / 2 };
}
