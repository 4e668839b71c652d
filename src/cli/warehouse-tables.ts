import { newRunId } from "../cleanup/run-id.ts";
import { readCatalogColumns, readViews } from "../cleanup/tables/catalog.ts";
import { loadConfig, selectEnvironment } from "../config/load.ts";
import { configurationText } from "../init/configuration.ts";
import { type KnownTables, proposedTables } from "../init/detect/stores.ts";
import { hostOf } from "../init/detect/variables.ts";
import { type Project, referredVariables, warehouseOnly } from "../init/project.ts";
import { errorText } from "../lib/error-text.ts";
import { withWarehouseReader } from "../stages/connections.ts";
import type { GuardedTerminal } from "./main.ts";

const withinMs = 30_000;

/** Whether this terminal has all that it takes to ask the warehouse that the project names, and no other. */
export function canAsk(project: Project, env: GuardedTerminal["env"]): boolean {
  const { databricks, preset } = project;
  if (!databricks?.host || preset === "classwaves") return false;
  return (
    referredVariables(warehouseOnly(project)).every(({ name }) => env[name]) &&
    hostOf(env.DATABRICKS_HOST ?? "") === databricks.host
  );
}

/**
 * The tables that the warehouse has. Reads names of tables and columns, and nothing else.
 * @returns a reason instead of tables if it can't be asked: `init` goes on without
 */
export async function askForTables(project: Project, { cwd, env, secrets }: GuardedTerminal): Promise<KnownTables | string> {
  try {
    const text = configurationText(warehouseOnly(project));
    const { config, secrets: written } = await loadConfig({ file: "the warehouse", cwd, env, text });
    for (const secret of written) secrets.add(secret.reveal());
    const { name, environment } = selectEnvironment(config, undefined);
    const place = { environment: { ...environment, name }, workspace: cwd, runId: newRunId(), env, secrets };
    return await withWarehouseReader(
      place,
      { signal: AbortSignal.timeout(withinMs), onWaking: () => undefined },
      async (warehouse) => {
        const [columns, views] = await Promise.all([readCatalogColumns(warehouse), readViews(warehouse)]);
        return proposedTables(columns, views, `the catalog ${warehouse.catalog}`);
      },
    );
  } catch (error) {
    return errorText(error);
  }
}
