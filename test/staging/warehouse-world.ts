import { type Principal, startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import type { Structure } from "../../src/staging/structure/structure.ts";
import { connect, type TestClient } from "../warehouse-local/client.ts";
import { createStatements } from "./edits.ts";
import { catalogs, makeWorld, owner, type Side, sides } from "./world.ts";

/** Two equal catalogs in a warehouse, made by statements alone, and what they are as data. */
export class WarehouseWorld {
  readonly warehouse: Warehouse;
  readonly client: TestClient;

  private constructor(warehouse: Warehouse, client: TestClient) {
    this.warehouse = warehouse;
    this.client = client;
  }

  /** @param readers by token */
  static async start(readers: Record<string, Principal> = {}): Promise<WarehouseWorld> {
    const others = ["someone@school.test", "other@school.test"].map((user) => [user, { user, grants: [] }]);
    const warehouse = await startWarehouse({
      catalog: "elsewhere",
      principals: {
        mirror: { user: owner, grants: [{ privilege: "CREATE CATALOG", on: "METASTORE" }], owns: ["elsewhere"] },
        ...Object.fromEntries(others),
        ...readers,
      },
      groupGrants: { teachers: [], pipeline: [] },
    });
    return new WarehouseWorld(warehouse, await connect(warehouse, "mirror", { initialCatalog: "elsewhere" }));
  }

  /** Replaces both catalogs by new ones. */
  async make(schemas: number, tables: number): Promise<Record<Side, Structure>> {
    for (const side of sides) {
      const catalog = catalogs[side];
      await this.client.rows(`DROP CATALOG IF EXISTS ${catalog} CASCADE`);
      for (const statement of catalogStatements(makeWorld(catalog, schemas, tables))) await this.client.rows(statement);
    }
    return { original: makeWorld(catalogs.original, schemas, tables), copy: makeWorld(catalogs.copy, schemas, tables) };
  }

  async stop(): Promise<void> {
    await this.client.close();
    await this.warehouse.stop();
  }
}

function catalogStatements({ catalog, comment, schemas }: Structure): string[] {
  return [
    `CREATE CATALOG ${catalog}`,
    `COMMENT ON CATALOG ${catalog} IS '${comment}'`,
    ...Object.entries(schemas).flatMap(([schema, { comment: said, tags = {} }]) => [
      ...(schema === "default" ? [] : [`CREATE SCHEMA ${catalog}.${schema}`]),
      ...(said === undefined ? [] : [`COMMENT ON SCHEMA ${catalog}.${schema} IS '${said}'`]),
      ...Object.entries(tags).map(([key, value]) => `SET TAG ON SCHEMA ${catalog}.${schema} \`${key}\` = \`${value}\``),
    ]),
    `CREATE FUNCTION ${catalog}.rules.visible(value STRING) RETURNS BOOLEAN RETURN true`,
    `CREATE FUNCTION ${catalog}.rules.hidden(value STRING) RETURNS STRING RETURN '***'`,
    // Views come after the tables that they read.
    ...["table", "view"].flatMap((kind) =>
      Object.entries(schemas).flatMap(([schema, { tables }]) =>
        Object.entries(tables)
          .filter(([, table]) => table.kind === kind)
          .flatMap(([table, what]) => createStatements(catalog, `${schema}.${table}`, what)),
      ),
    ),
  ];
}
