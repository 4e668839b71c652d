import { readConfiguration } from "../app/read-configuration.ts";
import { type FixedRows, findFixedRows } from "../cleanup/propose/parents.ts";
import { type Difference, differences, proposalText } from "../cleanup/propose/proposal-text.ts";
import { type Proposal, proposeTables } from "../cleanup/propose/propose.ts";
import { newRunId } from "../cleanup/run-id.ts";
import { readCatalogColumns, readViews } from "../cleanup/tables/catalog.ts";
import { writtenTable } from "../config/test-data-schema.ts";
import { errorText } from "../lib/error-text.ts";
import { withWarehouseReader } from "../stages/connections.ts";
import { WarehouseFailure } from "../warehouse/failure.ts";
import type { Arguments } from "./arguments.ts";
import type { GuardedTerminal } from "./main.ts";

/**
 * Proposes `testData.tables` from the environment's warehouse, and lists differences from the current declaration. Read-only.
 * @returns the exit status
 * @throws UserError
 */
export async function tables(args: Arguments, world: GuardedTerminal): Promise<number> {
  const { secrets } = world;
  const say = (text: string) => world.stderr.write(`${text}\n`);
  const {
    config,
    tables: declared,
    environment,
  } = await readConfiguration(
    {
      workspace: world.cwd,
      env: world.env,
      configFile: args.config,
      ...(args.environment ? { environment: args.environment } : {}),
    },
    secrets,
  );
  const { protectedTables } = config.testData;
  const signal = args.budgetMs === undefined ? new AbortController().signal : AbortSignal.timeout(args.budgetMs);
  try {
    const target = { environment, workspace: world.cwd, runId: newRunId(), env: world.env, secrets };
    const { catalog, columns, proposal, fixed } = await withWarehouseReader(
      target,
      { signal, onWaking: say },
      async (warehouse) => {
        say(`reading the columns of catalog ${warehouse.catalog} in ${environment.name}`);
        const [columns, views] = await Promise.all([readCatalogColumns(warehouse), readViews(warehouse)]);
        const proposal = proposeTables({ columns, views, protectedTables });
        const rules = Object.entries({ ...proposal.tables, ...declared }).filter(([name]) => !views.has(name));
        const fixed = await findFixedRows(warehouse, Object.fromEntries(rules), columns, {
          prefixes: config.testData.prefixes,
          now: Date.now(),
        });
        return { catalog: warehouse.catalog, columns, proposal, fixed };
      },
    );
    const found = differences(declared, proposal, columns, protectedTables);
    say(
      `${columns.size} tables; ${Object.keys(proposal.tables).length} proposed; ${found.length} differences from the declaration`,
    );
    world.stdout.write(
      args.json
        ? `${JSON.stringify(shownAsJson(catalog, proposal, found, fixed), undefined, 2)}\n`
        : proposalText(proposal, found, catalog, fixed),
    );
    return args.check && found.length > 0 ? 1 : 0;
  } catch (error) {
    if (!(error instanceof WarehouseFailure)) throw error;
    say(`env-actions: ${errorText(error)}`);
    return 3;
  }
}

/** The tables in the form that the configuration uses. */
function shownAsJson(catalog: string, { tables: proposed, remarks }: Proposal, found: readonly Difference[], fixed: FixedRows) {
  const written = Object.entries(proposed).map(([name, table]) => [name, writtenTable(table)]);
  return { catalog, tables: Object.fromEntries(written), remarks, differences: found, keep: fixed.keep, sweep: fixed.sweep };
}
