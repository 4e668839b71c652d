import { verdictMarks } from "../app/progress.ts";
import { type Run, type RunStage, runsOf } from "../history/ask/runs.ts";
import { count } from "../lib/count.ts";
import type { HistoryRecord } from "../model/history.ts";
import { duration, shortSha } from "../report/words.ts";
import type { Shown } from "./history.ts";
import { type Part, verdictStyles } from "./screen.ts";

/** The last runs: one line each. */

const longestBranch = 24;

export function runsShown(records: readonly HistoryRecord[], limit: number, environment: string | undefined): Shown {
  const all = runsOf(records);
  const runs = all.slice(0, limit);
  const widths = widthsOf(runs);
  const more = all.length - runs.length;
  return {
    lines: [
      ...runs.map((run) => runLine(run, widths, environment)),
      ...(more > 0 ? [[[`  … and ${count(more, "older run")}: --limit shows more`, "gray"] satisfies Part]] : []),
    ],
    json: { runs: runs.map(({ records: _, ...run }) => run) },
  };
}

type Widths = Record<"id" | "branch" | "duration", number>;

function widthsOf(runs: readonly Run[]): Widths {
  const width = (texts: readonly string[]) => Math.max(0, ...texts.map(({ length }) => length));
  return {
    id: width(runs.map(({ id }) => id)),
    branch: width(runs.map(branchOf)),
    duration: width(runs.map(({ durationMs }) => duration(durationMs))),
  };
}

function runLine(run: Run, widths: Widths, environment: string | undefined): Part[] {
  const about = [
    minute(run.startedAt),
    run.id.padEnd(widths.id),
    ...(widths.branch > 0 ? [branchOf(run).padEnd(widths.branch)] : []),
    shortSha(run.commit.headSha ?? run.commit.sha).slice(0, 10),
    duration(run.durationMs).padStart(widths.duration),
  ].join("  ");
  const stages = [...Map.groupBy(run.stages, (stage) => stage.environment)].flatMap(([name, found]): Part[] => [
    environment === undefined ? `  ${name}` : " ",
    ...found.flatMap((stage): Part[] => [" ", [stageText(stage), verdictStyles[stage.verdict]]]),
  ]);
  return [`  ${about}`, ...stages];
}

function stageText({ verdict, stage, cells }: RunStage): string {
  return `${verdictMarks[verdict]} ${stage}${cells > 1 ? ` ×${cells}` : ""}`;
}

function branchOf({ branch = "" }: Run): string {
  return cutTo(branch, longestBranch);
}

/** `2026-11-28 09:12`, of an ISO time in UTC. */
export function minute(at: string): string {
  return at.slice(0, 16).replace("T", " ");
}

export function cutTo(text: string, most: number): string {
  const characters = [...text];
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join("")}…`;
}
