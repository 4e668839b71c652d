import type { HistoryRecord } from "../../model/history.ts";
import { type GateStage, gateStages, isGateStage, type Verdict } from "../../model/report.ts";
import { compare, type Execution, executionsOf, getOr, isBad, together } from "./executions.ts";

/** The gate of each commit: how often each stage was tried, and how it ended. */

export interface CommitGate {
  sha: string;
  branch?: string;
  isDefaultBranch: boolean;
  /** When its newest execution started. */
  at: string;
  /** Of all stages, as they ended. */
  verdict: Verdict;
  /** In the gate's order; a stage twice if it ran in two environments. */
  stages: GateTry[];
  /** No record has them. */
  missing: GateStage[];
}

export interface GateTry {
  stage: GateStage;
  environment: string;
  verdict: Verdict;
  /** Oldest first: attempts, and further workflow runs of the same commit. */
  executions: Execution[];
  /** It failed, and passed without a change. */
  turnedGreen: boolean;
}

/** @returns the newest first */
export function gatesOf(records: readonly HistoryRecord[]): CommitGate[] {
  const commits = new Map<string, HistoryRecord[]>();
  for (const record of records) if (isGateStage(record.stage)) getOr(commits, record.commit.sha, () => []).push(record);
  return [...commits].map(([sha, of]) => commitGate(sha, of)).sort((a, b) => compare(b.at, a.at) || compare(a.sha, b.sha));
}

function commitGate(sha: string, records: readonly HistoryRecord[]): CommitGate {
  const executions = executionsOf(records);
  const stages = gateStages.flatMap((stage) => {
    const byEnvironment = new Map<string, Execution[]>();
    for (const one of executions) if (one.stage === stage) getOr(byEnvironment, one.environment, () => []).push(one);
    return [...byEnvironment]
      .sort(([a], [b]) => compare(a, b))
      .map(([environment, tries]): GateTry => {
        const verdict = tries.at(-1)?.verdict ?? "skipped";
        const turnedGreen = !isBad(verdict) && verdict !== "skipped" && tries.some((one) => isBad(one.verdict));
        return { stage, environment, verdict, executions: tries, turnedGreen };
      });
  });
  const newest = executions.at(-1);
  const branch = executions.findLast(({ records: [first] }) => first?.branch !== undefined)?.records[0]?.branch;
  return {
    sha,
    ...(branch === undefined ? {} : { branch }),
    isDefaultBranch: records.some(({ isDefaultBranch }) => isDefaultBranch),
    at: newest?.startedAt ?? "",
    verdict: together(stages.map(({ verdict }) => verdict)),
    stages,
    missing: gateStages.filter((stage) => !stages.some((one) => one.stage === stage)),
  };
}
