import type { AuditLog } from "../audit/log.ts";
import type { RecordFacts } from "../history/record/of-report.ts";
import type { StageReport } from "../model/report.ts";
import type { AfterVerdict } from "../notifications/after-verdict.ts";
import type { StageContext } from "../stages/context.ts";
import { readPast, withPast } from "./past.ts";
import { decided, recordReport } from "./record.ts";

/** From what a stage found to what it leaves: rollback, verdict, alerts, the report's files, and the record for later runs. */

/** Records come right after the alerts, because whoever is killed in between sends them again. */
export async function concludeAndRecord(
  found: StageReport,
  { history, baseline, env, records, project, secrets: { redact } }: Omit<StageContext, "signal" | "audit" | "check">,
  after: AfterVerdict,
  audit: AuditLog,
) {
  // In the meantime, so that nobody waits for it. After a cancel, the runner leaves only seconds.
  const reading = after.cancelled ? Promise.resolve({}) : readPast(found, history);
  const { report: concluded, facts, release } = await conclude(found, after, audit);
  try {
    const { report: placed, notes: ofPast } = await withPast(concluded, await reading, { env, redact, project });
    const anchored = { ...placed, ...(audit.head ? { auditHead: audit.head } : {}) };
    const { report, files, notes } = await recordReport(anchored, { records, redact });
    const { remember } = await import("./remember.ts");
    const known = { ...facts, baseline, ...(project === undefined ? {} : { project: redact(project) }) };
    const notRemembered = await remember(report, { history, env, redact, facts: known });
    return { report, files, notes: [...ofPast, ...notes, ...notRemembered] };
  } finally {
    await release?.();
  }
}

/** The order matters: the rollback comes before the verdict in the log, and alerts go out only when the verdict is final. */
async function conclude(
  found: StageReport,
  after: AfterVerdict,
  audit: AuditLog,
): Promise<{ report: StageReport; facts: RecordFacts; release?: () => Promise<void> }> {
  if (!after.rollback && !after.alerts) return { report: await decided(found, audit), facts: {} };
  const { applyRollback, sendAlerts } = await import("../notifications/after-verdict.ts");
  const { report: rolledBack, again = false } = await applyRollback(found, after);
  const { report, memory, release } = await sendAlerts(await decided(rolledBack, audit), after);
  return { report, facts: { rollbackAgain: again, ...(memory ? { alerts: memory } : {}) }, release };
}
