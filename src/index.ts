/** The public entry: what the examples, the local stand-ins, the benchmarks and other programs may use. */

export { performStage, type StageAnswer, type StageRequest } from "./app/run-stage.ts";
export { type AuditEntry, auditLine } from "./audit/chain.ts";
export { type KeyPlan, type KeyRequest, planKeys } from "./cleanup/keys/plan-keys.ts";
export type { Terminal } from "./cli/main.ts";
export { terminal } from "./cli/main.ts";
export type { Config } from "./config/schema.ts";
export { Redactor } from "./lib/redaction/redactor.ts";
export type * from "./model/audit-event.ts";
export type { HistoryRecord } from "./model/history.ts";
export * from "./model/report.ts";
export * from "./model/test-data.ts";
export * from "./model/test-results.ts";
export * from "./model/user-error.ts";
export { type RunningServer, ServerFailed, type ServerOptions, type ServerSpec, startServer } from "./processes/server.ts";
export { openRedisForTestData, type RedisSettings, type TestDataRedis } from "./redis/connection.ts";
