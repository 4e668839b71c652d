import { readConfiguration } from "../app/read-configuration.ts";
import { performStage, type StageAnswer, type StageRequest } from "../app/run-stage.ts";
import { secretKeeper } from "../app/secret-keeper.ts";
import { leftOutStages } from "../config/left-out.ts";
import { gateStages, opensTheGate, type StageName, type StageReport, type Verdict, worstVerdict } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import { duration } from "../report/words.ts";
import { suiteOf } from "../stages/test-command.ts";

export interface GateEnd {
  stage: StageName;
  /** Absent if the stage did not run. */
  answer?: StageAnswer;
  why?: string;
  /** The project doesn't have this stage. */
  leftOut?: true;
}

/** How a stage that closes the gate ended. */
const endings: Record<Verdict, string> = {
  passed: "passed",
  degraded: "is degraded",
  failed: "failed",
  error: "ended with an error",
  skipped: "was skipped",
};

const makesTestData: readonly StageName[] = ["integration", "e2e"];

/**
 * Runs all stages in order. After a stage that closes the gate, only cleanup still runs, to show that this run leaves nothing
 * behind.
 * @param production the environment for smoke; defaults to the tested one
 * @throws UserError
 */
export async function runGate(request: GateRequest, production: string | undefined): Promise<GateEnd[]> {
  const { hasTestData } = await refuseIncomplete(request, production);
  const ends: GateEnd[] = [];
  let gateId: string | undefined;
  let closedBy: StageReport | undefined;
  // Every stage reads the same file, and preflight is never left out.
  let leftOut: readonly StageName[] = [];
  for (const stage of [...gateStages, "cleanup"] as const) {
    if (leftOut.includes(stage)) {
      ends.push({ stage, why: "by the configuration", leftOut: true });
      continue;
    }
    if (closedBy && stage !== "cleanup") {
      ends.push({ stage, why: `${closedBy.stage} ${endings[closedBy.verdict]}` });
      continue;
    }
    if (stage === "cleanup" && !ends.some((end) => end.answer && makesTestData.includes(end.stage))) {
      ends.push({ stage, why: "no stage that creates test data ran" });
      continue;
    }
    if (stage === "cleanup" && !hasTestData) {
      ends.push({ stage, why: "the environment has neither databricks nor redis" });
      continue;
    }
    const own: Partial<StageRequest> =
      stage === "smoke" && production
        ? { environment: production }
        : stage === "cleanup"
          ? { overrides: { scope: "run", execute: true } }
          : {};
    // Another gate may have started in this workspace meanwhile. The id keeps the stages of this gate together.
    const answer = await performStage({ ...request, ...own, stage, ...(gateId ? { gateId } : {}) });
    gateId = answer.report.gateId;
    leftOut = answer.report.leftOut ?? [];
    ends.push({ stage, answer });
    if (!opensTheGate(answer.report.verdict)) closedBy ??= answer.report;
  }
  return ends;
}

export type GateRequest = Omit<StageRequest, "stage">;

/**
 * Finds out before the first stage what a later one lacks, so that the mistake shows at once.
 * @returns whether the environment has a place where test data can be left
 * @throws UserError
 */
async function refuseIncomplete(request: GateRequest, production: string | undefined): Promise<{ hasTestData: boolean }> {
  const { config, configPlace, environment } = await readConfiguration(
    request,
    request.secrets ?? secretKeeper(request.onSecret ?? (() => undefined)),
  );
  const { workspace, overrides = {}, env } = request;
  const leftOut = leftOutStages(config);
  if (production !== undefined && leftOut.includes("smoke"))
    throw new UserError(
      "EA5007",
      `--production ${production} is the environment for smoke, and stages.smoke is false in ${request.configFile}: remove the option, or write the settings of the stage in place of false`,
    );
  for (const stage of makesTestData)
    if (!leftOut.includes(stage)) suiteOf({ stage, environment, overrides, workspace, config, configPlace, env });
  return { hasTestData: environment.databricks !== undefined || environment.redis !== undefined };
}

/** The gate as a whole: its verdict, and in one line where it ran and which stages did not pass. */
export function gateVerdict(ends: readonly GateEnd[]): { verdict: Verdict; text: string } {
  const reports = ends.flatMap((end) => (end.answer ? [end.answer.report] : []));
  const verdict = worstVerdict(reports.map((report) => report.verdict));
  const notPassed = reports.filter((report) => report.verdict !== "passed");
  const why = notPassed.map((report) => `${report.stage} ${endings[report.verdict]}`).join(", ");
  const where = `on ${reports[0]?.environment.name} in ${duration(timeSpent(ends).total)}`;
  return { verdict, text: `gate ${verdict} ${where}${why === "" ? "" : `: ${why}`}` };
}

/** How a gate spent its time, in milliseconds: the project's test commands and tasks, waiting for its servers, and the suite itself. */
export function timeSpent(ends: readonly GateEnd[]): { total: number; tests: number; servers: number; suite: number } {
  const reports = ends.flatMap((end) => (end.answer ? [end.answer.report] : []));
  const sum = (of: (report: StageReport) => number) => reports.reduce((total, report) => total + of(report), 0);
  const total = sum((report) => report.durationMs);
  const tests = sum((report) => report.commands.reduce((time, command) => time + command.durationMs, 0));
  // Servers start in parallel, so the slowest one determines the wait.
  const servers = sum((report) => Math.max(0, ...report.servers.map((server) => server.readyMs ?? 0), ...inVain(report)));
  return { total, tests, servers, suite: total - tests - servers };
}

/** How long servers were waited for that were never ready. */
function inVain({ checks }: StageReport): number[] {
  return checks.filter(({ id }) => id === "application").map(({ durationMs }) => durationMs);
}
