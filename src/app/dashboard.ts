import { dirname } from "node:path";
import { dashboardHtml, isDashboard, newestIn } from "../dashboard/page.ts";
import { type Compaction, type HistoryStore, joinAfterMs } from "../history/store/store.ts";
import { errorText } from "../lib/error-text.ts";
import { isInside, NotAPlainFile, readPlain, writeOwn } from "../lib/plain-file.ts";
import type { HistoryRecord } from "../model/history.ts";
import { UserError } from "../model/user-error.ts";

/** Makes the page of a history, and never writes an older one over a newer one. */

export interface DashboardRequest {
  store: HistoryStore;
  /** How long records are kept, in milliseconds. */
  keep: number;
  now: number;
  /** Absolute. */
  out: string;
  workspace: string;
  staleAfterMs?: number;
  title?: string;
  /** Pages that are published already: the new one must not be older. By the name to show, their HTML. */
  published?: ReadonlyMap<string, string>;
}

export interface MadeDashboard {
  file: string;
  bytes: number;
  records: number;
  /** When the newest execution ended; absent without records. */
  newest?: string;
  unreadable: readonly { name: string; why: string }[];
  compaction?: Compaction;
  /** Why old records could not be joined. The page doesn't depend on it. */
  notCompacted?: string;
}

const dayMs = 86_400_000;

/** A week and a day: what runs each week is never stale. */
export const usualStaleAfterMs = 8 * dayMs;

/**
 * @throws UserError if the page can't be written, or if it would be older than the one that is there
 * @throws HistoryFailure if the history can't be read
 */
export async function makeDashboard(request: DashboardRequest): Promise<MadeDashboard> {
  const { store, now, out, workspace, title, staleAfterMs = usualStaleAfterMs, published } = request;
  const compaction = await compact(request);
  const { records, unreadable } = await store.all();
  const newest = newestOf(records);
  const place = { root: isInside(workspace, out) ? workspace : dirname(out) };
  const pages = new Map(published);
  const known = await pageAt(out, place.root);
  if (known !== undefined) {
    refuseOther(out, known);
    pages.set(out, known);
  }
  for (const [name, page] of pages) refuseOlder(newest, name, newestIn(page));
  const html = dashboardHtml(records, { now, staleAfterMs, unreadable, ...(title === undefined ? {} : { title }) });
  try {
    await writeOwn(out, html, place);
  } catch (error) {
    throw unwritable(out, error);
  }
  return {
    ...{ file: out, bytes: Buffer.byteLength(html), records: records.length, unreadable },
    ...(newest === undefined ? {} : { newest }),
    ...compaction,
  };
}

async function compact({ store, keep, now }: DashboardRequest): Promise<Pick<MadeDashboard, "compaction" | "notCompacted">> {
  if (!store.compact) return {};
  try {
    return { compaction: await store.compact({ now, joinBefore: now - joinAfterMs, removeBefore: now - keep }) };
  } catch (error) {
    return { notCompacted: errorText(error) };
  }
}

function newestOf(records: readonly HistoryRecord[]): string | undefined {
  return records.reduce<string | undefined>(
    (most, { finishedAt }) => (most !== undefined && most >= finishedAt ? most : finishedAt),
    undefined,
  );
}

/** @throws UserError */
function refuseOlder(newest: string | undefined, name: string, there: string | undefined): void {
  if (there === undefined || (newest !== undefined && Date.parse(newest) >= Date.parse(there))) return;
  throw new UserError(
    "EA8120",
    `${name} has records up to ${there}, and this history ${newest === undefined ? "has none" : `only up to ${newest}`}: the page was not written. Another run has probably written a newer one; delete it to write this one all the same`,
  );
}

/** Whoever mistypes the path must not lose a file. @throws UserError */
function refuseOther(file: string, content: string): void {
  if (content.trim() === "" || isDashboard(content)) return;
  throw new UserError("EA8121", `${file} exists, and is no dashboard: it was not replaced. Name another file, or delete it`);
}

async function pageAt(file: string, root: string): Promise<string | undefined> {
  try {
    return (await readPlain(file, { root })).toString("utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unwritable(file, error);
  }
}

function unwritable(file: string, error: unknown): Error {
  if (error instanceof NotAPlainFile) return error;
  return new UserError("EA8121", `the page can't be written to ${file}: ${errorText(error)}`, { cause: error });
}
