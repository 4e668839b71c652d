import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Check, type Progress, performStage, type StageAnswer, type StageRequest } from "../../src/index.ts";

/** What a stage returned, and everything that it said on the way. */
export interface Performed extends StageAnswer {
  seen: Progress[];
  warnings: string[];
  /** Lines that servers and tests printed. */
  output: string[];
  secrets: string[];
  check(id: string): Check | undefined;
}

export interface Stage extends Partial<Omit<StageRequest, "workspace" | "onSecret">> {
  stage: StageRequest["stage"];
  /** As an object, because JSON is YAML; left out, the folder has its configuration already. */
  config?: object;
}

/** More than any stage of these tests takes, also on a busy machine. */
const deadlineMs = 90_000;

/** Runs one stage in this folder, through the same entry as both doors. What a test is not about has a default. */
export async function performIn(workspace: string, { config, ...request }: Stage): Promise<Performed> {
  const configFile = request.configFile ?? "config.yml";
  if (config) await writeFile(join(workspace, configFile), JSON.stringify({ version: 1, ...config }));
  const seen: Progress[] = [];
  const secrets: string[] = [];
  const answer = await performStage({
    // Of smoke only: without a deployment it would not begin.
    deployment: "4711",
    env: {},
    cancel: AbortSignal.timeout(deadlineMs),
    ...request,
    workspace,
    configFile,
    onProgress(progress) {
      seen.push(progress);
      request.onProgress?.(progress);
    },
    onSecret: (secret) => secrets.push(secret),
  });
  return {
    ...answer,
    seen,
    warnings: seen.flatMap((one) => (one.kind === "warning" ? [one.text] : [])),
    output: seen.flatMap((one) => (one.kind === "output" ? [one.line] : [])),
    secrets,
    check: (id) => answer.report.checks.find((check) => check.id === id),
  };
}
