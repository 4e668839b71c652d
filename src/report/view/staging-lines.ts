import type { StageReport } from "../../model/report.ts";
import { type Difference, type Drift, facets, facetTitles, type SweepResult, type SyncResult } from "../../model/staging.ts";
import type { Message } from "./shapes.ts";
import { seedBrief, tableOf } from "./staging.ts";
import { refreshBrief } from "./staging-refresh.ts";
import { sweptStates } from "./staging-sweep.ts";

/** What the tasks about a copy say outside their report: in the terminal, and beside the code. */

/** Lines for the terminal: what was found or planned, below the checks. */
export function stagingLines({ staging }: StageReport): { text: string; tone?: "bad" }[] {
  const { drift, sync, refresh, seed, sweep } = staging ?? {};
  return [
    ...(sync ? syncLines(sync) : drift ? driftLines(drift) : []),
    ...(refresh ? [{ text: refreshBrief(refresh) }] : []),
    ...(seed ? [{ text: seedBrief(seed) }] : []),
    ...(sweep ? sweepLines(sweep) : []),
  ];
}

function sweepLines({ things }: SweepResult): { text: string; tone?: "bad" }[] {
  return things.slice(0, mostLines).map(({ what, name, state, why }) => ({
    text: `${sweptStates[state].padEnd(16)} ${what.padEnd(14)} ${name}${why === undefined ? "" : `: ${why}`}`,
    ...(state === "left" ? { tone: "bad" as const } : {}),
  }));
}

/** In a terminal; the report has all. */
const mostLines = 40;

function driftLines(drift: Drift): { text: string; tone?: "bad" }[] {
  const all = facets
    .flatMap((facet) => drift.facets[facet].differences)
    .sort((a, b) => (tableOf(a.object) < tableOf(b.object) ? -1 : tableOf(a.object) > tableOf(b.object) ? 1 : 0));
  const lines = all.slice(0, mostLines).map(({ facet, object, item, how, original, copy }) => {
    const what = `${object}${item === undefined ? "" : ` (${item})`}`;
    const values =
      how === "different"
        ? `${oneLine(original)} → ${oneLine(copy)}`
        : how === "missing"
          ? "missing in the copy"
          : "only in the copy";
    return { text: `${facet.padEnd(12)} ${what.padEnd(44)} ${values}`, tone: "bad" as const };
  });
  return [...lines, ...(all.length > mostLines ? [{ text: `and ${all.length - mostLines} more differences` }] : [])];
}

function syncLines({ steps, impossible, digest, withheld, left }: SyncResult): { text: string; tone?: "bad" }[] {
  // What was done as planned is in the report.
  const told = steps.filter(({ outcome }) => outcome !== "done");
  const lines = told.slice(0, mostLines).map(({ statement, loses, outcome, problem }) => ({
    text: `${outcome.padEnd(11)} ${oneLine(statement)}${loses ? `  -- loses ${loses}` : ""}${problem ? `  -- ${problem}` : ""}`,
    ...(outcome === "failed" ? { tone: "bad" as const } : {}),
  }));
  const isPlan = withheld !== undefined || left === undefined;
  return [
    ...lines,
    ...(told.length > mostLines ? [{ text: `and ${told.length - mostLines} more statements` }] : []),
    ...impossible
      .slice(0, mostLines)
      .map(({ object, why, instead }) => ({ text: `${object}: ${why}; instead: ${instead}`, tone: "bad" as const })),
    ...(isPlan && steps.length > 0 ? [{ text: `Digest of the plan: ${digest}` }] : []),
  ];
}

const longestValue = 60;

function oneLine(text = ""): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= longestValue * 3 ? line : `${line.slice(0, longestValue * 3)}…`;
}

/** Differences whose place in a snapshot is known, so that they stand beside its lines. */
export function driftMessages({ staging }: StageReport): Message[] {
  const { drift } = staging ?? {};
  const file = drift?.place?.file;
  if (!drift || file === undefined) return [];
  return facets.flatMap((facet) =>
    drift.facets[facet].differences.flatMap((difference) =>
      difference.line === undefined
        ? []
        : [{ title: `Drift: ${whatDiffers(difference)}`, text: valuesOf(difference), file, line: difference.line }],
    ),
  );
}

function whatDiffers({ facet, object, item }: Difference): string {
  return `${object}${item === undefined ? "" : ` (${item})`}, ${facetTitles[facet].toLowerCase()}`;
}

function valuesOf({ how, original, copy }: Difference): string {
  if (how === "missing") return "The copy lacks it.";
  if (how === "additional") return "Only the copy has it.";
  return `The original has ${oneLine(original)}, the copy ${oneLine(copy)}.`;
}
