import type { Principal } from "./principals.ts";
import type { ResultSet } from "./results.ts";

/** The state of a session: user, current schema, and settings (names in lower case). */
export interface Session {
  readonly id: string;
  readonly token: string;
  readonly principal: Principal;
  catalog: string;
  schema: string;
  readonly settings: Map<string, string>;
}

/** A value for `:name` or `?`, with the driver's type; `type` and `value` are absent for NULL. */
export interface Parameter {
  name?: string;
  type?: string;
  value?: string;
}

/** Executes one statement in a session. */
export type Execute = (session: Session, sql: string, parameters: Parameter[], signal: AbortSignal) => Promise<ResultSet>;
