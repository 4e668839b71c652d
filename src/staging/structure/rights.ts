import type { WarehouseReader } from "../../warehouse/access.ts";
import { ask } from "./ask.ts";
import { catalogItself } from "./structure.ts";

/**
 * What the reading principal may see. The warehouse lists nothing that it may not see, so a list is only complete if its rights
 * prove it. Rights that it cannot see itself, such as those of a group that hides them, prove nothing.
 */

/** Objects are named `(catalog)`, `schema` and `schema.table`. */
export interface Holdings {
  principal: string;
  owners: ReadonlyMap<string, string>;
  grants: readonly { on: string; holder: string; privilege: string }[];
  metastoreOwner?: string;
}

export interface Rights {
  /** Why not every schema of the catalog is certainly listed. */
  whyHiddenSchemas(): string | undefined;
  /** Why not every table and view of a schema is certainly listed. */
  whyHiddenTables(schema: string): string | undefined;
  /** Whose grants on an object it sees: everybody's, everybody's by SHOW GRANTS alone, or only its own. */
  seesGrantsOf(object: string): "all" | "shown" | "own";
}

const perQuestion = 50;
/** Groups with everybody in them. */
const everybody = new Set(["account users", "users"]);

/** @throws WarehouseFailure */
export async function readRights(warehouse: WarehouseReader, holdings: Holdings): Promise<Rights> {
  const mine = await ownNames(warehouse, holdings);
  const held = new Set(
    holdings.grants.filter(({ holder }) => mine.has(holder.toLowerCase())).map(({ on, privilege }) => `${privilege} ${on}`),
  );
  const isOwner = (object: string): boolean => {
    if (holdings.metastoreOwner !== undefined && mine.has(holdings.metastoreOwner.toLowerCase())) return true;
    return withParents(object).some((name) => mine.has(holdings.owners.get(name)?.toLowerCase() ?? ""));
  };
  const has = (object: string, ...privileges: string[]): boolean =>
    withParents(object).some((name) => [...privileges, "ALL PRIVILEGES"].some((privilege) => held.has(`${privilege} ${name}`)));
  const seesAll = (): boolean => isOwner(catalogItself) || has(catalogItself, "BROWSE");
  const usesCatalog = (): boolean => isOwner(catalogItself) || has(catalogItself, "USE CATALOG");
  const usesSchema = (schema: string): boolean => usesCatalog() && (isOwner(schema) || has(schema, "USE SCHEMA"));
  const who = holdings.principal;
  return {
    whyHiddenSchemas: () =>
      seesAll() || usesSchema(catalogItself)
        ? undefined
        : `${who} neither owns the catalog nor has BROWSE, or USE CATALOG and USE SCHEMA, on it, so schemas may be hidden`,
    whyHiddenTables: (schema) =>
      seesAll() || (usesSchema(schema) && (isOwner(schema) || has(schema, "BROWSE", "SELECT", "MANAGE")))
        ? undefined
        : `${who} neither owns the schema nor has USE CATALOG, USE SCHEMA and SELECT on all of it, so tables may be hidden`,
    seesGrantsOf: (object) => {
      if (isOwner(object)) return "all";
      const used = object === catalogItself ? usesCatalog() : usesSchema(object.split(".")[0] ?? object);
      return used && withParents(object).some((name) => held.has(`MANAGE ${name}`)) ? "shown" : "own";
    },
  };
}

/** The principal and those of the named groups that it is in, in lower case. A group may be named like a person. */
async function ownNames(
  warehouse: WarehouseReader,
  { principal, owners, grants, metastoreOwner }: Holdings,
): Promise<Set<string>> {
  const names = new Set([...owners.values(), ...grants.map(({ holder }) => holder), metastoreOwner ?? principal]);
  const mine = new Set([principal.toLowerCase()]);
  for (const name of names) if (everybody.has(name.toLowerCase())) mine.add(name.toLowerCase());
  const asked = [...names].filter((name) => !mine.has(name.toLowerCase()));
  for (let from = 0; from < asked.length; from += perQuestion) {
    const part = asked.slice(from, from + perQuestion);
    const { rows } = await ask(
      warehouse,
      `SELECT ${part.map((_, at) => `is_account_group_member(:g${at}) OR is_member(:g${at}) AS m${at}`).join(", ")}`,
      Object.fromEntries(part.map((name, at) => [`g${at}`, name])),
    );
    part.forEach((name, at) => {
      if (rows?.[0]?.[`m${at}`] === true) mine.add(name.toLowerCase());
    });
  }
  return mine;
}

function withParents(object: string): string[] {
  if (object === catalogItself) return [catalogItself];
  const [schema = ""] = object.split(".");
  return object === schema ? [catalogItself, schema] : [catalogItself, schema, object];
}
