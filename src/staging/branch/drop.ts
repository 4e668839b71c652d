import { errorText } from "../../lib/error-text.ts";
import { inParallel } from "../../lib/in-parallel.ts";
import type { CopyWarehouse, WarehouseReader } from "../../warehouse/access.ts";
import { quoteName } from "../../warehouse/statements.ts";
import { type FoundPart, isExpired, partOf, partsOfSchema, readMarker, runOfName, whyNotOurs } from "./name.ts";
import type { BranchForm } from "./plan.ts";

/** Finds branches, drops those that are certainly ours, and asks again whether they are gone. */

export interface BranchPlace {
  /** The catalog that they are copies of. */
  original: string;
  form: BranchForm;
}

/** A run's branch: a catalog, or its schemas. */
export interface FoundBranch {
  runId: string;
  parts: FoundPart[];
  /** Why it must not be dropped; undefined if all of it is certainly ours. */
  notOurs?: string;
}

export interface Which {
  /** Those of these runs, whatever their age. */
  runs: readonly string[];
  /** And those of runs that have ended this long ago, in milliseconds; undefined: none. */
  expireAfter?: number | undefined;
  /** Unix milliseconds, by the warehouse's clock. */
  now: number;
}

export interface DroppedBranch {
  runId: string;
  /** The catalog, or the schemas. */
  names: string[];
  /** Whether it was looked for again and wasn't there; undefined if that is unknown. */
  gone: boolean | undefined;
  problem?: string;
}

export interface Dropped {
  branches: DroppedBranch[];
  /** Expired branches that are not ours to drop, in words. */
  strangers: string[];
}

const dropsAtOnce = 8;

/** All branches of the original, one question. @throws WarehouseFailure */
export async function listBranches(warehouse: WarehouseReader, { original, form }: BranchPlace): Promise<FoundBranch[]> {
  const rows =
    form.as === "catalog"
      ? await warehouse.query(
          "SELECT catalog_name AS name, catalog_owner AS owner, `comment`, created FROM system.information_schema.catalogs WHERE startswith(lower(catalog_name), :beginning)",
          { beginning: `${original.toLowerCase()}_ea_` },
        )
      : await warehouse.query(
          `SELECT schema_name AS name, schema_owner AS owner, \`comment\`, created FROM ${quoteName(form.into)}.information_schema.schemata`,
        );
  const { principal } = await warehouse.identity();
  const parts = rows.flatMap((row) => {
    const name = String(row.name);
    const runId = form.as === "catalog" ? runOfName(name, original) : partsOfSchema(name)?.runId;
    if (runId === undefined) return [];
    const part = partOf(row, runId);
    // Several environments can have their branches in one catalog.
    const of = readMarker(part.comment)?.of;
    return form.as === "schemas" && of !== undefined && of !== original.toLowerCase() ? [] : [part];
  });
  return [...Map.groupBy(parts, ({ runId }) => runId)].map(([runId, found]) => {
    const whys = found.flatMap((part) => {
      const why = whyNotOurs(part, { of: original, principal });
      return why === undefined ? [] : [`${part.name}: ${why}`];
    });
    return { runId, parts: found, ...(whys[0] === undefined ? {} : { notOurs: whys[0] }) };
  });
}

/** @returns those to drop, and expired ones that others have to drop */
export function chosen(
  branches: readonly FoundBranch[],
  { runs, expireAfter, now }: Which,
): { found: FoundBranch[]; strangers: string[] } {
  const isOld = ({ parts }: FoundBranch) =>
    expireAfter !== undefined && parts.every((part) => isExpired(part, { now, expireAfter }));
  const own = branches.filter(({ runId }) => runs.includes(runId));
  const expired = branches.filter((branch) => !own.includes(branch) && isOld(branch));
  return {
    found: [...own, ...expired.filter(({ notOurs }) => notOurs === undefined)],
    strangers: expired.flatMap(({ notOurs }) => notOurs ?? []),
  };
}

/**
 * Drops the chosen branches, and asks again. Never drops what isn't certainly ours; never rejects once it knows which there are.
 * @param warehouse opened with the scope of branches
 * @throws WarehouseFailure if the branches cannot be listed: then nothing was dropped
 */
export async function dropBranches(warehouse: CopyWarehouse, place: BranchPlace, which: Which): Promise<Dropped> {
  const { found, strangers } = chosen(await listBranches(warehouse, place), which);
  if (found.length === 0) return { branches: [], strangers };
  const ours = found.filter(({ notOurs }) => notOurs === undefined);
  const problems = new Map<string, string>();
  const parts = ours.flatMap((branch) => branch.parts);
  await inParallel(dropsAtOnce, parts, async ({ name, runId }) => {
    try {
      await warehouse.change(dropStatement(place.form, name), {}, { again: true });
    } catch (error) {
      problems.set(runId, errorText(error));
    }
  });
  const left = await listBranches(warehouse, place).then(
    (branches) => new Set(branches.map(({ runId }) => runId)),
    (error: unknown) => errorText(error),
  );
  const branches = found.map(({ runId, parts, notOurs }): DroppedBranch => {
    const names = parts.map(({ name }) => name).sort();
    if (notOurs !== undefined) return { runId, names, gone: false, problem: `it was not dropped, because ${notOurs}` };
    if (typeof left === "string") return { runId, names, gone: undefined, problem: problems.get(runId) ?? left };
    const problem = problems.get(runId) ?? (left.has(runId) ? "it is still listed" : undefined);
    return left.has(runId) ? { runId, names, gone: false, ...(problem ? { problem } : {}) } : { runId, names, gone: true };
  });
  return { branches, strangers };
}

function dropStatement(form: BranchForm, name: string): string {
  return form.as === "catalog"
    ? `DROP CATALOG IF EXISTS ${quoteName(name)} CASCADE`
    : `DROP SCHEMA IF EXISTS ${quoteName(form.into)}.${quoteName(name)} CASCADE`;
}
