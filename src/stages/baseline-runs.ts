import { join } from "node:path";
import { recordedName } from "../history/record/of-report.ts";
import type { FoundRecords, HistoryStore } from "../history/store/store.ts";
import { readOwn } from "../lib/plain-file.ts";
import { z } from "../lib/zod.ts";
import type { HistoryRecord } from "../model/history.ts";
import type { StageContext } from "./context.ts";

/** The runs with whose latencies a stage is compared: from the history, and once from the file of an older version. */

export interface EarlierRuns {
  /** Oldest first, at most as many as wanted. */
  runs: EarlierRun[];
  /** Records that could not be read. Their runs may be missing. */
  unreadable: FoundRecords["unreadable"];
  /** What to do if these are too few. */
  cure: string;
}

export interface EarlierRun {
  runId: string;
  /** @param id of a check, as in the report */
  samplesOf(id: string): readonly number[] | undefined;
}

/**
 * Runs that failed lie between those that passed, so more records are looked at if too few passed: four times as many each time,
 * up to this number. More of them would take longer to read than a comparison is worth.
 */
const mostRecords = 400;
const firstLook = 20;

/**
 * The last runs of this stage in this environment whose latencies were fit to be compared with.
 * @throws Error if the history can't be read: silently starting again would hide every slowdown
 */
export async function earlierRuns(context: StageContext, wanted: number): Promise<EarlierRuns> {
  const store = await context.history();
  if (!store)
    return {
      ...{ runs: [], unreadable: [] },
      cure: "No earlier runs are kept, because history.store is none: name a place that later runs reach.",
    };
  const { records, looked, unreadable } = await newestFit(store, context, wanted);
  const known = new Set(records.map(({ runId }) => runId));
  const older = records.length < wanted ? (await runsOfOlderVersion(context)).filter(({ runId }) => !known.has(runId)) : [];
  return {
    runs: [...older, ...records.map((record) => runOf(record, context.secrets.redact))].slice(-wanted),
    unreadable,
    cure: cureFor(context, store, { fit: records.length, looked }),
  };
}

async function newestFit(store: HistoryStore, { environment, stage, project, secrets }: StageContext, wanted: number) {
  const own = project === undefined ? undefined : recordedName(secrets.redact(project));
  for (let most = Math.max(firstLook, 2 * wanted); ; most = Math.min(4 * most, mostRecords)) {
    const found = await store.recent({ environment: environment.name, stage }, most);
    const fit = found.records.filter((record) => record.project === own && hasBaseline(record));
    if (fit.length >= wanted || found.records.length < most || most >= mostRecords)
      return {
        records: fit.slice(-wanted),
        looked: found.records.length,
        unreadable: found.unreadable.filter(({ isOther }) => !isOther),
      };
  }
}

function hasBaseline({ checks }: HistoryRecord): boolean {
  return checks.some(({ latency }) => latency?.isBaseline && latency.samples?.length);
}

function runOf({ runId, checks }: HistoryRecord, redact: (text: string) => string): EarlierRun {
  return {
    runId,
    samplesOf(id) {
      const name = recordedName(redact(id));
      const latency = checks.find((check) => check.id === name)?.latency;
      return latency?.isBaseline && latency.samples?.length ? latency.samples : undefined;
    },
  };
}

function cureFor({ config }: StageContext, { place }: HistoryStore, { fit, looked }: { fit: number; looked: number }): string {
  const wanted = "It needs more passing runs";
  if (config.history.store === "workspace")
    return `${wanted}, and .env-actions/history must be kept between runs: on a runner, set history.store to a place that lasts.`;
  return `${wanted}: ${fit} of the last ${looked} in ${place} can be compared with.`;
}

const runSchema = () =>
  z.strictObject({
    runId: z.string(),
    stage: z.string(),
    finishedAt: z.string(),
    samples: z.record(z.string(), z.array(z.number().nonnegative()).min(1)),
  });
const fileSchema = () => z.strictObject({ schemaVersion: z.literal(1), runs: z.array(runSchema()) });

/**
 * Versions before the history kept their runs in a file of the workspace, which stays as it is: such a version may still write it.
 * @throws Error for an invalid file
 */
async function runsOfOlderVersion({ records, environment, stage }: StageContext): Promise<EarlierRun[]> {
  let text: string;
  try {
    text = (await readOwn(join(records, "baseline", `${environment.name}.json`))).toString("utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  try {
    return fileSchema()
      .parse(JSON.parse(text))
      .runs.filter((run) => run.stage === stage)
      .map(({ runId, samples }) => ({ runId, samplesOf: (id) => (Object.hasOwn(samples, id) ? samples[id] : undefined) }));
  } catch (error) {
    const cure = "Delete it to begin anew.";
    throw new Error(`.env-actions/baseline/${environment.name}.json is not what env-actions wrote. ${cure}`, { cause: error });
  }
}
