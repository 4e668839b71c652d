import type { Passed, Project } from "./project.ts";
import { indented } from "./yaml.ts";

/** The parts of the configuration that only ClassWaves has. */
export const classwavesParts = {
  endpoints: [
    "- path: /api/v1/health",
    "# A 200 response does not prove that there is a database: a mock returns a server time of null.",
    "- path: /api/v1/health/databricks",
    "  json:",
    "    - { path: $.data.serverTime, notNull: true }",
    "    - { path: $.data.serverTime, changes: true }",
  ],
  testEnvironment: [
    "websocket:",
    "  namespaces: [/sessions, /guidance]",
    "# Test tokens, which only who knows the secret can mint.",
    "auth:",
    "  secret: ${TEST_TOKEN_SECRET}",
    "oauth: {}",
  ],
  production: ({ environment, databricks, redis, production, productionName }: Project): string[] => [
    "# What smoke checks after a deployment. read-only: env-actions sends no writes here.",
    `${productionName}:`,
    ...indented(2, [
      "access: read-only",
      `promotedFrom: ${environment}`,
      ...(databricks
        ? [
            "databricks:",
            "  host: ${PRODUCTION_DATABRICKS_HOST}",
            "  warehouse: ${PRODUCTION_DATABRICKS_WAREHOUSE_ID}",
            "  # Use a principal that can only read. Smoke verifies that it cannot write.",
            "  token: ${PRODUCTION_DATABRICKS_TOKEN}",
          ]
        : []),
      ...(redis ? ["redis:", "  url: ${PRODUCTION_REDIS_URL}"] : []),
      "api:",
      `  url: ${production ?? "${PRODUCTION_API_URL}"}`,
      "  # Production responds with 500 to a request without a listed Origin.",
      "  headers:",
      "    Origin: ${PRODUCTION_ORIGIN}",
      "  endpoints:",
      "    - path: /api/v1/health",
      "    - path: /api/v1/health/databricks",
      "      json:",
      "        - { path: $.data.serverTime, notNull: true }",
      "        - { path: $.data.serverTime, changes: true }",
      "    - path: /api/v1/auth/health",
      "websocket: {}",
      "# Minting test tokens must be off here. Smoke fails if it works.",
      "auth:",
      "  enabled: false",
      "oauth: {}",
      ...(databricks
        ? ["sql:", "  - name: sessions can be read", "    query: SELECT id FROM sessions.classroom_sessions LIMIT 1"]
        : []),
      "# token: ${PRODUCTION_READER_TOKEN}",
      "# analytics:",
      "#   - { path: /api/v1/analytics/dashboard/summary, signIn: true }",
    ]),
  ],
  testData: [
    "# How test data is recognized. These are the preset's rules, so that you can see and change them.",
    "# If your warehouse has more tables, `env-actions tables` proposes what to add under tables.",
    "testData:",
    "  prefixes:",
    "    - integration_test_",
    "    - e2e_test_",
    "    - e2e-session-",
    "    - e2e-teacher-",
    "    - e2e-group-",
    "    - perf_test_",
    "    - sess_test_",
    "    - group_test_",
    "    - teacher_test_",
    '  keys: ["cw:test:*"]',
    '  protectedTables: ["compliance.*"]',
    '  protectedKeys: ["audit:log"]',
    "  # Age after which cleanup with scope expired deletes test data that unfinished runs left behind.",
    "  expireAfter: 2h",
    "  # Fixed accounts and schools, by id, address or name. env-actions never deletes them, in any scope. `env-actions tables` proposes them.",
    "  # keep:",
    "  #   users.teachers: [sandbox-teacher@testschool.edu]",
    "  #   users.schools: [testschool.edu]",
    "  # Scope expired deletes rows that match a prefix. Rows that match only by a domain or an address are deleted only if it is listed here.",
    '  # sweep: ["@testschool.edu", testschool.edu]',
    "  # Principals that write only for the tests: the application under test, the tests and the cleanup, as DESCRIBE HISTORY names them.",
    '  # Without this list, any write during a run may belong to the run. If others write, too, the books report "unknown".',
    "  # principals: [sandbox-app, ci-cleanup]",
    "  # Time zone of dates, and of times without a zone. Without it, their age is uncertain, and such rows are kept and reported.",
    "  # timeZone: UTC",
  ],
} as const satisfies Record<string, readonly string[] | ((project: Project) => string[])>;

/** The variables that the production environment above refers to. */
export function productionVariables({ databricks, redis, preset, production, configured }: Project): Passed[] {
  if (configured) return configured.production;
  if (preset !== "classwaves") return [];
  return [
    ...(databricks
      ? ([
          { name: "PRODUCTION_DATABRICKS_HOST", from: "vars" },
          { name: "PRODUCTION_DATABRICKS_WAREHOUSE_ID", from: "vars" },
          { name: "PRODUCTION_DATABRICKS_TOKEN", from: "secrets" },
        ] as const)
      : []),
    ...(redis ? ([{ name: "PRODUCTION_REDIS_URL", from: "secrets" }] as const) : []),
    ...(production === undefined ? ([{ name: "PRODUCTION_API_URL", from: "vars" }] as const) : []),
    { name: "PRODUCTION_ORIGIN", from: "vars" },
  ];
}
