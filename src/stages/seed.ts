import { proveWarehouse } from "../cleanup/execute/proof.ts";
import { count } from "../lib/count.ts";
import type { AuditEvent } from "../model/audit-event.ts";
import type { Check } from "../model/report.ts";
import type { SeedResult } from "../model/staging.ts";
import { UserError } from "../model/user-error.ts";
import type { SeedEvent, SeedRequest } from "../staging/seed/request.ts";
import { seed as fill } from "../staging/seed/seed.ts";
import { readStructure } from "../staging/structure/read.ts";
import { failedIfWrongTarget, withCopyWarehouse } from "./connections.ts";
import { reportCheck, type StageContext, type StageOutcome, step } from "./context.ts";

/** Shows which tables of the copy would be filled, and emptied before; with `execute`, does it. */
export async function seed(context: StageContext, outcome: StageOutcome): Promise<void> {
  const request = seedRequest(context);
  const check = await context.check("seed", "Synthetic data", () =>
    failedIfWrongTarget(
      async () =>
        await withCopyWarehouse(
          context,
          context.signal,
          { catalog: request.copy.catalog, ownsCatalog: false },
          async (warehouse) => {
            proveWarehouse(context.environment, await warehouse.identity());
            const result = await fill(
              {
                warehouse,
                readStructure: (catalog) => readStructure(warehouse, catalog, new Date()),
                signal: context.signal,
                onStep: (text) => step(context, text),
                audit: (event) => context.audit(noteOf(event)),
              },
              request,
            );
            outcome.staging = { ...outcome.staging, seed: result };
            return findingOf(result);
          },
          // One statement fills a table, however many rows it gets.
          { statementTimeoutMs: context.config.staging?.seed.budget ?? 3_600_000 },
        ),
    ),
  );
  outcome.checks.push(await reportCheck(context, Promise.resolve(check)));
}

/** What the configuration and the command line ask for. @throws UserError if it isn't known which catalog is the original's */
export function seedRequest({ config, environment, original, stage, overrides, runStarted }: StageContext): SeedRequest {
  const { databricks } = environment;
  const settings = config.staging?.seed;
  if (!settings || !databricks)
    throw new UserError("EA2134", `${stage} needs the group staging, and a warehouse in the copy's environment`);
  if (original?.catalog === undefined)
    throw new UserError(
      "EA2136",
      `the catalog of the environment ${original?.name ?? "under staging.original"} comes from a variable that is not set here, and without it nothing shows that ${databricks.catalog} is another: set the variable, or write the name`,
    );
  const others = Object.entries(config.environments).flatMap(([name, { access, databricks: warehouse }]) =>
    access === "read-only" && warehouse ? [{ environment: name, catalog: warehouse.catalog }] : [],
  );
  const schools = settings.schools ?? (config.preset === "classwaves" ? 10 : undefined);
  return {
    copy: { catalog: databricks.catalog, ...(databricks.expect ? { expect: databricks.expect } : {}) },
    readOnly: [{ environment: original.name, catalog: original.catalog }, ...others],
    seed: settings.seed,
    day: settings.day ?? mondayOf(runStarted),
    ...(schools === undefined ? {} : { schools }),
    rows: settings.rows,
    tables: settings.tables,
    add: settings.add,
    reset: overrides.reset ?? false,
    dryRun: !overrides.execute,
  };
}

/** A seed that is repeated in the same week gives the same rows. */
function mondayOf(time: number): string {
  const day = Math.floor(time / 86_400_000);
  // 1970-01-01 was a Thursday.
  return new Date((day - ((day + 3) % 7)) * 86_400_000).toISOString().slice(0, 10);
}

function findingOf({ tables, emptied, planned }: SeedResult): Pick<Check, "verdict" | "observed" | "message"> {
  const filled = tables.filter(({ rows }) => rows > 0);
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  if (planned) {
    const first = emptied.length > 0 ? `${count(emptied.length, "table")} emptied, ` : "";
    return {
      verdict: "passed",
      observed: tables.length === 0 ? "nothing to do" : `${first}${count(tables.length, "table")} filled`,
      message: "Only the plan is shown: nothing was written.",
    };
  }
  return {
    verdict: "passed",
    observed: rows === 0 ? "nothing to do" : `${count(rows, "row")} in ${count(filled.length, "table")}`,
  };
}

function noteOf({ what, table, rows, problem }: SeedEvent): AuditEvent {
  const counts: Record<string, number> = rows === undefined ? {} : { rows };
  return { action: "statement", details: { what, table, ...(problem === undefined ? {} : { problem }) }, counts };
}
