import { join } from "node:path";
import { historySettings } from "../config/history-settings.ts";
import type { Changes } from "../history/ask/changes.ts";
import { historyOfTest, newestExecutions, testHistories } from "../history/ask/tests.ts";
import { chooseStore } from "../history/store/choose.ts";
import { type FoundRecords, type HistoryStore, joinAfterMs } from "../history/store/store.ts";
import { count, numberText } from "../lib/count.ts";
import { nearest } from "../lib/nearest.ts";
import { recordsDirectory } from "../lib/plain-file.ts";
import type { HistoryRecord } from "../model/history.ts";
import { UserError } from "../model/user-error.ts";
import { printedJson } from "../report/inert.ts";
import type { Arguments } from "./arguments.ts";
import { defaultConfig } from "./commands.ts";
import type { HistoryArguments } from "./history-arguments.ts";
import type { GuardedTerminal } from "./main.ts";
import { type Part, Screen } from "./screen.ts";

/** What earlier runs left, in the terminal. */

/** What a view shows: lines for people, and the same for programs. */
export interface Shown {
  lines: Part[][];
  json: Record<string, unknown>;
}

/** The newest runs, if no limit is given. */
const shownRuns = 20;
const countedRuns = 50;

/**
 * Shows the history. An empty one is no mistake: then nothing has run yet.
 * @returns the exit status
 * @throws UserError for a name that the history doesn't have
 */
export async function history(args: Arguments, world: GuardedTerminal): Promise<number> {
  const { history: asked } = args;
  if (!asked) throw new Error("history without arguments");
  const { store, keep } = await openHistory(args, world);
  const shown =
    asked.view === "compact" ? await compacted(store, keep) : await view(args.environment, asked, store, await store.all());
  if (args.json) {
    world.stdout.write(`${printedJson({ place: store.place, ...shown.json })}\n`);
    return 0;
  }
  const screen = new Screen(world.stdout, { verbose: false });
  for (const line of shown.lines) screen.line(...line);
  return 0;
}

/**
 * Where the configuration says that the history is. Without a configuration, it is in the workspace.
 * @throws UserError if it is switched off, or unknown
 */
export async function openHistory(
  { config }: Pick<Arguments, "config">,
  { cwd, env }: Pick<GuardedTerminal, "cwd" | "env">,
): Promise<{ store: HistoryStore; keep: number }> {
  const settings = await historySettings(config, { cwd, env, optional: config === defaultConfig });
  const store = await chooseStore({
    ...{ store: settings.store, keepMs: settings.keep, records: join(cwd, recordsDirectory), workspace: cwd, env },
  });
  if (store) return { store, keep: settings.keep };
  throw new UserError(
    "EA8133",
    `history.store is none in ${config}, so runs leave no record: set it to workspace, or to a shared place`,
  );
}

async function compacted(store: HistoryStore, keep: number): Promise<Shown> {
  if (!store.compact) throw new UserError("EA8134", `${store.place} removes its records itself: there is nothing to join`);
  const now = Date.now();
  const { joined, removed } = await store.compact({ now, joinBefore: now - joinAfterMs, removeBefore: now - keep });
  return {
    lines: [[`${store.place}: joined ${count(joined, "record")} into monthly files, and removed ${count(removed, "record")}`]],
    json: { joined, removed },
  };
}

async function view(
  environment: string | undefined,
  asked: HistoryArguments,
  { place }: HistoryStore,
  { records: all, unreadable }: FoundRecords,
): Promise<Shown> {
  const records = wanted(all, { environment, stage: asked.stage, branch: asked.branch });
  const shown = all.length === 0 ? { lines: [], json: emptyJson[asked.view] } : await viewOf(asked, records, environment);
  return {
    lines: [
      ...(all.length === 0 ? emptyLines(place) : [[[headline(place, all, records), "gray"] as const satisfies Part], [""]]),
      ...shown.lines,
      ...unreadableLines(unreadable),
    ],
    json: { records: records.length, unreadable, ...shown.json },
  };
}

const emptyJson: Readonly<Record<HistoryArguments["view"], Record<string, unknown>>> = {
  runs: { runs: [] },
  tests: { tests: [] },
  test: { tests: [] },
  checks: { checks: [] },
  check: { checks: [] },
  diff: { changes: [] },
  compact: {},
};

async function viewOf(
  { view, names, limit }: HistoryArguments,
  records: readonly HistoryRecord[],
  environment: string | undefined,
): Promise<Shown> {
  const [name = ""] = names;
  switch (view) {
    case "tests": {
      const { testsShown } = await import("./history-tests.ts");
      return testsShown(testHistories(newestExecutions(records, limit ?? countedRuns)), limit ?? countedRuns);
    }
    case "test": {
      const { testName, testShown } = await import("./history-tests.ts");
      const exact = testName(records, name);
      return testShown(exact, historyOfTest(newestExecutions(records, limit ?? countedRuns), exact), records);
    }
    case "checks":
    case "check": {
      const { checksShown } = await import("./history-checks.ts");
      return checksShown(records, view === "check" ? name : undefined, limit ?? countedRuns);
    }
    case "diff": {
      const { diffShown, pairsOf } = await import("./history-diff.ts");
      const { changesBetween } = await import("../history/ask/changes.ts");
      const changes: Changes[] = pairsOf(records, names).map(([from, to]) => changesBetween(from, to));
      return diffShown(changes);
    }
    default: {
      const { runsShown } = await import("./history-runs.ts");
      return runsShown(records, limit ?? shownRuns, environment);
    }
  }
}

interface Filter {
  environment: string | undefined;
  stage: string | undefined;
  branch: string | undefined;
}

/** @throws UserError if no record has what was asked for, because it may be misspelled */
function wanted(records: readonly HistoryRecord[], { environment, stage, branch }: Filter): HistoryRecord[] {
  const found = records.filter(
    (record) =>
      (environment === undefined || record.environment.name === environment) &&
      (stage === undefined || record.stage === stage) &&
      (branch === undefined || record.branch === branch),
  );
  if (found.length > 0 || records.length === 0) return found;
  for (const [what, written, known] of [
    ["environment", environment, records.map((record) => record.environment.name)],
    ["stage", stage, records.map((record) => record.stage)],
    ["branch", branch, records.flatMap((record) => record.branch ?? [])],
  ] as const)
    if (written !== undefined && !known.some((one) => one === written))
      throw new UserError("EA8131", `no record of the history has the ${what} "${written}"; ${meant(written, known)}`);
  throw new UserError("EA8131", "no record of the history has all of these: leave out --environment, --stage or --branch");
}

const namesListed = 10;

/** The name that was probably meant, or the newest ones, of which there may be many. */
export function meant(written: string, known: readonly string[]): string {
  const names = [...new Set(known)];
  const near = nearest(written, names);
  if (near !== undefined) return `did you mean "${near}"?`;
  if (names.length === 0) return "none is known";
  const more = names.length > namesListed ? `, and ${names.length - namesListed} more` : "";
  return `known: ${names.slice(-namesListed).reverse().join(", ")}${more}`;
}

function headline(place: string, all: readonly HistoryRecord[], shown: readonly HistoryRecord[]): string {
  const some = shown.length === all.length ? "" : `${numberText(shown.length)} of `;
  return `${some}${count(all.length, "record")} in ${place}. Times are UTC.`;
}

function emptyLines(place: string): Part[][] {
  return [
    [`The history is empty: there is no record in ${place}.`],
    [
      "Each stage that runs leaves one. If stages ran elsewhere, set history.store in the configuration to a place that all jobs reach.",
    ],
  ];
}

const unreadableListed = 5;

function unreadableLines(unreadable: FoundRecords["unreadable"]): Part[][] {
  const damaged = unreadable.filter(({ isOther }) => !isOther);
  const others = unreadable.filter(({ isOther }) => isOther);
  const is = damaged.length === 1 ? "file can't be read, so its runs are" : "files can't be read, so their runs are";
  return [
    ...listOf(`▲ ${damaged.length} ${is} missing here:`, "yellow", damaged),
    ...listOf(`${others.length} not looked at:`, "gray", others),
  ];
}

function listOf(title: string, style: "yellow" | "gray", files: FoundRecords["unreadable"]): Part[][] {
  if (files.length === 0) return [];
  const more = files.length - unreadableListed;
  return [
    [""],
    [[title, style]],
    ...files.slice(0, unreadableListed).map(({ name, why }): Part[] => [`    ${name}: ${why}`]),
    ...(more > 0 ? [[`    … and ${more} more`]] : []),
  ];
}
