import { count, numberText } from "../../lib/count.ts";
import type { StageReport } from "../../model/report.ts";
import {
  type Difference,
  type Drift,
  driftSum,
  type FacetVerdict,
  facets,
  facetTitles,
  type SeedResult,
  type SyncResult,
  type SyncStep,
} from "../../model/staging.ts";
import type { Block, Cell, Column, Inline, Line, Row, Section } from "./shapes.ts";
import { refreshSection } from "./staging-refresh.ts";
import { sweepSection } from "./staging-sweep.ts";

/** What the tasks about a copy of production found and did. */

export function stagingSections({ staging }: StageReport): Section[] {
  if (!staging) return [];
  const { drift, sync, refresh, seed, sweep } = staging;
  return [
    ...(sync ? [syncSection(sync)] : []),
    ...(drift ? [driftSection(drift, sync !== undefined)] : []),
    ...(refresh ? [refreshSection(refresh)] : []),
    ...(seed ? [seedSection(seed)] : []),
    ...(sweep ? [sweepSection(sweep)] : []),
  ];
}

/** A symbol and a word, so that nothing depends on colour alone. */
const facetWords: Readonly<Record<FacetVerdict, Inline>> = {
  equal: { strong: "equal", tone: "good" },
  different: { strong: "different", tone: "bad" },
  unseen: { strong: "could not be seen", tone: "warning" },
};

/** `3 differences, 2 things could not be seen`. */
export function driftBrief(drift: Drift): string {
  const { differences, unseen } = driftSum(drift);
  const parts = [
    differences > 0 ? count(differences, "difference") : "",
    unseen > 0 ? `${count(unseen, "thing")} could not be seen` : "",
  ];
  return parts.filter(Boolean).join(", ") || "equal";
}

function driftSection(drift: Drift, isBefore: boolean): Section {
  const { verdict } = driftSum(drift);
  const ignored = facets.flatMap((facet) => drift.facets[facet].ignored);
  return {
    what: "staging",
    title: isBefore ? "Drift before" : "Drift",
    brief: driftBrief(drift),
    ...(verdict === "equal" ? { quiet: true as const } : {}),
    blocks: [
      {
        kind: "text",
        line: [{ code: drift.copy }, " compared with ", { code: drift.original }, `: ${driftBrief(drift)}.`],
      },
      facetTable(drift),
      ...differencesByTable(drift),
      ...unseenPlaces(drift),
      ...ignoredDifferences(ignored),
      ...unusedRules(drift),
    ],
  };
}

function facetTable(drift: Drift): Block {
  const rows = facets.map((facet): Row => {
    const { verdict, compared, differences, unseen, ignored } = drift.facets[facet];
    const hidden = unseen.filter((place) => place.ignored === undefined).length;
    const amount = (number: number): Cell => (number === 0 ? "" : numberText(number));
    const nothing = verdict === "equal" && compared === 0;
    return {
      cells: [
        facetTitles[facet],
        nothing ? "nothing to compare" : facetWords[verdict],
        numberText(compared),
        amount(differences.length),
        amount(hidden),
        amount(ignored.length + unseen.length - hidden),
      ],
    };
  });
  const numeric = true as const;
  const columns: Column[] = [
    { title: "Facet" },
    { title: "Result" },
    { title: "Compared", numeric },
    { title: "Different", numeric },
    { title: "Not seen", numeric },
    { title: "Left out", numeric },
  ];
  return { kind: "table", title: "What was compared", columns, rows, loses: "table of facets" };
}

/** Those of a table together, in the order of the catalog. */
function differencesByTable(drift: Drift): Block[] {
  const all = facets.flatMap((facet) => drift.facets[facet].differences);
  if (all.length === 0) return [];
  const groups = [...Map.groupBy(all, ({ object }) => tableOf(object))].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const rows = groups.flatMap(([table, group]) =>
    group.map((difference, at) => differenceRow(difference, at === 0 ? table : "")),
  );
  return [
    { kind: "title", text: "What differs" },
    {
      kind: "table",
      title: "What differs, by table",
      columns: ["Table", "What", "Original", "Copy"].map((title) => ({ title })),
      rows,
      loses: "difference",
      mostInSummary: 200,
      rest: (listed) => (rows.length > listed ? `${count(rows.length - listed, "more difference")} in the report.` : ""),
    },
  ];
}

function differenceRow(difference: Difference, table: string): Row {
  const { facet, item, how, original, copy } = difference;
  const part = difference.object.split(".").slice(2).join(".");
  const what: Line = [
    ...(part === "" ? [facetTitles[facet]] : ([{ code: part }, `, ${facetTitles[facet].toLowerCase()}`] as const)),
    ...(item === undefined ? [] : [": ", { code: item }]),
  ];
  const value = (text: string | undefined, isMissing: boolean): Cell =>
    isMissing ? { strong: "missing", tone: "bad" } : text === undefined ? "there" : text === "" ? "empty" : { code: text };
  return {
    cells: [
      table === "" ? "" : { code: table },
      { line: what, below: [] },
      how === "additional" ? "missing" : value(original, false),
      how === "missing" ? value(undefined, true) : value(copy, false),
    ],
    loses: "difference",
  };
}

/** `schema.table` of `schema.table.column`. */
export function tableOf(object: string): string {
  return object.split(".").slice(0, 2).join(".");
}

/** Each place once, with the facets that are concerned. */
function unseenPlaces(drift: Drift): Block[] {
  const places = new Map<string, { side: string; within: string; why: string; of: string[] }>();
  for (const facet of facets)
    for (const { side, within, why, ignored } of drift.facets[facet].unseen) {
      if (ignored !== undefined) continue;
      const key = JSON.stringify([side, within, why]);
      const place = places.get(key) ?? { side, within, why, of: [] };
      if (!place.of.includes(facetTitles[facet])) place.of.push(facetTitles[facet]);
      places.set(key, place);
    }
  if (places.size === 0) return [];
  const rows = [...places.values()].map(
    ({ side, within, why, of }): Row => ({
      cells: [side, within === "" ? "the catalog" : { code: within }, of.join(", "), why],
      loses: "difference",
    }),
  );
  return [
    { kind: "title", text: "What could not be seen" },
    {
      kind: "table",
      title: "What could not be seen",
      columns: ["Side", "Within", "Facets", "Why"].map((title) => ({ title })),
      rows,
      loses: "difference",
      mostInSummary: 50,
      rest: (listed) => (rows.length > listed ? `${count(rows.length - listed, "more place")} in the report.` : ""),
    },
  ];
}

function ignoredDifferences(ignored: Drift["facets"]["tables"]["ignored"]): Block[] {
  if (ignored.length === 0) return [];
  const rows = ignored.map(
    ({ facet, object, item, reason }): Row => ({
      cells: [{ code: item === undefined ? object : `${object}: ${item}` }, facetTitles[facet], reason],
    }),
  );
  return [
    {
      kind: "table",
      title: "Differences that the configuration leaves out",
      folded: true,
      columns: ["Object", "Facet", "Reason"].map((title) => ({ title })),
      rows,
      loses: "list of ignored differences",
    },
  ];
}

function unusedRules({ unusedRules: rules }: Drift): Block[] {
  if (rules.length === 0) return [];
  const items = rules.map(
    ({ object, facet, reason }) =>
      `The rule for ${object}${facet ? ` (${facet})` : ""} left nothing out: remove it. Its reason: ${reason}`,
  );
  return [{ kind: "list", tone: "info", items, loses: "note" }];
}

const stepWords: Readonly<Record<SyncStep["outcome"], Inline>> = {
  planned: "planned",
  done: { strong: "done", tone: "good" },
  failed: { strong: "failed", tone: "bad" },
  "not reached": { strong: "not reached", tone: "warning" },
};

/** `5 statements done, 0 differences left`. */
export function syncBrief({ steps, withheld, left }: SyncResult): string {
  if (steps.length === 0) return "nothing to do";
  if (withheld !== undefined || left === undefined) return `${count(steps.length, "statement")} planned, nothing was changed`;
  const done = steps.filter(({ outcome }) => outcome === "done").length;
  return `${done} of ${count(steps.length, "statement")} done, ${count(left, "difference")} left`;
}

function syncSection(sync: SyncResult): Section {
  const { steps, impossible, digest } = sync;
  const losing = steps.filter(({ loses }) => loses !== undefined).length;
  const quiet = impossible.length === 0 && steps.every(({ outcome }) => outcome === "done");
  return {
    what: "staging",
    title: "Synchronisation",
    brief: syncBrief(sync),
    ...(quiet ? { quiet } : {}),
    blocks: [
      { kind: "text", line: [`${sentence(syncBrief(sync))}.`] },
      ...(losing > 0
        ? [{ kind: "text", line: [`${count(losing, "statement")} would lose something.`], tone: "warning" } as const]
        : []),
      ...stepTable(steps),
      ...impossibleTable(impossible),
      { kind: "text", line: ["Digest of the plan: ", { code: digest }] },
    ],
  };
}

function stepTable(steps: readonly SyncStep[]): Block[] {
  if (steps.length === 0) return [];
  const rows = steps.map(
    ({ object, facet, statement, loses, outcome, problem }, at): Row => ({
      cells: [
        String(at + 1),
        { line: [{ code: object }], below: [facetTitles[facet]] },
        { line: [{ code: statement }], below: problem === undefined ? [] : [{ strong: problem, tone: "bad" }] },
        loses === undefined ? "" : { strong: loses, tone: "warning" },
        stepWords[outcome],
      ],
      loses: "step of a plan",
    }),
  );
  const columns = [
    { title: "#", numeric: true as const },
    ...["Object", "Statement", "Loses", "Outcome"].map((title) => ({ title })),
  ];
  return [
    {
      kind: "table",
      title: "Steps of the plan",
      columns,
      rows,
      loses: "step of a plan",
      mostInSummary: 200,
      rest: (listed) => (rows.length > listed ? `${count(rows.length - listed, "more step")} in the report.` : ""),
    },
  ];
}

function impossibleTable(impossible: SyncResult["impossible"]): Block[] {
  if (impossible.length === 0) return [];
  const rows = impossible.map(
    ({ object, facet, why, instead }): Row => ({
      cells: [{ line: [{ code: object }], below: [facetTitles[facet]] }, why, instead],
      loses: "difference",
    }),
  );
  return [
    { kind: "title", text: "What no statement can change" },
    {
      kind: "table",
      title: "What no statement can change",
      columns: ["Object", "Why", "Instead"].map((title) => ({ title })),
      rows,
      loses: "difference",
    },
  ];
}

/** `12 tables, 480 rows`. */
export function seedBrief({ tables, emptied }: SeedResult): string {
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const before = emptied.length > 0 ? `${count(emptied.length, "table")} emptied, ` : "";
  return `${before}${count(tables.length, "table")} filled with ${count(rows, "row")}`;
}

function seedSection(seed: SeedResult): Section {
  const rows = seed.tables.map(
    ({ table, rows: amount }): Row => ({ cells: [{ code: table }, numberText(amount)], loses: "row of test data" }),
  );
  const columns = [{ title: "Table" }, { title: "Rows", numeric: true as const }];
  return {
    what: "staging",
    title: "Synthetic data",
    brief: seedBrief(seed),
    quiet: true,
    blocks: [
      {
        kind: "text",
        line: [`${sentence(seedBrief(seed))}. The same seed gives the same data: `, { code: String(seed.seed) }, "."],
      },
      ...(rows.length > 0 ? [{ kind: "table", title: "Rows by table", columns, rows, loses: "row of test data" } as const] : []),
    ],
  };
}

function sentence(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
