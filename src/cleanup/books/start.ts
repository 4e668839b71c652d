import { count } from "../../lib/count.ts";
import { errorText } from "../../lib/error-text.ts";
import { readOwn, writeOwn } from "../../lib/plain-file.ts";
import { z } from "../../lib/zod.ts";
import { keyText, type RedisReader } from "../../redis/connection.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { keyMatcher } from "../keys/beginnings.ts";
import { namespaceFilter } from "../keys/filter.ts";
import type { StartState } from "../ownership/age.ts";
import { readTables } from "../tables/catalog.ts";
import { type Moment, newestVersions } from "./history.ts";

/** The state before the tests, with what the books need in addition to the proof of age. */
export interface Start extends StartState {
  /** `schema.table` → its newest version and that version's time. */
  moments: ReadonlyMap<string, Moment>;
  /** Existing tables whose version could not be read → why. */
  unread: ReadonlyMap<string, string>;
  /** Why the tables could not be listed. Then a table that is not in `moments` may have existed. */
  problem?: string;
  keys?: StartKeys;
}

export interface StartKeys {
  /** The keys that the server returned, as `latin1`. */
  known: ReadonlySet<string>;
  /** The namespaces that were read; `undefined`: all. */
  namespaces: readonly string[] | undefined;
  /** Why nothing is known. */
  problem?: string;
}

export interface StartOptions {
  takenAt: number;
  maxRead: number;
  /** `testData.keys` */
  namespaces: readonly string[];
  /** Later writes don't count. Unix milliseconds by the warehouse's own clock. */
  asOf?: number | undefined;
  /** `schema.table` that probably exist. */
  declared?: readonly string[];
  /** When it aborts, unanswered questions become unknown. */
  signal: AbortSignal;
}

/** Records the current state. Never rejects: what cannot be read is unknown, with the reason. */
export async function recordStart(
  { warehouse, redis }: { warehouse?: WarehouseReader; redis?: RedisReader },
  options: StartOptions,
): Promise<Start> {
  const moments = new Map<string, Moment>();
  const unread = new Map<string, string>();
  let problem: string | undefined;
  const inTime = within(options.signal);
  const readTableVersions = async (reader: WarehouseReader): Promise<void> => {
    const readAll = async (tables: readonly string[]) => {
      for (const [table, moment] of await newestVersions(reader, tables, { inTime, asOf: options.asOf }))
        if (moment instanceof Error) unread.set(table, moment.message);
        else moments.set(table, moment);
    };
    // Declared tables don't have to wait for the list of tables. The list adds the others, and shows which declared ones don't
    // exist.
    const declared = new Set(options.declared ?? []);
    const declaredRead = readAll([...declared]);
    // Without the list, the versions that were read are still known.
    const tables = await inTime(readTables(reader)).finally(() => declaredRead);
    const there = new Set(tables);
    for (const table of declared) if (!there.has(table)) for (const known of [moments, unread]) known.delete(table);
    await readAll(tables.filter((table) => !declared.has(table)));
  };
  const [keys] = await Promise.all([
    redis
      ? inTime(readKeys(redis, options)).catch((error) => ({
          known: new Set<string>(),
          namespaces: undefined,
          problem: errorText(error),
        }))
      : undefined,
    warehouse
      ? readTableVersions(warehouse).catch((error: unknown) => {
          problem = errorText(error);
        })
      : undefined,
  ]);
  return startOf({ takenAt: options.takenAt, moments, unread, ...(problem ? { problem } : {}), ...(keys ? { keys } : {}) });
}

/** Waits for an answer until the signal aborts. */
function within(signal: AbortSignal): <Result>(answer: Promise<Result>) => Promise<Result> {
  const ended = new Promise<never>((_, reject) => {
    const end = () => reject(new Error("no answer in time"));
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
  // If every answer comes in time, this is never awaited.
  ended.catch(() => undefined);
  return (answer) => Promise.race([answer, ended]);
}

/** A state in which nothing is known, with the reason. */
export function unknownStart(takenAt: number, problem: string): Start {
  return startOf({ takenAt, moments: new Map(), unread: new Map(), problem });
}

function startOf(parts: Omit<Start, "versions" | "hadKey">): Start {
  const isRead = keyMatcher((parts.keys?.namespaces ?? []).map(keyText));
  return {
    ...parts,
    versions: new Map([...parts.moments].map(([table, { version, newest }]) => [table, newest ?? version])),
    hadKey: (key) => {
      const { keys } = parts;
      if (!keys || keys.problem !== undefined) return undefined;
      if (keys.known.has(key)) return true;
      return keys.namespaces === undefined || isRead(key) ? false : undefined;
    },
  };
}

async function readKeys(redis: RedisReader, { maxRead, namespaces, signal }: StartOptions): Promise<StartKeys> {
  const total = await keyCount(redis);
  const bounded = total !== undefined && total <= maxRead;
  const asked = bounded ? undefined : namespaces;
  if (asked?.length === 0)
    return {
      known: new Set(),
      namespaces: asked,
      problem: `Redis has ${total ?? "an unknown number of"} keys, more than testData.maxRead (${maxRead})`,
    };
  const known = new Set<string>();
  const isRead = asked ? keyMatcher(asked.map(keyText)) : () => true;
  // One pass, however many namespaces there are.
  const match =
    asked &&
    ((seen: readonly string[]) =>
      namespaceFilter(
        asked,
        seen.filter((key) => !isRead(key)),
      ));
  for await (const batch of redis.scan({ match })) {
    signal.throwIfAborted();
    for (const key of batch) if (isRead(key)) known.add(key);
    if (known.size > maxRead)
      return {
        known: new Set(),
        namespaces: asked,
        problem: `more than ${count(maxRead, "key")} were found, the limit of testData.maxRead`,
      };
  }
  return { known, namespaces: asked };
}

/** The number of keys in the database, for a cluster summed over all masters; `undefined` if Redis doesn't say. */
export async function keyCount(redis: RedisReader): Promise<number | undefined> {
  try {
    const infos = await redis.infoOfEach();
    const counts = infos.map(({ info }) => {
      // A server without keys has no such line.
      if (info.redis_version === undefined) return undefined;
      const line = info[`db${redis.identity.database}`];
      if (line === undefined) return 0;
      const keys = /keys=(\d+)/.exec(line)?.[1];
      return keys === undefined ? undefined : Number(keys);
    });
    return counts.reduce<number | undefined>((sum, one) => (sum === undefined || one === undefined ? undefined : sum + one), 0);
  } catch {
    return undefined;
  }
}

const fileSchema = z.object({
  takenAt: z.number(),
  tables: z.record(z.string(), z.object({ version: z.number(), at: z.number().optional(), newest: z.number().optional() })),
  unread: z.record(z.string(), z.string()),
  problem: z.string().optional(),
});

/**
 * Saves the versions for a cleanup in another process. Keys are left out, because there are too many.
 * @param options `earlier`: the state that an earlier stage of the same run saved, which takes precedence; `redact`: for text
 * from others
 * @throws any error of writing the file
 */
export async function writeStart(
  file: string,
  start: Start,
  { earlier, redact }: { earlier?: Start | undefined; redact: (text: string) => string },
): Promise<void> {
  const moments = new Map([...start.moments, ...(earlier?.moments ?? [])]);
  const unread = [...start.unread, ...(earlier?.unread ?? [])].filter(([table]) => !moments.has(table));
  const problem = earlier ? earlier.problem : start.problem;
  const content: z.input<typeof fileSchema> = {
    takenAt: earlier?.takenAt ?? start.takenAt,
    tables: Object.fromEntries(
      [...moments].map(([table, { version, at, newest }]) => [
        table,
        { version, ...(at === undefined ? {} : { at }), ...(newest === undefined ? {} : { newest }) },
      ]),
    ),
    unread: Object.fromEntries(unread.map(([table, why]) => [table, redact(why)])),
    ...(problem === undefined ? {} : { problem: redact(problem) }),
  };
  await writeOwn(file, `${JSON.stringify(content, undefined, 2)}\n`);
}

/** @returns `undefined` if the file is missing or invalid; then nothing about the start is known */
export async function readStart(file: string): Promise<Start | undefined> {
  const text = await readOwn(file).then(String, () => undefined);
  if (text === undefined) return undefined;
  try {
    const { takenAt, tables, unread, problem } = fileSchema.parse(JSON.parse(text));
    const moments = Object.entries(tables).map(
      ([table, { version, at, newest }]) => [table, { version, at, ...(newest === undefined ? {} : { newest }) }] as const,
    );
    return startOf({
      takenAt,
      moments: new Map(moments),
      unread: new Map(Object.entries(unread)),
      ...(problem === undefined ? {} : { problem }),
    });
  } catch {
    return undefined;
  }
}
