import { join } from "node:path";
import { auditFile, auditLines } from "../audit-log.ts";
import { suggestion } from "../config/nearest.ts";
import { count } from "../count.ts";
import { UserError } from "../model.ts";
import { type AuditEntry, type AuditFault, AuditVerifier } from "../report/audit.ts";
import { AuditReporter, runLines } from "../report/audit-report.ts";
import { logLine } from "../report/inert.ts";

const file = `.env-actions/${auditFile}`;
const faultsShown = 10;

/** What a look at the log is for people and for programs. */
export interface AuditAnswer {
  /** Whether every line still follows from the one before. */
  ok: boolean;
  text: string;
  json: unknown;
}

/** Whether every line of the audit log still follows from the one before. @throws UserError where there is none */
export async function auditVerify(workspace: string): Promise<AuditAnswer> {
  const verified = await readLog(workspace, () => undefined);
  return { ok: verified.faults.length === 0, text: verifiedLines(verified).join("\n"), json: verified };
}

/**
 * Who made and deleted what, and when, as the log says it; and whether the log can be believed.
 * @param run its id; every run if left out
 * @throws UserError where there is no log, or no such run in it
 */
export async function auditReport(workspace: string, run: string | undefined): Promise<AuditAnswer> {
  const reporter = new AuditReporter(run);
  const others = new Set<string>();
  const verified = await readLog(workspace, (entry) => {
    reporter.take(entry);
    others.add(String(entry.run));
  });
  const { runs } = reporter;
  if (run !== undefined && runs.length === 0) throw new UserError(`${file} has no run "${run}"; ${suggestion(run, [...others])}`);
  const lines = runs.flatMap((one) => ["", ...runLines(one)]);
  // Ids and reasons come from tests, and a log may have been changed by anybody.
  const text = [...verifiedLines(verified), ...lines].map(logLine).join("\n");
  return { ok: verified.faults.length === 0, text, json: { log: verified, runs } };
}

interface VerifiedLog {
  file: string;
  lines: number;
  faults: AuditFault[];
}

async function readLog(workspace: string, onEntry: (entry: AuditEntry) => void): Promise<VerifiedLog> {
  const verifier = new AuditVerifier();
  const faults: AuditFault[] = [];
  try {
    for await (const { text, ended } of auditLines(join(workspace, file))) {
      const { entry, fault } = verifier.take(text, ended);
      if (entry) onEntry(entry);
      if (fault) faults.push(fault);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new UserError(`there is no ${file} here: run a stage first, or go to the folder it ran in`);
  }
  return { file, lines: verifier.lines, faults };
}

function verifiedLines({ lines, faults }: VerifiedLog): string[] {
  if (faults.length === 0) return [`${file}: ${count(lines, "line")}, each follows from the one before`];
  const shown = faults
    .slice(0, faultsShown)
    .map(
      ({ line, why, torn }) =>
        `${file}:${line} ${why}${torn ? "" : ": this line or one before it was changed, added or taken out"}`,
    );
  return faults.length > faultsShown ? [...shown, `… and ${faults.length - faultsShown} more of ${count(lines, "line")}`] : shown;
}
