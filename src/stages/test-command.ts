import { join } from "node:path";
import type { CommandReport, ServerReport } from "../model/report.ts";
import { runCommand } from "../processes/command.ts";
import { childEnvironment, logFolder } from "./child-environment.ts";
import { type StageContext, step } from "./context.ts";
import type { Suite } from "./suite-settings.ts";

export interface RanTests {
  /** One of each shard. */
  commands: CommandReport[];
  /** The worst of all shards; null when one of them did not end by itself. */
  exitCode: number | null;
  durationMs: number;
  /** Unix milliseconds. */
  startedAt: number;
  /** A server that ended on its own while the tests ran. */
  serverDied: string | undefined;
}

/** Runs the tests, in as many shards at once as are asked for. */
export async function runTestCommand(context: StageContext, suite: Suite, died: Promise<ServerReport>): Promise<RanTests> {
  step(context, `running ${suite.command}${suite.shards > 1 ? `, in ${suite.shards} shards` : ""}`);
  const serverDeath = new AbortController();
  let serverDied: string | undefined;
  // Tests against a server that is gone would fail one by one, for minutes, with messages that mislead.
  void died.then((server) => {
    serverDied = `server ${server.name} ${server.ended} while the tests ran`;
    serverDeath.abort(new Error(serverDied));
  });
  const startedAt = Date.now();
  const signal = AbortSignal.any([context.signal, serverDeath.signal]);
  const commands = await Promise.all(
    Array.from({ length: suite.shards }, (_, index) => runShard(context, suite, index + 1, signal)),
  );
  return {
    commands,
    exitCode: worstExit(commands),
    durationMs: Math.max(...commands.map((command) => command.durationMs)),
    startedAt,
    serverDied,
  };
}

async function runShard(context: StageContext, suite: Suite, shard: number, signal: AbortSignal): Promise<CommandReport> {
  const { stage } = context;
  const alone = suite.shards === 1;
  const source = alone ? "tests" : `tests ${shard}`;
  const report = await runCommand(
    {
      command: suite.command,
      cwd: suite.cwd,
      env: childEnvironment(context, {
        ...suite.environment,
        ENV_ACTIONS_SHARD: String(shard),
        ENV_ACTIONS_SHARDS: String(suite.shards),
      }),
      logFile: join(logFolder(context), `${stage}-tests${alone ? "" : `-${shard}`}.log`),
    },
    {
      signal,
      onLine: (line) => context.onProgress({ kind: "output", stage, source, line }),
      redaction: context.secrets,
      onQuiet: (sinceMs) => step(context, `${source}: still running, nothing printed for ${Math.round(sinceMs / 1000)} s`),
    },
  );
  return alone ? report : { ...report, command: `${report.command} (shard ${shard} of ${suite.shards})` };
}

function worstExit(commands: readonly CommandReport[]): number | null {
  const exits = commands.map((command) => command.exitCode);
  if (exits.includes(null)) return null;
  return exits.find((exit) => exit !== 0) ?? 0;
}
