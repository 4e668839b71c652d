import { join } from "node:path";
import { redactedBytes } from "../evidence/redacted-bytes.ts";
import { errorText } from "../lib/error-text.ts";
import { NotAPlainFile, readPlain, writeOwn } from "../lib/plain-file.ts";
import type { Redaction } from "../lib/redaction/redactor.ts";
import type { StageReport } from "../model/report.ts";

/**
 * Takes out of the logs of a stage what was learned to be a secret only after it was written: a server prints the token that it is about
 * to hand out. @returns what could not be done, as sentences
 */
export async function redactLogs(report: StageReport, workspace: string, redaction: Redaction): Promise<string[]> {
  const logs = new Set([...report.servers, ...report.commands].flatMap(({ log }) => log ?? []));
  const problems = await Promise.all([...logs].map((log) => redactLog(log, workspace, redaction)));
  return problems.flatMap((problem) => problem ?? []);
}

async function redactLog(name: string, workspace: string, redaction: Redaction): Promise<string | undefined> {
  const path = join(workspace, name);
  try {
    // A second name of a log is written anew as well: what the other name shows is not ours.
    const content = await readPlain(path, { root: workspace, hardLinks: true });
    const made = redactedBytes(content, redaction);
    if (made.kind === "refused") return `${name} may contain a secret and could not be redacted again: ${made.why}`;
    if (!made.content.equals(content)) await writeOwn(path, made.content);
    return undefined;
  } catch (error) {
    // A test may have put a link in the place of a log or of its folder, which could lead to anything: nobody reads it as a log.
    if (error instanceof NotAPlainFile || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    return `${name} could not be redacted again: ${errorText(error)}`;
  }
}
