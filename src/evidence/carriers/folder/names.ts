import { createHash } from "node:crypto";
import { type Evidence, type StageName, stageNames } from "../../../model/report.ts";

/**
 * Names of entries in a folder. They hold a hash of what the entry is about, and one of its content: so an entry never replaces
 * another one, and a damaged or copied one is recognised.
 */

const entry = "[a-z0-9]+-[0-9a-f]{32}-[0-9a-f]{32}\\.zip";
const entryName = new RegExp(`^${entry}$`);
/** `writeOwn` adds an id until the file is complete: a job that ended while it wrote leaves such a one. */
const draftName = new RegExp(`^${entry}\\.[0-9a-f-]{36}$`);
export const entryOrDraft = new RegExp(`^${entry}(?:\\.[0-9a-f-]{36})?$`);

export function nameOf(evidence: Evidence, content: Buffer): string {
  return `${beginningOf(evidence)}${hashOf(content)}.zip`;
}

export function beginningOf({ stage, environment, project, runId, origin }: Evidence): string {
  const { repository, workflowRun, attempt, job, cell } = origin;
  const about = [repository, workflowRun, attempt, job, cell, stage, environment, project, runId];
  return `${stage}-${hashOf(JSON.stringify(about.map((part) => part ?? null)))}-`;
}

export function isContentOf(name: string, content: Buffer): boolean {
  return name.endsWith(`-${hashOf(content)}.zip`);
}

/** Whose entry this is by its name. A name that begins like an entry's, and is none, may hide evidence of a failure. */
export function entryNamed(name: string): { stage: StageName; isRight: boolean } | undefined {
  const stage = stageNames.find((one) => name.startsWith(`${one}-`));
  return stage && !draftName.test(name) ? { stage, isRight: entryName.test(name) } : undefined;
}

function hashOf(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex").slice(0, 32);
}
