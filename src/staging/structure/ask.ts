import type { WarehouseReader } from "../../warehouse/access.ts";
import type { Parameters, Row } from "../../warehouse/connection.ts";
import { WarehouseFailure } from "../../warehouse/failure.ts";

/** What the warehouse answered, or why it didn't. */
export type Answer = { rows: Row[]; why?: undefined } | { rows?: undefined; why: string };

/**
 * A refusal, or something that doesn't exist there, is an answer as well.
 * @throws WarehouseFailure if the warehouse cannot be asked at all
 */
export async function ask(warehouse: WarehouseReader, statement: string, parameters: Parameters = {}): Promise<Answer> {
  try {
    return { rows: await warehouse.query(statement, parameters) };
  } catch (error) {
    if (error instanceof WarehouseFailure && (error.kind === "denied" || error.kind === "statement"))
      return { why: error.message };
    throw error;
  }
}

/** A text that must be there. */
export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw new NotUnderstood(`the answer has no ${column}`);
  return value;
}

export function optional(row: Row, column: string): string | undefined {
  const value = row[column];
  if (value === null || value === undefined || value === "") return undefined;
  if (typeof value !== "string") throw new NotUnderstood(`${column} in the answer is not a text`);
  return value;
}

export function whole(row: Row, column: string): number {
  const value = Number(row[column] ?? Number.NaN);
  if (!Number.isInteger(value)) throw new NotUnderstood(`${column} in the answer is not a whole number`);
  return value;
}

/** An answer that doesn't have the form that is documented. */
export class NotUnderstood extends Error {
  override name = "NotUnderstood";
}

/** Names in Unity Catalog are case-insensitive. */
export function named(row: Row, column: string): string {
  return text(row, column).toLowerCase();
}
