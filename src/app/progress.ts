import { count } from "../lib/count.ts";
import type { AuditEvent } from "../model/audit-event.ts";
import type { Check, Progress, StageName, Verdict } from "../model/report.ts";
import { pageAsLine } from "../report/view/pages.ts";
import { observedApart } from "../report/words.ts";

/** What is left, by table. */
interface Left {
  tables: Map<string, number>;
  keys: number;
}

const mayMakeTestData: readonly StageName[] = ["integration", "e2e", "cleanup"];

/** Tracks what a stage has not deleted yet, in case the user doesn't wait for it to finish. */
export class Remaining {
  #stage: StageName | undefined;
  #left: Left | undefined;

  /** Pass every progress event, in order. */
  watch(progress: Progress): void {
    if (progress.kind === "stage-started") {
      this.#stage = progress.stage;
      this.#left = undefined;
    } else if (progress.kind === "remaining") {
      const tables = progress.tables.flatMap(({ table, rows }) => (rows > 0 ? [[table, rows] as const] : []));
      this.#left = { tables: new Map(tables), keys: progress.keys };
    } else if (progress.kind === "table-done") {
      this.#left?.tables.delete(progress.table);
    } else if (progress.kind === "stage-finished" && progress.report.cleanup?.leftOver === 0 && !progress.report.cleanup.dryRun) {
      this.#left = { tables: new Map(), keys: 0 };
    }
  }

  /** The current stage, or the last one. */
  get stage(): StageName | undefined {
    return this.#stage;
  }

  /** Whether test data may be left. */
  get possible(): boolean {
    if (this.#left) return this.#left.tables.size > 0 || this.#left.keys > 0;
    return this.#stage !== undefined && mayMakeTestData.includes(this.#stage);
  }

  /** What is left, per table. Never too little; too much if a running statement still completes on the server. */
  lines(): string[] {
    if (this.#stage === undefined) return ["nothing was started yet"];
    if (this.#left) {
      if (!this.possible) return ["everything planned was deleted; the final check was not finished"];
      const { tables, keys } = this.#left;
      return [
        "may not be deleted yet:",
        ...[...tables].map(([table, rows]) => `  ${table.padEnd(44)} ${count(rows, "row")}`),
        ...(keys > 0 ? [`  ${"Redis".padEnd(44)} ${count(keys, "key")}`] : []),
        "a statement that is still running may finish on the server; then less remains",
      ];
    }
    if (this.#stage === "cleanup") return ["nothing was deleted yet; the amount of test data is unknown"];
    return [
      this.possible
        ? `it is not known yet whether ${this.#stage} created test data`
        : `${this.#stage} creates no test data: nothing remains`,
    ];
  }

  /** The same as a note for the audit log. */
  note(signal: string): AuditEvent {
    const { tables = new Map<string, number>(), keys = 0 } = this.#left ?? {};
    return {
      action: "decision",
      details: { what: "interrupted", signal, known: this.#left !== undefined || !this.possible },
      counts: { ...Object.fromEntries(tables), keys },
    };
  }
}

/** A symbol and a word, so that nothing depends on colour alone. */
export const verdictMarks: Record<Verdict, string> = { passed: "✔", degraded: "▲", failed: "✘", error: "■", skipped: "○" };

/** One check in one line: its title, what it found and, unless it passed, what was expected and what that means. */
export function checkLine(check: Check): string {
  // Whoever did not look compares nothing.
  const isAside = check.verdict === "passed" || check.verdict === "skipped";
  const parts = [
    `${verdictMarks[check.verdict]} ${check.title}`,
    [
      check.verdict === "passed" ? check.observed : observedApart(check),
      ...(isAside ? [] : [check.expected && `expected ${check.expected}`]),
    ]
      .filter(Boolean)
      .join(", "),
    check.verdict === "passed" ? undefined : (check.message ?? check.verdict),
  ];
  return pageAsLine(parts.filter((part) => part !== undefined && part !== "").join(" – "));
}

/** The two signals that stop a stage: on a runner from a cancelled job, in a terminal from Ctrl-C. */
export interface Cancellation {
  signal: AbortSignal;
  /** Pass all progress here: on the second signal, it is used to say what remains. */
  watch(progress: Progress): void;
  /** Pass the function that writes to the audit log as soon as there is one. */
  auditTo(write: (note: AuditEvent) => Promise<void>): void;
  dispose(): void;
}
