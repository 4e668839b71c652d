import { suggestion } from "../lib/nearest.ts";
import { type StageName, stageNames } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import { type HistoryView, historyViews } from "./commands.ts";

export interface HistoryArguments {
  view: HistoryView;
  /** The test, the check or the two runs. */
  names: readonly string[];
  stage: StageName | undefined;
  branch: string | undefined;
  limit: number | undefined;
}

/** What must follow the word. */
const named: Partial<Record<HistoryView, { what: string; example: string }>> = {
  test: { what: "the name of a test", example: "env-actions history test 'joins with a code'" },
  check: { what: "the id of a check", example: "env-actions history check api.health" },
};

/** Options that a view would ignore. */
const ignored: Partial<Record<HistoryView, readonly string[]>> = {
  diff: ["limit"],
  compact: ["environment", "stage", "branch", "limit"],
};
const mostRuns = 1_000_000;

/** @throws UserError */
export function historyArguments(
  [word = "runs", ...names]: readonly string[],
  { environment, stage, branch, limit }: Partial<Record<"environment" | "stage" | "branch" | "limit", string | undefined>>,
): HistoryArguments {
  const view = historyViews.find((one) => one === word);
  if (view === undefined)
    throw new UserError(
      "EA1102",
      `history: expected one of ${historyViews.join(", ")}, got "${word}"; ${suggestion(word, historyViews)}`,
    );
  refuseNames(view, names);
  const known = stageNames.find((one) => one === stage);
  if (stage !== undefined && known === undefined)
    throw new UserError("EA1104", `--stage: expected a stage, got "${stage}"; ${suggestion(stage, stageNames)}`);
  for (const [option, value] of Object.entries({ environment, stage, branch, limit }))
    if (value !== undefined && ignored[view]?.includes(option))
      throw new UserError("EA1103", `--${option} has no effect on "history ${view}": remove it`);
  return { view, names, stage: known, branch, limit: limit === undefined ? undefined : wholeNumber(limit) };
}

function refuseNames(view: HistoryView, names: readonly string[]): void {
  const demanded = named[view];
  if (demanded && names.length === 0)
    throw new UserError("EA1102", `history ${view}: expected ${demanded.what}, such as: ${demanded.example}`);
  if (view === "diff" && names.length === 1)
    throw new UserError(
      "EA1102",
      `history diff: expected two runs, got "${names[0]}" alone: add the run to compare it with, or name none to compare the last two of each stage`,
    );
  const most = demanded ? 1 : view === "diff" ? 2 : 0;
  const extra = names[most];
  if (extra !== undefined)
    throw new UserError(
      "EA1102",
      `unexpected argument "${extra}" after "history ${[view, ...names.slice(0, most)].join(" ")}": ${demanded ? "put quotes around a name with spaces" : "remove it"}`,
    );
}

function wholeNumber(written: string): number {
  const number = /^\d{1,7}$/.test(written) ? Number(written) : 0;
  if (number < 1 || number > mostRuns)
    throw new UserError("EA1104", `--limit: expected a whole number from 1 on, got "${written}"`);
  return number;
}
