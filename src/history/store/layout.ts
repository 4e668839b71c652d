import { createHash } from "node:crypto";
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

/** @returns undefined if it is not the path of a record */
export function readRecordPath(path: string): RecordName | undefined {
  const [folder, month = "", day = "", name = "", ...more] = path.split("/");
  const fits = folder === recordsFolder && monthName.test(month) && dayName.test(day) && more.length === 0;
  return fits ? readRecordName(name) : undefined;
}

export function claimPath(key: string): string {
  return `${claimsFolder}/${createHash("sha256").update(key).digest("hex").slice(0, 32)}.json`;
}

/** @param day `2026-11/30` */
export function endOfDay(day: string): number {
  return Date.parse(`${day.replace("/", "-")}T00:00:00Z`) + 86_400_000;
}

/** @param month `2026-11` */
export function endOfMonth(month: string): number {
  const [year = 0, number = 0] = month.split("-").map(Number);
  return Date.UTC(year, number, 1);
}
