import type { NodeInfo } from "./connection.ts";

/** How often each server has changed its data, by its own count. */
export interface ChangeCount {
  /** The servers and what would set their counts back. Counts are comparable if this is the same. */
  of: string;
  changes: number;
  /** A save may still set a count back without a trace: one is running, or ended within this second of the server's clock. */
  mayBeSetBack: boolean;
}

/**
 * Redis counts every change since its last save: each key that is written, deleted, or gets a TTL, in every database, but not keys
 * that expire, nor those that `DEBUG POPULATE` makes.
 * @param layout who holds which keys, asked after the nodes; `undefined` if that is changing
 * @returns `undefined` if a server doesn't say it all, or is not a master that has all of its data
 */
export function changeCountOf(nodes: readonly NodeInfo[], layout: string | undefined): ChangeCount | undefined {
  let changes = 0;
  let mayBeSetBack = false;
  const of: string[] = [];
  if (layout === undefined) return undefined;
  for (const { node, info } of nodes) {
    const [count, savedAt, now] = [info.rdb_changes_since_last_save, info.rdb_last_save_time, info.server_time_usec].map(number);
    const { run_id: process, master_replid: history, role } = info;
    if (count === undefined || savedAt === undefined || now === undefined || !process || !history) return undefined;
    if (role !== "master" || number(info.loading) !== 0) return undefined;
    // Behind a proxy, which shows another port, there may be servers whose counts are not shown.
    if (info.tcp_port === undefined || !node.endsWith(`:${info.tcp_port}`)) return undefined;
    changes += count;
    mayBeSetBack ||= number(info.rdb_bgsave_in_progress) !== 0 || Math.floor(now / 1_000_000) <= savedAt;
    of.push([node, process, history, savedAt].join(" "));
  }
  return of.length === 0 ? undefined : { of: [...of.sort(), layout].join("\n"), changes, mayBeSetBack };
}

/**
 * Whether these changes of ours are all that happened between two counts. Only if there were some: a server whose count does not
 * move with our changes proves nothing.
 */
export function areAllChanges(ours: number, before: ChangeCount | undefined, after: ChangeCount | undefined): boolean {
  if (!before || !after || before.mayBeSetBack || before.of !== after.of) return false;
  return ours > 0 && after.changes - before.changes === ours;
}

function number(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
