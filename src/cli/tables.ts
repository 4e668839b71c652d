import { withWarehouseReader } from "../stages/connections.ts";
import { readConfiguration } from "../suite.ts";
import { readCatalogColumns, readViews } from "../testdata/catalog.ts";
import { differences } from "../testdata/drift.ts";
import { newRunId } from "../testdata/identity.ts";
import { proposalText } from "../testdata/proposal-text.ts";
import { proposeTables } from "../testdata/propose.ts";
import { WarehouseFailure } from "../warehouse/failure.ts";
import type { Arguments } from "./arguments.ts";
import type { GuardedTerminal } from "./terminal.ts";

/**
 * Proposes `testData.tables` from what the environment's warehouse holds, and says where the present declaration differs. It only
 * reads. @returns the exit status. @throws UserError
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
    const place = { environment, workspace: world.cwd, runId: newRunId(), env: world.env, secrets };
    const { catalog, columns, views } = await withWarehouseReader(place, { signal, onWaking: say }, async (warehouse) => {
      say(`reading the columns of catalog ${warehouse.catalog} in ${environment.name}`);
      const [columns, views] = await Promise.all([readCatalogColumns(warehouse), readViews(warehouse)]);
      return { catalog: warehouse.catalog, columns, views };
    });
    const proposal = proposeTables({ columns, views, protectedTables });
    const found = differences(declared, proposal, columns, protectedTables);
    say(
      `${columns.size} tables; ${Object.keys(proposal.tables).length} proposed; ${found.length} differences from the declaration`,
    );
    world.stdout.write(
      args.json
        ? `${JSON.stringify({ catalog, ...proposal, differences: found }, undefined, 2)}\n`
        : proposalText(proposal, found, catalog),
    );
    return args.check && found.length > 0 ? 1 : 0;
  } catch (error) {
    if (!(error instanceof WarehouseFailure)) throw error;
    say(`env-actions: ${error.message}`);
    return 3;
  }
}
