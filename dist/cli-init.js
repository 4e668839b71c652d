export const id=6736;export const ids=[6736,9829,1245,9924];export const modules={46736:((e,t,n)=>{n.r(t),n.d(t,{init:()=>p});var r=n(51455),i=n(76760);n(39829);function a(e={}){let t=o(e.databricksHost??`adb-0000000000000000.0.azuredatabricks.net`),n=o(e.redisHost??`localhost`),r=o(e.apiUrl??`http://localhost:3000`);return`# yaml-language-server: $schema=https://raw.githubusercontent.com/classwaves/env-actions/v1/schema/config.schema.json
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
`}var f=n(78883);async function p(e,t){let n=[[t,a()],[`.github/workflows/quality-gate.yml`,s()]],o=[];for(let[t,a]of n){let n=(0,i.join)(e,t);await(0,r.mkdir)((0,i.dirname)(n),{recursive:!0});try{await(0,r.writeFile)(n,a,{flag:`wx`}),o.push(t)}catch(e){throw e.code===`EEXIST`?new f.y(`EA1106`,`the file ${t} already exists: move it away first${o.length>0?` (written so far: ${o.join(`, `)})`:``}`):e}}return o}}),79924:((e,t,n)=>{n.r(t),n.d(t,{alertsSchema:()=>f,rollbackSchema:()=>p});var r=n(67276),i=n(18205),a=n(13822),o=n(25620);let s=r.z.array(r.z.enum([`failed`,`error`,`degraded`,`recovered`])).min(1).default([`failed`,`error`,`recovered`]).meta({description:"Verdicts that send an alert. `recovered` is the first `passed` after one of the others; `degraded` is no recovery."}),c=[...i.xU],l=r.z.strictObject({on:s,stages:r.z.array(r.z.enum(i.hL)).min(1).default([`smoke`]).meta({description:`Stages whose verdicts send alerts.`}),terminal:r.z.boolean().default(!1).meta({description:`Also sends alerts when a stage runs in a terminal. By default, only stages on a runner send them.`}),window:o.p0.prefault(`4h`).meta({description:`The same cause sends at most one alert within this time.`}),webhook:r.z.strictObject({url:(0,a.EK)(`WEBHOOK_URL`).meta({description:`URL that receives a POST request with a JSON body.`}),secret:(0,a.rJ)(`WEBHOOK_SECRET`).meta({description:"Key that signs the request: HMAC-SHA256, in the header `X-Env-Actions-Signature`."})}).optional().meta({description:`Sends alerts to any server as a signed request.`}),slack:r.z.strictObject({url:(0,a.EK)(`SLACK_WEBHOOK_URL`).meta({description:`URL of a Slack incoming webhook.`})}).optional().meta({description:`Sends alerts to a Slack channel.`}),pagerDuty:r.z.strictObject({routingKey:(0,a.rJ)(`PAGERDUTY_ROUTING_KEY`).meta({description:`Integration key of a PagerDuty service (Events API v2).`}),url:o.ZL.default(`https://events.pagerduty.com/v2/enqueue`).meta({description:"Address of the Events API. For the EU, use `https://events.eu.pagerduty.com/v2/enqueue`."})}).optional().meta({description:`Opens an incident in PagerDuty. A recovery resolves it.`}),openTelemetry:r.z.strictObject({url:o.q3.meta({description:"Address that receives metrics over OTLP/HTTP, such as `https://collector:4318/v1/metrics`."}),headers:r.z.record(r.z.string(),(0,a.rJ)(`OTLP_KEY`)).default({}).meta({description:`Headers sent with the metrics, such as an API key.`})}).optional().meta({description:`Sends metrics of every run, whatever the verdict.`})}).refine(e=>c.some(t=>e[t]!==void 0),{error:`expected at least one of ${c.join(`, `)}`,when:o.IZ}),u=(0,o.Og)(`workflow`,`event`,`command`),d=r.z.strictObject({workflow:r.z.strictObject({file:r.z.string().regex(/^[\w.-]+\.ya?ml$|^\d+$/,{error:`expected the name of a file in .github/workflows, such as rollback.yml`}).meta({description:"File name or id of the workflow. The workflow must have `on: workflow_dispatch`."}),ref:r.z.string().min(1).default(`main`).meta({description:`Branch or tag whose version of the workflow runs.`}),inputs:r.z.record(r.z.string(),r.z.string()).default({}).meta({description:"Inputs of the workflow, which must declare them. `{deployment}`, `{commit}`, `{environment}`, `{run}` and `{verdict}` are replaced with the values of this rollback. Unknown values are empty."})}).optional().meta({description:"Starts a workflow (`workflow_dispatch`). Needs the permission `actions: write`."}),event:r.z.strictObject({type:r.z.string().min(1).max(100).meta({description:"Event type, as listed in the workflow under `on: repository_dispatch`."})}).optional().meta({description:"Sends a `repository_dispatch` event. Needs the permission `contents: write`."}),command:o.G5.optional().meta({description:"Command that the shell runs. It receives `ENV_ACTIONS_DEPLOYMENT`, `ENV_ACTIONS_COMMIT`, `ENV_ACTIONS_ENVIRONMENT` and `ENV_ACTIONS_VERDICT`."}),on:r.z.array(r.z.enum([`failed`,`error`])).min(1).default([`failed`]).meta({description:"Verdicts that trigger the rollback. `failed`: a check found a problem. `error`: a check could not run, which does not prove that the deployment is bad."}),dryRun:r.z.boolean().default(!1).meta({description:`Only reports the rollback that would be triggered.`}),terminal:r.z.boolean().default(!1).meta({description:`Also triggers the rollback when smoke runs in a terminal. By default, only smoke on a runner triggers it.`}),repository:r.z.string().regex(/^[\w.-]+\/[\w.-]+$/,{error:`expected a repository as owner/name`}).optional().meta({description:"Repository of the workflow or event, as `owner/name`. Default: the repository of the run."}),token:(0,a.rJ)(`ROLLBACK_TOKEN`).optional().meta({description:`GitHub token to use instead of the job's own token.`}),timeout:o.zc.prefault(`2m`).meta({description:"Time limit for `command`."})}).refine(u.check,u.params),f=l.optional().meta({description:`Where alerts about verdicts are sent.`}),p=d.optional().meta({description:`Rollback that smoke triggers after a bad verdict, once per deployment.`})}),39829:((e,t,n)=>{n.r(t),n.d(t,{configSchema:()=>g,environmentSchema:()=>m});var r=n(55103),i=n(67276),a=n(79924),o=n(30965),s=n(61245),c=n(20547),l=n(61086),u=n(6046),d=n(91835),f=n(25620);function p(e){let t=Object.entries(e).map(([e,{schema:t}])=>[e,t()]);return Object.fromEntries(t)}let m=i.z.strictObject({access:o._O,promotedFrom:o.Aq,...p(r),token:(0,o.Bk)(),servers:s.serversSchema,environment:o.hq,alerts:a.alertsSchema,rollback:a.rollbackSchema}).superRefine(o.ag,{when:f.IZ}),h=i.z.strictObject({preflight:l.preflightSchema,integration:u.integrationSchema,e2e:u.e2eSchema,smoke:l.smokeSchema,cleanup:l.cleanupSchema}),g=i.z.strictObject({version:c.versionSchema,defaultEnvironment:c.defaultEnvironmentSchema,environments:i.z.record(f.UU,m).meta(o.$K),testData:d.testDataSchema,stages:h.prefault({}).meta({description:`Budgets, commands and limits of the stages.`}),secrets:c.secretsSchema,evidence:c.evidenceSchema,audit:c.auditSchema}).meta({title:`env-actions`,description:`Environments, test data and stages of env-actions.`})}),61245:((e,t,n)=>{n.r(t),n.d(t,{serverSchema:()=>u,serversSchema:()=>d});var r=n(67276),i=n(93664),a=n(85603),o=n(25620);let s=(0,o.Og)(`url`,`tcp`,`log`,`socketIo`),c=r.z.strictObject({url:o.q3.optional().meta({description:"Address that must respond with one of `status`, and with JSON that satisfies `json`."}),status:r.z.array(r.z.int().min(100).max(599)).min(1).optional().meta({description:"HTTP status codes of `url` that mean ready. Default: 200. Redirects are not followed."}),json:r.z.array((0,i.qy)()).min(1).optional().meta({description:"Assertions that the JSON response of `url` must satisfy."}),tcp:o.Oh.optional().meta({description:`Port that must accept a connection.`}),log:o.t0.optional().meta({description:`Regular expression that a line of output must match.`}),socketIo:o.q3.optional().meta({description:"Address of a Socket.IO server that must complete a handshake. If the address has no path, `/socket.io/` is used."}),stableFor:o.zc.optional().meta({description:`How long the server must stay ready before it counts as ready.`}),timeout:o.zc.prefault(`60s`).meta({description:`Time limit for the server to become ready.`})}).refine(s.check,s.params).superRefine(l,{when:o.IZ});function l(e,t){for(let n of[`status`,`json`])e[n]!==void 0&&e.url===void 0&&t.addIssue({code:`custom`,path:[n],message:`requires url: it describes the answer of that address`,params:{...(0,a.SM)(`EA1017`)}});let{stableFor:n,timeout:r}=e;typeof n==`number`&&typeof r==`number`&&n>=r&&t.addIssue({code:`custom`,path:[`stableFor`],message:`expected less than timeout: otherwise the server is never ready in time`})}let u=r.z.strictObject({command:o.G5,workingDirectory:r.z.string().default(`.`).meta({description:`Working directory of the command, relative to the workspace.`}),port:o.Oh.optional().meta({description:`Port of the server. It must be free before the server starts and after the server stops.`}),ready:c.meta({description:`How to detect that the server is ready.`}),environment:r.z.record(r.z.string(),r.z.string()).default({}).meta({description:"Environment variables for this server, in addition to `environments.<name>.environment`."}),stages:r.z.array(r.z.enum([`preflight`,`integration`,`e2e`,`smoke`])).min(1).default([`preflight`,`integration`,`e2e`,`smoke`]).meta({description:`Stages for which the server is started.`})}),d=r.z.record(o.UU,u).default({}).meta({description:`Servers that env-actions starts itself (localhost). Leave out servers that are already deployed.`})}),61086:((e,t,n)=>{n.r(t),n.d(t,{cleanupSchema:()=>f,preflightSchema:()=>u,smokeSchema:()=>d});var r=n(67276);let i=/^<=\s*\+(\d{1,4}(?:\.\d+)?)%$/,a=r.z.string({error:`expected a limit such as "<= +10%"`}).regex(i,{error:`expected a limit such as "<= +10%": the allowed growth over earlier runs`}).transform(e=>Number(i.exec(e)?.[1])/100),o=r.z.strictObject({criteria:r.z.strictObject({p50:a.optional().meta({description:'How much slower the median may be, such as `"<= +10%"`.'}),p95:a.optional().meta({description:'How much slower the P95 may be, such as `"<= +10%"`.'})}).refine(({p50:e,p95:t})=>e!==void 0||t!==void 0,{error:`expected p50, p95, or both`}).meta({description:`Latency limits relative to earlier runs. A limit is exceeded only if a rank test finds the whole run slower, not if a single sample is.`}),minimumSamples:r.z.int().min(5).max(1e3).default(20).meta({description:"Samples required in this run, and in the earlier runs together. With fewer, the comparison is `degraded` (not enough data). For Redis and the warehouse, 20 samples are taken and are enough."}),runs:r.z.int().min(1).max(50).default(10).meta({description:`Number of passing runs to keep.`}),verdict:r.z.enum([`failed`,`degraded`]).default(`failed`).meta({description:"Verdict if the run is slower than `criteria` allow."})});var s=n(98028),c=n(25620);let l={sqlP95:c.p0.prefault(`100ms`).meta({description:`Limit for the P95 latency of SQL statements. Slower is a warning.`}),apiP95:c.p0.prefault(`500ms`).meta({description:`Limit for the P95 latency of API requests. Slower is a failure.`}),websocketConnect:c.p0.prefault(`2s`).meta({description:`Time limit for connecting to the WebSocket. Slower is a failure.`}),redisHitRate:c.KN.prefault(`70%`).meta({description:`Minimum hit rate of Redis. Lower is a warning.`}),redisMemory:c.KN.prefault(`90%`).meta({description:"Maximum share of Redis `maxmemory` in use. More is a warning."}),redisLag:c.p0.prefault(`10s`).meta({description:`Maximum time since a Redis replica last heard from its master. Longer is a warning.`}),certificateDays:r.z.int().min(0).default(14).meta({description:`Minimum number of days until a certificate expires. Fewer days are a warning; an expired certificate fails.`}),tokenDays:r.z.int().min(0).default(7).meta({description:`Minimum number of days until a Databricks personal access token expires. Fewer days are a warning.`}),requestsPerSecond:r.z.number().min(.1).max(1e3).default(60).meta({description:`Maximum number of requests per second that all checks of the stage together send to the application.`}),retryAfter:c.zc.prefault(`10s`).meta({description:"Longest wait if the API limits the rate (`Retry-After`). If the API requires a longer wait, no more requests are sent to it."}),baseline:o.optional().meta({description:"Compares latencies with the last passing runs of the same environment. They are kept in `.env-actions/baseline/`."})},u=r.z.strictObject({budget:c.zc.prefault(`2m`).meta(c.yD),sweep:r.z.boolean().default(!1).meta({description:"Deletes test data of unfinished runs that is older than `testData.expireAfter`. If `false`, such data is only a warning."}),...l,score:s.f,retries:s.Z}).prefault({}).meta({description:`Checks whether the environment is ready for tests.`}),d=r.z.strictObject({budget:c.zc.prefault(`5m`).meta(c.yD),...l,score:s.f,retries:s.Z}).prefault({}).meta({description:`Checks whether the deployed application works. Only reads.`}),f=r.z.strictObject({budget:c.zc.prefault(`2m`).meta(c.yD)}).prefault({}).meta({description:`Deletes test data and verifies that it is gone.`})})};
