import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { keep, keptIdentity } from "../local/warehouse/identity.ts";
import { startWarehouse, type TableDefinition, type Warehouse } from "../local/warehouse/index.ts";

/**
 * `npm run warehouse`: a local SQL warehouse with ClassWaves' 48 empty tables for experiments. It prints its address and
 * credentials, and runs until Ctrl-C. Its rows are gone then. Host, tokens and certificate are kept in .cache/warehouse for the next start.
 */
const catalog = "classwaves";
const schema: Record<string, TableDefinition> = JSON.parse(
  await readFile(new URL("../examples/classroom/schema.json", import.meta.url), "utf8"),
);
const folder = join(import.meta.dirname, "..", ".cache", "warehouse");
const identity = await keptIdentity(folder);
const { tokens } = identity;
const warehouse = await started(portFrom(process.env.PORT) ?? identity.port);
const certificateAuthority = keep(folder, { ...identity, port: warehouse.port });
await warehouse.createTables(schema);

console.log(`A SQL warehouse runs on this machine, with ${Object.keys(schema).length} empty tables. Ctrl-C ends it.

  host             ${warehouse.host}
  path             ${warehouse.path}
  token to write   ${tokens.write}   (writer@classwaves.test)
  token to read    ${tokens.read}   (reader@classwaves.test)
  CA certificate   ${certificateAuthority}

export DATABRICKS_HOST=${warehouse.host}
export DATABRICKS_WAREHOUSE_ID=${warehouse.warehouseId}
export DATABRICKS_HTTP_PATH=${warehouse.path}
export DATABRICKS_TOKEN=${tokens.write}
export DATABRICKS_CATALOG=${catalog}
export NODE_EXTRA_CA_CERTS=${certificateAuthority}
`);

await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
await warehouse.stop();

async function started(port: number): Promise<Warehouse> {
  try {
    return await startWarehouse({
      port,
      catalog,
      certificates: identity.certificates,
      principals: {
        [tokens.write]: { user: "writer@classwaves.test", grants: [{ privilege: "ALL PRIVILEGES", on: catalog }] },
        [tokens.read]: {
          user: "reader@classwaves.test",
          grants: [
            { privilege: "USE CATALOG", on: catalog },
            { privilege: "USE SCHEMA", on: catalog },
            { privilege: "SELECT", on: catalog },
          ],
        },
      },
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    console.error(
      `Port ${port} is taken, maybe by another \`npm run warehouse\`. Stop it, or choose a port: PORT=${port + 1} npm run warehouse`,
    );
    process.exit(2);
  }
}

/** @returns undefined if PORT is not set: then the last start's port is used, or any free one */
function portFrom(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  console.error(`PORT: expected a number from 0 to 65535, got "${text}"`);
  process.exit(2);
}
