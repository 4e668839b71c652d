import { count } from "../../lib/count.ts";
import { errorText } from "../../lib/error-text.ts";
import { textGlob } from "../../lib/pattern.ts";
import type { KeyBooks } from "../../model/test-data.ts";
import { keyText, type RedisReader, readableKey } from "../../redis/connection.ts";
import { exactAmount, unknownAmount } from "./balance.ts";
import type { Start, StartKeys } from "./start.ts";

export interface KeyRequest {
  start: Start;
  runId: string;
  /** The prefixes of test data. */
  prefixes: readonly string[];
  protectedKeys: readonly string[];
  maxRead: number;
  /** `redis.exclusive`: no other client writes to this Redis. */
  exclusive: boolean;
}

const shown = 3;

/** Keys that exist now and didn't at the start. Never rejects. */
export async function balanceKeys(redis: RedisReader, request: KeyRequest): Promise<KeyBooks> {
  const { keys } = request.start;
  if (!keys) return notKnown(undefined, "the keys at the start are unknown");
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
      if (fresh.size > maxRead)
        return notKnown(keys, `more than ${count(maxRead, "key")} are new, the limit of testData.maxRead`);
    }
  const own = keyText(runId);
  const ofRun = [...fresh].filter((key) => key.includes(own));
  const left = [...fresh].filter((key) => !key.includes(own) && !carriesOtherRun(key, prefixes));
  const certain = exclusive ? ofRun.length + left.length : ofRun.length;
  // Another user's key may contain a session token, so the report shows only how such a key begins.
  const samples = [...ofRun.map(readableKey), ...left.map((key) => (exclusive ? readableKey(key) : beginningOf(key)))];
  const base = { looked: looked(keys), samples: [...new Set(samples)].slice(0, shown) };
  if (exclusive || left.length === 0) return { ...base, unexplained: exactAmount(certain) };
  return {
    ...base,
    unexplained: { least: certain, most: certain + left.length },
    why: "others may write to this Redis, too. If nothing else writes while tests run, set redis.exclusive: true",
  };
}

/** `session:***` */
function beginningOf(key: string): string {
  const colon = key.indexOf(":");
  return colon < 0 ? "***" : `${readableKey(key.slice(0, colon))}:***`;
}

/**
 * After a test prefix, as in the keys of every run. The id alone proves nothing, because applications create ids of the same
 * form.
 */
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
