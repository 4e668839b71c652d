import type { Catalogs } from "./catalog.ts";
import type { SeenStatement } from "./index.ts";
import type { Levers } from "./levers.ts";
import type { Privileges } from "./privileges.ts";
import type { ResultSet } from "./results.ts";
import type { Parameter, Session } from "./session.ts";
import type { Storage } from "./storage.ts";

export interface EngineParts {
  storage: Storage;
  catalogs: Catalogs;
  privileges: Privileges;
  levers: Levers;
  statements: SeenStatement[];
}
export class Engine {
  readonly #parts: EngineParts;
  constructor(parts: EngineParts) {
    this.#parts = parts;
  }
  async execute(_session: Session, sql: string, _parameters: Parameter[], signal: AbortSignal): Promise<ResultSet> {
    return this.#parts.storage.read(sql, signal);
  }
}
