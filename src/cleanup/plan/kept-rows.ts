import { isProtected } from "../../config/protection.ts";
import type { Table } from "../../config/schema.ts";
import { count } from "../../lib/count.ts";
import type { KeptRows, TouchedRow } from "../../model/test-data.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { qualifiedName } from "../../warehouse/statements.ts";
import type { JudgedRow, References } from "../ownership/judging.ts";
import type { StayReason } from "../ownership/settling.ts";
import type { CatalogColumns } from "../tables/catalog.ts";
import { conditionOf, emptySelection, isEmpty, queryInBatches, type Selection, select } from "../tables/selection.ts";
import type { Search } from "./search.ts";
import { labelOf, type PlanRequest, type RowPlan, retain, tablesNeededToFind, whyRetained } from "./table-plans.ts";

/** The most rows to name per table and reason. */
const samplesShown = 10;

/** Reports what looks like test data and is kept, with the reason, and which real rows a test changed. */
export function reportKeptRows(search: Search, request: PlanRequest, plan: RowPlan): void {
  const { staying } = search.settled;
  const kept = new Map<string, KeptRows>();
  for (const row of search.rows) {
    plan.touched.push(...touchedIn(row));
    const why = whyKept(row, staying.get(row), request);
    if (why === undefined) continue;
    const table = row.scan.name;
    const entry = kept.get(`${table} ${why}`) ?? { table, rows: 0, samples: [], why };
    kept.set(`${table} ${why}`, entry);
    entry.rows++;
    if (entry.samples.length < samplesShown) entry.samples.push(labelOf(row));
  }
  plan.kept.push(...kept.values());
  reportTouched(search.rows, plan);
  reportNamed(search.rows, plan);
  reportQuiet(search.rows, staying, plan);
  reportUnswept(request, plan);
}

/** Rows that only these values match may be test data of lost runs or fixed accounts, so a person has to decide. */
function reportUnswept({ scope, tables, sweep }: PlanRequest, plan: RowPlan): void {
  if (scope !== "expired") return;
  const values = Object.entries(tables)
    .filter(([name]) => plan.catalog.has(name))
    .flatMap(([, { match }]) => match.flatMap(({ suffix, equals }) => suffix ?? equals ?? []));
  const unswept = [...new Set(values)].filter((value) => !sweep.has(value)).sort();
  if (unswept.length > 0)
    plan.notes.push(
      `rows that match only by ${unswept.slice(0, 5).join(", ")}${unswept.length > 5 ? ", …" : ""} are kept: list values that only tests use under testData.sweep, and fixed accounts under testData.keep`,
    );
}

/** A time with less precision has no zone; a date in a known zone is this precise. */
const dayMs = 86_400_000;

/** What would make the row's age known. */
function cureFor({ scan: { name, table, zone }, candidate: { age } }: JudgedRow): string {
  const keep = "list fixed rows under testData.keep";
  if (table.time === undefined) return `declare time for ${name} (and timeZone if the times have no zone), or ${keep}`;
  const time = `${name}.${table.time}`;
  if (age === undefined) return `${time} is NULL or not a time: let the application set it, or ${keep}`;
  if (zone === undefined && age.latest - age.earliest > dayMs)
    return `${time} has no zone: declare timeZone for ${name}, or ${keep}`;
  return `${time} is not exact enough: ${keep}`;
}

function whyKept(row: JudgedRow, stay: StayReason | undefined, { scope }: PlanRequest): string | undefined {
  const { judgement, links } = row;
  const cure = cureFor(row);
  switch (stay) {
    case undefined:
    case "in-use":
      return undefined;
    case "shared":
      return "kept: its key is not unique, and another row with the same key is not known to be test data";
    case "pointed-at":
      return "kept: a real row refers to it; restore that row first with `env-actions repair`";
    case "needed":
      return "kept: remaining rows depend on it, and a later cleanup finds them only through it";
    case "unknown": {
      const column = links[judgement.because[0] ?? -1]?.column;
      if (column !== undefined)
        return `kept, with what depends on it: ${column} refers to test data, but nothing proves that the row is not older; ${cure}`;
      if (scope === "run")
        return `kept, with what depends on it: the ledger names it, but nothing proves that it was created after the run started; ${cure}`;
      return `kept, with what depends on it: its age is unknown, or not exact enough to prove that it has expired; ${cure}`;
    }
  }
}

/** A row that is older than the test data it points at, or whose name a test changed. */
function touchedIn(row: JudgedRow): TouchedRow[] {
  const { scan, candidate, judgement, links } = row;
  if (candidate.key === undefined) return [];
  const key = { column: scan.table.key, value: candidate.key };
  if (judgement.standing === "moved")
    return judgement.because.flatMap((index): TouchedRow[] => {
      const link = links[index];
      return link ? [{ table: scan.name, key, column: link.column, now: link.id }] : [];
    });
  if (judgement.standing !== "renamed") return [];
  const shown = scan.rules.find(({ column, prefixes }) =>
    prefixes?.some((prefix) => candidate.values.get(column)?.startsWith(prefix)),
  );
  return shown ? [{ table: scan.name, key, column: shown.column, now: candidate.values.get(shown.column) ?? "" }] : [];
}

/** The most sentences of a kind; the report has the whole list of touched rows. */
const sentencesShown = 20;

function reportTouched(rows: readonly JudgedRow[], plan: RowPlan): void {
  const sentences = rows.flatMap((row): string[] => {
    const { scan, judgement, links, candidate } = row;
    // Rows with a key are listed together with their old values, and the check reports them.
    if (candidate.key !== undefined) return [];
    if (judgement.standing === "renamed")
      return [
        `${scan.name}: a test renamed the real row ${labelOf(row)}: kept, because it is older than the run in its new name`,
      ];
    if (judgement.standing !== "moved") return [];
    const columns = judgement.because.flatMap((index) => links[index]?.column ?? []).join(", ");
    return [
      `${scan.name}: a test changed ${columns} of the real row ${labelOf(row)}: it refers to test data, but is older; kept`,
    ];
  });
  plan.problems.push(...sentences.slice(0, sentencesShown));
  if (sentences.length > sentencesShown)
    plan.problems.push(
      `${count(sentences.length - sentencesShown, "more real row was", "more real rows were")} changed by tests`,
    );
}

function reportNamed(rows: readonly JudgedRow[], plan: RowPlan): void {
  for (const row of rows)
    if (row.judgement.standing === "wrongly-named")
      plan.problems.push(
        `${row.scan.name}: ${labelOf(row)} is kept: the ledger says that this run created it, but it is older than the run`,
      );
}

function reportQuiet(rows: readonly JudgedRow[], staying: ReadonlyMap<JudgedRow, StayReason>, plan: RowPlan): void {
  const say = (list: readonly JudgedRow[], why: string) => {
    for (const [table, some] of Map.groupBy(list, ({ scan }) => scan.name)) {
      const labels = [...new Set(some.map(labelOf))];
      const shown = `${labels.slice(0, 3).join(", ")}${labels.length > 3 ? ", …" : ""}`;
      plan.notes.push(`${table}: ${count(some.length, "row is", "rows are")} kept, because ${why} (${shown})`);
    }
  };
  say(
    rows.filter(({ judgement }) => judgement.standing === "fixed"),
    "testData.keep lists them",
  );
  say(
    rows.filter((row) => staying.get(row) === "in-use"),
    "newer rows depend on them",
  );
}

/** A table that is not cleaned up, because it is undeclared or protected. */
interface Other {
  name: string;
  guarded: boolean;
  /** By the columns that point at test data elsewhere. */
  selection: Selection;
  /** The tables that they point at. */
  parents: string[];
}

interface Found extends Other {
  /** The number of rows that depend on test data; or why it is unknown. */
  hanging: number | { why: string };
  /** For a protected table: all its rows. */
  total: number;
}

/** Checks whether tables that are not cleaned up have rows that depend on test data. */
export class UndeclaredTables {
  readonly #warehouse: WarehouseReader;
  readonly #tables: {
    name: string;
    guarded: boolean;
    columns: ReadonlyMap<string, string>;
    /** Two tables may use the same column name for different parents. */
    pointing: [column: string, parents: ReadonlySet<string>][];
  }[];

  /** @param tables of the catalog, without views */
  constructor(
    warehouse: WarehouseReader,
    declared: Readonly<Record<string, Table>>,
    request: PlanRequest,
    tables: CatalogColumns,
  ) {
    this.#warehouse = warehouse;
    const parentsOf = new Map<string, Set<string>>();
    for (const { parents } of Object.values(declared))
      for (const [column, { table }] of Object.entries(parents)) {
        const known = parentsOf.get(column);
        if (known) known.add(table);
        else parentsOf.set(column, new Set([table]));
      }
    const place = new Map([...parentsOf.keys()].map((column, index) => [column, index]));
    this.#tables = [...tables].flatMap(([name, columns]) => {
      if (name in declared) return [];
      const pointing = [...columns.keys()].flatMap((column): [string, ReadonlySet<string>][] => {
        const parents = parentsOf.get(column);
        return parents ? [[column, parents]] : [];
      });
      pointing.sort(([a], [b]) => (place.get(a) ?? 0) - (place.get(b) ?? 0));
      return [{ name, guarded: isProtected(name, request.protectedTables), columns, pointing }];
    });
  }

  /** @throws WarehouseFailure */
  async about(known: References): Promise<Found[]> {
    const asked = this.#tables.flatMap(({ name, guarded, columns, pointing }): Other[] => {
      const selection = emptySelection(columns);
      for (const [column, parents] of pointing)
        for (const parent of parents) select(selection, column, known.get(parent)?.keys() ?? []);
      const parents = pointing.flatMap(([, of]) => [...of]);
      return isEmpty(selection) && !guarded ? [] : [{ name, guarded, selection, parents }];
    });
    const answers = await queryInBatches(this.#warehouse, asked, ({ name, guarded, selection }, binder) => {
      const table = qualifiedName(this.#warehouse.catalog, name);
      const where = isEmpty(selection) ? "false" : conditionOf(selection, binder);
      const total = guarded ? `(SELECT count(*) FROM ${table})` : "0";
      return { columns: `${total} AS total, count(*) AS hanging`, from: `${table} WHERE ${where}` };
    });
    return [
      ...answers.rows.map(({ item, row }) => ({ ...item, hanging: Number(row.hanging), total: Number(row.total) })),
      ...answers.failed.map(({ item, why }) => ({ ...item, hanging: { why }, total: Number.NaN })),
    ];
  }
}

/** Reports rows that depend on test data in undeclared or protected tables. */
export function reportUndeclared(found: readonly Found[], request: PlanRequest, plan: RowPlan): void {
  for (const { name, guarded, hanging, total, parents } of found) {
    if (typeof hanging === "object") {
      plan.notes.push(`${name} is ${guarded ? "protected" : "not declared"} and could not be read: ${hanging.why}`);
      continue;
    }
    if (guarded) plan.protectedRows.set(name, total);
    if (hanging === 0) continue;
    if (guarded) {
      plan.notes.push(`${name} is protected: ${count(hanging, "row about test data is", "rows about test data are")} kept there`);
      continue;
    }
    plan.problems.push(
      `${count(hanging, `row of ${name} depends`, `rows of ${name} depend`)} on test data, but the table is not declared: add it to testData.tables`,
    );
    retain(plan.retained, tablesNeededToFind(parents, plan, request), whyRetained.undeclared(name));
  }
}
