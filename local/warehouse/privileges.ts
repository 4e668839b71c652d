import { type Bindings, isBound, isReadOnly, notBound, readOnly } from "./bindings.ts";
import type { Catalog, Schema, Table } from "./catalog.ts";
import { insufficientPermissions } from "./errors.ts";
import type { Grant, Principal, Privilege } from "./principals.ts";

/** A privilege as SHOW GRANTS and information_schema list it, with its grantee and the object it was granted on. */
export interface Granted {
  grantee: string;
  privilege: Privilege;
  level: "METASTORE" | "CATALOG" | "SCHEMA" | "TABLE";
  /** The object it was granted on. */
  on: string;
}

/**
 * Who may do what. Grants on a catalog or schema are inherited. Reading a table requires USE CATALOG, USE SCHEMA and SELECT. An
 * owner has every privilege on what it owns and below, an admin on everything.
 */
export class Privileges {
  readonly #principals: readonly Principal[];
  /** The grants of each principal, and of each group or user by name. They move with the objects. */
  readonly #grants: Map<Principal | string, Grant[]>;
  readonly #groupOwns: Readonly<Record<string, readonly string[]>>;
  /** The owner of the metastore: a user or a group. */
  readonly metastoreOwner: string;
  /** Which catalogs the workspace sees, and may write to. Can be changed at any time. */
  readonly bindings: Bindings;
  /** Objects whose owner was set while the warehouse ran → a user or a group. */
  readonly #created = new Map<string, string>();

  constructor(
    principals: readonly Principal[],
    groupGrants: Readonly<Record<string, readonly Grant[]>>,
    more: { groupOwns?: Readonly<Record<string, readonly string[]>>; metastoreOwner?: string; bindings?: Bindings } = {},
  ) {
    this.#principals = principals;
    this.#grants = new Map<Principal | string, Grant[]>([
      ...principals.map((principal): [Principal, Grant[]] => [principal, [...principal.grants]]),
      ...Object.entries(groupGrants).map(([group, grants]): [string, Grant[]] => [group, [...grants]]),
    ]);
    this.#groupOwns = more.groupOwns ?? {};
    this.bindings = more.bindings ?? {};
    this.metastoreOwner = more.metastoreOwner ?? "System user";
  }

  /** The groups that `is_member` checks. An admin is in the workspace's `admins`. */
  groupsOf(principal: Principal): readonly string[] {
    return [...groupsOf(principal), ...(principal.admin ? ["admins"] : [])];
  }

  recordOwner(object: string, user: string): void {
    this.#created.set(object, user);
  }

  /** The object, and everything in it, is gone, and what was granted on it too. */
  forget(object: string): void {
    for (const name of this.#created.keys()) if (isWithin(name, object)) this.#created.delete(name);
    for (const [grantee, grants] of this.#grants)
      this.#grants.set(
        grantee,
        grants.filter((grant) => !isWithin(grant.on, object)),
      );
  }

  /** Whether there is a user or a group of this name. */
  knows(principal: string): boolean {
    return (
      this.#grants.has(principal) ||
      Object.hasOwn(this.#groupOwns, principal) ||
      this.#principals.some((one) => one.user === principal || groupsOf(one).includes(principal))
    );
  }

  grant(grantee: string, grant: Grant): void {
    this.revoke(grantee, grant);
    this.#grants.set(grantee, [...(this.#grants.get(grantee) ?? []), grant]);
  }

  revoke(grantee: string, { privilege, on }: Grant): void {
    for (const [own, grants] of this.#grants)
      if ((typeof own === "string" ? own : own.user) === grantee)
        this.#grants.set(
          own,
          grants.filter((grant) => grant.privilege !== privilege || !same(grant.on, on)),
        );
  }

  /** The object has another name; who owns it and what was granted on it stay. */
  rename(object: string, to: string, owner: string): void {
    this.#created.delete(object);
    this.#created.set(to, owner);
    for (const grants of this.#grants.values())
      for (const [index, grant] of grants.entries()) if (same(grant.on, object)) grants[index] = { ...grant, on: to };
  }

  /** The owner of an object: its creator, or the configured principal. */
  owner(object: string, otherwise: string): string {
    return (
      this.#created.get(object) ??
      this.#principals.find((principal) => principal.owns?.some((name) => same(name, object)))?.user ??
      Object.entries(this.#groupOwns).find(([, owned]) => owned.some((name) => same(name, object)))?.[0] ??
      otherwise
    );
  }

  has(principal: Principal, privilege: Privilege, object: string): boolean {
    if (this.owns(principal, object)) return true;
    const grants = this.#grantsOf(principal);
    return covering(object).some((name) => grants.some((grant) => same(grant.on, name) && includes(grant.privilege, privilege)));
  }

  /** Whether it may grant, drop, rename and give away the object. */
  manages(principal: Principal, object: string): boolean {
    return this.owns(principal, object) || this.has(principal, "MANAGE", object);
  }

  owns(principal: Principal, object: string): boolean {
    if (principal.admin || this.metastoreOwner === principal.user || groupsOf(principal).includes(this.metastoreOwner))
      return true;
    const owned = this.#ownedBy(principal);
    return covering(object).some((name) => {
      const owner = this.#created.get(name);
      if (owner === undefined) return owned.some((one) => same(one, name));
      return owner === principal.user || groupsOf(principal).includes(owner);
    });
  }

  /** @throws SqlError INSUFFICIENT_PERMISSIONS for the first missing privilege, from the catalog downwards */
  requireTable(principal: Principal, table: Table, ...needed: Privilege[]): void {
    this.requireSchema(principal, table.catalog, table.schema);
    if (needed.some(isWriting)) this.requireWritable(table.catalog);
    const object = `${table.catalog}.${table.schema}.${table.name}`;
    for (const privilege of needed)
      if (!this.has(principal, privilege, object)) throw insufficientPermissions(privilege, "Table", object);
  }

  /** @throws SqlError INSUFFICIENT_PERMISSIONS */
  requireSchema(principal: Principal, catalog: string, schema: string, ...needed: Privilege[]): void {
    this.requireCatalog(principal, catalog);
    if (needed.some(isWriting)) this.requireWritable(catalog);
    for (const privilege of ["USE SCHEMA", ...needed] as const)
      if (!this.has(principal, privilege, `${catalog}.${schema}`))
        throw insufficientPermissions(privilege, "Schema", `${catalog}.${schema}`);
  }

  /** @throws SqlError INSUFFICIENT_PERMISSIONS */
  requireMetastore(principal: Principal, privilege: Privilege): void {
    if (!this.has(principal, privilege, "METASTORE")) throw insufficientPermissions(privilege, "Metastore", "metastore");
  }

  /** @throws SqlError INSUFFICIENT_PERMISSIONS */
  requireCatalog(principal: Principal, catalog: string, ...needed: Privilege[]): void {
    this.requireBound(catalog);
    if (needed.some(isWriting)) this.requireWritable(catalog);
    for (const privilege of ["USE CATALOG", ...needed] as const)
      if (!this.has(principal, privilege, catalog)) throw insufficientPermissions(privilege, "Catalog", catalog);
  }

  /** @throws SqlError if the workspace doesn't see the catalog, whatever was granted */
  requireBound(catalog: string): void {
    if (!isBound(this.bindings, catalog)) throw notBound(catalog);
  }

  /** @throws SqlError if the workspace may only read the catalog, whatever was granted */
  requireWritable(catalog: string): void {
    if (isReadOnly(this.bindings, catalog)) throw readOnly(catalog);
  }

  /** Whether SHOW and information_schema list it: for anybody with a privilege on it, below it, or inherited from above. */
  seesTable(principal: Principal, table: Table): boolean {
    const object = `${table.catalog}.${table.schema}.${table.name}`;
    if (!isBound(this.bindings, table.catalog)) return false;
    if (this.owns(principal, object) || this.has(principal, "BROWSE", object)) return true;
    const usable =
      this.has(principal, "USE CATALOG", table.catalog) && this.has(principal, "USE SCHEMA", `${table.catalog}.${table.schema}`);
    return usable && (["SELECT", "MODIFY", "MANAGE"] as const).some((privilege) => this.has(principal, privilege, object));
  }

  seesSchema(principal: Principal, catalog: Catalog, schema: Schema): boolean {
    return this.#reaches(principal, `${catalog.name}.${schema.name}`);
  }

  seesCatalog(principal: Principal, catalog: Catalog): boolean {
    return this.#reaches(principal, catalog.name);
  }

  /** All grants on an object and its parents, of everybody, once per grantee. */
  grantsOn(object: string): Granted[] {
    const names = covering(object);
    const all: Granted[] = [];
    const add = (grantee: string, grants: readonly Grant[]): void => {
      for (const grant of grants)
        for (const name of names)
          if (same(grant.on, name)) all.push({ grantee, privilege: grant.privilege, level: levelOf(name), on: name });
    };
    for (const [grantee, grants] of this.#grants) add(typeof grantee === "string" ? grantee : grantee.user, grants);
    return unique(all);
  }

  /** Those that a principal may see: all if it owns the object, otherwise its own and its groups'. */
  visibleGrants(principal: Principal, object: string, isShown = false): Granted[] {
    const all = this.grantsOn(object);
    // SHOW GRANTS shows them to whoever has MANAGE, information_schema doesn't.
    if (this.owns(principal, object) || (isShown && this.manages(principal, object))) return all;
    const names = [principal.user, ...(principal.groups ?? [])];
    return all.filter((grant) => names.includes(grant.grantee));
  }

  #reaches(principal: Principal, object: string): boolean {
    if (!isBound(this.bindings, object.split(".")[0] ?? "")) return false;
    if (this.owns(principal, object)) return true;
    const prefix = `${object.toLowerCase()}.`;
    const reaches = (on: string): boolean =>
      covering(object).some((name) => same(name, on)) || on.toLowerCase().startsWith(prefix);
    return this.#grantsOf(principal).some((grant) => reaches(grant.on)) || this.#ownedBy(principal).some(reaches);
  }

  #grantsOf(principal: Principal): readonly Grant[] {
    const own = this.#grants.get(principal) ?? principal.grants;
    return [
      ...own,
      ...(this.#grants.get(principal.user) ?? []),
      ...groupsOf(principal).flatMap((group) => this.#grants.get(group) ?? []),
    ];
  }

  #ownedBy(principal: Principal): readonly string[] {
    return [...(principal.owns ?? []), ...groupsOf(principal).flatMap((group) => this.#groupOwns[group] ?? [])];
  }
}

/** MANAGE is the one that ALL PRIVILEGES doesn't include. */
function includes(granted: Privilege, privilege: Privilege): boolean {
  return granted === privilege || (granted === "ALL PRIVILEGES" && privilege !== "MANAGE");
}

function isWriting(privilege: Privilege): boolean {
  return privilege === "MODIFY" || privilege.startsWith("CREATE ");
}

function groupsOf(principal: Principal): readonly string[] {
  return [...(principal.groups ?? []), ...(principal.hiddenGroups ?? [])];
}

/** `a.b.c` is in `a` and `a.b`. */
function covering(object: string): string[] {
  const parts = object.split(".");
  return parts.map((_, index) => parts.slice(0, index + 1).join("."));
}

function isWithin(name: string, object: string): boolean {
  return same(name, object) || name.toLowerCase().startsWith(`${object.toLowerCase()}.`);
}

function levelOf(object: string): Granted["level"] {
  if (object === "METASTORE") return object;
  return (["CATALOG", "SCHEMA", "TABLE"] as const)[object.split(".").length - 1] ?? "TABLE";
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** Two tokens of one user have the same grantee. */
function unique(grants: Granted[]): Granted[] {
  const seen = new Map(grants.map((grant) => [`${grant.grantee}\0${grant.privilege}\0${grant.on}`, grant]));
  return [...seen.values()];
}
