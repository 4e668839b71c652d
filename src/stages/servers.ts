import { join, relative } from "node:path";
import type { Check, ServerReport } from "../model.ts";
import { type RunningServer, ServerFailed, type ServerSpec } from "../process/server.ts";
import { startServers } from "../process/servers.ts";
import { childEnvironment } from "./child-environment.ts";
import { type StageContext, type StageOutcome, step, told } from "./context.ts";

/**
 * Starts what the suite itself starts for this stage (nothing, where the application is deployed), works with it, and stops it
 * again, whatever happens. When it does not come up, that is a check of the outcome, and there is no work.
 * @param work gets a promise that resolves when a server ends on its own.
 * @throws UserError
 */
export async function withApplication(
  context: StageContext,
  outcome: StageOutcome,
  work: (died: Promise<ServerReport>) => Promise<void>,
): Promise<void> {
  let running: RunningServer[];
  try {
    running = await startApplication(context);
  } catch (error) {
    if (!(error instanceof ServerFailed)) throw error;
    outcome.servers.push(error.report);
    outcome.checks.push(await told(context, Promise.resolve(notUp(context, error))));
    return;
  }
  try {
    await work(Promise.race(running.map((server) => server.died)));
  } finally {
    const stopped = await Promise.all(running.map((server) => server.stop()));
    outcome.servers.push(...stopped);
    outcome.problems.push(
      ...stopped
        .filter((server) => server.portFreed === false)
        .map((server) => `port ${server.port} of ${server.name} is still taken after it was stopped`),
    );
  }
}

/** A server that breaks is a failure of the application; one that was not let start (cancelled, or its port taken) could not be looked at. */
function notUp(context: StageContext, error: ServerFailed): Check {
  const unseen = context.signal.aborted || error.report.ended.startsWith("not started");
  return {
    id: "application",
    title: "Application comes up",
    verdict: unseen ? "error" : "failed",
    observed: error.report.ended,
    message: `${error.message}${error.report.log ? ` Its log: ${relative(context.workspace, error.report.log)}` : ""}`,
    durationMs: 0,
  };
}

async function startApplication(context: StageContext): Promise<RunningServer[]> {
  const { stage, environment, workspace, records } = context;
  const specs = Object.entries(environment.servers)
    .filter(([, server]) => stage !== "cleanup" && server.stages.includes(stage))
    .map(([name, server]): ServerSpec => {
      const { timeout, stableFor, ...condition } = server.ready;
      return {
        name,
        command: server.command,
        cwd: join(workspace, server.workingDirectory),
        env: childEnvironment(context, server.environment),
        ready: { ...condition, stableForMs: stableFor, timeoutMs: timeout },
        logFile: join(records, "logs", `${stage}-${name}.log`),
        ...(server.port === undefined ? {} : { port: server.port }),
      };
    });
  if (specs.length > 0) step(context, `starting ${specs.map((spec) => spec.name).join(" and ")}`);
  const running = await startServers(specs, {
    signal: context.signal,
    onLine: (line, source) => context.onProgress({ kind: "output", stage, source, line }),
    redact: (line) => context.secrets.redact(line),
  });
  for (const server of running) step(context, `${server.name} answers after ${server.report().readyMs ?? 0} ms`);
  return running;
}
