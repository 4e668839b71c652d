import { join } from "node:path";
import { redactedBytes } from "../evidence/redacted-bytes.ts";
import { errorText } from "../lib/error-text.ts";
import { NotAPlainFile, readPlain, writeOwn } from "../lib/plain-file.ts";
import type { Redaction } from "../lib/redaction/redactor.ts";
import type { StageReport } from "../model/report.ts";

/**
 * Redacts secrets in a stage's logs that became known only after they were written, such as a token that a server prints before
 * it returns it.
 * @returns what could not be done, as sentences
 */
export async function redactLogs(report: StageReport, workspace: string, redaction: Redaction): Promise<string[]> {
  const logs = new Set([...report.servers, ...report.commands].flatMap(({ log }) => log ?? []));
  const problems = await Promise.all([...logs].map((log) => redactLog(log, workspace, redaction)));
  return problems.flatMap((problem) => problem ?? []);
}

async function redactLog(name: string, workspace: string, redaction: Redaction): Promise<string | undefined> {
  const path = join(workspace, name);
  try {
    // A hard-linked log is replaced by a new file; the other name isn't ours to change.
    const content = await readPlain(path, { root: workspace, hardLinks: true });
    const made = redactedBytes(content, redaction);
    if (made.kind === "refused") return `${name} may contain a secret and could not be redacted again: ${made.why}`;
    if (!made.content.equals(content)) await writeOwn(path, made.content);
    return undefined;
  } catch (error) {
    // A test may have replaced a log or its folder with a link to anything; links are not read as logs.
    if (error instanceof NotAPlainFile || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    return `${name} could not be redacted again: ${errorText(error)}`;
  }
}
