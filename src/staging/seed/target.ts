import type { CopyWarehouse, WarehouseIdentity } from "../../warehouse/access.ts";
import { SeedProblem } from "./problem.ts";
import type { SeedRequest } from "./request.ts";

/**
 * Proves that the copy, and nothing else, would be written. Names decide, whatever the host: workspaces of a region often share
 * their catalogs, so the same name elsewhere may be the same catalog.
 * @throws SeedProblem
 */
export function proveCopy(request: SeedRequest, warehouse: CopyWarehouse, seen: WarehouseIdentity): void {
  const { catalog, expect } = request.copy;
  const taken = request.readOnly.find((other) => isSame(other.catalog, catalog));
  if (taken)
    throw new SeedProblem(
      "EA6130",
      `catalog ${catalog} is the one of environment ${taken.environment}, which is never written. Give the copy a catalog of its own. Nothing was written`,
    );
  if (expect === undefined)
    throw new SeedProblem(
      "EA6130",
      `nothing says what the copy's warehouse must be. Add databricks.expect: { host: … } to its environment. Nothing was written`,
    );
  compare("Databricks host", hostLike(seen.host, expect.host), expect.host);
  compare("Databricks catalog", seen.catalog, expect.catalog ?? catalog);
  compare("Databricks catalog", seen.catalog, catalog);
  compare("writable catalog", warehouse.scope.catalog, catalog);
  if (expect.principal !== undefined) compare("Databricks principal", seen.principal, expect.principal);
}

function compare(what: string, seen: string, expected: string): void {
  if (!isSame(seen, expected))
    throw new SeedProblem("EA6130", `${what}: expected ${expected}, got ${seen || "(unknown)"}. Nothing was written`);
}

/** With its port only if the expectation names one. */
function hostLike(seen: string, expected: string): string {
  return expected.includes(":") ? seen : (seen.split(":")[0] ?? seen);
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
