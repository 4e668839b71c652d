import type { TestDataConfig } from "../../config/schema.ts";
import type { AuditEvent } from "../../model/audit-event.ts";
import type { TestDataRedis } from "../../redis/connection.ts";
import { planKeys } from "./plan-keys.ts";

export interface SignInKeysRequest {
  /** Taken from the responses. */
  ids: ReadonlySet<string>;
  testData: Pick<TestDataConfig, "protectedKeys" | "maxKeys" | "keyTtl">;
  signal: AbortSignal;
  audit: (note: AuditEvent) => Promise<void>;
}

/** How often to look again: an application may write once more while it ends a session. */
const rounds = 3;

/** Deletes the keys of the suite's own sign-ins, and nothing else. @throws RedisFailure */
export async function forgetSignInKeys(
  redis: TestDataRedis,
  { ids, testData, signal, audit }: SignInKeysRequest,
): Promise<{ deleted: number | undefined; left: number }> {
  const none: ReadonlySet<string> = new Set();
  const { protectedKeys, maxKeys, keyTtl } = testData;
  const now = Date.now();
  const request = {
    ...{ scope: "run" as const, prefixes: [], ids: none, ledger: none, namespaces: [], olderThan: now, now },
    ...{ signIns: ids, protectedKeys, maxKeys, ttlLimit: keyTtl.limit },
  };
  let deleted: number | undefined = 0;
  for (let round = 1; ; round++) {
    const { keys, blockers } = await planKeys(redis, request);
    if (blockers.length > 0) throw new Error(blockers.join("; "));
    if (keys.size === 0 || round > rounds || signal.aborted) return { deleted, left: keys.size };
    const gone = await redis.unlink([...keys]);
    deleted = gone === undefined || deleted === undefined ? undefined : deleted + gone;
    await audit({
      action: "statement",
      details: { what: "unlink", keys: "the suite's own sign-ins" },
      counts: { planned: keys.size, ...(gone === undefined ? {} : { deleted: gone }) },
    });
  }
}
