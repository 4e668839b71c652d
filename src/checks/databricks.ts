import type { Check } from "../model.ts";
import type { WarehouseIdentity, WarehouseReader } from "../warehouse/access.ts";
import { examineCredential, type WritingRight } from "../warehouse/credential.ts";
import { WarehouseFailure } from "../warehouse/failure.ts";
import { type Finding, latencyOf, look, milliseconds } from "./check.ts";
import { type MayWrite, withException } from "./may-write.ts";

export interface WarehouseLimits {
  /** Milliseconds; slower is a warning. */
  sqlP95: number;
}

/** Twenty, so that the P95 forgives one outlier: of ten it would be the slowest. */
const latencySamples = 20;

/**
 * The warehouse is there, is the right one, and answers quickly.
 * @param opening the connection, still being opened: its time and its failure are the first check.
 * @param prove throws where the identity is not the expected one; not given where none is expected.
 */
export async function checkDatabricks(
  opening: Promise<WarehouseReader>,
  limits: WarehouseLimits,
  prove?: (identity: WarehouseIdentity) => void,
): Promise<Check[]> {
  const connected = await look("databricks.connect", "Databricks connection", async () => {
    const warehouse = await explained(opening);
    const identity = await warehouse.identity();
    const observed = `${identity.principal} in catalog ${identity.catalog}`;
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
      return { verdict: "failed", observed, message: error instanceof Error ? error.message : String(error) };
    }
    return { verdict: "passed", observed };
  });
  if (connected.verdict !== "passed") return [connected];
  const warehouse = await opening;
  return [connected, await checkSqlLatency(warehouse, limits)];
}

function checkSqlLatency(warehouse: WarehouseReader, limits: WarehouseLimits): Promise<Check> {
  return look("databricks.latency", "Databricks SELECT", async () => {
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
    const latency = latencyOf(samples);
    const slow = latency.p95 >= limits.sqlP95;
    return {
      verdict: slow ? "degraded" : "passed",
      observed: `P95 ${milliseconds(latency.p95)} of ${latency.count}`,
      expected: `P95 < ${milliseconds(limits.sqlP95)}`,
      latency,
      ...(slow ? { message: "The warehouse answers, but slowly: it may be small, busy, or far from the runner." } : {}),
    };
  });
}

/**
 * The credential itself: one that could write has no place in a read-only environment. Found by reading grants alone.
 * @param exception makes such a credential a warning until its last day.
 */
export function checkReadOnlyCredential(opening: Promise<WarehouseReader>, exception?: MayWrite): Promise<Check> {
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

/** Statements that must bring rows. */
export function checkSqlSample(
  opening: Promise<WarehouseReader>,
  sample: { name: string; query: string; minimumRows: number },
): Promise<Check> {
  return look(`sql.${sample.name}`, `SQL: ${sample.name}`, async () => {
    const rows = await (await explained(opening)).query(sample.query);
    const enough = rows.length >= sample.minimumRows;
    return {
      verdict: enough ? "passed" : "failed",
      observed: `${rows.length} rows`,
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

async function explained(opening: Promise<WarehouseReader>): Promise<WarehouseReader> {
  try {
    return await opening;
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
