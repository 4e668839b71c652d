import { growthOf, largestGrowth, overBounds, type Point, type Row, ratioOf } from "./result.ts";

/** The table of `npm run bench`, and the page that it writes. */

/** A bench that ran, or could not. */
export interface Finished {
  name: string;
  rows: readonly Row[];
  /** What else it printed. */
  lines: readonly string[];
  failures: readonly string[];
  /** Why it could not run. */
  missing?: string;
}

export interface About {
  machine: string;
  load: string;
  commit: string;
  date: string;
}

const heads = ["", "Measured", "Size", "Ours", "Peer", "Ours ÷ peer", "Growth", "At most"];

function cellsOf(row: Row, short: boolean): string[] {
  const { name, unit, points, sizes, peer, bounds = {} } = row;
  const list = (value: (point: Point) => number | undefined, after: string) => {
    const values = points.map(value);
    return values.every((each) => each === undefined) ? "" : `${values.map(figure).join(", ")} ${after}`;
  };
  const bound = (value: number | undefined, most: number | undefined) =>
    value === undefined ? "" : `${value.toFixed(2)}${most === undefined ? "" : ` (at most ${most})`}`;
  const wrong = overBounds(row, { short });
  return [
    wrong.length > 0 ? "OVER" : "",
    name,
    list(({ size }) => size, sizes ?? ""),
    list(({ value }) => value, unit),
    peer === undefined ? "" : `${list((point) => point.peer, unit)} (${peer})`.trim(),
    bound(ratioOf(row), bounds.ratio),
    bound(growthOf(row), bounds.growth ?? largestGrowth),
    bounds.value === undefined ? "" : `${figure(bounds.value)} ${unit}`,
  ];
}

/** Three digits say enough. */
function figure(value: number | undefined): string {
  if (value === undefined) return "–";
  if (Number.isInteger(value) || value >= 100) return Math.round(value).toLocaleString("en").replaceAll(",", " ");
  return value.toPrecision(2);
}

/** For the terminal. */
export function tableOf(finished: readonly Finished[], short: boolean): string {
  const lines = [heads, ...finished.flatMap(({ rows }) => rows.map((row) => cellsOf(row, short)))];
  const widths = heads.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** docs/performance.md */
export function pageOf(finished: readonly Finished[], { machine, load, commit, date }: About): string {
  const cell = (text: string) => text.replaceAll("|", "\\|");
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  const [, ...names] = heads;
  const tables = finished
    .filter(({ rows }) => rows.length > 0)
    .map(({ name, rows }) => {
      const lines = rows.map((row) =>
        line(
          cellsOf(row, false)
            .slice(1)
            .map((text, index) => mark(row, text, index)),
        ),
      );
      return `## ${name}\n\n\`node bench/${name}.ts\`\n\n${[line(names), line(names.map(() => "---")), ...lines].join("\n")}\n`;
    });
  const texts = finished
    .filter(({ rows, lines }) => rows.length === 0 && lines.length > 0)
    .map(({ name, lines }) => `## ${name}\n\n\`node bench/${name}.ts\`\n\n\`\`\`text\n${lines.join("\n").trim()}\n\`\`\`\n`);
  const over = finished.flatMap(({ name, failures }) => failures.map((failure) => `- ${name}: ${failure}\n`));
  const missing = finished.flatMap(({ name, missing }) => (missing === undefined ? [] : [`- ${name}: ${missing}\n`]));
  return `# Performance

\`npm run bench\` measures each part beside a peer that does the same work, in turns in the same run, and writes this page. Figures of another machine
differ; ratios and growth should not. Growth is the exponent: 1 means that twice the size takes twice the time, 2 four times.

| | |
| --- | --- |
| Machine | ${cell(machine)} |
| Load | ${load} |
| Commit | ${commit} |
| Date | ${date} |

${over.length > 0 ? `## Over a bound\n\n${over.join("")}\n` : ""}${[...tables, ...texts].join("\n")}${missing.length > 0 ? `\n## Not run\n\n${missing.join("")}` : ""}`;
}

function mark(row: Row, text: string, index: number): string {
  return index === 0 && overBounds(row, { short: false }).length > 0 ? `**over its bound:** ${text}` : text;
}
