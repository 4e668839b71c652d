import type { ArtifactSource } from "../github/run-artifacts.ts";
import { namedRecords, readRecords } from "./store/artifacts.ts";
import type { FoundRecords, HistoryStore } from "./store/store.ts";

/**
 * Takes the records from the artifacts of a workflow run into another store, so that one job needs the right to write there, and those
 * that run tests need none.
 */

export interface Collected {
  /** How many were not in the store before. */
  added: number;
  unreadable: FoundRecords["unreadable"];
}

/** A run has a few for each job and stage. */
const mostPages = 20;

/**
 * Can be repeated: what the store has stays as it is.
 * @param from the artifacts of the run: `listedArtifacts(api, { owner, repo, run })`
 * @throws GitHubError if the artifacts can't be read, and HistoryFailure if the records can't be added
 */
export async function collectRun({
  from,
  into,
}: {
  from: ArtifactSource;
  into: Pick<HistoryStore, "add" | "addAll" | "all">;
}): Promise<Collected> {
  const { artifacts, isWhole } = await from.list(mostPages);
  const { records, unreadable } = await readRecords(from, namedRecords(artifacts));
  if (!isWhole) unreadable.push({ name: "more records", why: `only the first ${mostPages * 100} artifacts of the run are read` });
  if (records.length === 0) return { added: 0, unreadable };
  if (into.addAll) return { added: await into.addAll(records), unreadable };
  const known = new Set((await into.all()).records.map(({ runId, stage }) => `${runId} ${stage}`));
  const missing = records.filter(({ runId, stage }) => !known.has(`${runId} ${stage}`));
  for (const record of missing) await into.add(record);
  return { added: missing.length, unreadable };
}
