import { jsonAt, shortValue } from "../../config/assertion.ts";
import type { Environment } from "../../config/schema.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { asking, bearer, judgeAnswer } from "../api/check.ts";
import { type ApiPorts, withHeaders } from "../api/client.ts";
import { opened } from "../databricks/check.ts";
import type { Finding, MeasuredCheck, RunCheck, Shared } from "../run-check.ts";

export type Dashboard = Environment["analytics"][number];
type Assertion = Dashboard["json"][number];

/** A claim that a figure is the number that SQL returns. */
export type Figure = Pick<Assertion, "path" | "tolerance"> & { equalsSql: string };

export function titleOf({ name, method, path }: Dashboard, figure: Figure): string {
  return `${figure.path} of ${name ?? `${method} ${path}`} equals SQL`;
}

/** How often a figure that changes in between is compared. */
const mostRounds = 4;
/** A figure may change and change back between two statements, so one difference is looked at again. */
const differencesToFail = 2;

/**
 * Compares a figure of the API with the warehouse, which is asked right before and after. A hard-coded figure may carry a fresh time,
 * but it doesn't follow the data.
 * @param ids `of`: the check of the route itself
 */
export function checkFigure(
  check: RunCheck,
  { api, opening }: { api: ApiPorts; opening: Shared<WarehouseReader> },
  dashboard: Dashboard,
  figure: Figure,
  { id, of }: { id: string; of: string },
): Promise<MeasuredCheck> {
  return check(id, titleOf(dashboard, figure), async (attempt) => {
    const warehouse = await opened(opening, attempt);
    const headers = withHeaders(dashboard.headers, dashboard.signIn ? await bearer(api, attempt) : {});
    // The turn comes first, so that nothing waits between the statements.
    const { pace, ...atOnce } = api;
    const ask = asking(atOnce, dashboard, headers);
    let differences = 0;
    let last: Comparison | undefined;
    let limited: Finding | undefined;
    for (let round = 0; round < mostRounds; round++) {
      await pace?.turn(api.signal);
      const before = await numberFrom(warehouse, figure.equalsSql);
      const answer = await ask();
      const after = await numberFrom(warehouse, figure.equalsSql);
      const wrong = judgeAnswer({ ...dashboard, json: [] }, answer);
      const mayPass = answer.status === 429 && answer.retryAfterMs !== undefined && pace?.pause(answer.retryAfterMs);
      if (wrong && !mayPass) return { ...wrong, cause: of };
      limited = wrong;
      if (wrong) continue;
      last = { before, after, told: jsonAt(answer.json, figure.path) };
      if (holds(last, figure.tolerance ?? 0)) return { verdict: "passed", ...shown(last, figure) };
      if (before !== after) continue;
      differences++;
      if (differences === differencesToFail) return differs(last, figure);
    }
    if (!last) return { verdict: "error", message: "Rate limited by the API, so the figure is unknown.", ...limited };
    return {
      verdict: "error",
      ...shown(last, figure),
      message: `The number changed while it was compared, ${mostRounds} times, so it is unknown whether the figure is right. Compare one that changes less often, or set tolerance.`,
    };
  });
}

/** One comparison. */
interface Comparison {
  before: number;
  after: number;
  told: unknown;
}

function holds({ before, after, told }: Comparison, tolerance: number): boolean {
  const value = numberOf(told);
  return value !== undefined && value >= Math.min(before, after) - tolerance && value <= Math.max(before, after) + tolerance;
}

function shown({ before, after, told }: Comparison, { path, tolerance }: Figure): Pick<Finding, "observed" | "expected"> {
  const bySql = before === after ? String(after) : `${before} before and ${after} after`;
  return { observed: `${path} is ${shortValue(told)}`, expected: `${bySql}, from SQL${tolerance ? ` ± ${tolerance}` : ""}` };
}

function differs(compared: Comparison, figure: Figure): Finding {
  const what = numberOf(compared.told) === undefined ? "There is no number" : "The figure is not that of the warehouse";
  return {
    verdict: "failed",
    ...shown(compared, figure),
    message: `${what}: it is hard-coded, comes from a mock or an old cache, or the statement counts something else. If it may lag behind, set tolerance.`,
  };
}

/** @throws Error if the statement does not return a single number; WarehouseFailure */
async function numberFrom(warehouse: WarehouseReader, statement: string): Promise<number> {
  const rows = await warehouse.query(statement);
  const values = Object.values(rows[0] ?? {});
  const found = rows.length === 1 && values.length === 1 ? numberOf(values[0]) : undefined;
  if (found === undefined)
    throw new Error(
      `equalsSql must return one row with one number, got ${rows.length === 1 && values.length === 1 ? shortValue(asText(values[0])) : `${rows.length} × ${values.length}`}: ${statement}`,
    );
  return found;
}

/** The driver returns large numbers as text or bigint, and many APIs as text. */
function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  const text = asText(value);
  return typeof text === "string" && /^-?\d+(?:\.\d+)?(?:e[-+]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

/** JSON has no bigint. */
function asText(value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
