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
  let opened: Promise<HistoryStore | undefined> | undefined;
  const open = async () => {
    const { chooseStore } = await import("../history/store/choose.ts");
    return await chooseStore({ ...place, store: config.history.store });
  };
  return () => {
    opened ??= open();
    return opened;
  };
}
