import type { ErrorEntry } from "./entry.ts";

/** 81xx: what is remembered of earlier runs. */
export const historyErrors = {
  EA8101: {
    title: "The history's folder cannot be used",
    meaning:
      "The folder that `history.store` names is missing on this machine, or can't be read or written. The verdict doesn't depend on it, but the run is missing in the history.",
    fix: "Create the folder, mount the share, or give the runner's user the right to read and write there.",
  },
  EA8130: {
    title: "The configuration doesn't say where the history is",
    meaning:
      "`env-actions history` reads only the key `history` of the configuration. It has a mistake, or names a variable that is not set in this terminal.",
    fix: "Correct the key, or set the variable. `env-actions doctor` shows every mistake in the file.",
  },
  EA8131: {
    title: "Not in the history",
    meaning:
      "No record has this environment, branch, run, check or test. Of tests, a record names only those that failed or were flaky, and the slowest ones.",
    fix: "Use a name that the message suggests. `env-actions history` lists runs, `history tests` tests, `history checks` checks.",
  },
  EA8132: {
    title: "Two runs have no stage in common",
    meaning:
      "`env-actions history diff` compares a stage with the same stage in another run. Both runs have none that is the same.",
    fix: "Name two runs of the same stage, or leave the names out: then the last two of each stage are compared.",
  },
  EA8133: {
    title: "The history is switched off",
    meaning: "`history.store` is `none` in the configuration, so runs leave no record and there is nothing to show.",
    fix: "Set `history.store` to `workspace`, or to a place that all jobs reach.",
  },
  EA8134: {
    title: "The history removes its records itself",
    meaning:
      "`env-actions history compact` joins records into monthly files. The place where this history is kept does that itself, or removes them after a time.",
    fix: "Nothing is to be done.",
  },
} as const satisfies Record<string, ErrorEntry>;
