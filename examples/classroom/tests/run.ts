import { randomBytes } from "node:crypto";
import { appendFileSync } from "node:fs";

/**
 * Who this run is. env-actions tells it, and deletes what carries it afterwards: the tests themselves clean nothing up. By hand a
 * run gives itself an identity of the same shape.
 */
export const prefix = process.env.ENV_ACTIONS_PREFIX ?? `integration_test_${Date.now()}_${randomBytes(4).toString("hex")}`;

export const backendUrl = process.env.E2E_BACKEND_URL ?? process.env.BACKEND_URL ?? "http://localhost:3000";
export const frontendUrl = process.env.E2E_FRONTEND_URL ?? process.env.FRONTEND_URL ?? "http://localhost:3001";

/** Where the backend writes: the middle of `cw:{NODE_ENV}:`. */
export const keyPrefix = `cw:${process.env.CLASSROOM_NODE_ENV ?? "test"}:`;

/** An id that shows by itself that it is test data: `<prefix>_<what>_<8 hex>`. */
export function testId(what: string): string {
  return `${prefix}_${what}_${randomBytes(4).toString("hex")}`;
}

/** Notes what was made under an id that the server chose, and that therefore does not show what it is. */
export function record(entry: { table: string; id: string } | { key: string }): void {
  const ledger = process.env.ENV_ACTIONS_LEDGER;
  if (ledger) appendFileSync(ledger, `${JSON.stringify(entry)}\n`);
}
