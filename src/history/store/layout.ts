import type { HistoryRecord } from "../../model/history.ts";
import { type StageName, stageNames } from "../../model/report.ts";

/**
 * Names of the files of a history, in a folder and on a branch alike. The path of a record follows from its run id, so the same record
 * always has the same path, and the newest are found without opening any.
 *
 *     records/2026-11/30/1763917800000_9f3c1a7e.smoke.production.json
 *     months/2026-10.jsonl.gz
 *     claims/<32 hex>.json
 */

export const recordsFolder = "records";
export const monthsFolder = "months";
export const claimsFolder = "claims";

export interface RecordName {
  runId: string;
  stage: StageName;
  environment: string;
}

/** @throws RangeError if the run id has no time */
export function recordPath({ runId, stage, environment }: RecordName): string {
  return `${recordsFolder}/${dayOf(runId)}/${recordFileName({ runId, stage, environment })}`;
}

export function recordFileName({ runId, stage, environment }: RecordName): string {
  return `${runId}.${stage}.${environment}.json`;
}

/** `2026-11/30`, in UTC. @throws RangeError if the run id has no time */
export function dayOf(runId: string): string {
  const day = new Date(Number(runId.split("_")[0])).toISOString();
  return `${day.slice(0, 7)}/${day.slice(8, 10)}`;
}

const fileName = /^(\d{13}_[0-9a-f]{8})\.([a-z0-9]+)\.([a-z][a-z0-9-]{0,62})\.json$/;

/** @returns undefined for a file that is no record */
export function readRecordName(name: string): RecordName | undefined {
  const [, runId = "", word, environment = ""] = fileName.exec(name) ?? [];
  const stage = stageNames.find((one) => one === word);
  return stage ? { runId, stage, environment } : undefined;
}

export function nameOf({ runId, stage, environment }: HistoryRecord): RecordName {
  return { runId, stage, environment: environment.name };
}

export const monthName = /^\d{4}-(?:0[1-9]|1[0-2])$/;
export const dayName = /^(?:0[1-9]|[12]\d|3[01])$/;
export const monthFile = /^(\d{4}-(?:0[1-9]|1[0-2]))\.jsonl\.gz$/;
