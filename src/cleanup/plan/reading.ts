import { count } from "../../lib/count.ts";
import { inParallel } from "../../lib/in-parallel.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { WarehouseFailure } from "../../warehouse/failure.ts";
import { qualifiedName } from "../../warehouse/statements.ts";
import type { TableScan } from "../ownership/table-scan.ts";
import type { Selection } from "../tables/selection.ts";
import { countedSelection, type PlanRequest, type RowPlan, type TablePlan } from "./table-plans.ts";

/**
 * What a search for test data reads. Delta skips files by the smallest and largest value of a column, so ids that begin with the
 * run's prefix are found in few files, and random ids only by reading all.
 */

const tablesAtOnce = 8;

/** Size of a table's newest version. */
interface TableSize {
  files: number;
  bytes: number;
}

/** @returns undefined for a table whose size is unknown @throws WarehouseFailure if the warehouse doesn't answer at all */
async function sizeOf(warehouse: WarehouseReader, table: string): Promise<TableSize | undefined> {
  try {
    const [row] = await warehouse.query(`DESCRIBE DETAIL ${qualifiedName(warehouse.catalog, table)}`);
    const [files, bytes] = [Number(row?.numFiles ?? Number.NaN), Number(row?.sizeInBytes ?? Number.NaN)];
    return Number.isNaN(files) || Number.isNaN(bytes) ? undefined : { files, bytes };
  } catch (error) {
    if (error instanceof WarehouseFailure && (error.kind === "statement" || error.kind === "denied")) return undefined;
    throw error;
  }
}

/**
 * Why every file of the table is read, to find its rows or to count and delete them; undefined if some can be skipped.
 * @param deleted what is deleted from it
 */
export function whyReadsAll(
  { rules, types, answered }: Pick<TableScan, "rules" | "types" | "answered">,
  deleted: Selection | undefined,
  prefixes: readonly string[],
): string | undefined {
  const rule = rules.find(({ column, suffix }) => suffix !== undefined || types.get(column) !== "STRING");
  if (rule) return `${rule.column} is compared by its end or as text`;
  // What is deleted was read before, so its times are known, and the files of other times are skipped.
  const looked = deleted && !deleted.during ? [...answered.values, ...deleted.values] : [...answered.values];
  for (const [column, values] of looked) {
    if (types.get(column) !== "STRING") return `${column} is compared as text`;
    const random = [...values].filter((value) => !prefixes.some((prefix) => value.startsWith(prefix)));
    if (random.length > 0) return `${column} is compared with ${count(random.length, "value")} without a prefix`;
  }
  return undefined;
}

/** Adds to the plan what its search reads. With a limit, a larger search blocks the plan. @throws WarehouseFailure */
export async function reportReading(
  warehouse: WarehouseReader,
  { scans, found }: { scans: readonly TableScan[]; found: readonly TablePlan[] },
  { sweptPrefixes, maxReadSize }: PlanRequest,
  plan: RowPlan,
): Promise<void> {
  const deleted = new Map(found.map((one) => [one.table, countedSelection(one)]));
  const sizes = new Map(
    await inParallel(tablesAtOnce, scans, async (scan) => [scan, await sizeOf(warehouse, scan.name)] as const),
  );
  const known = [...sizes].flatMap(([scan, size]) =>
    size ? [{ scan, size, why: whyReadsAll(scan, deleted.get(scan.name), sweptPrefixes) }] : [],
  );
  const whole = known.filter(({ why }) => why !== undefined);
  const [all, read] = [known, whole].map((some) => ({
    files: some.reduce((sum, { size }) => sum + size.files, 0),
    bytes: some.reduce((sum, { size }) => sum + size.bytes, 0),
  })) as [TableSize, TableSize];
  const unknown = sizes.size - known.length;
  const unknownText = unknown > 0 ? `; the size of ${count(unknown, "table")} is unknown` : "";
  plan.notes.push(
    `the ${count(known.length, "searched table")} have ${count(all.files, "file")} (${sizeText(all.bytes)}), of which ${read.files} (${sizeText(read.bytes)}) must be read completely${unknownText}`,
  );
  for (const { scan, size, why } of whole)
    if (size.files > 1) plan.notes.push(`${scan.name}: all ${size.files} files (${sizeText(size.bytes)}) are read: ${why}`);
  if (maxReadSize === undefined) return;
  if (unknown > 0)
    plan.problems.push(
      `the size of ${count(unknown, "table")} is unknown, so testData.maxReadSize (${sizeText(maxReadSize)}) could not be held`,
    );
  const largest = whole.toSorted((a, b) => b.size.bytes - a.size.bytes)[0];
  if (largest && read.bytes > maxReadSize)
    plan.blockers.push(
      `${count(whole.length, "table")} must be read completely, ${sizeText(read.bytes)} together, more than testData.maxReadSize (${sizeText(maxReadSize)}); the largest is ${largest.scan.name}. Let the ids of test rows begin with a prefix, or raise testData.maxReadSize`,
    );
}

export function sizeText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const unit = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const amount = bytes / 1000 ** unit;
  return `${unit === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${units[unit]}`;
}
