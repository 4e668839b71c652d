import { randomUUID } from "node:crypto";
import { relative, resolve } from "node:path";
import * as core from "@actions/core";
import { type Cancellation, Remaining } from "../app/progress.ts";
import { exitStatus } from "../app/record.ts";
import { performStage, type StageAnswer, type StageRequest } from "../app/run-stage.ts";
import { refuseForeignHead } from "../evidence/foreign-head.ts";
import { percentOf } from "../lib/count.ts";
import { errorText } from "../lib/error-text.ts";
import type { AuditEvent } from "../model/audit-event.ts";
import { driftSum, type StagingResult } from "../model/staging.ts";
import { UserError } from "../model/user-error.ts";
import { blankOwnEnvironment, withProcessMark } from "../processes/own-environment.ts";
import { toAnnotations } from "../report/annotations.ts";
import { headText } from "../report/words.ts";
import { isSuitesOwn } from "../stages/child-environment.ts";
import type { Overrides, SecretKeeper } from "../stages/context.ts";
import { excusedFailures } from "../test-reports/judge/excused.ts";
import { limits } from "./input-limits.ts";
import { type ActionInputs, guardRunnerFiles } from "./inputs.ts";
import { actionOf, type Output, type OutputName, outputs } from "./interface.ts";
import { printProgress } from "./log.ts";
import { saveAsked, saveBegun, saveCancelled, saveFinished } from "./state.ts";

/**
 * The main step of a stage: makes a request of the inputs, runs the stage, and hands its result to the runner as outputs, annotations
 * and job summary.
 * @returns the exit status. @throws UserError
 */
export async function run(inputs: ActionInputs, env: NodeJS.ProcessEnv, secrets: SecretKeeper): Promise<number> {
  const workspace = resolve(env.GITHUB_WORKSPACE ?? ".", inputs.workingDirectory);
  const mark = randomUUID();
  const { stage, config, environment, cell } = inputs;
  // Before the configuration is read, because it may come from a stranger. The post step then has nothing to do, and reads no
  // configuration.
  await refuseForeignHead({ env, workspace, configFile: config, allowed: inputs.foreignHead });
  saveAsked(env, { stage, config, environment, workspace, cell: cell && secrets.redact(cell), mark });
  const restored = guardRunnerFiles(process.env);
  let forged: string[] = [];
  let answer: StageAnswer;
  try {
    answer = await performed(withProcessMark(process.env, mark), secrets, {
      stage: inputs.stage,
      workspace,
      configFile: inputs.config,
      overrides: overridesFrom(inputs),
      ...(inputs.environment ? { environment: inputs.environment } : {}),
      ...(inputs.deployment ? { deployment: inputs.deployment } : {}),
      ...(inputs.githubToken ? { githubToken: inputs.githubToken } : {}),
      ...(cell ? { cell } : {}),
      onBegin(begun) {
        saveBegun(env, begun);
        core.info(`run ${begun.runId} of gate ${begun.gateId ?? begun.runId}`);
      },
      ...(inputs.budget ? { budgetMs: budgetFrom(inputs.budget) } : {}),
    });
  } finally {
    // Also after an interruption, because a test can cause one and later steps may run anyway.
    forged = restored();
    if (forged.length > 0)
      core.error(
        `A server or test of this stage wrote to the runner's ${forged.join(", ")}, which can change the result of this step and of later steps. What it wrote was removed. Find out which one it was, and do not trust this job.`,
        { title: "env-actions: the runner's files were written to" },
      );
  }
  // Comes first, because later steps need the outputs even if something below fails.
  for (const [name, value] of outputsOf(answer)) core.setOutput(name, pathOutputs.has(name) ? value : secrets.redact(value));
  await publish(answer, inRepository(env, workspace));
  const tooLow = inputs.failOn === "degraded" && answer.report.verdict === "degraded";
  if (tooLow)
    core.error("The verdict is degraded, and this step fails because of `fail-on: degraded`. The summary lists the warnings.", {
      title: `${stage} degraded`,
    });
  return Math.max(exitStatus([answer.report.verdict]), forged.length > 0 || tooLow ? 1 : 0);
}

/** However the stage ended, the post step has nothing of it left to clean up. */
async function performed(
  env: NodeJS.ProcessEnv,
  secrets: SecretKeeper,
  request: Parameters<typeof perform>[2],
): Promise<StageAnswer> {
  try {
    return await perform(env, secrets, request);
  } finally {
    saveFinished(env);
  }
}

/** Runs a stage with everything the runner provides: log, masks, artifacts and cancellation. */
export async function perform(
  env: NodeJS.ProcessEnv,
  secrets: SecretKeeper,
  request: Pick<
    StageRequest,
    | "stage"
    | "workspace"
    | "configFile"
    | "overrides"
    | "environment"
    | "deployment"
    | "githubToken"
    | "budgetMs"
    | "cell"
    | "onBegin"
    | "cutShort"
  >,
): Promise<StageAnswer> {
  // Before any of the project's processes start, because they could read these variables.
  blankOwnEnvironment(isSuitesOwn);
  const artifacts = env.ACTIONS_RESULTS_URL ? (await import("../github/artifacts.ts")).artifactService(env) : undefined;
  const cancel = cancellation(
    (text) => core.info(text),
    (signal) => saveCancelled(env, signal),
  );
  try {
    return await performStage({
      ...request,
      env,
      cancel: cancel.signal,
      onProgress(progress) {
        cancel.watch(progress);
        printProgress(progress);
      },
      onAuditLog: cancel.auditTo,
      secrets,
      ...(artifacts ? { artifacts } : {}),
    });
  } finally {
    cancel.dispose();
  }
}

function overridesFrom(inputs: ActionInputs): Overrides {
  return {
    scope: inputs.scope,
    execute: !inputs.dryRun,
    ...(inputs.command ? { command: inputs.command } : {}),
    ...(inputs.reports.length > 0 ? { reports: inputs.reports } : {}),
    ...(inputs.passRate ? { passRate: passRateFrom(inputs.passRate) } : {}),
    ...(inputs.planDigest ? { planDigest: inputs.planDigest } : {}),
    ...(inputs.reset ? { reset: true } : {}),
  };
}

function budgetFrom(text: string): number {
  const milliseconds = limits.budget.read(text);
  if (milliseconds === undefined)
    throw new UserError("EA1104", `the input \`budget\`: expected ${limits.budget.expected}, got "${text}"`);
  return milliseconds;
}

function passRateFrom(text: string): number {
  const share = limits["pass-rate"].read(text);
  if (share === undefined)
    throw new UserError("EA1104", `the input \`pass-rate\`: expected ${limits["pass-rate"].expected}, got "${text}"`);
  return share;
}

/** These outputs are paths of existing files, so they must not be redacted. */
const pathOutputs: ReadonlySet<OutputName> = new Set(["report", "summary", "evidence", "predicate"]);

/** Only the outputs that the stage's own action declares. */
export function outputsOf({ report, files }: StageAnswer): [OutputName, string][] {
  const { tests, cleanup, staging } = report;
  // Counted as in the check: quarantined failures do not count.
  const ran = tests ? tests.total - tests.skipped - excusedFailures(tests.quarantine) : 0;
  const values: Partial<Record<OutputName, string>> = {
    verdict: report.verdict,
    report: files.report,
    summary: files.summary,
    evidence: files.evidence,
    ...(files.predicate ? { predicate: files.predicate } : {}),
    ...(report.auditHead ? { "audit-head": headText(report.auditHead) } : {}),
    "run-id": report.runId,
    "gate-id": report.gateId ?? report.runId,
    score: report.score ? `${report.score.percent}%` : "none",
    rollback: report.rollback?.outcome ?? "none",
    ...(tests && {
      tests: String(tests.total - tests.skipped),
      "failed-tests": String(tests.failed + tests.unknown + tests.crashedSuites.length),
      "flaky-tests": String(tests.flaky),
      "pass-rate": ran > 0 ? `${percentOf((tests.passed + tests.flaky) / ran)}%` : "",
    }),
    ...(cleanup && {
      "plan-digest": cleanup.digest,
      "deleted-rows": String(cleanup.deletedRows),
      "deleted-keys": String(cleanup.deletedKeys),
      "left-over": cleanup.leftOver === null ? "unknown" : String(cleanup.leftOver),
    }),
    ...(staging && stagingOutputs(staging)),
  };
  return (Object.keys(values) as OutputName[]).flatMap((name) => {
    const { stages }: Output = outputs[name];
    const value = values[name];
    return value !== undefined && (!stages || stages.includes(actionOf(report.stage)))
      ? [[name, value] as [OutputName, string]]
      : [];
  });
}

function stagingOutputs({ drift, sync, refresh }: StagingResult): Partial<Record<OutputName, string>> {
  const sum = drift && driftSum(drift);
  return {
    ...(sum && { drift: sum.verdict, differences: String(sum.differences), unseen: String(sum.unseen) }),
    ...(sync && { "plan-digest": sync.digest }),
    ...(refresh && { leaks: String(refresh.leaks) }),
  };
}

/** The workspace relative to the checkout, where GitHub looks for the files of annotations. */
export function inRepository(env: NodeJS.ProcessEnv, workspace: string): string {
  return relative(resolve(env.GITHUB_WORKSPACE ?? "."), workspace) || ".";
}

/** Publishes the result on GitHub: annotations and the job's summary. @param folder the workspace relative to the checkout */
export async function publish({ report, files }: StageAnswer, folder: string): Promise<void> {
  for (const { level, message, title, file, line } of toAnnotations(report, folder)) {
    const properties = { title, ...(file ? { file } : {}), ...(line ? { startLine: line } : {}) };
    if (level === "error") core.error(message, properties);
    else if (level === "warning") core.warning(message, properties);
    else core.notice(message, properties);
  }
  // Some runners have no summary, such as act in host mode or a bare container.
  if (!process.env.GITHUB_STEP_SUMMARY) return;
  try {
    await core.summary.addRaw(files.summaryText, true).write();
  } catch (error) {
    // The verdict does not depend on the summary: the log, the report and the outputs have it too.
    core.warning(`The job summary could not be written: ${errorText(error).replace(/\.$/, "")}. Read it in ${files.summary}.`);
  }
}

/**
 * The runner cancels with SIGINT, SIGTERM after 7.5 s, and SIGKILL after another 2.5 s. SIGINT stops the stage, which then cleans
 * up. On SIGTERM the log records what remains, because SIGKILL leaves no chance; cleanup continues until then. The post step
 * still runs and does the rest.
 */
export function cancellation(say: (text: string) => void, onCancel: (signal: string) => void): Cancellation {
  const controller = new AbortController();
  const remaining = new Remaining();
  let audit: ((note: AuditEvent) => Promise<void>) | undefined;
  const cancel = (name: string) => {
    if (!controller.signal.aborted) {
      onCancel(name);
      say(`${name}: stopping what was started, and cleaning up`);
      controller.abort(new Error(`cancelled by ${name}`));
      return;
    }
    say(`${name}: the runner kills this step in a moment; cleaning up goes on until then`);
    for (const line of remaining.lines()) say(`  ${line}`);
    const { stage } = remaining;
    if (remaining.possible)
      say(
        stage === "cleanup"
          ? "  what is left then is deleted by the next cleanup of expired test data"
          : "  what is left then is deleted by the post step of this action",
      );
    audit?.(remaining.note(name)).catch((error: unknown) => say(`  ${errorText(error)}`));
  };
  process.on("SIGINT", cancel);
  process.on("SIGTERM", cancel);
  return {
    signal: controller.signal,
    watch: (progress) => remaining.watch(progress),
    auditTo(write) {
      audit = write;
    },
    dispose() {
      process.off("SIGINT", cancel);
      process.off("SIGTERM", cancel);
    },
  };
}
