import { nearMissRows } from "./near-misses.ts";
import { productionRows } from "./production-rows.ts";
import { readSchema } from "./schema.ts";

/** What seeding needs of a warehouse; statements are in DuckDB's dialect. */
export interface SeedableWarehouse {
  createTables(definitions: Record<string, { columns: Record<string, string> }>): Promise<void>;
  load(duckdbSql: string): Promise<void>;
}

/**
 * Creates the 48 tables of ClassWaves in the catalog `classwaves` and fills them with "production" rows, more than 20,000 in all
 * and the same at every start: invented people, and rows that only look like test data.
 */
export async function seedClassroom(warehouse: SeedableWarehouse): Promise<void> {
  const schema = await readSchema();
  await warehouse.createTables(schema);
  const statements = Object.entries(schema).map(([name, shape]) => productionRows(name, shape));
  await warehouse.load([...statements, ...nearMissRows("classwaves")].join(";\n"));
}
