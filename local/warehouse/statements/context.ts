import type { Catalogs } from "../catalog.ts";
import type { Faults } from "../faults.ts";
import type { Privileges } from "../privileges.ts";
import type { Session } from "../session.ts";
import type { Environment } from "../sql/generate.ts";
import type { Storage } from "../storage.ts";

/** What a statement needs besides its text. */
export interface Context {
  session: Session;
  catalogs: Catalogs;
  privileges: Privileges;
  storage: Storage;
  faults: Faults;
  environment: Environment;
  signal: AbortSignal;
}
