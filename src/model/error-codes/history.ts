import type { ErrorEntry } from "./entry.ts";

/** 81xx: what is remembered of earlier runs. */
export const historyErrors = {
  EA8101: {
    title: "The history's folder cannot be used",
    meaning:
      "The folder that `history.store` names is missing on this machine, or can't be read or written. The verdict doesn't depend on it, but the run is missing in the history.",
    fix: "Create the folder, mount the share, or give the runner's user the right to read and write there.",
  },
} as const satisfies Record<string, ErrorEntry>;
