import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Config } from "../../config/schema.ts";
import { whyNoArtifacts } from "../../github/artifact-place.ts";
import type { HistoryRecord } from "../../model/history.ts";
import { nameOf, recordPath } from "./layout.ts";
import { type FoundRecords, HistoryFailure, type HistoryStore } from "./store.ts";

export interface StoreChoice {
  store: Config["history"]["store"];
  /** Absolute path of `.env-actions`. */
  records: string;
  workspace: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Of the input `github-token`. */
  githubToken?: string;
  /** How long records are kept, in milliseconds, as the configuration says. */
  keepMs?: number | undefined;
  cancel?: AbortSignal;
}

/** In the workspace's records. */
export const historyFolder = "history";

/** After a cancel there are seconds until the runner ends the process: enough for a record, too few to wait for others. */
const afterCancelMs = 5_000;

/**
 * Where the history is kept, as the configuration says.
 * @returns undefined if it is switched off
 * @throws HistoryFailure if the place can't be used
 */
export async function chooseStore(choice: StoreChoice): Promise<HistoryStore | undefined> {
  const store = await openStore(choice);
  return store && withoutFuture(store);
}

/** Clocks of two machines differ by so much at most. */
const clockToleranceMs = 600_000;

/**
 * A record of the future would stay the newest one: it would hide every failure after it, and make old data look new. A clock was wrong,
 * or somebody forged it.
 */
export function withoutFuture(store: HistoryStore, now: () => number = Date.now): HistoryStore {
  const believed = ({ records, unreadable }: FoundRecords): FoundRecords => {
    const latest = now() + clockToleranceMs;
    const isFuture = ({ runId, startedAt, finishedAt }: HistoryRecord) =>
      [Number(runId.split("_")[0]), Date.parse(startedAt), Date.parse(finishedAt)].some((at) => at > latest);
    const future = records.filter(isFuture);
    if (future.length === 0) return { records, unreadable };
    const why = "it is dated in the future";
    return {
      records: records.filter((record) => !isFuture(record)),
      unreadable: [...unreadable, ...future.map((record) => ({ name: recordPath(nameOf(record)), why }))],
    };
  };
  return {
    ...store,
    recent: async (of, most) => believed(await store.recent(of, most)),
    all: async () => believed(await store.all()),
  };
}

async function openStore(choice: StoreChoice): Promise<HistoryStore | undefined> {
  const { store, records, workspace } = choice;
  if (store === "none") return undefined;
  if (store === "artifacts") return await inArtifacts(choice);
  if (typeof store === "object" && "branch" in store) return await onBranch(store.branch, choice);
  const { folderStore } = await import("./folder.ts");
  if (store === "workspace") return folderStore(join(records, historyFolder), workspace);
  const folder = resolve(store.folder);
  if (!existsSync(folder))
    throw new HistoryFailure(
      "EA8101",
      `the folder ${folder} does not exist on this machine: create it, or mount the share that holds it`,
    );
  return folderStore(folder, folder);
}

async function onBranch(branch: string, choice: StoreChoice): Promise<HistoryStore> {
  const { env, cancel } = choice;
  const token = tokenOf(choice);
  const repository = repositoryIn(env);
  if (!token)
    throw new HistoryFailure(
      "EA8102",
      `the history is on the branch ${branch} of ${repository}, and there is no token for GitHub. On a runner, leave the input github-token as it is: the job needs \`contents: write\` to add its record, and \`contents: read\` to read. In a terminal, set GITHUB_TOKEN`,
    );
  const { branchStore } = await import("./branch.ts");
  const limits = cancel?.aborted ? { withinMs: afterCancelMs } : { cancel };
  return branchStore({ repository, branch, token, env, ...limits });
}

async function inArtifacts(choice: StoreChoice): Promise<HistoryStore> {
  const { env, cancel, keepMs } = choice;
  const { artifactService } = await import("../../github/artifacts.ts");
  const { artifactStore } = await import("./artifacts.ts");
  const limits = cancel?.aborted ? {} : { cancel };
  return artifactStore({
    ...{ repository: repositoryIn(env), service: artifactService(env), whyNone: whyNoArtifacts(env) },
    ...{ token: tokenOf(choice), env, keepMs, ...limits },
  });
}

/** In a terminal there are no inputs. */
function tokenOf({ githubToken, env }: StoreChoice): string | undefined {
  return githubToken || env.GITHUB_TOKEN || undefined;
}

function repositoryIn({ GITHUB_REPOSITORY: repository = "" }: StoreChoice["env"]): string {
  if (/^[\w.-]+\/[\w.-]+$/.test(repository)) return repository;
  throw new HistoryFailure(
    "EA8102",
    "the history is on GitHub, and the repository is unknown: set GITHUB_REPOSITORY, such as classwaves/app. On a runner it is always set",
  );
}
