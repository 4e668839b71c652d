import { join, relative } from "node:path";
import { type Check, isGateStage, type ServerReport } from "../model/report.ts";
import type { RunningServer, ServerFailed, ServerSpec } from "../processes/server.ts";
import { childEnvironment, logFolder } from "./child-environment.ts";
import { reportCheck, type StageContext, type StageOutcome, step } from "./context.ts";
import { runTasks } from "./tasks.ts";

/**
 * Runs the tasks of this stage, such as migrations, starts the servers that the suite manages for it (none if the application is
 * deployed), runs `work`, and always stops them. If a task fails or a server doesn't start, `work` isn't called; that, or a server
 * that stopped early, is a check of the outcome.
 * @param work gets a promise that resolves when a server ends by itself
 * @param onLaunched is called for each server when its process has started, long before it answers
 * @throws UserError
 */
export async function withApplication(
  context: StageContext,
  outcome: StageOutcome,
  work: (died: Promise<ServerReport>) => Promise<void>,
  onLaunched?: () => void,
): Promise<void> {
  const notDone = await runTasks(context, outcome);
  if (notDone) {
    outcome.checks.push(await reportCheck(context, Promise.resolve(notDone)));
    return;
  }
  let running: RunningServer[];
  const started = performance.now();
  try {
    running = await startApplication(context, onLaunched);
  } catch (error) {
    const failed = await asServerFailed(error);
    if (!failed) throw error;
    outcome.servers.push(failed.report);
    outcome.checks.push(await reportCheck(context, Promise.resolve(notUp(context, failed, performance.now() - started))));
    return;
  }
  try {
    await work(Promise.race(running.map((server) => server.died)));
  } finally {
    const stopped = await Promise.all(running.map((server) => server.stop()));
    outcome.servers.push(...stopped);
    const fallen = running.filter((server) => server.fell()).map((server) => notStayed(context, server.report()));
    outcome.checks.push(...(await reportCheck(context, Promise.resolve(fallen))));
    outcome.problems.push(
      ...stopped
        .filter((server) => server.portFreed === false)
        .map((server) => `port ${server.port} of ${server.name} is still taken after it was stopped`),
    );
  }
}

async function asServerFailed(error: unknown): Promise<ServerFailed | undefined> {
  const server = await import("../processes/server.ts");
  return error instanceof server.ServerFailed ? error : undefined;
}

function notUp(context: StageContext, { verdict, message, report }: ServerFailed, durationMs: number): Check {
  return {
    id: "application",
    title: "Application starts",
    verdict,
    observed: report.ended,
    message: `${message}${whereItsLogIs(context, report)}`,
    durationMs,
  };
}

function notStayed(context: StageContext, report: ServerReport): Check {
  return {
    id: "application",
    title: "Application keeps running",
    verdict: "failed",
    observed: report.ended,
    message: `server ${report.name} ${report.ended} while the stage needed it${whereItsLogIs(context, report)}`,
    durationMs: 0,
  };
}

function whereItsLogIs({ workspace }: StageContext, { log }: ServerReport): string {
  return log === undefined ? "" : `. Its log: ${relative(workspace, log)}`;
}

async function startApplication(context: StageContext, onLaunched?: () => void): Promise<RunningServer[]> {
  const { stage, environment, workspace } = context;
  const specs = Object.entries(environment.servers)
    .filter(([, server]) => isGateStage(stage) && server.stages.includes(stage))
    .map(([name, server]): ServerSpec => {
      const { timeout, stableFor, ...condition } = server.ready;
      return {
        name,
        command: server.command,
        cwd: join(workspace, server.workingDirectory),
        env: childEnvironment(context, server.environment),
        ready: { ...condition, stableForMs: stableFor, timeoutMs: timeout },
        logFile: join(logFolder(context), `${stage}-${name}.log`),
        ...(server.port === undefined ? {} : { port: server.port }),
      };
    });
  if (specs.length === 0) return [];
  step(context, `starting ${specs.map((spec) => spec.name).join(" and ")}`);
  const { startServers } = await import("../processes/server.ts");
  const running = await startServers(specs, {
    signal: context.signal,
    onLine: (line, source) => context.onProgress({ kind: "output", stage, source, line }),
    redaction: context.secrets,
    ...(onLaunched ? { onLaunched } : {}),
  });
  for (const server of running) step(context, `${server.name} answers after ${server.report().readyMs ?? 0} ms`);
  return running;
}
