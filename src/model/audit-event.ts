import type { Rollback, Verdict } from "./report.ts";
import type { CleanupResult } from "./test-data.ts";

/**
 * What is written to the audit log. Whoever keeps the log adds who, when, where and which run. No event holds values of people: names of
 * tables and columns, ids of runs, and counts. Logs of other versions may hold other events, so a reader takes nothing for granted.
 */
export type AuditEvent = {
  /** The run whose test data this is about, if it is not the stage's own. */
  run?: string;
} & (Decision | Statement);

/** What was decided, or seen. */
type Decision =
  | Event<"decision", { what?: never; verdict: Verdict; reason: string; commit: string }, "deletedRows" | "deletedKeys">
  /** Rows by table and keys, as the ledger of the tests names them. */
  | Event<"decision", { what: "created" }>
  /** Rows by table and keys that a cleanup found; `execute`: they will be deleted. */
  | Event<"decision", { what: "plan"; scope: CleanupResult["scope"]; digest: string; execute: boolean }>
  /** The table's versions before and after it was deleted from. */
  | Event<"decision", { what: "versions"; table: string }, "versionBefore" | "versionAfter">
  /** Real rows that a test changed; `known`: of so many the old value is known. */
  | Event<"decision", { what: "touched"; table: string; column: string }, "rows" | "known">
  /** Whether a protected table still has its rows. */
  | Event<"decision", { what: "protected"; table: string; kept: boolean | "unknown" }>
  /** Rows by table and keys that were still there at the end. */
  | Event<"decision", { what: "verified"; leftOver: number | "unknown" }>
  | Event<"decision", { what: "books"; line: string }, "tables" | "made" | "deleted" | "unexplained" | "touched">
  | Event<"decision", { what: "undo"; report: string; commit: string }>
  | Event<"decision", { what: "repair-plan"; report: string; digest: string; execute: boolean; commit: string }>
  | Event<"decision", { what: "rollback"; trigger: string; of: string; outcome: Rollback["outcome"] | "asked"; why: string }>
  /** Rows by table and keys that may be left; `known`: nothing else can be. */
  | Event<"decision", { what: "interrupted"; signal: string; known: boolean }>;

/** What was written to the environment. A count of what was done is absent if the answer was lost. */
type Statement =
  | Event<"statement", { what: "delete"; table: string; statement: string; problem?: string }>
  | Event<"statement", { what: "unlink"; keys?: string; problem?: string }>
  | Event<"statement", { what: "restore"; table: string; version: number; problem?: string }>
  | Event<"statement", { what: "repair"; table: string; column: string; problem?: string }>;

interface Event<Action extends "decision" | "statement", Details, Counts extends string = string> {
  action: Action;
  details: Details;
  counts: Readonly<Record<Counts, number>>;
}
