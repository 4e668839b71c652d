import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { startWarehouse, type TableDefinition } from "../local/warehouse/index.ts";

/**
 * `npm run warehouse`: a local SQL warehouse with ClassWaves' 48 empty tables for experiments. It prints its address and
 * credentials, and runs until Ctrl-C. Nothing is stored.
 */
const catalog = "classwaves";
const schema: Record<string, TableDefinition> = JSON.parse(
  await readFile(new URL("../examples/classroom/schema.json", import.meta.url), "utf8"),
);
const tokens = { write: newToken(), read: newToken() };
const warehouse = await startWarehouse({
  port: portFrom(process.env.PORT),
  catalog,
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
await warehouse.createTables(schema);

console.log(`A SQL warehouse runs on this machine, with ${Object.keys(schema).length} empty tables. Ctrl-C ends it.

  host             ${warehouse.host}
  path             ${warehouse.path}
  token to write   ${tokens.write}   (writer@classwaves.test)
  token to read    ${tokens.read}   (reader@classwaves.test)
  CA certificate   ${warehouse.certificateAuthority}

export DATABRICKS_HOST=${warehouse.host}
export DATABRICKS_WAREHOUSE_ID=${warehouse.warehouseId}
export DATABRICKS_HTTP_PATH=${warehouse.path}
export DATABRICKS_TOKEN=${tokens.write}
export DATABRICKS_CATALOG=${catalog}
export NODE_EXTRA_CA_CERTS=${warehouse.certificateAuthority}
`);

await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
await warehouse.stop();

function newToken(): string {
  return `dapi-local-${randomBytes(12).toString("hex")}`;
}

/** Uses PORT, or any free port by default. */
function portFrom(text: string | undefined): number {
  const port = Number(text ?? 0);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  console.error(`PORT must be a number from 0 to 65535, not ${text}`);
  process.exit(2);
}
