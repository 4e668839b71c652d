import type { Rollback, Verdict } from "./report.ts";
import type { CleanupResult } from "./test-data.ts";

/**
 * What is written to the audit log; the log adds who, when, where and which run. Events hold names of tables and columns, ids of
 * runs, and counts, but no values about people. Logs of other versions may hold other events, so readers must not rely on these
 * fields.
 */
export type AuditEvent = {
  /** The run that the test data belongs to, if it is not the stage's own. */
  run?: string;
} & (Decision | Statement);

/** What was decided or observed. */
type Decision =
  | Event<"decision", { what?: never; verdict: Verdict; reason: string; commit: string }, "deletedRows" | "deletedKeys">
  /** Number of rows by table, and of keys, that the tests recorded in the ledger. */
  | Event<"decision", { what: "created" }>
  /** Number of rows by table, and of keys, that a cleanup found; `execute`: whether they will be deleted. */
  | Event<"decision", { what: "plan"; scope: CleanupResult["scope"]; digest: string; execute: boolean }>
  /** The table's versions before and after the deletion. */
  | Event<"decision", { what: "versions"; table: string }, "versionBefore" | "versionAfter">
  /** Real rows that a test changed; `known`: the number of rows whose old value is known. */
  | Event<"decision", { what: "touched"; table: string; column: string }, "rows" | "known">
  /** Whether a protected table still has all its rows. */
  | Event<"decision", { what: "protected"; table: string; kept: boolean | "unknown" }>
  /** Number of rows by table, and of keys, that still existed at the end. */
  | Event<"decision", { what: "verified"; leftOver: number | "unknown" }>
  | Event<"decision", { what: "books"; line: string }, "tables" | "made" | "deleted" | "unexplained" | "touched">
  /** How far the structure of a copy is from that of its original. */
  | Event<
      "decision",
      { what: "drift"; original: string; copy: string; verdict: "equal" | "different" | "unseen" },
      "compared" | "differences" | "unseen" | "ignored"
    >
  /** What would make the copy's structure equal; `execute`: whether it will be carried out. */
  | Event<"decision", { what: "sync-plan"; digest: string; execute: boolean }, "steps" | "losing" | "impossible">
  /** Whether sanitised rows went into the copy, by the policies with this hash. */
  | Event<
      "decision",
      { what: "refresh"; original: string; copy: string; refresh: string; policies: string; switched: boolean },
      "tables" | "rows" | "leaks" | "chance" | "orphans" | "suppressed"
    >
  | Event<"decision", { what: "undo"; report: string; commit: string }>
  | Event<"decision", { what: "repair-plan"; report: string; digest: string; execute: boolean; commit: string }>
  | Event<"decision", { what: "rollback"; trigger: string; of: string; outcome: Rollback["outcome"] | "asked"; why: string }>
  /** How the workflow run ended that a rollback started, in GitHub's word, or `unknown`. */
  | Event<"decision", { what: "rollback-run"; run: number; conclusion: string }>
  /** Number of rows by table, and of keys, that may be left; `known`: whether the list is complete. */
  | Event<"decision", { what: "interrupted"; signal: string; known: boolean }>;

/** What was written to the environment. A count is absent if the answer was lost. */
type Statement =
  | Event<"statement", { what: "delete"; table: string; statement: string; problem?: string }>
  /** A change of the copy's structure. */
  | Event<"statement", { what: "sync"; object: string; statement: string; problem?: string }>
  /** By a refresh: something in the copy's catalog was created, filled, changed or dropped. A statement that was cut short has a problem. */
  | Event<"statement", { what: "refresh-step"; object: string; statement: string; problem?: string }>
  /** A table of a copy was emptied, or filled with synthetic rows. */
  | Event<"statement", { what: "empty" | "seed"; table: string; problem?: string }>
  /** By a sweep: a working schema, or an old copy. */
  | Event<"statement", { what: "schema-dropped"; schema: string; of: string }>
  | Event<"statement", { what: "unlink"; keys?: string; problem?: string }>
  | Event<"statement", { what: "restore"; table: string; version: number; problem?: string }>
  /** `branch`: the catalog or schemas that were created as a copy, or dropped. */
  | Event<"statement", { what: "branch-created"; branch: string; of: string }, "cloned" | "empty" | "leftOut">
  /** `gone`: whether it was looked for afterwards and wasn't there. */
  | Event<"statement", { what: "branch-dropped"; branch: string; of: string; gone: boolean | "unknown"; problem?: string }>
  | Event<"statement", { what: "repair"; table: string; column: string; problem?: string }>;

interface Event<Action extends "decision" | "statement", Details, Counts extends string = string> {
  action: Action;
  details: Details;
  counts: Readonly<Record<Counts, number>>;
}
