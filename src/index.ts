/** The public entry: what the examples, the local stand-ins, the benchmarks and other programs may use. */
export { terminal } from "./cli/main.ts";
export type { Terminal } from "./cli/terminal.ts";
export type { Config } from "./config/schema.ts";
export * from "./model.ts";
export { type RunningServer, ServerFailed, type ServerOptions, type ServerSpec, startServer } from "./process/server.ts";
export { Redactor } from "./redaction/redactor.ts";
export { openRedisForTestData, type RedisSettings, type TestDataRedis } from "./redis/connection.ts";
export { performStage, type StageAnswer, type StageRequest } from "./suite.ts";
export { type KeyPlan, type KeyRequest, planKeys } from "./testdata/keys.ts";
