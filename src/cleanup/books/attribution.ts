import type { Amount, TableBooks } from "../../model/test-data.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { detailsOf, type RowDetails } from "./contents.ts";
import type { Attributed, Change, ChangeSource } from "./history.ts";
import type { TrackedRow } from "./replay.ts";
import type { Finding, TableCase } from "./table.ts";

/** New or changed rows of one table, with details read from the rows. */
export interface DescribedFinding {
  table: TableCase;
  finding: Finding;
  made: ReadonlyMap<string, RowDetails>;
  changed: ReadonlyMap<string, RowDetails>;
}

/** Details are read for this many rows; whether the others are real stays unknown. */
export const detailLimit = 5_000;

/** @throws WarehouseFailure */
export async function describeFinding(
  warehouse: WarehouseReader,
  table: TableCase,
  finding: Finding,
  run: { runId: string; prefixes: readonly string[] },
): Promise<DescribedFinding> {
  const ask = async (version: number | undefined, contents: readonly string[]) =>
    version === undefined || contents.length === 0
      ? new Map<string, RowDetails>()
      : await detailsOf(warehouse, table, version, [...new Set(contents)].slice(0, detailLimit), run);
  const [made, changed] = await Promise.all([
    ask(table.to, finding.rows?.map(({ content }) => content) ?? []),
    ask(table.from, finding.changed?.map(({ startContent }) => startContent ?? "") ?? []),
  ]);
  return { table, finding, made, changed };
}

/**
 * Rows of runs that run at the same time: rows with another run's id, and rows that depend on those. They are neither real nor
 * this run's. `table` → contents.
 */
export function rowsOfOtherRuns(findings: readonly DescribedFinding[]): Map<string, Set<string>> {
  const contents = new Map<string, Set<string>>(findings.map(({ table }) => [table.table, new Set()]));
  const keys = new Map<string, Set<string>>();
  for (let grew = true; grew; ) {
    grew = false;
    for (const { table, finding, made, changed } of findings) {
      const known = contents.get(table.table) ?? new Set();
      const look = (row: TrackedRow, content: string, details: RowDetails | undefined, shows: boolean) => {
        if (!details || details.ofRun || known.has(content)) return;
        const hangs = Object.entries(details.parents).some(([column, id]) => keys.get(table.parents[column] ?? "")?.has(id));
        if (!shows && !hangs) return;
        known.add(content);
        grew = true;
        if (row.key !== null) keys.set(table.table, (keys.get(table.table) ?? new Set()).add(row.key));
      };
      for (const row of finding.rows ?? []) {
        const details = made.get(row.content);
        look(row, row.content, details, details?.otherRun !== undefined);
      }
      for (const row of finding.changed ?? []) {
        const details = changed.get(row.startContent ?? "");
        // An existing row may be a real one that only mentions a run, or points at data that a run left.
        look(row, row.startContent ?? "", details, details?.namedByOtherRun === true);
      }
    }
  }
  return contents;
}

/** Counted rows with their details. */
export interface Counted {
  certain: { row: TrackedRow; details: RowDetails | undefined }[];
  doubtful: { row: TrackedRow; details: RowDetails | undefined }[];
}

/** New rows that are certainly this run's, and new rows that may be. */
export function unexplainedRows({ finding, made }: DescribedFinding, others: ReadonlySet<string>): Counted {
  const counted: Counted = { certain: [], doubtful: [] };
  for (const row of finding.rows ?? []) {
    const details = made.get(row.content);
    if (row.origin === "start" || others.has(row.content)) continue;
    if (details?.ofRun || row.origin.side === "run") counted.certain.push({ row, details });
    else if (row.origin.side === "shared") counted.doubtful.push({ row, details });
  }
  return counted;
}

/**
 * Existing rows that this run certainly changed or deleted, and those that another run with the same principal may have changed.
 */
export function touchedRows({ finding, changed }: DescribedFinding, others: ReadonlySet<string>): Counted {
  const counted: Counted = { certain: [], doubtful: [] };
  for (const row of finding.changed ?? []) {
    const details = changed.get(row.startContent ?? "");
    // Test data that an earlier stage of this or another run left, not a real row.
    if (others.has(row.startContent ?? "") || details?.ofRun) continue;
    const isMine = row.touchedBy.has("run") || row.touchedBy.has("cleanup");
    // A row whose details were not read may belong to a run.
    if (isMine && details) counted.certain.push({ row, details });
    else if (isMine || row.touchedBy.has("shared")) counted.doubtful.push({ row, details });
  }
  return counted;
}

export function amountOf({ certain, doubtful }: Counted): Amount {
  return { least: certain.length, most: certain.length + doubtful.length };
}

const shown = 3;

/** A few of the rows, in the form that a report can show. */
export function samplesOf({ certain, doubtful }: Counted, table: TableCase): string[] {
  return [...certain, ...doubtful].slice(0, shown).map(({ row }) => {
    if (row.key === null) return "(no key)";
    return table.person.has(table.key) ? "(masked)" : row.key;
  });
}

/** What the rows point at, most frequent first. */
export function parentsOfRows(rows: Counted, { parents, person }: TableCase): TableBooks["hangsOn"] {
  const counts = new Map<string, number>();
  for (const { details } of [...rows.certain, ...rows.doubtful])
    for (const [column, id] of Object.entries(details?.parents ?? {})) {
      const text = `${column} = ${person.has(column) ? "(masked)" : id} (${parents[column] ?? ""})`;
      counts.set(text, (counts.get(text) ?? 0) + 1);
    }
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, shown)
    .map(([text]) => text);
}

export interface Principals {
  /** `testData.principals`: principals that only tests use. If empty, any principal may write for the tests. */
  exclusive: readonly string[];
  /** The principal that cleanup uses; `undefined` if it could not be read. */
  self: string | undefined;
  runId: string;
}

/**
 * Decides who wrote a version.
 * @param cleanup the versions that the suite's own deletes created, according to their answers
 */
export function attribute(changes: readonly Change[], cleanup: ReadonlySet<number>, principals: Principals): Attributed[] {
  return changes.map((change) => ({ ...change, side: sideOf(change, cleanup, principals) }));
}

function sideOf(change: Change, cleanup: ReadonlySet<number>, { exclusive, self, runId }: Principals): ChangeSource {
  const isSelf = self !== undefined && same(change.user, self);
  if (change.operation === "DELETE" && isSelf && cleanup.has(change.version)) return "cleanup";
  // A writer can add the run's id to its commits (spark.databricks.delta.commitInfo.userMetadata).
  if (change.metadata.includes(runId)) return "run";
  if (/(?<![0-9A-Za-z])\d{13}_[0-9a-f]{8}(?![0-9A-Za-z])/.test(change.metadata)) return "other";
  if (exclusive.some((principal) => same(principal, change.user))) return "run";
  return isSelf || exclusive.length === 0 ? "shared" : "other";
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
