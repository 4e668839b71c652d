import type { ErrorEntry } from "./entry.ts";

/** 81xx: what is remembered of earlier runs. */
export const historyErrors = {
  EA8101: {
    title: "The history's folder cannot be used",
    meaning:
      "The folder that `history.store` names is missing on this machine, or can't be read or written. The verdict doesn't depend on it, but the run is missing in the history.",
    fix: "Create the folder, mount the share, or give the runner's user the right to read and write there.",
  },
  EA8102: {
    title: "The history is on GitHub, and there is no way to it",
    meaning:
      "`history.store` is a branch or the artifacts of workflow runs, but the step has no token, or doesn't know the repository. In a terminal, neither is there by itself.",
    fix: "On a runner, leave the input `github-token` as it is. In a terminal, set `GITHUB_TOKEN` and `GITHUB_REPOSITORY`, such as `classwaves/app`.",
  },
  EA8103: {
    title: "The history's branch could not be read or written",
    meaning:
      "GitHub did not answer, or refused. Writing needs `contents: write` under `permissions` of the job, reading needs `contents: read`. The verdict doesn't depend on it, but the run is missing in the history.",
    fix: "Add the permission. Pull requests from forks have tokens that only read: their runs are not remembered.",
  },
  EA8104: {
    title: "The history's branch is protected",
    meaning: "GitHub refused each change of the branch, although no other job changed it at the same time.",
    fix: "Leave the branch out of the repository's rules, or let the rule's list of those who may bypass it name GitHub Actions.",
  },
  EA8105: {
    title: "Too many jobs write to the history's branch at once",
    meaning: "Each job writes after the one before. This one tried again and again, until its time was up.",
    fix: "In workflows with dozens of jobs at once, use `history.store: artifacts` for them, and let one job at the end collect their records.",
  },
  EA8106: {
    title: "The history's branch has other files",
    meaning:
      "The branch that `history.store` names has files that are not of the history, such as code. Nothing was written to it.",
    fix: "Name a branch that doesn't exist yet. env-actions creates it without files of other branches.",
  },
  EA8107: {
    title: "The history's artifacts could not be read or written",
    meaning:
      "`history.store` is `artifacts`, and the runner has no artifact service, GitHub did not answer, or the job lacks `actions: read`. The verdict doesn't depend on it.",
    fix: "Add `actions: read` under `permissions` of the job. On GitHub Enterprise Server, use a branch or a folder.",
  },
  EA8120: {
    title: "A newer dashboard is there",
    meaning:
      "The page that would be replaced, or that `--published` names, has newer records than this history. A run that started earlier, or a history that lost records, would hide them.",
    fix: "Make the page again from the newest history. To write it all the same, delete the page that is there.",
  },
  EA8121: {
    title: "The dashboard cannot be written",
    meaning: "The file that `--out` names, or its folder, can't be written.",
    fix: "Create the folder, or name another file.",
  },
  EA8122: {
    title: "The published dashboard cannot be compared",
    meaning: "The file that `--published` names can't be read, or is no dashboard with records.",
    fix: "Name a dashboard that was downloaded from where it is published. Leave the option out if there is none yet.",
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
  EA8140: {
    title: "An environment is compared with itself",
    meaning: "`env-actions compare` got the same name twice.",
    fix: "Name two environments, such as `env-actions compare staging production`.",
  },
  EA8141: {
    title: "The environment to compare does not exist",
    meaning: "One of the names after `compare`, or under `compare.with`, is not under `environments`.",
    fix: "Use the suggested name, or add the environment.",
  },
  EA8150: {
    title: "There is no history to make a dashboard of",
    meaning: "`history.store` is `none` in the configuration, so runs leave no record.",
    fix: "Set `history.store` to `artifacts` or to a branch, as in docs/guides/history.md.",
  },
  EA8151: {
    title: "The workflow run whose records to collect was not found",
    meaning:
      "The input `run-id` of the action `dashboard` names no workflow run of this repository, or the job may not see it. Nothing was collected.",
    fix: "Pass `${{ github.event.workflow_run.id }}` in a workflow on `workflow_run`, and give the job `actions: read`.",
  },
} as const satisfies Record<string, ErrorEntry>;
