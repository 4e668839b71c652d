import { count } from "../../lib/count.ts";
import { errorText } from "../../lib/error-text.ts";
import { textGlob } from "../../lib/glob.ts";
import type { KeyBooks } from "../../model/test-data.ts";
import { keyText, type RedisReader, readableKey } from "../../redis/connection.ts";
import { exactAmount, unknownAmount } from "./amount.ts";
import type { Start, StartKeys } from "./start.ts";

export interface KeyRequest {
  start: Start;
  runId: string;
  /** What test data begins with. */
  prefixes: readonly string[];
  protectedKeys: readonly string[];
  maxRead: number;
  /** `redis.exclusive`: nobody else writes there. */
  exclusive: boolean;
}

const shown = 3;

/** Keys that are there now and were not at the start. Never rejects. */
export async function balanceKeys(redis: RedisReader, request: KeyRequest): Promise<KeyBooks> {
  const { keys } = request.start;
  if (!keys) return notKnown(undefined, "the keys of the start are not known");
  if (keys.problem !== undefined) return notKnown(keys, keys.problem);
  try {
    return await newKeys(redis, keys, request);
  } catch (error) {
    return notKnown(keys, errorText(error));
  }
}

async function newKeys(redis: RedisReader, keys: StartKeys, request: KeyRequest): Promise<KeyBooks> {
  const { start, runId, prefixes, protectedKeys, maxRead, exclusive } = request;
  const isProtected = protectedKeys.map((pattern) => textGlob(keyText(pattern), { oneLetter: false }));
  const fresh = new Set<string>();
  for await (const batch of redis.scan({}))
    for (const key of batch) {
      if (start.hadKey(key) !== false || isProtected.some((pattern) => pattern.test(key))) continue;
      fresh.add(key);
      if (fresh.size > maxRead) return notKnown(keys, `more than ${count(maxRead, "key")} are new, which is testData.maxRead`);
    }
  const own = keyText(runId);
  const ofRun = [...fresh].filter((key) => key.includes(own));
  const left = [...fresh].filter((key) => !key.includes(own) && !carriesOtherRun(key, prefixes));
  const certain = exclusive ? ofRun.length + left.length : ofRun.length;
  // A key of somebody else's may be what signs him in: of such a key the report has no more than what it begins with.
  const samples = [...ofRun.map(readableKey), ...left.map((key) => (exclusive ? readableKey(key) : beginningOf(key)))];
  const base = { looked: looked(keys), samples: [...new Set(samples)].slice(0, shown) };
  if (exclusive || left.length === 0) return { ...base, unexplained: exactAmount(certain) };
  return {
    ...base,
    unexplained: { least: certain, most: certain + left.length },
    why: "others may write to this Redis, too: where nobody does while tests run, write redis.exclusive: true",
  };
}

/** `session:***` */
function beginningOf(key: string): string {
  const colon = key.indexOf(":");
  return colon < 0 ? "***" : `${readableKey(key.slice(0, colon))}:***`;
}

/** Behind a test prefix, as every run's keys carry it: applications make ids of the same shape. */
function carriesOtherRun(key: string, prefixes: readonly string[]): boolean {
  return prefixes.map(keyText).some((prefix) => {
    for (let at = key.indexOf(prefix); at >= 0; at = key.indexOf(prefix, at + 1))
      if (/^\d{13}_[0-9a-f]{8}(?![0-9a-f])/.test(key.slice(at + prefix.length))) return true;
    return false;
  });
}

function looked({ known, namespaces }: StartKeys): string {
  return namespaces === undefined ? `all keys (${known.size} at the start)` : `keys in ${namespaces.join(", ")}`;
}

function notKnown(keys: StartKeys | undefined, why: string): KeyBooks {
  return { unexplained: unknownAmount, samples: [], looked: keys ? looked(keys) : "no keys", why };
}
