import { quoteName } from "../../warehouse/statements.ts";
import type { Grant } from "../structure/structure.ts";
import { type Protection, unprotected } from "./masks.ts";
import type { Planning, Wants } from "./scope.ts";
import { literal } from "./sql-text.ts";
import type { Chain, NewStep } from "./steps.ts";

/** What every object can have: tags, grants and an owner. */

type Tags = Readonly<Record<string, string>> | undefined;

/**
 * @param target what is altered: `TABLE name` or `TABLE name ALTER COLUMN column`
 * @param object as in {@link NewStep}
 */
export function planTags(chain: Chain, target: string, object: string, tags: { before: Tags; after: Tags }, wants: Wants): void {
  const { before = {}, after = {} } = tags;
  const step = (statement: string): NewStep => ({ object, facet: "policies", statement, again: true });
  const wanted = (key: string): boolean => before[key] !== after[key] && wants("policies", object, `TAG ${key}`);
  const gone = Object.keys(before).filter((key) => !(key in after) && wanted(key));
  if (gone.length > 0) chain.add(step(`ALTER ${target} UNSET TAGS (${gone.sort().map(literal).join(", ")})`));
  const set = Object.keys(after).filter(wanted).sort();
  const valued = set.filter((key) => after[key] !== "");
  const bare = set.filter((key) => after[key] === "");
  const pair = (key: string): string => `${literal(key)} = ${literal(after[key] ?? "")}`;
  // One list cannot have both.
  if (valued.length > 0) chain.add(step(`ALTER ${target} SET TAGS (${valued.map(pair).join(", ")})`));
  if (bare.length > 0) chain.add(step(`ALTER ${target} SET TAGS (${bare.map(literal).join(", ")})`));
}

export interface Access {
  grants?: Grant[];
  owner?: string;
}

/**
 * Gives what is missing, and revokes what is additional if that is allowed.
 * @param on what is granted on: `TABLE name`
 */
export function planGrants(
  planning: Planning,
  chain: Chain,
  on: string,
  object: string,
  { before, after }: { before: Access; after: Access },
  wants: Wants,
  protection: Protection = unprotected,
): void {
  const wanted = ({ privilege, principal }: Grant): boolean => wants("grants", object, grantItem({ privilege, principal }));
  const missing = without(after.grants, before.grants).filter(wanted);
  const additional = without(before.grants, after.grants).filter(wanted);
  for (const [principal, privileges] of byPrincipal(missing)) {
    const statement = `GRANT ${privileges.join(", ")} ON ${on} TO ${quoteName(principal)}`;
    if (protection.isMissing)
      chain.name(
        object,
        "grants",
        `${privileges.join(", ")} to ${principal} waits for a mask or filter that is missing`,
        `Run ${statement}`,
      );
    else if (privileges.every(isPrivilege)) chain.add({ object, facet: "grants", statement, again: true }, protection.steps);
    else chain.name(object, "grants", `${privileges.join(", ")} is no privilege that a statement can grant`, "Grant it yourself");
  }
  for (const [principal, privileges] of byPrincipal(additional)) {
    const statement = `REVOKE ${privileges.join(", ")} ON ${on} FROM ${quoteName(principal)}`;
    if (principal === planning.copy.readBy)
      chain.name(
        object,
        "grants",
        `only the copy grants ${privileges.join(", ")} to ${principal}, who runs this`,
        `Run ${statement}`,
      );
    else if (!planning.allowed.revoke) nameKept(chain, on, object, principal, privileges);
    else chain.add({ object, facet: "grants", statement, loses: "access", again: true });
  }
  const [owner, current] = [after.owner, before.owner];
  if (owner !== undefined && owner !== current && wants("grants", object, "OWNER"))
    chain.name(
      object,
      "grants",
      `it belongs to ${current ?? "nobody known"}, and the original to ${owner}; env-actions changes no owner`,
      `Run ALTER ${on} OWNER TO ${quoteName(owner)}, or leave owners out of the comparison`,
    );
}

/** Gives again what only the copy granted: whether an object that is made anew keeps it is not certain. */
export function planKeptGrants(
  planning: Planning,
  chain: Chain,
  on: string,
  object: string,
  { before, after }: { before: Access; after: Access },
): void {
  const isWanted = (grant: Grant): boolean => planning.notIgnored("grants", object, grantItem(grant));
  const others = without(before.grants, after.grants).filter((grant) => !planning.allowed.revoke || !isWanted(grant));
  planGrants(planning, chain, on, object, { before: {}, after: { grants: others } }, () => true);
  for (const [principal, privileges] of byPrincipal(others.filter(isWanted))) nameKept(chain, on, object, principal, privileges);
}

function nameKept(chain: Chain, on: string, object: string, principal: string, privileges: readonly string[]): void {
  chain.name(
    object,
    "grants",
    `only the copy grants ${privileges.join(", ")} to ${principal}, and revoking was not allowed`,
    `Allow revoking, or run REVOKE ${privileges.join(", ")} ON ${on} FROM ${quoteName(principal)}`,
  );
}

/** How a comparison names a grant. */
export function grantItem({ principal, privilege }: Grant): string {
  return `${privilege} TO ${principal}`;
}

function isPrivilege(text: string): boolean {
  return /^[A-Z]+(?:[ _][A-Z]+)*$/.test(text);
}

function without(grants: readonly Grant[] = [], others: readonly Grant[] = []): Grant[] {
  const known = new Set(others.map(grantItem));
  return grants.filter((grant) => !known.has(grantItem(grant)));
}

function byPrincipal(grants: readonly Grant[]): [string, string[]][] {
  const groups = new Map<string, Set<string>>();
  for (const { principal, privilege } of grants)
    groups.set(principal, (groups.get(principal) ?? new Set()).add(privilege.toUpperCase().replaceAll("_", " ")));
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([principal, found]) => [principal, [...found].sort()]);
}
