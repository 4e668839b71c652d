import { keyText, type RedisReader } from "../redis/connection.ts";
import { timeInId } from "./identity.ts";
import type { Scope } from "./row-plan.ts";

export interface KeyRequest {
  scope: Scope;
  /** Scope `run`: literals that only this run's keys contain. Else: what test data begins with, at the start of a key or of one of its parts. */
  prefixes: readonly string[];
  /** Keys of test rows: a Redis key that has one as a whole part between colons belongs to it. */
  ids: ReadonlySet<string>;
  /** Keys that the tests said they made. */
  ledger: ReadonlySet<string>;
  /** Namespaces that hold nothing but test data, `*` for any text; not used for scope `run`, which other runs share them with. */
  namespaces: readonly string[];
  protectedKeys: readonly string[];
  olderThan: number;
  now: number;
}

export interface KeyPlan {
  keys: Set<string>;
  /** Test keys that are kept because their age cannot be told. */
  ageless: number;
  scanned: number;
}

/** An id this short could be a part of a key that has nothing to do with it. */
const shortestId = 8;

/** Looks through the keyspace once, however many patterns there are. @throws RedisFailure */
export async function planKeys(redis: RedisReader, request: KeyRequest): Promise<KeyPlan> {
  const plan: KeyPlan = { keys: new Set(), ageless: 0, scanned: 0 };
  const judge = keyJudge(request);
  for await (const batch of redis.scan()) {
    plan.scanned += batch.length;
    for (const key of batch) {
      const judgement = judge(key);
      if (judgement === "delete") plan.keys.add(key);
      else if (judgement === "ageless") plan.ageless++;
    }
  }
  return plan;
}

type Judgement = "delete" | "keep" | "ageless";

/** Decides about one key (in `latin1`, as the redis room hands it out). */
export function keyJudge(request: KeyRequest): (key: string) => Judgement {
  const protectedKeys = request.protectedKeys.map((pattern) => wildcard(keyText(pattern)));
  const namespaces = request.scope === "run" ? [] : request.namespaces.map((pattern) => wildcard(keyText(pattern)));
  const prefixes = request.prefixes.map(keyText);
  const ledger = new Set([...request.ledger].map(keyText));
  const ids = new Set([...request.ids].filter((id) => id.length >= shortestId).map(keyText));

  return (key) => {
    if (protectedKeys.some((pattern) => pattern.test(key))) return "keep";
    if (ledger.has(key)) return "delete";
    const parts = key.split(":");
    // A whole part, never a piece of one: ids have no wildcards here, and `session:12` is not about session 123.
    if (parts.some((part) => ids.has(part))) return "delete";
    const ofPrefix = prefixes.some((prefix) => key.startsWith(prefix) || parts.some((part) => part.startsWith(prefix)));
    if (request.scope === "run") return ofPrefix ? "delete" : "keep";
    if (!ofPrefix && !namespaces.some((pattern) => pattern.test(key))) return "keep";
    if (request.scope === "all") return "delete";
    const made = timeInId(key, request.now);
    if (made === undefined) return "ageless";
    return made <= request.olderThan ? "delete" : "keep";
  };
}

function wildcard(pattern: string): RegExp {
  const escaped = pattern.split("*").map((literal) => literal.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${escaped.join("[\\s\\S]*")}$`);
}
