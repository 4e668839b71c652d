import { testedBranch } from "../history/record/branch.ts";
import { type RecordFacts, recordOf } from "../history/record/of-report.ts";
import type { HistoryStore } from "../history/store/store.ts";
import { errorText } from "../lib/error-text.ts";
import { redacted } from "../lib/redaction/redactor.ts";
import type { StageReport } from "../model/report.ts";

/** What a stage leaves for later runs: its record in the history. */

export interface Remembering {
  history: () => Promise<HistoryStore | undefined>;
  env: Readonly<Record<string, string | undefined>>;
  redact: (text: string) => string;
  /** What only the stage and the notifications know. Redacted. */
  facts?: Pick<RecordFacts, "baseline" | "alerts" | "rollbackAgain" | "project">;
}

/**
 * Adds the report's record to the history. A history that can't be written never changes a verdict.
 * @param report redacted, with its final verdict
 * @returns what could not be done
 */
export async function remember(report: StageReport, { history, env, redact, facts = {} }: Remembering): Promise<string[]> {
  try {
    const store = await history();
    await store?.add(recordOf(report, { ...facts, ...redacted(await testedBranch(env, report.commit), redact) }));
    return [];
  } catch (error) {
    const sent = Object.values(facts.alerts ?? {}).some(({ event, outcome }) => event !== "measured" && outcome === "sent");
    return [`${errorText(error)}${sent ? ". So the alerts of this run may be sent again" : ""}`];
  }
}
