import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { StageReport } from "../model.ts";
import type { ArtifactService } from "./artifacts.ts";

/** Long enough to look into a failure, and not for longer: traces hold what the tests sent and saw. */
const retentionDays = 7;

/**
 * Uploads what failed tests left behind as an artifact of its own, so that a later job that reads the evidence need not load it.
 * @param workspace absolute path, to which the report's file names are relative
 * @returns what could not be uploaded, as sentences
 */
export async function uploadAttachments(artifacts: ArtifactService, report: StageReport, workspace: string): Promise<string[]> {
  const kept = (report.attachments ?? []).filter((attachment) => attachment.leftOut === undefined).map(({ file }) => file);
  if (kept.length === 0) return [];
  const { stage, environment, origin } = report;
  // Names are unique within a run, and a job may run twice.
  const name = `env-actions-attachments-${stage}-${environment.name}-${origin.attempt ?? "1"}-${randomBytes(3).toString("hex")}`;
  try {
    const contents = await Promise.all(
      kept.map(async (file) => ({
        name: file.replace(/^\.env-actions\/attachments\/[^/]+\//, ""),
        content: await readFile(join(workspace, file)),
      })),
    );
    await artifacts.upload(name, contents, retentionDays);
    return [];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [`what failed tests left behind could not be uploaded, and is only in ${join(".env-actions", "attachments")}: ${why}`];
  }
}
