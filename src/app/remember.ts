import type { Config } from "../config/schema.ts";
import { testedBranch } from "../history/record/branch.ts";
import { recordOf } from "../history/record/of-report.ts";
import { chooseStore } from "../history/store/choose.ts";
import type { HistoryStore } from "../history/store/store.ts";
import { errorText } from "../lib/error-text.ts";
import type { StageReport } from "../model/report.ts";

/** What a stage leaves for later runs: its record in the history. */

export interface Remembering {
  config: Pick<Config, "history">;
  records: string;
  workspace: string;
  env: Readonly<Record<string, string | undefined>>;
  githubToken?: string;
  cancel?: AbortSignal;
}

/**
 * Adds the report's record to the history. A history that can't be written never changes a verdict.
 * @param report redacted, with its final verdict
 * @returns what could not be done
 */
export async function remember(report: StageReport, remembering: Remembering): Promise<string[]> {
  try {
    const store = await storeOf(remembering);
    await store?.add(recordOf(report, await testedBranch(remembering.env)));
    return [];
  } catch (error) {
    return [errorText(error)];
  }
}

async function storeOf({ config, ...place }: Remembering): Promise<HistoryStore | undefined> {
  return await chooseStore({ ...place, store: config.history.store });
}
