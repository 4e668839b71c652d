import type { TestDataConfig } from "../../config/schema.ts";
import { count } from "../../lib/count.ts";
import { errorText } from "../../lib/error-text.ts";
import type { AuditEvent } from "../../model/audit-event.ts";
import type { CleanupResult, KeyTtlResult } from "../../model/test-data.ts";
import {
  type ChangeCount,
  type KeyLife,
  keyText,
  RedisFailure,
  type RedisReader,
  readableKey,
  type TestDataRedis,
} from "../../redis/connection.ts";
import { keyFilter } from "./filter.ts";
import { type KeyScope, keyJudge } from "./judge.ts";
import { type FoundKeys, unchangedSince } from "./unchanged.ts";

export interface KeyRequest extends KeyScope {
  /** A plan with more keys is refused; at most one more is held in memory. */
  maxKeys: number;
  /** The longest TTL that a test key should have, in milliseconds. */
  ttlLimit: number;
}

/** What was found about the TTLs of test keys, both those to delete and those kept. */
export interface KeyTtlPlan {
  limitMs: number;
  /** Keys without a TTL. */
  unlimited: number;
  /** Keys with a TTL above `limitMs`. */
  over: number;
  /** Keys to delete that were not checked, because there were many. */
  unasked: number;
  /** A few of both, for the report. */
  samples: string[];
  /** Those of both that are kept. Holds at most `maxKeys`. */
  toShorten: Set<string>;
  /** Why the TTLs are unknown, if they are. */
  problem?: string;
}

/** All keys that a cleanup would delete, and what it found beside them. */
export interface KeyPlan {
  /** As `latin1`; at most `maxKeys` + 1. */
  keys: Set<string>;
  /** What was found, and when, for the next look. */
  found: FoundKeys;
  /** Test keys that are kept because their age is unknown. */
  ageless: number;
  /** Keys that the server returned, after its filter; keys returned twice count twice. */
  scanned: number;
  ttl: KeyTtlPlan;
  /** Why the plan is incomplete. */
  problems: string[];
  /** Why the plan must not run. */
  blockers: string[];
  /** Notes for the user, such as why the scan started again. */
  notes: string[];
}

const samplesShown = 3;
const auditedAtOnce = 1_024;
/** For keys that are deleted anyway, a sample is enough to show what the tests write. Keys that are kept are all checked. */
const mostAuditedOfPlanned = 10_000;

/** A plan that was carried out. */
export interface EarlierKeys {
  plan: KeyPlan;
  /** How often carrying it out changed Redis; `undefined` if an answer was lost. */
  changes: number | undefined;
}

/**
 * Finds the keys that are test data, as `keyJudge` says: those with a test prefix or the id of a row of test data as a word in
 * them, in scope `run` also those of its sign-ins and those of the ledger that something else confirms, in other scopes those of the
 * configured namespaces. Protected keys are kept, and in scope `expired` those that are too recent or of unknown age.
 *
 * Scans the keyspace once for all patterns, and reads the TTLs of test keys in the same pass. Memory grows with the planned and
 * kept test keys, not with the keyspace.
 * @param earlier the plan before, which was carried out. If the server counted no other change since that plan's scan began,
 * everything else is as it was found then, so the keyspace is not scanned again
 * @throws RedisFailure
 */
export async function planKeys(redis: RedisReader, request: KeyRequest, earlier?: EarlierKeys): Promise<KeyPlan> {
  const changes = await redis.changeCount();
  const plan = unchangedSince(earlier, request, changes) ?? (await scanned(redis, request, changes));
  const { guarded, unproven, unseen, earlier: old } = plan.found;
  if (plan.keys.size > request.maxKeys)
    plan.blockers.push(`the plan deletes more Redis keys than testData.maxKeys (${request.maxKeys})`);
  else if (unseen.size > 0) await reportUnseen(redis, unseen, request, plan);
  if (unproven.size > 0) plan.problems.push(unprovenProblem(unproven));
  if (old.size > 0) plan.notes.push(earlierNote(old));
  if (guarded.size > 0) plan.notes.push(guardedNote(guarded));
  return plan;
}

async function scanned(redis: RedisReader, request: KeyRequest, changes: ChangeCount | undefined): Promise<KeyPlan> {
  const judge = keyJudge(request);
  const found: FoundKeys = {
    request,
    changes,
    ...{ guarded: new Set(), unproven: new Set(), earlier: new Set() },
    unseen: new Set([...request.ledger].map(keyText)),
  };
  const ttl: KeyTtlPlan = { limitMs: request.ttlLimit, unlimited: 0, over: 0, unasked: 0, samples: [], toShorten: new Set() };
  const plan: KeyPlan = { keys: new Set(), found, ageless: 0, scanned: 0, ttl, problems: [], blockers: [], notes: [] };
  const { unseen } = found;
  // SCAN may return a key twice; it must count once.
  const kept = new Set<string>();
  const scanning = {
    match: (seen: readonly string[]) =>
      keyFilter(
        request,
        seen.filter((key) => judge(key) === "keep"),
      ),
    onInterruption: (why: string) => plan.notes.push(why),
  };
  let auditing: Promise<void> = Promise.resolve();
  let asked: string[] = [];
  for await (const batch of redis.scan(scanning)) {
    plan.scanned += batch.length;
    for (const key of batch) {
      if (unseen.size > 0) unseen.delete(key);
      const judgement = judge(key);
      if (judgement === "keep") continue;
      if (judgement === "guarded" || judgement === "unproven" || judgement === "earlier") {
        found[judgement].add(key);
        continue;
      }
      const known = judgement === "delete" ? !added(plan.keys, key) : !added(kept, key);
      if (known) continue;
      if (kept.size > request.maxKeys) kept.delete(key);
      if (judgement === "ageless") plan.ageless++;
      if (judgement !== "delete" || plan.keys.size <= mostAuditedOfPlanned) asked.push(key);
      else plan.ttl.unasked++;
      if (plan.keys.size > request.maxKeys) break;
    }
    if (plan.keys.size > request.maxKeys) break;
    if (asked.length < auditedAtOnce) continue;
    // The next part of the keyspace is already being fetched.
    await auditing;
    auditing = audit(redis, asked, plan);
    // The failure is handled where this is awaited; until then it must not crash the process.
    auditing.catch(() => undefined);
    asked = [];
  }
  await auditing;
  await audit(redis, asked, plan);
  return plan;
}

/** Every line has to be corrected, so all are listed, up to a readable number. */
const mostNamed = 20;

function unprovenProblem(keys: ReadonlySet<string>): string {
  const what = count(
    keys.size,
    "Redis key that the ledger names is kept, because nothing else proves that this run created it, or it has another run's id",
    "Redis keys that the ledger names are kept, because nothing else proves that this run created them, or they have another run's id",
  );
  const cure =
    "correct the ledger, use ENV_ACTIONS_PREFIX in the names of keys, or list a namespace with only test data under testData.keys";
  return `${what}: ${namesOf(keys, mostNamed)}; ${cure}`;
}

function earlierNote(keys: ReadonlySet<string>): string {
  return `${count(keys.size, "Redis key contains", "Redis keys contain")} the id of a row of this run, but existed before the stage began, and ${keys.size === 1 ? "is" : "are"} kept: ${namesOf(keys, samplesShown)}`;
}

function guardedNote(keys: ReadonlySet<string>): string {
  const named = count(
    keys.size,
    "Redis key that the ledger names is protected",
    "Redis keys that the ledger names are protected",
  );
  return `${named}, and not deleted: ${[...keys].slice(0, samplesShown).map(readableKey).join(", ")}`;
}

/** A sample of keys large enough to show where the tests wrote. */
const askedElsewhere = 100;

/** If none of the ledger's keys exist, we may be connected to the wrong database. */
async function reportUnseen(redis: RedisReader, unseen: ReadonlySet<string>, request: KeyRequest, plan: KeyPlan): Promise<void> {
  plan.notes.push(unseenNote(unseen, request));
  if (unseen.size < request.ledger.size) return;
  for (const { database, keys } of await redis.elsewhere([...unseen].slice(0, askedElsewhere))) {
    const what = `${namesOf(new Set(keys), samplesShown)}, which the ledger names, ${keys.length === 1 ? "is" : "are"} in database ${database} of this Redis, but this cleanup uses database ${redis.identity.database}: write /${database} as the path of redis.url`;
    // Other environments may have keys of the same name there, but none with this run's id.
    const isOurs = request.run?.ids.some((id) => keys.some((key) => key.includes(id)));
    (isOurs ? plan.problems : plan.notes).push(what);
  }
}

/** Not a failure: tests may delete their own keys, and keys expire. */
function unseenNote(unseen: ReadonlySet<string>, { ledger, hadKey }: KeyRequest): string {
  const before = new Set([...unseen].filter((key) => hadKey?.(key) === true));
  const what = `${count(unseen.size, "Redis key", "Redis keys")} that the ledger names ${unseen.size === 1 ? "is" : "are"} missing: ${namesOf(unseen, samplesShown)} (deleted by the tests, expired, or named wrongly)`;
  return [
    what,
    ...(before.size > 0
      ? [`of these ${count(before.size, "existed", "existed")} before the tests started: ${namesOf(before, samplesShown)}`]
      : []),
    ...(unseen.size === ledger.size
      ? ["none of the ledger's keys exists: compare the database and the keyPrefix of the tests' client with redis.url"]
      : []),
  ].join("; ");
}

function namesOf(keys: ReadonlySet<string>, most: number): string {
  const shown = [...keys].slice(0, most).map(readableKey).join(", ");
  return keys.size > most ? `${shown} and ${keys.size - most} more` : shown;
}

/** @returns whether the key is new in the set */
function added(keys: Set<string>, key: string): boolean {
  const before = keys.size;
  keys.add(key);
  return keys.size > before;
}

/** A user without permission to read TTLs can still clean up; the report says that they are unknown. */
async function audit(redis: RedisReader, keys: readonly string[], plan: KeyPlan): Promise<void> {
  const { ttl } = plan;
  if (ttl.problem !== undefined || keys.length === 0) return;
  let lives: KeyLife[];
  try {
    lives = await redis.lives(keys);
  } catch (error) {
    if (!(error instanceof RedisFailure) || error.kind !== "refused") throw error;
    ttl.problem = error.message;
    return;
  }
  for (const [index, life] of lives.entries()) {
    const key = keys[index];
    if (key === undefined || life === "gone" || (life !== "unlimited" && life <= ttl.limitMs)) continue;
    if (life === "unlimited") ttl.unlimited++;
    else ttl.over++;
    if (ttl.samples.length < samplesShown) ttl.samples.push(key);
    if (!plan.keys.has(key)) ttl.toShorten.add(key);
  }
}

/** The TTL check as a result, before anything was shortened. */
export function describeTtl({ limitMs, unlimited, over, samples, problem }: KeyTtlPlan): KeyTtlResult {
  return { limitMs, unlimited, over, samples: samples.map(readableKey), ...(problem === undefined ? {} : { problem }) };
}

/** Notes about the keys of a plan, one sentence each. */
export function keyNotes(plan: KeyPlan): string[] {
  const { limitMs, unlimited, over, unasked, problem } = plan.ttl;
  const notes = [...plan.notes];
  if (plan.ageless > 0)
    notes.push(
      `${count(plan.ageless, "Redis test key is kept, because its", "Redis test keys are kept, because their")} age is unknown`,
    );
  if (problem !== undefined) notes.push(`the lifetime of the Redis test keys could not be read: ${problem}`);
  if (unlimited + over > 0) {
    const beyond = `${unlimited > 0 ? count(over, "lives", "live") : count(over, "Redis test key lives", "Redis test keys live")} longer than ${minutes(limitMs)}`;
    notes.push(
      [
        ...(unlimited > 0 ? [`${count(unlimited, "Redis test key has", "Redis test keys have")} no TTL`] : []),
        ...(over > 0 ? [beyond] : []),
      ].join(", "),
    );
  }
  if (unasked > 0)
    notes.push(
      `how long ${count(unasked, "more Redis test key lives", "more Redis test keys live")} was not asked, because it is deleted`,
    );
  return notes;
}

function minutes(milliseconds: number): string {
  return milliseconds >= 60_000 ? `${Math.round(milliseconds / 6_000) / 10} min` : `${milliseconds / 1_000} s`;
}

/**
 * Sets the TTL limit on test keys that are kept; never lengthens a TTL. Failures are added to the result.
 * @returns how many were shortened; `undefined` if that is unknown
 */
export async function shortenLives(
  redis: TestDataRedis,
  plan: KeyPlan,
  result: CleanupResult["keys"],
): Promise<number | undefined> {
  if (!result.ttl || plan.ttl.toShorten.size === 0) return 0;
  try {
    result.ttl.shortened = await redis.shorten([...plan.ttl.toShorten], plan.ttl.limitMs);
    if (result.ttl.shortened === undefined) result.ttl.problem = "it is unknown how many keys got a limit: an answer was lost";
    return result.ttl.shortened;
  } catch (error) {
    result.ttl.problem = errorText(error);
    return undefined;
  }
}

const lostCount = "how many keys were deleted could not be told: the connection was lost before Redis had answered";

/** Adds the count of one deletion. Once unknown, the total stays unknown. */
export function addDeleted(keys: CleanupResult["keys"], gone: number | undefined): void {
  if (gone === undefined) markCountUnknown(keys, lostCount);
  else if (keys.problem === undefined) keys.deleted = (keys.deleted ?? 0) + gone;
}

/** A failed deletion may have deleted some keys, so the total is unknown from then on. */
export function markCountUnknown(keys: CleanupResult["keys"], why: string): void {
  keys.problem = why;
  delete keys.deleted;
}

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
  let earlier: EarlierKeys | undefined;
  for (let round = 1; ; round++) {
    const plan = await planKeys(redis, request, earlier);
    const { keys, blockers } = plan;
    if (blockers.length > 0) throw new Error(blockers.join("; "));
    if (keys.size === 0 || round > rounds || signal.aborted) return { deleted, left: keys.size };
    const gone = await redis.unlink([...keys]);
    earlier = { plan, changes: gone };
    deleted = gone === undefined || deleted === undefined ? undefined : deleted + gone;
    await audit({
      action: "statement",
      details: { what: "unlink", keys: "the suite's own sign-ins" },
      counts: { planned: keys.size, ...(gone === undefined ? {} : { deleted: gone }) },
    });
  }
}
