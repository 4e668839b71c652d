/**
 * What the reusable workflow passes on to the stages, whether a project has it or not. A secret or variable that GitHub doesn't have is
 * empty there.
 */
export const passedSecrets = [
  "DATABRICKS_TOKEN",
  "DATABRICKS_CLIENT_SECRET",
  "REDIS_URL",
  "TEST_TOKEN_SECRET",
  "AUDIT_KEY",
] as const;
export const passedVars = [
  "DATABRICKS_HOST",
  "DATABRICKS_WAREHOUSE_ID",
  "DATABRICKS_HTTP_PATH",
  "DATABRICKS_CLIENT_ID",
  "API_URL",
] as const;

/** @returns whether a variable is none, although it is set. */
export function isUnset(name: string, value: string): boolean {
  return value === "" && [...passedSecrets, ...passedVars].some((one) => one === name);
}
