import type { Verdict } from "../../model/report.ts";
import type { Table } from "./shapes.ts";

/** Pictures of a report, as numbers that a medium can draw. All positions are shares of an axis, from 0 to 1. */

export type Chart = Dots | Flow;

export interface Bar {
  what: "stage" | "starting" | "running" | "tests" | "created" | "deletion";
  from: number;
  to: number;
}

export interface Lane {
  label: string;
  /** Of a stage; its parts have none. */
  verdict?: Verdict;
  bars: readonly Bar[];
  /** What the bars show, in words. */
  text: string;
}

/** What happened when, on one axis. */
export interface Timeline {
  kind: "timeline";
  title: string;
  note: string;
  lanes: readonly Lane[];
  ticks: readonly { at: number; label: string }[];
  /** Pauses between stages, which are drawn shorter than they were. */
  breaks: readonly { from: number; to: number; label: string }[];
  table: Table;
}

export interface DotRow {
  label: string;
  verdict: Verdict;
  text: string;
  marks: readonly { what: "sample" | "p50" | "p95" | "slowest"; at: number }[];
  /** From P50 to P95 of earlier runs. */
  band?: { from: number; to: number; text: string };
  limit?: { at: number; text: string };
}

/** Latencies, each row on its own scale, which begins at zero. */
export interface Dots {
  kind: "dots";
  title: string;
  note: string;
  rows: readonly DotRow[];
  /** What is not drawn. */
  rest?: string;
  table: Table;
}

export interface FlowRow {
  label: string;
  parts: readonly { what: "deleted" | "left" | "unknown" | "planned"; share: number }[];
  text: string;
}

/** What became of test data: created, deleted, left. */
export interface Flow {
  kind: "flow";
  title: string;
  steps: readonly { label: string; amount: string; tone?: "bad" | "good" }[];
  rows: readonly FlowRow[];
  /** What is not drawn. */
  rest?: string;
}
