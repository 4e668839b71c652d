import { codeBlock } from "./inert.ts";
import type { Bar, Lane, Timeline } from "./view/chart-shapes.ts";
import { cut } from "./words.ts";

/** Draws the timeline of a gate as text on one axis, for media without pictures. */

const axis = 48;
const longestLabel = 24;
const longestText = 40;
/** Each stage with its servers, commands and deletion. */
const mostLanes = 40;

const marks: Record<Bar["what"], string> = {
  stage: "─",
  starting: "░",
  running: "·",
  tests: "█",
  created: "▒",
  deletion: "▓",
};

const legend: Partial<Record<Bar["what"], string>> = {
  starting: "░ server starts",
  running: "· server runs",
  tests: "█ tests",
  created: "▒ test data created",
  deletion: "▓ test data deleted",
};

export function textTimeline({ lanes, ticks, breaks, note }: Timeline): string {
  const shown = lanes.slice(0, mostLanes);
  const lines = [
    scale(ticks),
    ...shown.map((lane) =>
      `${label(lane).padEnd(longestLabel + 2)}${drawn(lane)}  ${cut(line(lane.text), longestText)}`.trimEnd(),
    ),
    ...(lanes.length > mostLanes ? [`… and ${lanes.length - mostLanes} more`] : []),
  ];
  const used = new Set(shown.flatMap(({ bars }) => bars.map(({ what }) => what)));
  const signs = Object.entries(legend).flatMap(([what, words]) => (used.has(what as Bar["what"]) ? [words] : []));
  const pauses = breaks.map((pause) => pause.label);
  const below = [
    ...(signs.length > 0 ? [signs.join("   ")] : []),
    ...(pauses.length > 0 ? [`Drawn shorter: ${pauses.join(", ")}`] : []),
  ];
  return `${codeBlock([...lines, "", ...below].join("\n"))}\n${note}\n`;
}

function label({ label, verdict }: Lane): string {
  const room = verdict === undefined ? longestLabel - 2 : longestLabel;
  const text = line(label);
  const short = text.length > room ? `${text.slice(0, room - 1).toWellFormed()}…` : text;
  return verdict === undefined ? `  ${short}` : short;
}

function drawn({ bars }: Lane): string {
  const columns = Array.from({ length: axis }, () => " ");
  for (const { what, from, to } of bars) {
    const first = Math.min(axis - 1, Math.max(0, Math.floor(from * axis)));
    // Even the shortest part has a column.
    const last = Math.min(axis, Math.max(first + 1, Math.round(to * axis)));
    columns.fill(marks[what], first, last);
  }
  return columns.join("");
}

/** The times above the axis, each where it is. */
function scale(ticks: Timeline["ticks"]): string {
  let text = " ".repeat(longestLabel + 2);
  for (const { at, label } of ticks) {
    const column = longestLabel + 2 + Math.round(at * axis);
    if (column >= text.length) text = text.padEnd(column) + line(label);
  }
  return text.trimEnd();
}

function line(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
