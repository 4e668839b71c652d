import type { Catalogs } from "../catalog.ts";
import type { Levers } from "../levers.ts";
import type { Privileges } from "../privileges.ts";
import type { Session } from "../session.ts";
import type { Environment } from "../sql/generate.ts";
import type { Storage } from "../storage.ts";

/** What a statement needs beside its own text. */
export interface Context {
  session: Session;
  catalogs: Catalogs;
  privileges: Privileges;
  storage: Storage;
  levers: Levers;
  environment: Environment;
  signal: AbortSignal;
}
