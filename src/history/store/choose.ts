import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Config } from "../../config/schema.ts";
import { HistoryFailure, type HistoryStore } from "./store.ts";

export interface StoreChoice {
  store: Config["history"]["store"];
  /** Absolute path of `.env-actions`. */
  records: string;
  workspace: string;
  env: Readonly<Record<string, string | undefined>>;
  githubToken?: string;
  cancel?: AbortSignal;
}

/** In the workspace's records. */
export const historyFolder = "history";

/**
 * Where the history is kept, as the configuration says.
 * @returns undefined if it is switched off
 * @throws HistoryFailure if the place can't be used
 */
export async function chooseStore({ store, records, workspace }: StoreChoice): Promise<HistoryStore | undefined> {
  if (store === "none") return undefined;
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
