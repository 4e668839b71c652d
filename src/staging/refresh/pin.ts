import { inParallel } from "../../lib/in-parallel.ts";
import { CodedError } from "../../model/coded-error.ts";
import type { CopyWarehouse } from "../../warehouse/access.ts";
import { atOnce } from "./build.ts";
import { tableIn } from "./names.ts";
import type { Plan } from "./plan.ts";
import type { RefreshRequest } from "./request.ts";

/**
 * The version of each table of the original that is copied: the newest at one moment, so that a row that was added since does not
 * miss its parent.
 */
export async function pinVersions(
  warehouse: CopyWarehouse,
  { original }: RefreshRequest,
  { tables }: Plan,
): Promise<Record<string, number>> {
  const [now] = await warehouse.query("SELECT unix_millis(current_timestamp()) AS now");
  const moment = Number(now?.now);
  const pinned = await inParallel(atOnce, tables, async ({ table }) => {
    const history = async (limit: number) =>
      (await warehouse.query(`DESCRIBE HISTORY ${tableIn(original, table)} LIMIT ${limit}`)).map(({ version, timestamp }) => ({
        version: Number(version),
        at: new Date(timestamp as string | Date).getTime(),
      }));
    const [newest] = await history(1);
    if (newest && newest.at <= moment) return [table, newest.version] as const;
    const before = newest && (await history(mostSince)).find(({ at }) => at <= moment);
    if (before) return [table, before.version] as const;
    throw new CodedError(
      "EA6104",
      newest
        ? `${table} got ${mostSince} versions or more within a few seconds, so none of this moment was found; start again at a quieter time`
        : `${table} has no history, so its rows cannot be held at one version; let a policy omit it`,
    );
  });
  return Object.fromEntries(pinned);
}

/** Versions since the moment that are looked through. */
const mostSince = 200;
