import { readFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { endOf } from "../checks/run-check.ts";
import { count } from "../lib/count.ts";
import { errorText } from "../lib/error-text.ts";
import { keepHeapSmall } from "../lib/heap.ts";
import type { Check } from "../model/report.ts";
import type { RefreshResult } from "../model/staging.ts";
import { UserError } from "../model/user-error.ts";
import { readPolicies } from "../staging/policies/read.ts";
import { policyRules } from "../staging/refresh/policy-rules.ts";
import { refresh as fill, planOnly } from "../staging/refresh/refresh.ts";
import type { Reference, RefreshPorts, RefreshRequest } from "../staging/refresh/request.ts";
import { readStructure } from "../staging/structure/read.ts";
import type { CopyWarehouse } from "../warehouse/access.ts";
import { namedChange } from "../warehouse/changes.ts";
import { failedIfWrongTarget } from "./connections.ts";
import { reportCheck, type StageContext, type StageOutcome, step } from "./context.ts";
import { type CopyAndOriginal, withCopy } from "./copy.ts";

/** Shows which tables a refresh would fill; with `execute`, fills the copy with sanitised rows of its original. */
export async function refresh(context: StageContext, outcome: StageOutcome): Promise<void> {
  const { execute = false } = context.overrides;
  keepHeapSmall();
  let mistake: UserError | undefined;
  const check = await context.check("refresh", "Sanitised data", () =>
    failedIfWrongTarget(async () => {
      try {
        return await withCopy(context, (both) => filled(context, outcome, both, execute), {
          statementTimeoutMs: longestStatementMs,
        });
      } catch (error) {
        if (error instanceof UserError) mistake = error;
        throw error;
      }
    }),
  );
  // Policies and configuration are the user's to mend: no verdict about the copy follows from them.
  if (mistake) throw mistake;
  outcome.checks.push(await reportCheck(context, Promise.resolve(check)));
}

async function filled(context: StageContext, outcome: StageOutcome, both: CopyAndOriginal, execute: boolean): Promise<Finding> {
  const { ports, request } = await prepared(context, both);
  if (!execute) {
    const plan = await planOnly(ports, request);
    outcome.staging = { ...outcome.staging, refresh: plan };
    return planFinding(plan);
  }
  const result = await fill(ports, request);
  outcome.staging = { ...outcome.staging, refresh: result };
  await context.audit(refreshNote(result, request));
  return { ...findingOf(result), ...(result.switched ? endOf("copy", request.copy, Date.parse(result.keepUntil)) : {}) };
}

/** One table may be large. */
const longestStatementMs = 60 * 60_000;

async function prepared(
  context: StageContext,
  { warehouse, original, copy }: CopyAndOriginal,
): Promise<{ ports: RefreshPorts; request: RefreshRequest }> {
  const { staging } = context.config;
  if (!staging) throw new Error("the configuration has no staging");
  const file = isAbsolute(staging.policies) ? staging.policies : join(context.workspace, staging.policies);
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new UserError(
      "EA6110",
      `${staging.policies}: the policies cannot be read (${error.code ?? "unknown reason"}); write a first proposal with \`env-actions staging propose\`, and review it`,
      { cause: error },
    );
  });
  const read = readPolicies(text, staging.policies);
  const { policies } = read;
  const { roots, k, smallGroups, keepOld, retention } = staging.refresh;
  const tables = context.config.testData?.tables ?? {};
  return {
    ports: {
      warehouse: recorded(warehouse, context.audit),
      rules: policyRules(read, { suppress: smallGroups }),
      readStructure: (catalog) => readStructure(warehouse, catalog, new Date()),
      signal: context.signal,
      onStep: (told) => step(context, told),
    },
    request: {
      original,
      copy,
      references: referencesOf(tables),
      keys: Object.fromEntries([
        ...Object.entries(tables).map(([table, { key }]) => [table.toLowerCase(), [key]]),
        ...Object.entries(policies.tables).flatMap(([table, { key }]) => (key ? [[table, key]] : [])),
      ]),
      roots: Object.fromEntries(Object.entries(roots).map(([table, root]) => [table.toLowerCase(), root])),
      k,
      keepOldMs: keepOld,
      retentionMs: retention,
    },
  };
}

/** Each change is in the audit log as soon as it is made, so that also a refresh that breaks off leaves a trace. */
export function recorded(warehouse: CopyWarehouse, audit: StageContext["audit"]): CopyWarehouse {
  const note = async (sent: string, rows: number | undefined, problem?: string) => {
    const { verb: statement = "unknown", object = "unknown" } = namedChange(sent) ?? {};
    const details = { what: "refresh-step" as const, object, statement, ...(problem === undefined ? {} : { problem }) };
    await audit({ action: "statement", details, counts: rows === undefined ? {} : { rows } });
  };
  return {
    ...warehouse,
    async change(statement, parameters, options) {
      let rows: number | undefined;
      try {
        rows = await warehouse.change(statement, parameters, options);
      } catch (error) {
        await note(statement, undefined, errorText(error));
        throw error;
      }
      await note(statement, rows);
      return rows;
    },
  };
}

/** What the configuration of the test data says about parents. */
function referencesOf(
  tables: Readonly<Record<string, { key: string; parents: Readonly<Record<string, { table: string }>> }>>,
): Reference[] {
  const keys = new Map(Object.entries(tables).map(([table, { key }]) => [table.toLowerCase(), key]));
  return Object.entries(tables).flatMap(([table, { parents }]) =>
    Object.entries(parents).map(([column, { table: parent }]) => ({
      table: table.toLowerCase(),
      columns: [column.toLowerCase()],
      parent: parent.toLowerCase(),
      parentColumns: [(keys.get(parent.toLowerCase()) ?? "id").toLowerCase()],
    })),
  );
}

type Finding = Omit<Check, "id" | "title" | "durationMs">;

const mostNamed = 5;

function findingOf({ tables, switched, problems = [], leftOut, suppressedRows }: RefreshResult): Finding {
  const rows = tables.reduce((sum, table) => sum + (table.rows ?? 0), 0);
  const filled = tables.filter(({ state }) => state !== "omitted").length;
  const more = [
    ...(suppressedRows > 0 ? [`${count(suppressedRows, "row")} of small groups suppressed`] : []),
    ...(leftOut > 0 ? [`${count(leftOut, "row")} left out that refer to nothing`] : []),
  ];
  const observed = [`${count(rows, "row")} in ${count(filled, "table")}`, ...more].join(", ");
  if (switched) return { verdict: "passed", observed };
  const rest = problems.length > mostNamed ? `; and ${problems.length - mostNamed} more` : "";
  return {
    verdict: "failed",
    observed: `${count(problems.length, "failed check")}, ${observed}`,
    expected: "none",
    message: `The copy stays as it was: ${problems.slice(0, mostNamed).join("; ")}${rest}.`,
  };
}

function planFinding({ tables }: RefreshResult): Finding {
  const omitted = tables.filter(({ state }) => state === "omitted").length;
  return {
    verdict: "passed",
    observed: `${count(tables.length - omitted, "table")} to fill, ${omitted} omitted`,
    message: "Only the plan is shown: nothing was read but the structure, and nothing was changed.",
  };
}

function refreshNote(result: RefreshResult, { original, copy }: RefreshRequest) {
  return {
    action: "decision" as const,
    details: {
      what: "refresh" as const,
      original,
      copy,
      refresh: result.id,
      policies: result.policies,
      switched: result.switched,
    },
    counts: {
      tables: result.tables.length,
      rows: result.tables.reduce((sum, { rows = 0 }) => sum + rows, 0),
      leaks: result.leaks,
      chance: result.chance ?? 0,
      orphans: result.orphans,
      suppressed: result.suppressedRows,
    },
  };
}
