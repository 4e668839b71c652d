import type { Principal } from "./principals.ts";
import type { ResultSet } from "./results.ts";

/** What one OpenSession made: who, where, and its settings (names in lower case). */
export interface Session {
  readonly id: string;
  readonly token: string;
  readonly principal: Principal;
  catalog: string;
  schema: string;
  readonly settings: Map<string, string>;
}

/** A value bound to `:name` or `?`, typed as the driver says it; `type` and `value` are absent for NULL. */
export interface Parameter {
  name?: string;
  type?: string;
  value?: string;
}

/** Carries out one statement for one session. */
export type Execute = (session: Session, sql: string, parameters: Parameter[], signal: AbortSignal) => Promise<ResultSet>;
