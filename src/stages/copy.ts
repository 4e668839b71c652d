import { bareHost, proveWarehouse, WrongTarget } from "../cleanup/execute/proof.ts";
import { UserError } from "../model/user-error.ts";
import type { CopyWarehouse, WarehouseReader } from "../warehouse/access.ts";
import { type WarehouseAccess, warehouseSettings } from "./connections.ts";
import { type StageContext, step } from "./context.ts";

/** The connections of the tasks about a copy of production. */

/** A copy and its original, seen by one principal through one connection. */
export interface CopyAndOriginal {
  /** Writes in the copy's catalog only; reads both. */
  warehouse: CopyWarehouse;
  /** The catalogs. */
  original: string;
  copy: string;
}

/**
 * Opens the connection that can change the copy, after it was proven to be the expected one, and closes it after `work`.
 * @throws UserError if both catalogs cannot be reached through it; WrongTarget, WarehouseFailure
 */
export async function withCopy<Result>(
  context: StageContext,
  work: (both: CopyAndOriginal) => Promise<Result>,
  options: { /** How long one statement may take. */ statementTimeoutMs?: number } = {},
): Promise<Result> {
  const { original, copy } = catalogsOf(context);
  const settings = await warehouseSettings(context);
  if (!settings) throw new UserError("EA2130", `the environment ${context.environment.name} has no warehouse`);
  const { openForCopy } = await import("../warehouse/access.ts");
  const scope = { catalog: copy, ownsCatalog: false };
  const warehouse = await openForCopy({ ...settings, ...options }, scope, {
    signal: context.signal,
    onWaking: (text) => step(context, text),
  });
  try {
    await prove(context, warehouse, original);
    return await work({ warehouse, original, copy });
  } finally {
    await warehouse.close();
  }
}

/** The same for tasks that only look. @throws as {@link withCopy} */
export async function withCopyReader<Result>(
  context: StageContext,
  work: (both: { warehouse: WarehouseReader; original: string; copy: string }) => Promise<Result>,
): Promise<Result> {
  const catalogs = catalogsOf(context);
  return await withReaderOf(context, context.environment, context.signal, (warehouse) => work({ warehouse, ...catalogs }));
}

/** @throws WrongTarget, WarehouseFailure; UserError without a warehouse */
export async function withReaderOf<Result>(
  context: StageContext,
  environment: StageContext["environment"],
  signal: AbortSignal,
  work: (warehouse: WarehouseReader) => Promise<Result>,
): Promise<Result> {
  const { withWarehouseReader } = await import("./connections.ts");
  const place: WarehouseAccess = { ...context, environment };
  return await withWarehouseReader(place, { signal, onWaking: (text) => step(context, text) }, work);
}

/** Whether one connection reaches both: the same workspace. */
export function isOneWorkspace({ original, environment }: Pick<StageContext, "original" | "environment">): boolean {
  const host = environment.databricks?.host;
  // Without a host of its own, the original has the variable DATABRICKS_HOST, and so has the copy.
  if (original?.host === undefined || host === undefined) return true;
  return bareHost(original.host).toLowerCase() === bareHost(host).toLowerCase();
}

/** @throws UserError if the original's catalog isn't known here, or is in another workspace */
export function catalogsOf(context: Pick<StageContext, "original" | "environment" | "stage">): {
  original: string;
  copy: string;
} {
  const { original, environment, stage } = context;
  if (original?.catalog === undefined)
    throw new UserError(
      "EA2136",
      `the catalog of the environment ${original?.name ?? "under staging.original"} comes from a variable that is not set here, and ${stage} reads it: set the variable, or write the name`,
    );
  if (!isOneWorkspace(context))
    throw new UserError(
      "EA2136",
      `${stage} needs the copy and its original in one workspace, but ${environment.name} is on ${environment.databricks?.host}, and ${original.name} on ${original.host}: share the original's catalog with the copy's workspace, and write its host there`,
    );
  return { original: original.catalog, copy: environment.databricks?.catalog ?? "" };
}

/** Before the first write. @throws WrongTarget */
async function prove({ environment }: StageContext, warehouse: CopyWarehouse, original: string): Promise<void> {
  const seen = await warehouse.identity();
  proveWarehouse(environment, seen);
  if (seen.catalog.toLowerCase() === original.toLowerCase())
    throw new WrongTarget(
      "EA2133",
      `the warehouse answers from the catalog ${original}, which is the original: nothing was changed`,
    );
}
