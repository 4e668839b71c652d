/**
 * Every kind of check, one line each. The name is the kind's key in an environment of the configuration. Its folder has two
 * files: `kind.ts` declares it, `check.ts` runs it.
 */

export { analytics } from "./analytics/kind.ts";
export { api } from "./api/kind.ts";
export { auth } from "./auth/kind.ts";
export { databricks } from "./databricks/kind.ts";
export { oauth } from "./oauth/kind.ts";
export { redis } from "./redis/kind.ts";
export { sql } from "./sql/kind.ts";
export { tcp } from "./tcp/kind.ts";
export { variables } from "./variables/kind.ts";
export { websocket } from "./websocket/kind.ts";
