import type { Rule } from "../rule.ts";

/** What only the environment itself can say. Without it, these rules find nothing, and the report says so. */

export const undeclaredTables: Rule = {
  code: "ED801",
  severity: "surprises",
  title: "A table is declared wrongly, or not at all",
  meaning: "Cleanup finds test rows in declared tables only. Rows in other tables stay, and only the books count them.",
  cure: "`env-actions tables` proposes what to write under `testData.tables`.",
  *find({ environment, configuration }) {
    const tables = Map.groupBy(environment?.tables ?? [], ({ table }) =>
      configuration?.file.at(["testData", "tables", table]) === undefined ? undefined : table,
    );
    for (const [table, differences] of tables) {
      const at = table === undefined ? environment?.at : configuration?.file.keyPlace(["testData", "tables", table]);
      const shown = differences.slice(0, mostShown).map((one) => `${one.table} ${one.text}`);
      const more = differences.length > mostShown ? `, and ${differences.length - mostShown} more` : "";
      if (at) yield { at, message: `${environment?.name}: ${shown.join("; ")}${more}` };
    }
  },
};

const mostShown = 5;

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
    if (!environment) return;
    const apart = environment.clocks.filter(({ aheadMs, uncertaintyMs }) => Math.abs(aheadMs) - uncertaintyMs >= noticeableMs);
    if (apart.length === 0) return;
    const shown = apart.map(({ of, aheadMs, uncertaintyMs }) => {
      const way = aheadMs > 0 ? "ahead of" : "behind";
      const weight = Math.abs(aheadMs) - uncertaintyMs > toleranceMs ? ", more than cleanup tolerates" : "";
      return `the clock of ${of} is ${Math.round(Math.abs(aheadMs) / 1000)} s ${way} this machine's${weight}`;
    });
    yield { at: environment.at, message: shown.join("; ") };
  },
};
