/** A privilege on a catalog, schema or table, inherited by everything below. */
export interface Grant {
  privilege: Privilege;
  /** `METASTORE`, `classwaves`, `classwaves.sessions` or `classwaves.sessions.classroom_sessions`. */
  on: string;
}

const privileges = [
  "USE CATALOG",
  "USE SCHEMA",
  "SELECT",
  "MODIFY",
  "CREATE SCHEMA",
  "CREATE TABLE",
  "CREATE CATALOG",
  "CREATE FUNCTION",
  "EXECUTE",
  "APPLY TAG",
  "BROWSE",
  "MANAGE",
  "ALL PRIVILEGES",
] as const;

export type Privilege = (typeof privileges)[number];

export function isPrivilege(name: string): name is Privilege {
  return (privileges as readonly string[]).includes(name);
}

/** A user or service principal. An admin may do and see everything; an owner may do everything with what it owns and below. */
export interface Principal {
  user: string;
  groups?: string[];
  /** Further groups whose grants the principal cannot see. */
  hiddenGroups?: string[];
  grants: Grant[];
  admin?: boolean;
  /** Names as in `Grant.on`. */
  owns?: string[];
}
