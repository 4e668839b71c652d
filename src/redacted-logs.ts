import { randomUUID } from "node:crypto";
import { lstat, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { redactedBytes } from "./gate/redacted-bytes.ts";
import type { StageReport } from "./model.ts";
import type { Redaction } from "./redaction/redactor.ts";

/**
 * Takes out of the logs of a stage what was learned to be a secret only after it was written: a server prints the token that it is about
 * to hand out. @returns what could not be done, as sentences
 */
export async function redactLogs(report: StageReport, workspace: string, redaction: Redaction): Promise<string[]> {
  const logs = new Set([...report.servers, ...report.commands].flatMap(({ log }) => log ?? []));
  const problems = await Promise.all([...logs].map((log) => redactLog(log, join(workspace, log), redaction)));
  return problems.flatMap((problem) => problem ?? []);
}

async function redactLog(name: string, path: string, redaction: Redaction): Promise<string | undefined> {
  try {
    // A test may have put a link in its place, which could lead to anything.
    if (!(await lstat(path)).isFile()) return undefined;
    const content = await readFile(path);
    const made = redactedBytes(content, redaction);
    if (made.kind === "refused") return `${name} may hold a secret and could not be redacted again: ${made.why}`;
    if (made.content.equals(content)) return undefined;
    const draft = `${path}.${randomUUID()}`;
    try {
      await writeFile(draft, made.content);
      await rename(draft, path);
    } finally {
      await rm(draft, { force: true });
    }
    return undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    return `${name} could not be redacted again: ${error instanceof Error ? error.message : String(error)}`;
  }
}
