export const id=290;export const ids=[290];export const modules={46736:((e,t,n)=>{n.r(t),n.d(t,{init:()=>p});var r=n(51455),i=n(76760);n(90834);function a(e={}){let t=o(e.databricksHost??`adb-0000000000000000.0.azuredatabricks.net`),n=o(e.redisHost??`localhost`),r=o(e.apiUrl??`http://localhost:3000`);return`# yaml-language-server: $schema=https://raw.githubusercontent.com/classwaves/env-actions/v1/schema/config.schema.json
#
# What env-actions looks at and tests in. \${NAME} is an environment variable, \${NAME:-text} one with a default.
# A secret is always a variable: its value never stands here.
version: 1
defaultEnvironment: sandbox

environments:
  # Where tests run: the suite may create test data here, and deletes it again.
  sandbox:
    access: test-data
    # Preflight fails at once where one of these is missing.
    variables: [DATABRICKS_HOST, DATABRICKS_TOKEN, DATABRICKS_WAREHOUSE_ID, REDIS_URL, TEST_TOKEN_SECRET]
    databricks:
      host: \${DATABRICKS_HOST}
      warehouse: \${DATABRICKS_WAREHOUSE_ID}
      # Without a stored secret: oidc: { clientId: …, audience: … } in place of token, and id-token: write at the job.
      # As a service principal: clientId: \${DATABRICKS_CLIENT_ID} and clientSecret: \${DATABRICKS_CLIENT_SECRET}.
      token: \${DATABRICKS_TOKEN}
      catalog: \${DATABRICKS_CATALOG:-classwaves}
      # Written out, and compared before the first write: a wrong DATABRICKS_HOST stops the run.
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
        # A green page is no proof of a database: behind a mock the server time is null.
        - path: /api/v1/health/databricks
          json:
            - { path: $.data.serverTime, notNull: true }
    websocket:
      namespaces: [/sessions, /guidance]
    auth:
      secret: \${TEST_TOKEN_SECRET}
    oauth: {}
    # What the suite itself starts, and stops again; leave servers out where the application is deployed.
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
    # Handed to test commands and servers.
    environment:
      E2E_BACKEND_URL: ${r}
      E2E_FRONTEND_URL: http://localhost:3001

  # Where smoke looks after a deployment. read-only: no code path can write here.
  production:
    access: read-only
    promotedFrom: sandbox
    databricks:
      host: \${PRODUCTION_DATABRICKS_HOST}
      warehouse: \${PRODUCTION_DATABRICKS_WAREHOUSE_ID}
      # A principal that can only read; smoke checks that it is one.
      token: \${PRODUCTION_DATABRICKS_TOKEN}
    redis:
      url: \${PRODUCTION_REDIS_URL}
    api:
      url: \${PRODUCTION_API_URL}
      # Production answers 500 to a request without a listed origin.
      headers:
        Origin: \${PRODUCTION_ORIGIN}
      endpoints:
        - path: /api/v1/health
        - path: /api/v1/auth/health
    websocket: {}
    # Minting test tokens must be off here: smoke fails where it works.
    auth:
      enabled: false
    oauth: {}
    sql:
      - name: sessions can be read
        query: SELECT id FROM sessions.classroom_sessions LIMIT 1
    # token: \${PRODUCTION_READER_TOKEN}
    # analytics:
    #   - { path: /api/v1/analytics/dashboard/summary, signIn: true }

# How test data shows. ClassWaves' 48 tables and their key shapes are known (preset: classwaves).
# Where a warehouse has more, \`env-actions tables\` proposes what belongs under tables.
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
  # Left by a lost run, and swept by cleanup with scope expired.
  expireAfter: 2h
  # Fixed accounts and schools: nothing deletes them, in no scope. By id, address or name; \`env-actions tables\` proposes them.
  # keep:
  #   users.teachers: [sandbox-teacher@testschool.edu]
  #   users.schools: [testschool.edu]
  # A sweep deletes what shows by a prefix. What shows only by a domain or an address is swept only if that is listed here.
  # sweep: ["@testschool.edu", testschool.edu]
  # Who writes for the tests and for nobody else: the application under test, the tests, the cleanup, as DESCRIBE HISTORY names them.
  # Without it, what anybody writes during a run may be the run's, and the books say "unknown" where others write, too.
  # principals: [sandbox-app, ci-cleanup]
  # The zone of dates and of times without a zone; without it their age is uncertain, and such rows are kept and reported.
  # timeZone: UTC

stages:
  preflight:
    # What a lost run left behind is deleted by the next one, once it is older than expireAfter.
    sweep: true
  integration:
    command: npm run test:integration
    reports: ["test-results/integration/*.xml"]
  e2e:
    command: npx playwright test
    reports: ["test-results/playwright.json"]
    requiredProjects: ["authenticated-*", "unauthenticated-*"]
  # smoke:
  #   # No slower than the last passing runs; with more api.samples than 20, smaller differences are found.
  #   baseline: { criteria: { p95: "<= +10%" } }
`}function o(e){return JSON.stringify(e)}function s(){return`# The quality gate: each stage refuses to start without passed evidence of the one before it.
name: Quality gate

on:
  pull_request:
  merge_group:
  workflow_dispatch:
  # Smoke follows a deployment to production.
  deployment_status:
  # Sweeps what lost runs left behind.
  schedule:
    - cron: "17 3 * * *"

permissions:
  contents: read

# Never cancelled half way: a stage deletes its own test data at its end.
concurrency:
  group: quality-gate-\${{ github.event_name }}-\${{ github.ref }}
  cancel-in-progress: false

jobs:
${d(`preflight`)}
${d(`integration`,`preflight`)}
${d(`e2e`,`integration`)}
  # The one to make required: a skipped job would count as a success.
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

  # The GitHub environment production-smoke holds a reader's credentials, and is not the one deployed to: that would start this again.
  smoke:
    if: github.event_name == 'deployment_status' && github.event.deployment_status.state == 'success' && github.event.deployment.environment == 'production'
    runs-on: ubuntu-latest
    timeout-minutes: 10
    environment: production-smoke
    permissions:
      contents: read
      # To ask whether the deployment succeeded.
      deployments: read
      # id-token: write # for oidc, as above
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
      # The latencies of the last passing runs, for stages.smoke.baseline; saved where this run passes.
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
          dry-run: "false"
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
    # Where the configuration signs in to Databricks by oidc:
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
`}var f=n(62852);async function p(e,t){let n=[[t,a()],[`.github/workflows/quality-gate.yml`,s()]],o=[];for(let[t,a]of n){let n=(0,i.join)(e,t);await(0,r.mkdir)((0,i.dirname)(n),{recursive:!0});try{await(0,r.writeFile)(n,a,{flag:`wx`}),o.push(t)}catch(e){throw e.code===`EEXIST`?new f.yo(`${t} is already there; move it away first${o.length>0?` (written so far: ${o.join(`, `)})`:``}`):e}}return o}}),64377:((e,t,n)=>{n.d(t,{p6:()=>o,w$:()=>a});var r=n(43759),i=n(53339);function a(e){return r.G1(i.You,e)}function o(e){return r.db(i.Brp,e)}})};
