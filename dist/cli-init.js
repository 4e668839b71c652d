export const id=736;export const ids=[736];export const modules={46736:((e,t,n)=>{n.r(t),n.d(t,{init:()=>p});var r=n(51455),i=n(76760);n(13264),n(91043);function a(e={}){let t=o(e.databricksHost??`adb-0000000000000000.0.azuredatabricks.net`),n=o(e.redisHost??`localhost`),r=o(e.apiUrl??`http://localhost:3000`);return`# yaml-language-server: $schema=https://raw.githubusercontent.com/classwaves/env-actions/v1/schema/config.schema.json
#
# The environments that env-actions checks and tests. \${NAME} is an environment variable, \${NAME:-text} one with a default.
# A secret must be a variable: never write its value in this file.
version: 1
defaultEnvironment: sandbox

environments:
  # The environment for tests: env-actions may create test data here, and deletes it again.
  sandbox:
    access: test-data
    # Preflight fails immediately if one of these is missing.
    variables: [DATABRICKS_HOST, DATABRICKS_TOKEN, DATABRICKS_WAREHOUSE_ID, REDIS_URL, TEST_TOKEN_SECRET]
    databricks:
      host: \${DATABRICKS_HOST}
      warehouse: \${DATABRICKS_WAREHOUSE_ID}
      # To sign in without a stored secret, replace token with oidc: { clientId: …, audience: … } and give the job id-token: write.
      # To sign in as a service principal, use clientId: \${DATABRICKS_CLIENT_ID} and clientSecret: \${DATABRICKS_CLIENT_SECRET}.
      token: \${DATABRICKS_TOKEN}
      catalog: \${DATABRICKS_CATALOG:-classwaves}
      # The expected host, written out and not taken from a variable. It is compared before the first write: a wrong DATABRICKS_HOST stops the run.
      expect:
        host: ${t}
    redis:
      url: \${REDIS_URL}
      expect:
        host: ${n}
    api:
      url: ${r}
      endpoints:
        - path: /api/v1/health
        # A 200 response does not prove that there is a database: a mock returns a server time of null.
        - path: /api/v1/health/databricks
          json:
            - { path: $.data.serverTime, notNull: true }
    websocket:
      namespaces: [/sessions, /guidance]
    auth:
      secret: \${TEST_TOKEN_SECRET}
    oauth: {}
    # Servers that env-actions starts and stops. Leave this out if the application is already deployed.
    servers:
      backend:
        command: npm run start:backend
        port: 3000
        ready: { url: "http://localhost:3000/api/v1/ready" }
      frontend:
        command: npm run start:frontend
        port: 3001
        ready: { url: "http://localhost:3001/" }
        stages: [e2e]
    # Environment variables for test commands and servers.
    environment:
      E2E_BACKEND_URL: ${r}
      E2E_FRONTEND_URL: http://localhost:3001

  # The environment that smoke checks after a deployment. read-only: env-actions sends no writes here.
  production:
    access: read-only
    promotedFrom: sandbox
    databricks:
      host: \${PRODUCTION_DATABRICKS_HOST}
      warehouse: \${PRODUCTION_DATABRICKS_WAREHOUSE_ID}
      # Use a principal that can only read. Smoke verifies that it cannot write.
      token: \${PRODUCTION_DATABRICKS_TOKEN}
    redis:
      url: \${PRODUCTION_REDIS_URL}
    api:
      url: \${PRODUCTION_API_URL}
      # Production responds with 500 to a request without a listed Origin.
      headers:
        Origin: \${PRODUCTION_ORIGIN}
      endpoints:
        - path: /api/v1/health
        - path: /api/v1/auth/health
    websocket: {}
    # Minting test tokens must be off here. Smoke fails if it works.
    auth:
      enabled: false
    oauth: {}
    sql:
      - name: sessions can be read
        query: SELECT id FROM sessions.classroom_sessions LIMIT 1
    # token: \${PRODUCTION_READER_TOKEN}
    # analytics:
    #   - { path: /api/v1/analytics/dashboard/summary, signIn: true }

# How test data is recognized. The 48 tables of ClassWaves and their key shapes are built in (preset: classwaves).
# If your warehouse has more tables, \`env-actions tables\` proposes what to add under tables.
testData:
  prefixes:
    - integration_test_
    - e2e_test_
    - e2e-session-
    - e2e-teacher-
    - e2e-group-
    - perf_test_
    - sess_test_
    - group_test_
    - teacher_test_
  keys: ["cw:test:*"]
  protectedTables: ["compliance.*"]
  protectedKeys: ["audit:log"]
  # Age after which cleanup with scope expired deletes test data that unfinished runs left behind.
  expireAfter: 2h
  # Fixed accounts and schools, by id, address or name. env-actions never deletes them, in any scope. \`env-actions tables\` proposes them.
  # keep:
  #   users.teachers: [sandbox-teacher@testschool.edu]
  #   users.schools: [testschool.edu]
  # Scope expired deletes rows that match a prefix. Rows that match only by a domain or an address are deleted only if it is listed here.
  # sweep: ["@testschool.edu", testschool.edu]
  # Principals that write only for the tests: the application under test, the tests and the cleanup, as DESCRIBE HISTORY names them.
  # Without this list, any write during a run may belong to the run. If others write, too, the books report "unknown".
  # principals: [sandbox-app, ci-cleanup]
  # Time zone of dates, and of times without a zone. Without it, their age is uncertain, and such rows are kept and reported.
  # timeZone: UTC

stages:
  preflight:
    # false: reports test data that unfinished runs left behind. true: also deletes it, once it is older than expireAfter.
    # To see first what it would delete: npx --no-install env-actions cleanup --scope expired
    sweep: false
  integration:
    command: npm run test:integration
    reports: ["test-results/integration/*.xml"]
  e2e:
    command: npx playwright test
    reports: ["test-results/playwright.json"]
    requiredProjects: ["authenticated-*", "unauthenticated-*"]
  # smoke:
  #   # Smoke must not be slower than in the last passing runs. More api.samples than 20 detect smaller differences.
  #   baseline: { criteria: { p95: "<= +10%" } }
`}function o(e){return JSON.stringify(e)}function s(){return`# The quality gate. A stage starts only if the stage before it passed, with or without warnings.
name: Quality gate

on:
  pull_request:
  merge_group:
  workflow_dispatch:
  # Runs smoke after a deployment to production.
  deployment_status:
  # Shows which test data unfinished runs left behind.
  schedule:
    - cron: "17 3 * * *"

permissions:
  contents: read

# Runs are not cancelled midway, because each stage deletes its own test data at the end.
concurrency:
  group: quality-gate-\${{ github.event_name }}-\${{ github.ref }}
  cancel-in-progress: false

jobs:
${d(`preflight`)}
${d(`integration`,`preflight`)}
${d(`e2e`,`integration`)}
  # Make this job the required check: a skipped job would count as a success.
  gate:
    if: always() && !contains(fromJSON('["deployment_status", "schedule"]'), github.event_name)
    needs: [preflight, integration, e2e]
    runs-on: ubuntu-latest
    timeout-minutes: 5
    permissions: {}
    steps:
      - env:
          RESULTS: \${{ join(needs.*.result, ' ') }}
        run: |
          echo "preflight, integration, e2e: $RESULTS"
          test "$RESULTS" = "success success success"

  # The GitHub environment production-smoke holds read-only credentials. It must not be the one deployed to: that would start this job again.
  smoke:
    if: github.event_name == 'deployment_status' && github.event.deployment_status.state == 'success' && github.event.deployment.environment == 'production'
    runs-on: ubuntu-latest
    timeout-minutes: 10
    environment: production-smoke
    permissions:
      contents: read
      # Needed to ask GitHub whether the deployment succeeded.
      deployments: read
      # id-token: write # for oidc, as above
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
      # Latencies of the last passing runs, for stages.smoke.baseline. They are saved if this run passes.
      - uses: actions/cache@27d5ce7f107fe9357f9df03efb73ab90386fccae # v5.0.5
        with:
          path: .env-actions/baseline
          key: baseline-production-\${{ github.run_id }}-\${{ github.run_attempt }}
          restore-keys: baseline-production-
      - uses: classwaves/env-actions/smoke@v1
        env:
          PRODUCTION_DATABRICKS_HOST: \${{ vars.PRODUCTION_DATABRICKS_HOST }}
          PRODUCTION_DATABRICKS_WAREHOUSE_ID: \${{ vars.PRODUCTION_DATABRICKS_WAREHOUSE_ID }}
          PRODUCTION_DATABRICKS_TOKEN: \${{ secrets.PRODUCTION_DATABRICKS_TOKEN }}
          PRODUCTION_REDIS_URL: \${{ secrets.PRODUCTION_REDIS_URL }}
          PRODUCTION_API_URL: \${{ vars.PRODUCTION_API_URL }}
          PRODUCTION_ORIGIN: \${{ vars.PRODUCTION_ORIGIN }}
        with:
          environment: production
          deployment: \${{ github.event.deployment.id }}

  cleanup:
    if: github.event_name == 'schedule'
    runs-on: ubuntu-latest
    timeout-minutes: 10
    environment: sandbox
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
      - uses: classwaves/env-actions/cleanup@v1
${c}
        with:
          environment: sandbox
          scope: expired
          # Shows what it would delete. When the plan is what you expect, write "false" to delete it.
          dry-run: "true"
`}let c=`        env:
          DATABRICKS_HOST: \${{ vars.DATABRICKS_HOST }}
          DATABRICKS_WAREHOUSE_ID: \${{ vars.DATABRICKS_WAREHOUSE_ID }}
          DATABRICKS_TOKEN: \${{ secrets.DATABRICKS_TOKEN }}
          REDIS_URL: \${{ secrets.REDIS_URL }}
          TEST_TOKEN_SECRET: \${{ secrets.TEST_TOKEN_SECRET }}`,l={preflight:10,integration:25,e2e:45},u={preflight:``,integration:``,e2e:`      - uses: actions/cache@27d5ce7f107fe9357f9df03efb73ab90386fccae # v5.0.5
        with:
          path: ~/.cache/ms-playwright
          key: playwright-\${{ runner.os }}-\${{ hashFiles('**/package-lock.json') }}
      - run: npx playwright install --with-deps
`};function d(e,t){return`  ${e}:
${t?`    needs: ${t}\n`:`    if: \${{ !contains(fromJSON('["deployment_status", "schedule"]'), github.event_name) }}
`}    runs-on: ubuntu-latest
    timeout-minutes: ${l[e]}
    environment: sandbox
    # If the configuration signs in to Databricks with oidc:
    # permissions: { contents: read, id-token: write }
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
      - uses: actions/setup-node@820762786026740c76f36085b0efc47a31fe5020 # v7.0.0
        with:
          node-version: 24
          cache: npm
      - run: npm ci
${u[e]}      - uses: classwaves/env-actions/${e}@v1
${c}
        with:
          environment: sandbox
`}var f=n(78883);async function p(e,t){let n=[[t,a()],[`.github/workflows/quality-gate.yml`,s()]],o=[];for(let[t,a]of n){let n=(0,i.join)(e,t);await(0,r.mkdir)((0,i.dirname)(n),{recursive:!0});try{await(0,r.writeFile)(n,a,{flag:`wx`}),o.push(t)}catch(e){throw e.code===`EEXIST`?new f.y(`EA1106`,`the file ${t} already exists: move it away first${o.length>0?` (written so far: ${o.join(`, `)})`:``}`):e}}return o}})};
