import type { Rule } from "../rule.ts";

/** What only the environment itself can say. Without it, these rules find nothing, and the report says so. */

export const undeclaredTables: Rule = {
  code: "ED801",
  severity: "surprises",
  title: "A table is declared wrongly, or not at all",
  meaning: "Cleanup finds test rows in declared tables only. Rows in other tables stay, and only the books count them.",
  cure: "`env-actions tables` proposes what to write under `testData.tables`.",
  *find({ environment }) {
    for (const { text } of environment?.tables ?? []) if (environment) yield { at: environment.at, message: text };
  },
};

/** The tolerance with which a cleanup compares times of different machines. */
const toleranceMs = 5 * 60_000;
const noticeableMs = 30_000;

export const clocksApart: Rule = {
  code: "ED802",
  severity: "surprises",
  title: "The clocks are apart",
  meaning:
    "Cleanup compares the times of rows with the start of the run. It tolerates five minutes; beyond that, rows of a run look older than the run and are kept.",
  cure: "Synchronise the clocks with NTP, first that of this machine.",
  *find({ environment }) {
    for (const { of, aheadMs, uncertaintyMs } of environment?.clocks ?? []) {
      const apart = Math.abs(aheadMs) - uncertaintyMs;
      if (!environment || apart < noticeableMs) continue;
      const way = aheadMs > 0 ? "ahead of" : "behind";
      const weight = apart > toleranceMs ? "; more than cleanup tolerates" : "";
      yield {
        at: environment.at,
        message: `the clock of ${of} is ${Math.round(Math.abs(aheadMs) / 1000)} s ${way} this machine's${weight}`,
      };
    }
  },
};
