import type { Structure } from "../structure/structure.ts";

/** Who could read the working schema of a refresh, whose mapping tables have values of production. */

/**
 * A new schema gets the grants of its catalog, and nothing can take them away. So whoever may read all of the copy could read the
 * mappings while they exist, and longer if the refresh is killed. Whoever may read all of production may know its values.
 * @returns principals that must not have their grants on the catalog
 */
export function readersOfWorking(original: Structure, copy: Structure): string[] {
  const has = ({ grants = [] }: Structure, privilege: string) =>
    grants.filter((grant) => [privilege, "ALL PRIVILEGES"].includes(grant.privilege)).map(({ principal }) => principal);
  const isOther = (principal: string) => principal.toLowerCase() !== copy.readBy.toLowerCase();
  // Without USE SCHEMA on the catalog nobody gets into a schema that nobody granted. It may come with another group.
  if (!has(copy, "USE SCHEMA").some(isOther)) return [];
  const ofOriginal = new Set(has(original, "SELECT").map((principal) => principal.toLowerCase()));
  return [...new Set(has(copy, "SELECT"))].filter((one) => isOther(one) && !ofOriginal.has(one.toLowerCase())).sort();
}
