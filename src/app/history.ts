import type { Config } from "../config/schema.ts";
import type { HistoryStore } from "../history/store/store.ts";

export interface HistoryPlace {
  config: Pick<Config, "history">;
  records: string;
  workspace: string;
  env: Readonly<Record<string, string | undefined>>;
  githubToken?: string;
  cancel?: AbortSignal;
}

/** The history as the configuration says, opened when it is first needed, and once for all who need it. */
export function historyOf({ config, ...place }: HistoryPlace): () => Promise<HistoryStore | undefined> {
  let opened: { store: Promise<HistoryStore | undefined>; afterCancel: boolean } | undefined;
  const open = async () => {
    const { chooseStore } = await import("../history/store/choose.ts");
    return await chooseStore({ ...place, store: config.history.store, keepMs: config.history.keep });
  };
  return () => {
    // What was opened before a cancel ends with it. The record of a cancelled run is still to be written.
    const afterCancel = place.cancel?.aborted ?? false;
    if (opened?.afterCancel !== afterCancel) opened = { store: open(), afterCancel };
    return opened.store;
  };
}
