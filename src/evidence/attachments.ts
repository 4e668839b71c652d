import { join } from "node:path";
import type { ArtifactService } from "../github/artifacts.ts";
import { errorText } from "../lib/error-text.ts";
import { NotAPlainFile, readOwn } from "../lib/plain-file.ts";
import type { StageReport } from "../model/report.ts";

/** Long enough to investigate a failure, but no longer: traces contain what the tests sent and saw. */
const retentionDays = 7;

/**
 * Uploads attachments of failed tests as a separate artifact, so that later jobs can read the evidence without loading them.
 * @param workspace absolute path, which the report's file names are relative to
 * @returns what could not be uploaded, as sentences
 */
export function uploadAttachments(artifacts: ArtifactService, report: StageReport, workspace: string): Promise<string[]> {
  const files = (report.attachments ?? []).filter((attachment) => attachment.leftOut === undefined).map(({ file }) => file);
  return upload(artifacts, report, workspace, { kind: "attachments", what: "the files of failed tests", files });
}

/**
 * Uploads the logs of servers and commands, of which the report has only the last lines. Not for stages that passed, because
 * nobody reads those. Parameters and result as for {@link uploadAttachments}.
 */
export function uploadLogs(artifacts: ArtifactService, report: StageReport, workspace: string): Promise<string[]> {
  const logs = report.verdict === "passed" ? [] : [...report.servers, ...report.commands].flatMap(({ log }) => log ?? []);
  return upload(artifacts, report, workspace, {
    kind: "logs",
    what: "the logs of servers and commands",
    files: [...new Set(logs)],
  });
}

interface Bundle {
  /** Their folder in `.env-actions`. */
  kind: "attachments" | "logs";
  /** For a message. */
  what: string;
  files: readonly string[];
}

async function upload(
  artifacts: ArtifactService,
  { stage, environment, origin, runId }: StageReport,
  workspace: string,
  { kind, what, files }: Bundle,
): Promise<string[]> {
  if (files.length === 0) return [];
  const name = `env-actions-${kind}-${stage}-${environment.name}-${origin.attempt ?? "1"}-${runId}`;
  try {
    const read = await Promise.all(files.map((file) => contentOf(workspace, file)));
    const contents = read.flatMap((one) => ("content" in one ? [one] : []));
    if (contents.length > 0) await artifacts.upload(name, contents, retentionDays);
    return read.flatMap((one) => ("problem" in one ? [one.problem] : []));
  } catch (error) {
    const why = errorText(error);
    return [`${what} could not be uploaded, and are only in ${join(".env-actions", kind)}: ${why}`];
  }
}

/** A test may have replaced the file with something else; the others are still uploaded. */
async function contentOf(workspace: string, file: string): Promise<{ name: string; content: Buffer } | { problem: string }> {
  const name = file.replace(/^\.env-actions\/(?:attachments\/[^/]+|logs(?:\/\d{13}_[0-9a-f]{8})?)\//, "");
  try {
    return { name, content: await readOwn(join(workspace, file)) };
  } catch (error) {
    if (!(error instanceof NotAPlainFile)) throw error;
    return { problem: `${file} was not uploaded: ${error.message.replace(join(workspace, file), "it")}` };
  }
}
