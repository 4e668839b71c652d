import type { StageReport } from "../../model/report.ts";
import { duration, stageTitle } from "../words.ts";
import type { Bar, Lane, Timeline } from "./chart-shapes.ts";
import type { Row } from "./shapes.ts";

interface Span {
  from: number;
  to: number;
}

/** A pause longer than this share of the time in stages is drawn shorter, so that the stages stay visible. */
const longPause = 0.15;
const drawnPause = 0.06;

/** When the stages ran and what took the time in them, on one axis. A cancelled stage may lack anything but its start. */
export function gateTimeline(reports: readonly StageReport[]): Timeline | undefined {
  const timed = reports
    .map((report) => ({ report, from: Date.parse(report.startedAt) }))
    .filter(({ from }) => Number.isFinite(from))
    .map(({ report, from }) => ({ report, from, to: from + Math.max(1, report.durationMs) }))
    .sort((a, b) => a.from - b.from);
  const lanes = timed.map((one) => ({ ...one, parts: partsOf(one.report, one) }));
  if (lanes.length + lanes.reduce((sum, { parts }) => sum + parts.length, 0) < 2) return undefined;
  const axis = axisOf(timed);
  const bar = (what: Bar["what"], { from, to }: Span): Bar => ({ what, from: axis.at(from), to: axis.at(to) });
  return {
    kind: "timeline",
    title: "Timeline",
    note: "Stages are drawn where they began. Their parts have measured lengths, but no recorded start: they are drawn backwards from the end of the stage, the deletion last, the tests before it, and the start of the servers before the tests.",
    lanes: lanes.flatMap(({ report, parts, ...span }): Lane[] => [
      {
        label: `${stageTitle(report.stage)} on ${report.environment.name}`,
        verdict: report.verdict,
        bars: [bar("stage", span)],
        text: duration(report.durationMs),
      },
      ...parts.map(({ label, bars, text }) => ({ label, text, bars: bars.map((one) => bar(one.what, one)) })),
    ]),
    ticks: axis.ticks,
    breaks: axis.breaks,
    table: {
      kind: "table",
      title: "Timeline as a table",
      folded: true,
      columns: [{ title: "Stage" }, { title: "Part" }, { title: "Began", numeric: true }, { title: "Time", numeric: true }],
      rows: lanes.flatMap(({ report, parts }): Row[] => {
        const stage = `${stageTitle(report.stage)} on ${report.environment.name}`;
        return [
          { cells: [stage, "whole stage", report.startedAt.slice(11, 19), duration(report.durationMs)] },
          ...parts.map(({ label, text }) => ({ cells: [stage, label, "", text] })),
        ];
      }),
      loses: "table of servers or commands",
    },
  };
}

interface Part {
  label: string;
  bars: (Span & Pick<Bar, "what">)[];
  text: string;
}

function partsOf({ servers, commands, checks, cleanup }: StageReport, stage: Span): Part[] {
  const lengthOf = (id: string) => checks.find((check) => check.id === id)?.durationMs ?? 0;
  const clipped = (from: number, to: number): Span => ({
    from: Math.min(Math.max(from, stage.from), stage.to),
    to: Math.min(Math.max(to, stage.from), stage.to),
  });
  const deletionMs = cleanup ? lengthOf("test-data.cleanup") : 0;
  const deletionEnd = stage.to - lengthOf("test-data.books");
  const testsEnd = deletionEnd - deletionMs;
  const tasks = commands.filter(({ task }) => task !== undefined);
  const tests = commands.filter(({ task }) => task === undefined);
  const tasksMs = tasks.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const testsMs = tests.reduce((sum, { durationMs }) => sum + durationMs, 0);
  let end = testsEnd - testsMs;
  // Without a test command, servers start with the stage.
  const slowestStart = Math.max(0, ...servers.map(({ readyMs = 0 }) => readyMs));
  const ready = tests.length > 0 ? end : stage.from + tasksMs + slowestStart;
  const server = servers.flatMap(({ name, readyMs }): Part[] => {
    if (readyMs === undefined) return [];
    const bars = [
      { what: "starting" as const, ...clipped(ready - readyMs, ready) },
      { what: "running" as const, ...clipped(ready, testsEnd) },
    ];
    return [{ label: name, bars, text: `ready after ${duration(readyMs)}` }];
  });
  let begun = stage.from;
  const task = tasks.map(({ task = "", durationMs }): Part => {
    begun += durationMs;
    return { label: task, bars: [{ what: "starting", ...clipped(begun - durationMs, begun) }], text: duration(durationMs) };
  });
  const command = tests.map(({ command, durationMs }): Part => {
    end += durationMs;
    return {
      label: command,
      bars: [{ what: "tests", ...clipped(end - durationMs, end) }],
      text: duration(durationMs),
    };
  });
  const deletion: Part[] =
    deletionMs === 0
      ? []
      : [
          {
            label: cleanup?.dryRun ? "plan of the deletion" : "deletion of test data",
            bars: [{ what: "deletion", ...clipped(testsEnd, deletionEnd) }],
            text: duration(deletionMs),
          },
        ];
  return [...task, ...server, ...command, ...created(cleanup, stage), ...deletion];
}

/** When the rows of this run were created, by their own times. Rows of other runs, and clocks that differ, show nothing. */
function created(cleanup: StageReport["cleanup"], stage: Span): Part[] {
  if (cleanup?.scope !== "run" || cleanup.runs) return [];
  const times = (texts: (string | undefined)[]) => texts.map((text) => Date.parse(text ?? "")).filter(Number.isFinite);
  const from = Math.min(...times(cleanup.tables.map(({ oldest }) => oldest)));
  const to = Math.max(...times(cleanup.tables.map(({ newest }) => newest)));
  if (!(from >= stage.from && to <= stage.to && from <= to)) return [];
  return [{ label: "test data created", bars: [{ what: "created", from, to }], text: `over ${duration(to - from)}` }];
}

interface Axis extends Pick<Timeline, "ticks" | "breaks"> {
  at(time: number): number;
}

/** @param spans not empty, in the order of their start */
function axisOf(spans: readonly Span[]): Axis {
  const busy = joined(spans);
  const active = busy.reduce((sum, { from, to }) => sum + to - from, 0);
  // Where each period begins on the axis, in drawn milliseconds.
  const drawn: (Span & { begin: number })[] = [];
  const breaks: (Span & { label: string })[] = [];
  let end = 0;
  for (const [index, period] of busy.entries()) {
    const pause = period.from - (busy[index - 1]?.to ?? period.from);
    const isLong = pause > active * longPause;
    const begin = end + (isLong ? active * drawnPause : pause);
    if (isLong) breaks.push({ from: end, to: begin, label: `${duration(pause)} pause` });
    drawn.push({ ...period, begin });
    end = begin + period.to - period.from;
  }
  const at = (time: number) => {
    const period = drawn.findLast(({ from }) => from <= time) ?? drawn[0];
    return period === undefined ? 0 : Math.min(1, (period.begin + time - period.from) / end);
  };
  const share = ({ from, to, label }: Span & { label: string }) => ({ from: from / end, to: to / end, label });
  return { at, breaks: breaks.map(share), ticks: breaks.length === 0 ? steps(drawn, end) : clockTimes(drawn, end) };
}

/** Spans that overlap or touch, as one. */
function joined(spans: readonly Span[]): Span[] {
  const periods: Span[] = [];
  for (const { from, to } of spans) {
    const last = periods.at(-1);
    if (last && from <= last.to) last.to = Math.max(last.to, to);
    else periods.push({ from, to });
  }
  return periods;
}

const second = 1_000;
const minute = 60 * second;
const stepSizes = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200].map((size) => size * second);
const mostSteps = 5;

/** Round times since the start. */
function steps([first]: readonly Span[], length: number): Timeline["ticks"] {
  if (!first) return [];
  const size = stepSizes.find((size) => length / size <= mostSteps) ?? length / mostSteps;
  const words = (time: number) =>
    time === 0 ? "0" : size < minute ? `${Math.round(time / 100) / 10} s` : `${Math.round(time / minute)} min`;
  return Array.from({ length: Math.floor(length / size) + 1 }, (_, index) => index * size).map((time) => ({
    at: time / length,
    label: words(time),
  }));
}

/** With pauses, the time of day at which each period began, unless it would overlap the one before. */
function clockTimes(periods: readonly (Span & { begin: number })[], length: number): Timeline["ticks"] {
  const ticks: Timeline["ticks"][number][] = [];
  for (const { from, begin } of periods) {
    const at = begin / length;
    if (ticks.length > 0 && at - (ticks.at(-1)?.at ?? 0) < 0.18) continue;
    ticks.push({ at, label: new Date(from).toISOString().slice(11, 16) });
  }
  return ticks;
}
