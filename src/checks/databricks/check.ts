import { createHash, randomBytes, randomInt } from "node:crypto";
import type { Environment } from "../../config/schema.ts";
import { count } from "../../lib/count.ts";
import { errorText } from "../../lib/error-text.ts";
import { loadDriver, type WarehouseIdentity, type WarehouseReader } from "../../warehouse/access.ts";
import type { WarehouseSettings } from "../../warehouse/connection.ts";
import {
  describeWarehouse,
  examineCredential,
  tokenExpiryTimes,
  type WarehouseDescription,
  type WritingRight,
} from "../../warehouse/credential.ts";
import { WarehouseFailure } from "../../warehouse/failure.ts";
import { readAuthority, trustInAddition } from "../../warehouse/https.ts";
import { endOfToken } from "../auth/token-end.ts";
import { checkConnection, type Peer, peerOf } from "../connection.ts";
import type { CheckContext } from "../kind.ts";
import {
  endOf,
  endOfException,
  type Finding,
  type MayWrite,
  type MeasuredCheck,
  measured,
  milliseconds,
  type RunCheck,
  type RunningCheck,
  type Shared,
  withException,
} from "../run-check.ts";

type DatabricksSettings = NonNullable<Environment["databricks"]>;

export async function prepare(): Promise<void> {
  await loadDriver();
}

/** Checks the warehouse, its certificate, the token's expiry and, in a read-only environment, what its credential could write. */
export function run(context: CheckContext, { token, mayWrite }: DatabricksSettings): RunningCheck[] {
  const { check, stage, environment, limits, warehouse, alone, signal } = context;
  if (!warehouse) return [];
  const { open, settings, wokeIn, compare } = warehouse;
  const ownToken = token?.reveal();
  const ownEnd = ownToken === undefined ? undefined : endOfToken(ownToken);
  const examined = stage === "smoke" && environment.access === "read-only";
  return [
    checkDatabricks(check, open, limits, {
      compare,
      wokeIn,
      describe: () => describeWarehouse(settings, signal),
      alone,
      tokenEnd: ownEnd,
    }),
    checkConnection(
      check,
      "databricks.certificate",
      "Connection to Databricks",
      () => warehousePeer(settings),
      { leastDays: limits.certificateDays, authorityIn: "databricks.certificateAuthority" },
      signal,
    ),
    // Other sign-ins renew their tokens. A token that contains its own expiry is checked with the variables.
    ...(ownToken !== undefined && ownEnd === undefined
      ? [checkTokenLife(check, () => tokenExpiryTimes(settings, signal), limits.tokenDays)]
      : []),
    ...(examined ? [checkReadOnlyCredential(check, open, mayWrite)] : []),
  ];
}

async function warehousePeer(settings: WarehouseSettings): Promise<Peer> {
  const peer = peerOf(`https://${settings.host.replace(/^https:\/\//, "")}`);
  const ca = await readAuthority(settings.certificateAuthority);
  return ca ? { ...peer, trust: await trustInAddition(ca) } : peer;
}

export interface WarehouseLimits {
  /** Milliseconds; slower is a warning. */
  sqlP95: number;
}

/** With twenty samples the P95 tolerates one outlier; with ten it would be the slowest. */
const latencySamples = 20;

export interface WarehouseProbes {
  /** Throws if the identity is not the expected one; absent if none is expected. */
  compare?: (identity: WarehouseIdentity) => void;
  /** How long it took to start, in milliseconds; `undefined` if it was running. */
  wokeIn?: () => number | undefined;
  /** Returns state and size, or why they cannot be read. */
  describe?: () => Promise<WarehouseDescription | string>;
  /** See {@link CheckContext.alone}: delays caused by our own checks don't count as slow. */
  alone?: () => Promise<void>;
  /** When the token says that it ends, in Unix milliseconds. */
  tokenEnd?: number | undefined;
}

/**
 * Checks that the warehouse is there, is the right one, is not a mock, and answers quickly.
 * @param opening the connection, still being opened: its time and its failure are the first check
 */
export async function checkDatabricks(
  check: RunCheck,
  opening: Shared<WarehouseReader>,
  limits: WarehouseLimits,
  { compare, wokeIn, describe, alone, tokenEnd }: WarehouseProbes = {},
): Promise<MeasuredCheck[]> {
  const connected = await check("databricks.connect", "Databricks connection", async (attempt) => {
    const warehouse = await opened(opening, attempt);
    const identity = await warehouse.identity();
    const wakingMs = wokeIn?.();
    // A cold start is neither slow nor broken: it is reported, and doesn't count for latency.
    const cold = wakingMs === undefined ? "" : `, after a cold start of ${Math.round(wakingMs / 100) / 10} s`;
    const observed = `${identity.principal} in catalog ${identity.catalog}${cold}`;
    if (!identity.serverTime)
      return {
        verdict: "failed",
        observed: "no server time",
        expected: "a server time",
        message: "The server responds, but it is not a real warehouse: current_timestamp() is null.",
      };
    try {
      compare?.(identity);
    } catch (error) {
      return { verdict: "failed", observed, message: errorText(error) };
    }
    return { verdict: "passed", observed, ...endOf("token", tokenKey, tokenEnd) };
  });
  if (connected.verdict !== "passed") return [connected];
  const warehouse = await opening();
  const state = describe ? [await checkState(check, describe)] : [];
  const proof = await checkProofOfLife(check, warehouse);
  // If it didn't compute the right answer, it isn't a warehouse whose latency would matter.
  if (proof.verdict !== "passed") return [connected, ...state, proof];
  return [connected, ...state, proof, await checkSqlLatency(check, warehouse, limits, alone)];
}

/**
 * The warehouse computes an unpredictable value. A mock can repeat or invent answers, but not this one. Also serves as a warm-up.
 */
function checkProofOfLife(check: RunCheck, warehouse: WarehouseReader): Promise<MeasuredCheck> {
  return check("databricks.proof", "Databricks computes what a mock cannot know", async () => {
    const [a, b, nonce] = [randomInt(1_000_000), randomInt(1_000_000), randomBytes(16).toString("hex")];
    const [row] = await warehouse.query("SELECT :a + :b AS total, sha2(:nonce, 256) AS digest", { a, b, nonce });
    const expected = "sum and digest of random values";
    if (Number(row?.total) === a + b && row?.digest === createHash("sha256").update(nonce).digest("hex"))
      return { verdict: "passed", observed: "computed", expected };
    return {
      verdict: "failed",
      observed: row ? "a wrong result" : "no row",
      expected,
      message: "The result is wrong, so this may be a mock and not a warehouse.",
    };
  });
}

function checkState(check: RunCheck, describe: () => Promise<WarehouseDescription | string>): Promise<MeasuredCheck> {
  return check("databricks.warehouse", "Databricks warehouse state", async () => {
    const told = await describe();
    if (typeof told === "string") return { verdict: "skipped", message: `State and size are unknown: ${told}.` };
    const observed = `${told.state}, ${told.size}, ${count(told.clusters, "cluster")}`;
    const expected = "RUNNING";
    if (told.state === expected) return { verdict: "passed", observed, expected };
    return {
      verdict: "degraded",
      observed,
      expected,
      message: "It responded a moment ago, but reports that it is not running: it may be stopping.",
    };
  });
}

function checkSqlLatency(
  check: RunCheck,
  warehouse: WarehouseReader,
  limits: WarehouseLimits,
  alone?: () => Promise<void>,
): Promise<MeasuredCheck> {
  return check("databricks.latency", "Databricks SELECT", async () => {
    const found = await sampleSql(warehouse, limits);
    if (found.verdict !== "degraded" || !alone) return found;
    await alone();
    const again = await sampleSql(warehouse, limits);
    return { ...again, observed: `${again.observed}; ${found.observed} while the other checks ran` };
  });
}

async function sampleSql(warehouse: WarehouseReader, limits: WarehouseLimits): Promise<Finding> {
  const samples: number[] = [];
  for (let index = 0; index < latencySamples; index++) {
    const started = performance.now();
    const [row] = await warehouse.query("SELECT :probe AS probe", { probe: index });
    samples.push(performance.now() - started);
    if (Number(row?.probe) !== index)
      return {
        verdict: "failed",
        observed: `asked for ${index}, got ${String(row?.probe)}`,
        message: "The result is wrong, so this may be a mock and not a warehouse.",
      };
  }
  const found = measured(samples, { fixedCount: true, limit: limits.sqlP95 });
  const { latency } = found;
  const slow = latency.p95 >= limits.sqlP95;
  return {
    verdict: slow ? "degraded" : "passed",
    observed: `P95 ${milliseconds(latency.p95)} (${latency.count} samples)`,
    expected: `P95 < ${milliseconds(limits.sqlP95)}`,
    ...found,
    ...(slow ? { message: "The warehouse is slow: it may be small, busy, or far from the runner." } : {}),
  };
}

/**
 * Checks the credential itself: one that could write doesn't belong in a read-only environment. Only reads grants.
 * @param exception makes such a credential a warning until its last day
 */
export function checkReadOnlyCredential(
  check: RunCheck,
  opening: Shared<WarehouseReader>,
  exception?: MayWrite,
): Promise<MeasuredCheck> {
  return check("databricks.read-only", "Databricks credential cannot write", async (attempt) => {
    const { writing, unknown } = await examineCredential(await opened(opening, attempt));
    return {
      ...withException(judgeCredential(writing, unknown), exception, Date.now()),
      ...endOfException("databricks.mayWrite", exception),
    };
  });
}

function judgeCredential(writing: readonly WritingRight[], unknown: readonly string[]): Finding {
  const expected = "only USE and SELECT";
  if (writing.length > 0) {
    const named = writing.slice(0, 3).map((right) => `${right.privilege} on ${right.on} (${right.holder})`);
    return {
      verdict: "failed",
      observed: `${named.join("; ")}${writing.length > 3 ? ` and ${writing.length - 3} more` : ""}`,
      expected,
      message:
        "This token can write to a read-only environment. Use a principal that has USE CATALOG, USE SCHEMA and SELECT, and nothing else.",
    };
  }
  if (unknown.length > 0)
    return {
      verdict: "error",
      observed: "some of its rights are unknown",
      expected,
      message: `It is unknown whether this token can write: ${unknown.join("; ")}.`,
    };
  return { verdict: "passed", observed: "no privilege that writes", expected };
}

const cures: Partial<Record<WarehouseFailure["kind"], string>> = {
  unreachable: "Check DATABRICKS_HOST, or the variable that databricks.host names, and the network.",
  "connection-lost": "Try again: the connection was lost.",
  waking: "Start the warehouse, or raise databricks.startTimeout and the stage's budget.",
  denied: "Grant the principal USE CATALOG, USE SCHEMA and SELECT.",
};

/** @throws Error that says what to do, if the failure itself doesn't */
export async function opened(opening: Shared<WarehouseReader>, attempt: number): Promise<WarehouseReader> {
  try {
    return await opening(attempt);
  } catch (error) {
    if (!(error instanceof WarehouseFailure)) throw error;
    // A failure with a known fix already says it.
    if (error.cure !== undefined) throw new Error(capital(error.message), { cause: error });
    const cure = cures[error.kind];
    throw new Error(`${capital(error.message)}.${cure ? ` ${cure}` : ""}`, { cause: error });
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const dayMs = 86_400_000;
/** The key of the configuration. Which variable it names is not known here. */
const tokenKey = "databricks.token";

/**
 * Checks how long the Databricks token is still valid. The workspace lists when a user's tokens expire, but not which one is
 * used; with several, it may be the first to expire.
 * @param ends of the user's tokens, in Unix milliseconds, Infinity for never; or why they cannot be read
 * @param leastDays one that expires sooner is a warning
 */
export function checkTokenLife(
  check: RunCheck,
  ends: () => Promise<readonly number[] | string>,
  leastDays: number,
  now: number = Date.now(),
): Promise<MeasuredCheck> {
  return check("databricks.token", "Databricks token", async () => {
    const told = await ends();
    if (typeof told === "string") return { verdict: "skipped", message: `Its expiry is unknown: ${told}.` };
    if (told.length === 0)
      return { verdict: "skipped", message: "Its expiry is unknown: the workspace lists no token of this user." };
    const first = Math.min(...told);
    const one = told.length === 1;
    const what = one ? "" : `the first of the user's ${told.length} tokens `;
    const expected = `valid for ${leastDays} days or more`;
    if (first === Number.POSITIVE_INFINITY) return { verdict: "passed", observed: "never expires", expected };
    const expires = endOf("token", tokenKey, first);
    const observed = `${what}${one ? "ends" : "to end does so"} in ${Math.floor((first - now) / dayMs)} days`;
    if (first - now >= leastDays * dayMs) return { verdict: "passed", observed, expected, ...expires };
    return {
      verdict: "degraded",
      observed,
      expected,
      ...expires,
      message: `${one ? "Renew DATABRICKS_TOKEN" : "If that is DATABRICKS_TOKEN, renew it"}: when it expires, every stage stops.`,
    };
  });
}
