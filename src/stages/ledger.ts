import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { dirname } from "node:path";
import { type Ledger, readLedger } from "../cleanup/ledger/ledger.ts";
import { makeOwnDirectory, openOwn } from "../lib/plain-file.ts";
import type { StageName } from "../model/report.ts";
import { ledgerFile } from "./child-environment.ts";

/** Stages that run tests: they get a ledger. */
export function runsTests(stage: StageName): stage is "integration" | "e2e" {
  return stage === "integration" || stage === "e2e";
}

/** Makes the empty ledger of a stage that runs tests, so that later an absent one is known to have been removed. */
export async function beginLedger(place: { stage: StageName; records: string; runId: string }): Promise<void> {
  if (!runsTests(place.stage)) return;
  const file = ledgerFile(place);
  await makeOwnDirectory(dirname(file));
  await (await openOwn(file, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND)).close();
}

/**
 * What the tests of a run tracked.
 * @param tracked they had a ledger here: where it is gone, nobody knows what it named, and that is a problem
 */
export async function ledgerOf(place: { records: string; runId: string }, tracked: boolean): Promise<Ledger> {
  const file = ledgerFile(place);
  const ledger = await readLedger(file);
  return tracked && !(await exists(file)) ? { ...ledger, problems: [...ledger.problems, whyIncomplete] } : ledger;
}

const whyIncomplete =
  "the ledger of this run is gone (was the workspace cleaned?): rows and keys that only it named may be left. What carries the run's prefix was deleted all the same; for the rest, look with `env-actions cleanup --scope expired`";

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
