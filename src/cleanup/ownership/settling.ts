import type { PlanRequest } from "../plan/table-plans.ts";
import { timeInId } from "./age.ts";
import { type Judged, type JudgedRow, type Link, valuesFoundInSweep } from "./judging.ts";
import { isMatchedByKey } from "./presence.ts";

/**
 * Why a row that is or may be test data is kept:
 * - `unknown`: nothing shows whether it is test data.
 * - `shared`: it has the same key as a row that is kept.
 * - `pointed-at`: a real or fixed row, which a test changed, points at it.
 * - `needed`: kept rows can only be found through it.
 * - `in-use`: newer rows that are kept depend on it.
 */
export type StayReason = "unknown" | "shared" | "pointed-at" | "needed" | "in-use";

/** The final decision about the rows, beyond each row's own judgement. */
export interface Settled {
  /** Rows to delete. */
  going: ReadonlySet<JudgedRow>;
  staying: ReadonlyMap<JudgedRow, StayReason>;
}

/** The column and value by which a row is deleted. Keyless rows use the value that matched, or what they depend on. */
export function deletionKeyOf({ scan, candidate, judgement, links }: JudgedRow): { column: string; value: string } | undefined {
  if (candidate.key !== undefined) return { column: scan.table.key, value: candidate.key };
  const link = links[judgement.because[0] ?? -1];
  if (link) return { column: link.column, value: link.id };
  const shown = scan.rules.find(({ column }) => candidate.values.has(column) && showing(scan.rules, candidate.values, column));
  return shown && { column: shown.column, value: candidate.values.get(shown.column) ?? "" };
}

function showing(rules: JudgedRow["scan"]["rules"], values: ReadonlyMap<string, string>, column: string): boolean {
  const value = values.get(column) ?? "";
  return rules.some(
    (rule) =>
      rule.column === column &&
      (rule.prefixes?.some((prefix) => value.startsWith(prefix)) === true ||
        (rule.suffix !== undefined && value.endsWith(rule.suffix)) ||
        rule.equals === value),
  );
}

/**
 * Keeps rows that must not be deleted although they are test data: rows that share a key with a kept row, rows that real rows
 * point at, and rows without which a later sweep couldn't find what is kept.
 */
export function settle({ rows }: Judged, request: PlanRequest): Settled {
  const all = [...rows.values()].flat();
  const going = new Set(all.filter(({ judgement }) => judgement.standing === "test-data"));
  const staying = new Map<JudgedRow, StayReason>();
  for (const row of all) if (row.judgement.standing === "unknown") staying.set(row, "unknown");
  const byKey = new Map([...rows].map(([table, list]) => [table, Map.groupBy(list, ({ candidate }) => candidate.key)] as const));
  const stay = (row: JudgedRow, why: StayReason): boolean => {
    if (!going.delete(row)) return false;
    staying.set(row, why);
    return true;
  };
  const keepOwners = (row: JudgedRow, why: StayReason): boolean => {
    // A row of unknown age may be real, and must not be left with a broken reference.
    const always = why === "pointed-at" || row.judgement.standing === "unknown";
    const links = row.links.filter((link) => always || !isFoundWithoutOwner(row, link, request));
    const owners = links.flatMap((link) => byKey.get(link.table)?.get(link.id) ?? []);
    return owners.filter((owner) => stay(owner, why)).length > 0;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (const row of all) {
      if (going.has(row)) continue;
      const why = whyOwnersStay(row, staying.get(row));
      if (why !== undefined && keepOwners(row, why)) changed = true;
    }
    for (const list of rows.values()) if (keepShared(list, going, stay)) changed = true;
  }
  return { going, staying };
}

/** Why the rows that a kept row points at are kept, if they are. */
function whyOwnersStay({ judgement: { standing } }: JudgedRow, stays: StayReason | undefined): StayReason | undefined {
  if (standing === "moved" || standing === "renamed" || standing === "fixed") return "pointed-at";
  if (standing === "too-recent" || stays === "in-use") return "in-use";
  return stays === undefined ? undefined : "needed";
}

/** A statement deletes every row with the value, so rows with equal values are kept together. */
function keepShared(
  list: readonly JudgedRow[],
  going: ReadonlySet<JudgedRow>,
  stay: (row: JudgedRow, why: StayReason) => boolean,
): boolean {
  let changed = false;
  const staying = list.filter((row) => !going.has(row));
  if (staying.length === 0) return false;
  const values = new Map<string, Set<string>>();
  for (const { candidate } of staying)
    for (const [column, value] of candidate.values) values.set(column, (values.get(column) ?? new Set()).add(value));
  for (const row of list) {
    const handle = going.has(row) ? deletionKeyOf(row) : undefined;
    if (handle && values.get(handle.column)?.has(handle.value) && stay(row, "shared")) changed = true;
  }
  return changed;
}

/** Whether a later sweep finds the row without the one that this link points at. */
export function isFoundWithoutOwner({ scan, candidate }: JudgedRow, link: Link, request: PlanRequest): boolean {
  return valuesFoundInSweep(scan, candidate).length > 0 || isNamedByPrefix(link, request);
}

/** Whether the id itself shows that it belongs to test data, and since when. */
export function isNamedByPrefix({ table, id }: Link, { tables, sweptPrefixes, now }: PlanRequest): boolean {
  return (
    isMatchedByKey(tables[table]) && sweptPrefixes.some((prefix) => id.startsWith(prefix)) && timeInId(id, now) !== undefined
  );
}
