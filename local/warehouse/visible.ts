import { type Catalog, schemasOf, type Table, tablesOf } from "./catalog.ts";
import type { Principal } from "./principals.ts";
import type { Privileges } from "./privileges.ts";

/** The tables and views of a catalog that information_schema shows to a principal. */
export function visibleTables(catalog: Catalog, principal: Principal, privileges: Privileges): Table[] {
  return schemasOf(catalog)
    .flatMap(tablesOf)
    .filter((table) => privileges.seesTable(principal, table));
}
