import { readFile } from "node:fs/promises";
import { WarehouseFailure } from "./failure.ts";

/** The certificate of a private authority (PEM). @throws WarehouseFailure where the named file cannot be read */
export async function readAuthority(file: string | undefined): Promise<Buffer | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(file);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new WarehouseFailure("unreachable", `databricks.certificateAuthority cannot be read: ${why}`, { cause: error });
  }
}
