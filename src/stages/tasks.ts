import { join, relative } from "node:path";
import type { Check, CommandReport } from "../model/report.ts";
import { childEnvironment, logFolder } from "./child-environment.ts";
import type { StageContext, StageOutcome } from "./context.ts";
import { step } from "./context.ts";

/**
 * Runs the tasks of this stage one after the other, before its servers start.
 * @returns the check that says which task failed; then none of the later ones ran
 * @throws UserError
 */
export async function runTasks(context: StageContext, outcome: StageOutcome): Promise<Check | undefined> {
  const { stage, environment, workspace } = context;
  const tasks = environment.tasks.filter(({ stages }) => stages.some((one) => one === stage));
  if (tasks.length === 0) return undefined;
  const { runCommand } = await import("../processes/command.ts");
  for (const task of tasks) {
    const { name } = task;
    step(context, `running task ${name}: ${task.command}`);
    const report = await runCommand(
      {
        command: task.command,
        cwd: join(workspace, task.workingDirectory),
        env: childEnvironment(context, task.environment),
        logFile: join(logFolder(context), `${stage}-task-${name}.log`),
      },
      {
        signal: AbortSignal.any([context.signal, AbortSignal.timeout(task.timeout)]),
        onLine: (line) => context.onProgress({ kind: "output", stage, source: name, line }),
        redaction: context.secrets,
        onQuiet: (sinceMs) => step(context, `${name}: still running, nothing printed for ${Math.round(sinceMs / 1000)} s`),
      },
    );
    outcome.commands.push({ ...report, task: name });
    if (report.exitCode !== 0) return notDone(context, { name, timeoutMs: task.timeout, report });
  }
  return undefined;
}

interface Ended {
  name: string;
  timeoutMs: number;
  report: CommandReport;
}

/** Only the task's own end says that it is wrong. */
function notDone({ signal, workspace }: StageContext, { name, timeoutMs, report }: Ended): Check {
  const { exitCode, tail, log, durationMs } = report;
  const ended = signal.aborted
    ? "was stopped with the stage"
    : report.timedOut
      ? `did not end within ${timeoutMs / 1000} s`
      : exitCode === null
        ? `was ended by ${report.signal}`
        : `ended with exit status ${exitCode}`;
  const lastLine = signal.aborted ? undefined : tail?.findLast((line) => line.trim() !== "");
  return {
    id: "application",
    title: "Application starts",
    verdict: signal.aborted ? "error" : "failed",
    observed: `task ${name} ${ended}`,
    message: `No server was started, because task ${name} ${ended}${lastLine ? `: ${lastLine}` : ""}${log ? `. Its log: ${relative(workspace, log)}` : ""}`,
    durationMs,
  };
}
