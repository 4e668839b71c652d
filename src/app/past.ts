import { testedBranch } from "../history/record/branch.ts";
import type { FoundRecords, HistoryStore } from "../history/store/store.ts";
import { errorText } from "../lib/error-text.ts";
import { redacted } from "../lib/redaction/redactor.ts";
import type { StageReport } from "../model/report.ts";

/** What earlier runs say of a report. */

/** More would take longer to read than a phrase is worth. */
const mostRecords = 100;
const withinMs = 5_000;

/** What was found, or why nothing could be read; neither if no history is kept. */
export interface ReadPast {
  found?: FoundRecords;
  problem?: string;
}

/**
 * Reads the newest records of the report's stage and environment. A history that can't be read is no failure.
 * @param history undefined if none is kept
 */
export async function readPast(
  { environment, stage }: Pick<StageReport, "environment" | "stage">,
  history: () => Promise<HistoryStore | undefined>,
): Promise<ReadPast> {
  const read = async () => {
    const store = await history();
    return await store?.recent({ environment: environment.name, stage }, mostRecords);
  };
  try {
    const found = await inTime(read());
    return found ? { found } : {};
  } catch (error) {
    return { problem: `how earlier runs ended is unknown: ${errorText(error)}` };
  }
}

export interface PastFacts {
  env: Readonly<Record<string, string | undefined>>;
  redact: (text: string) => string;
  /** The configuration's path. */
  project: string | undefined;
}

/**
 * Adds what earlier runs say to a report with its final verdict.
 * @returns the report, redacted if the past is known, and notes about what is not known
 */
export async function withPast(
  report: StageReport,
  { found, problem }: ReadPast,
  { env, redact, project }: PastFacts,
): Promise<{ report: StageReport; notes: string[] }> {
  if (problem !== undefined) return { report, notes: [problem] };
  if (!found || found.records.length + found.unreadable.length === 0) return { report, notes: [] };
  const { addPast } = await import("../history/ask/past.ts");
  // Records have redacted names, so only redacted names are found in them.
  const branch = await testedBranch(env, report.commit);
  const facts = redacted({ ...branch, ...(project === undefined ? {} : { project }) }, redact);
  return { report: addPast(redacted(report, redact), found, facts), notes: unreadableNotes(found) };
}

/** Nobody waits for it any longer then; the work itself ends by the limits of the store. */
async function inTime<Result>(work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the history did not answer within ${withinMs / 1_000} s`)), withinMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function unreadableNotes({ unreadable }: FoundRecords): string[] {
  const [first, ...others] = unreadable.filter(({ isOther }) => !isOther);
  if (!first) return [];
  const more = others.length > 0 ? ` and ${others.length} more` : "";
  return [`how some earlier runs ended is unknown: ${first.name}: ${first.why}${more}`];
}
