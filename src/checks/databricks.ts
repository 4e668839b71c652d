import { createHash, randomBytes, randomInt } from "node:crypto";
import { count } from "../lib/count.ts";
import { errorText } from "../lib/error-text.ts";
import type { Check } from "../model/report.ts";
import type { WarehouseIdentity, WarehouseReader } from "../warehouse/access.ts";
import { examineCredential, type WritingRight } from "../warehouse/credential.ts";
import type { WarehouseDescription } from "../warehouse/describe.ts";
import { WarehouseFailure } from "../warehouse/failure.ts";
import { type Finding, latencyOf, look, milliseconds } from "./check.ts";
import { numberedIds } from "./endpoint-ids.ts";
import { type MayWrite, withException } from "./may-write.ts";
import type { Shared } from "./retry.ts";

export interface WarehouseLimits {
  /** Milliseconds; slower is a warning. */
  sqlP95: number;
}

/** Twenty, so that the P95 forgives one outlier: of ten it would be the slowest. */
const latencySamples = 20;

export interface WarehouseLooks {
  /** Throws where the identity is not the expected one; not given where none is expected. */
  prove?: (identity: WarehouseIdentity) => void;
  /** How long it took to wake, in milliseconds; `undefined` where it was awake. */
  wokeIn?: () => number | undefined;
  /** Asks for state and size, or says why they cannot be seen. */
  describe?: () => Promise<WarehouseDescription | string>;
  /** Resolves when nothing else is asked of the warehouse: what we make slow ourselves is not slow. */
  quiet?: Promise<unknown>;
}

/**
 * The warehouse is there, is the right one, is no mock, and answers quickly.
 * @param opening the connection, still being opened: its time and its failure are the first check.
 */
export async function checkDatabricks(
  opening: Shared<WarehouseReader>,
  limits: WarehouseLimits,
  looks: WarehouseLooks = {},
): Promise<Check[]> {
  const { prove, wokeIn, describe } = looks;
  const connected = await look("databricks.connect", "Databricks connection", async () => {
    const warehouse = await explained(opening);
    const identity = await warehouse.identity();
    const wakingMs = wokeIn?.();
    // A cold start is neither slow nor broken: it is told, and counts for no latency.
    const cold = wakingMs === undefined ? "" : `, after a cold start of ${Math.round(wakingMs / 100) / 10} s`;
    const observed = `${identity.principal} in catalog ${identity.catalog}${cold}`;
    if (!identity.serverTime)
      return {
        verdict: "failed",
        observed: "no server time",
        expected: "a server time",
        message: "Something answers, but it is no real warehouse: current_timestamp() is null.",
      };
    try {
      prove?.(identity);
    } catch (error) {
      return { verdict: "failed", observed, message: errorText(error) };
    }
    return { verdict: "passed", observed };
  });
  if (connected.verdict !== "passed") return [connected];
  const warehouse = await opening();
  const state = describe ? [await checkState(describe)] : [];
  const proof = await checkProofOfLife(warehouse);
  // What did not compute what it was asked is no warehouse whose latency would mean anything.
  if (proof.verdict !== "passed") return [connected, ...state, proof];
  return [connected, ...state, proof, await checkSqlLatency(warehouse, limits, looks.quiet)];
}

/** The warehouse computes what nobody can know beforehand: a mock can repeat and make up, but not that. Warms up, besides. */
function checkProofOfLife(warehouse: WarehouseReader): Promise<Check> {
  return look("databricks.proof", "Databricks computes what a mock cannot know", async () => {
    const [a, b, nonce] = [randomInt(1_000_000), randomInt(1_000_000), randomBytes(16).toString("hex")];
    const [row] = await warehouse.query("SELECT :a + :b AS total, sha2(:nonce, 256) AS digest", { a, b, nonce });
    const expected = "sum and digest of random values";
    if (Number(row?.total) === a + b && row?.digest === createHash("sha256").update(nonce).digest("hex"))
      return { verdict: "passed", observed: "computed", expected };
    return {
      verdict: "failed",
      observed: row ? "an answer that is not computed" : "no row",
      expected,
      message: "The warehouse does not answer what it is asked: a mock stands in for it.",
    };
  });
}

function checkState(describe: () => Promise<WarehouseDescription | string>): Promise<Check> {
  return look("databricks.warehouse", "Databricks warehouse state", async () => {
    const told = await describe();
    if (typeof told === "string") return { verdict: "skipped", message: `State and size cannot be seen: ${told}.` };
    const observed = `${told.state}, ${told.size}, ${count(told.clusters, "cluster")}`;
    const expected = "RUNNING";
    if (told.state === expected) return { verdict: "passed", observed, expected };
    return {
      verdict: "degraded",
      observed,
      expected,
      message: "It answered a moment ago, but says that it does not run: it may be about to stop.",
    };
  });
}

function checkSqlLatency(warehouse: WarehouseReader, limits: WarehouseLimits, quiet?: Promise<unknown>): Promise<Check> {
  return look("databricks.latency", "Databricks SELECT", async () => {
    const found = await sampleSql(warehouse, limits);
    if (found.verdict !== "degraded" || !quiet) return found;
    await quiet;
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
        message: "The warehouse does not answer what it is asked: is there a mock behind it?",
      };
  }
  const latency = latencyOf(samples, true);
  const slow = latency.p95 >= limits.sqlP95;
  return {
    verdict: slow ? "degraded" : "passed",
    observed: `P95 ${milliseconds(latency.p95)} of ${latency.count}`,
    expected: `P95 < ${milliseconds(limits.sqlP95)}`,
    latency,
    ...(slow ? { message: "The warehouse answers, but slowly: it may be small, busy, or far from the runner." } : {}),
  };
}

/**
 * The credential itself: one that could write has no place in a read-only environment. Found by reading grants alone.
 * @param exception makes such a credential a warning until its last day.
 */
export function checkReadOnlyCredential(opening: Shared<WarehouseReader>, exception?: MayWrite): Promise<Check> {
  return look("databricks.read-only", "Databricks credential cannot write", async () => {
    const { writing, unknown } = await examineCredential(await explained(opening));
    return withException(judgeCredential(writing, unknown), exception, Date.now());
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
        "This token could write to a read-only environment. Use a principal that has USE CATALOG, USE SCHEMA and SELECT, and nothing else.",
    };
  }
  if (unknown.length > 0)
    return {
      verdict: "error",
      observed: "not all of its rights can be seen",
      expected,
      message: `Whether this token could write is not known: ${unknown.join("; ")}.`,
    };
  return { verdict: "passed", observed: "no privilege that writes", expected };
}

const sqlId = (name: string) => `sql.${name}`;

/** One for each: a name is for people, and several statements may have the same. */
export function sqlIds(samples: readonly { name: string }[]): string[] {
  return numberedIds(samples.map(({ name }) => sqlId(name)));
}

/** Statements that must bring rows. */
export function checkSqlSample(
  opening: Shared<WarehouseReader>,
  sample: { name: string; query: string; minimumRows: number },
  id = sqlId(sample.name),
): Promise<Check> {
  return look(id, `SQL: ${sample.name}`, async () => {
    const rows = await (await explained(opening)).query(sample.query);
    const enough = rows.length >= sample.minimumRows;
    return {
      verdict: enough ? "passed" : "failed",
      observed: count(rows.length, "row"),
      expected: `at least ${sample.minimumRows}`,
      ...(enough ? {} : { message: `The statement of ${sample.name} brought fewer rows than production always has.` }),
    };
  });
}

const cures: Partial<Record<WarehouseFailure["kind"], string>> = {
  unreachable: "Check DATABRICKS_HOST and the network between here and there.",
  "connection-lost": "Try again: the connection was there, and broke.",
  waking: "Start the warehouse, or give it longer with databricks.startTimeout and the stage's budget.",
  denied: "Grant the principal USE CATALOG, USE SCHEMA and SELECT.",
};

async function explained(opening: Shared<WarehouseReader>): Promise<WarehouseReader> {
  try {
    return await opening();
  } catch (error) {
    if (!(error instanceof WarehouseFailure)) throw error;
    // A failure that knows its cure has said it.
    if (error.cure !== undefined) throw new Error(capital(error.message), { cause: error });
    const cure = cures[error.kind];
    throw new Error(`${capital(error.message)}.${cure ? ` ${cure}` : ""}`, { cause: error });
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
