import type { CopyWarehouse } from "../../warehouse/access.ts";
import type { Parameters } from "../../warehouse/connection.ts";
import { WarehouseFailure } from "../../warehouse/failure.ts";

const alreadyExists: readonly (string | undefined)[] = ["42P06", "42P07"];

/** Sends a statement that may run twice. Even with IF NOT EXISTS, of two that create the same at one time the later may fail. */
export async function changeAgain(
  warehouse: CopyWarehouse,
  statement: string,
  parameters: Parameters = {},
): Promise<number | undefined> {
  try {
    return await warehouse.change(statement, parameters, { again: true });
  } catch (error) {
    const exists = error instanceof WarehouseFailure && alreadyExists.includes(error.sqlState);
    if (exists && /^CREATE \w+ IF NOT EXISTS /.test(statement)) return undefined;
    throw error;
  }
}
