import { writtenTableLines } from "../cleanup/propose/proposal-text.ts";
import { configSchemaUrl } from "../config/json-schema.ts";
import { count } from "../lib/count.ts";
import { todos } from "./answers.ts";
import { classwavesParts } from "./classwaves.ts";
import { addressValues } from "./detect/addresses.ts";
import type { Server } from "./detect/servers.ts";
import type { BrowserSuite, Suite } from "./detect/tests.ts";
import { assumedPort, hasSharedData, isWritable, localhost, type Project, passedVariables } from "./project.ts";
import { comment, flowList, indented, inFlow, scalar, todo } from "./yaml.ts";

/** The text of `.github/env-actions.yml`: only what the repository shows, and a question wherever it shows nothing. */
export function configurationText(project: Project): string {
  const { environment } = project;
  return `${[
    `# yaml-language-server: $schema=${configSchemaUrl}`,
    "#",
    "# Written by `env-actions init` from what this repository has. Each TODO is a question that it could not answer.",
    "# ${NAME} is an environment variable, ${NAME:-text} one with a default. A secret must be a variable: never write its value here.",
    "version: 1",
    ...presetLines(project),
    `defaultEnvironment: ${environment}`,
    "",
    "environments:",
    ...indented(2, [
      "# Where tests run: env-actions may create test data here, and deletes it again.",
      `${environment}:`,
      ...indented(2, testEnvironment(project)),
      ...(project.production === undefined && project.preset === "none" ? [] : ["", ...productionEnvironment(project)]),
    ]),
    ...testData(project),
    "",
    "stages:",
    ...indented(2, stages(project)),
  ].join("\n")}\n`;
}

function presetLines({ preset, signs }: Project): string[] {
  return preset === "classwaves"
    ? [
        comment(
          `The rules of ClassWaves, because ${signs.join(", and ")}: its 48 tables, keys, routes, namespaces and Playwright projects.`,
        ),
        "preset: classwaves",
      ]
    : ["# No application's rules are built in: only what this file names is checked and deleted.", "preset: none"];
}

function testEnvironment(project: Project): string[] {
  const { databricks, redis, tasks, servers, preset, api } = project;
  return [
    "access: test-data",
    ...variables(project),
    ...(databricks ? databricksLines(project) : []),
    ...(redis
      ? [
          comment(`Redis, because of ${redis.from}.`),
          "redis:",
          "  url: ${REDIS_URL}",
          ...indented(2, [
            ...(redis.host === undefined ? [todo(todos.redisHost)] : []),
            `expect: { host: ${inFlow(redis.host ?? "redis.invalid")} } # anywhere else, nothing is sent`,
          ]),
        ]
      : []),
    ...apiLines(project),
    ...(preset === "classwaves" && api ? classwavesParts.testEnvironment : websocketLines(project)),
    ...(tasks.length === 0
      ? []
      : [
          "# Before the servers of each stage: the database is a new one in each job.",
          "tasks:",
          ...indented(
            2,
            tasks.flatMap(({ name, command, from }) => [
              comment(`From ${from}.`),
              `- name: ${name}`,
              `  command: ${scalar(command)}`,
            ]),
          ),
        ]),
    ...(servers.length === 0
      ? []
      : [
          "# Started before a stage and stopped after it. Leave this out if the application is already deployed.",
          "servers:",
          ...servers.flatMap((server) => indented(2, serverLines(server, project))),
        ]),
    ...environmentVariables(project),
  ];
}

/** Preflight ends at once if one is missing. Variables that the file refers to are demanded anyway. */
function variables(project: Project): string[] {
  const named = passedVariables(project).map(({ name }) => name);
  if (named.length === 0) return [];
  const extra = project.variables.some((variable) => !isWritable(variable));
  return [
    ...(extra && project.example
      ? [comment(`What preflight must find. Some are from ${project.example.file}: remove what the tests can do without.`)]
      : ["# What preflight must find."]),
    `variables: ${flowList(named)}`,
  ];
}

function databricksLines({ databricks, preset }: Project): string[] {
  if (!databricks) return [];
  const { host, catalog, signIn, from, warehouse } = databricks;
  const name = catalog ?? (preset === "classwaves" ? "classwaves" : undefined);
  return [
    comment(`The SQL warehouse, because of ${from}.`),
    "databricks:",
    ...indented(2, [
      "host: ${DATABRICKS_HOST}",
      // Without this key, the path in DATABRICKS_HTTP_PATH decides.
      ...(warehouse === "DATABRICKS_WAREHOUSE_ID" ? ["warehouse: ${DATABRICKS_WAREHOUSE_ID}"] : []),
      "# Without a stored secret: write oidc: {} in place of this, and give the jobs id-token: write. See the guide about sign-in.",
      ...(signIn === "token"
        ? ["token: ${DATABRICKS_TOKEN}"]
        : ["clientId: ${DATABRICKS_CLIENT_ID}", "clientSecret: ${DATABRICKS_CLIENT_SECRET}"]),
      ...(name === undefined ? [todo(todos.catalog)] : []),
      `catalog: ${scalar(name ?? "main")}`,
      "# Written out and not taken from a variable, so that a wrong DATABRICKS_HOST stops the run before anything is sent.",
      ...(host === undefined ? [todo(todos.databricksHost)] : []),
      `expect: { host: ${inFlow(host ?? "adb-0000000000000000.0.azuredatabricks.net")} }`,
    ]),
  ];
}

function apiLines({ api, preset, servers }: Project): string[] {
  if (!api) return [];
  const [server] = servers;
  const isPortKnown = api.variable !== undefined || api.isElsewhere || server?.port !== undefined;
  const { health } = api;
  return [
    ...(api.isGuess ? [todo(todos.address)] : []),
    "api:",
    ...indented(2, [
      ...(isPortKnown ? [] : [todo(todos.port)]),
      `url: ${api.url}`,
      "endpoints:",
      ...indented(2, [
        ...(preset === "classwaves"
          ? classwavesParts.endpoints
          : [
              ...(health === undefined || health.mayBeMounted ? [todo(todos.health)] : []),
              "# A mock answers with 200 too. Name something that only the real thing knows: json: [{ path: $.database, equals: up }]",
              `- path: ${scalar(health?.path ?? "/")}`,
            ]),
      ]),
    ]),
  ];
}

function websocketLines({ socketIo, api, namespaces }: Project): string[] {
  if (!socketIo || !api) return [];
  const names = (namespaces ?? ["/"]).map((name) => JSON.stringify(name)).join(", ");
  return [...(namespaces === undefined ? [todo(todos.namespaces)] : []), `websocket: { namespaces: [${names}] }`];
}

function serverLines(server: Server, { api, preset, browser, node }: Project): string[] {
  const { name, command, port, from, build, isFrontend } = server;
  const health = api?.health;
  const url = isFrontend
    ? `${localhost(port ?? assumedPort + 1)}/`
    : preset === "classwaves"
      ? `${localhost(port)}/api/v1/ready`
      : health && !health.mayBeMounted && !health.isAnswer
        ? `${localhost(port)}${health.path}`
        : undefined;
  const own = portOf(server);
  const stages = isFrontend ? ["e2e"] : browser?.startsServers ? ["preflight", "integration", "smoke"] : undefined;
  return [
    comment(`From ${from}.`),
    ...(build === undefined
      ? []
      : [comment(`It starts what \`${build}\` has built: the workflow runs that first, and so must you in a terminal.`)]),
    `${name}:`,
    ...indented(2, [
      `command: ${scalar(command)}`,
      ...(port === undefined && isFrontend ? [todo(todos.frontendPort)] : []),
      `port: ${own}`,
      url === undefined ? `ready: { tcp: ${own} }` : `ready: { url: ${JSON.stringify(url)} }`,
      ...(stages === undefined
        ? []
        : [
            ...(isFrontend ? [] : ["# Not in e2e: playwright.config starts it there, and would find its port taken."]),
            `stages: ${flowList(stages)}`,
          ]),
      ...(node && !isFrontend ? [`environment: { PORT: "${own}" }`] : []),
    ]),
  ];
}

function portOf({ port, isFrontend }: Server): number {
  return port ?? (isFrontend ? assumedPort + 1 : assumedPort);
}

/** Tests ask the servers that are started for them, also after somebody gave these another port. Playwright starts its own. */
function withAddresses<Own extends Suite | BrowserSuite>(project: Project, stage: "integration" | "e2e", suite: Own): Own {
  if ("startsServers" in suite && suite.startsServers) return suite;
  const own = project.preset === "classwaves" ? ["E2E_BACKEND_URL", "E2E_FRONTEND_URL"] : [];
  const elsewhere = new Set([...project.variables.map(({ name }) => name), ...own]);
  const found = addressValues(
    project.addresses[stage].filter(({ name }) => !elsewhere.has(name)),
    project.servers.map((server) => ({ port: portOf(server) })),
  );
  return Object.keys(found).length === 0 ? suite : { ...suite, environment: { ...suite.environment, ...found } };
}

function environmentVariables(project: Project): string[] {
  const written = project.variables.filter(isWritable);
  const own =
    project.preset === "classwaves" && project.api
      ? [
          `E2E_BACKEND_URL: ${project.api.url}`,
          ...project.servers
            .filter(({ isFrontend }) => isFrontend)
            .map(({ port }) => `E2E_FRONTEND_URL: ${localhost(port ?? assumedPort + 1)}`),
        ]
      : [];
  if (written.length + own.length === 0) return [];
  return [
    written.length > 0 && project.example
      ? comment(`Environment variables for servers and test commands, with the values of ${project.example.file}.`)
      : "# Environment variables for servers and test commands.",
    "environment:",
    ...indented(2, [...own, ...written.map(({ name, value }) => `${name}: ${scalar(`\${${name}:-${value ?? ""}}`)}`)]),
  ];
}

function productionEnvironment(project: Project): string[] {
  if (project.preset === "classwaves") return classwavesParts.production(project);
  const { production, productionName, environment, api } = project;
  return [
    "# What smoke checks after a deployment. read-only: env-actions sends no writes here.",
    `${productionName}:`,
    ...indented(2, [
      "access: read-only",
      `promotedFrom: ${environment}`,
      "api:",
      `  url: ${scalar(production ?? "")}`,
      "  endpoints:",
      `    - path: ${scalar(api?.health?.path ?? "/")}`,
    ]),
  ];
}

function testData(project: Project): string[] {
  const { preset, databricks, tables, prefix, prefixFrom, redis } = project;
  if (preset === "classwaves") return ["", ...classwavesParts.testData];
  if (!databricks && !redis) return [];
  const declared = Object.keys(tables?.proposal.tables ?? {}).length > 0;
  return [
    "",
    "# How test data is recognized.",
    "testData:",
    ...indented(2, [
      comment(
        `Ids of test data begin with this${prefixFrom === "tests" ? ": the tests use it already" : ""}. Tests get the beginning for one run in ENV_ACTIONS_PREFIX.`,
      ),
      ...(prefixFrom === "tests" || prefixFrom === "answer" ? [] : [todo(todos.prefix)]),
      `prefixes: ${flowList([prefix])}`,
      ...(redis
        ? [
            "# Redis namespaces that hold nothing but test data, such as shop:test:*. A key with ENV_ACTIONS_PREFIX in its name is found without one.",
            ...testNamespaces(project),
            "keys: []",
          ]
        : ["keys: []"]),
      ...(databricks && !declared ? [todo(todos.tables), "tables: {}"] : []),
      ...(tables && declared
        ? [
            comment(`As in ${tables.from}. \`env-actions tables\` compares this with the warehouse.`),
            "tables:",
            ...writtenTableLines(tables.proposal),
          ]
        : []),
      ...fixedAccounts(project),
      ...(databricks
        ? [
            "# Every principal that only tests use, as DESCRIBE HISTORY shows it. Without it the books are often unknown.",
            "# principals: [11111111-1111-1111-1111-111111111111]",
          ]
        : []),
      ...(hasSharedData(project)
        ? ["# Age after which the cleanup with scope expired deletes what unfinished runs left behind.", "expireAfter: 2h"]
        : []),
    ]),
  ];
}

function testNamespaces({ testNamespaces: found = [] }: Project): string[] {
  if (found.length === 0) return [];
  return [
    "# These say that they are for tests. Add them once you know that nothing else is in them:",
    comment(`keys: ${flowList(found.map((namespace) => `${namespace}*`))}`),
  ];
}

/** Only counts: which of the rows are to stay, somebody has to say. */
function fixedAccounts({ accounts = [] }: Project): string[] {
  if (accounts.length === 0) return [];
  return [
    "# Rows with an e-mail address of a test domain and no prefix may be fixed accounts. List the keys of those that must stay:",
    "# nothing deletes them, in any scope.",
    "# keep:",
    ...accounts.map(({ table, rows }) => `#   ${comment(`${table}: [] # of ${count(rows, "row")}`).slice(2)}`),
  ];
}

function stages(project: Project): string[] {
  const { integration, browser, preset, production } = project;
  const prefix = preset === "none" && (project.databricks || project.redis) ? [`prefix: ${project.prefix}`] : [];
  return [
    ...(hasSharedData(project)
      ? [
          "preflight:",
          "  # false: only reports what unfinished runs left behind. true: also deletes it, once it is older than expireAfter.",
          "  sweep: false",
        ]
      : []),
    ...(integration
      ? suiteLines("integration", withAddresses(project, "integration", integration), prefix)
      : leftOut("integration", "no test command was found")),
    ...(browser
      ? browserLines(withAddresses(project, "e2e", browser), prefix, preset)
      : leftOut("e2e", "no browser tests were found")),
    ...(production === undefined && preset === "none"
      ? leftOut("smoke", "no deployed application is named. To check one, add an environment with access: read-only")
      : []),
  ];
}

function leftOut(stage: string, why: string): string[] {
  return [comment(`Left out of the gate: ${why}.`), `${stage}: false`];
}

function suiteLines(stage: string, suite: Suite, prefix: readonly string[]): string[] {
  return [
    comment(`From ${suite.from}.`),
    `${stage}:`,
    ...indented(2, [
      ...prefix,
      `command: ${scalar(suite.command)}`,
      ...(suite.question === undefined ? [] : [todo(suite.question)]),
      `reports: ${flowList(suite.reports)}`,
      ...(suite.environment === undefined
        ? []
        : [
            "environment:",
            ...indented(
              2,
              Object.entries(suite.environment).map(([name, value]) => `${name}: ${scalar(value)}`),
            ),
          ]),
    ]),
  ];
}

function browserLines(browser: BrowserSuite, prefix: readonly string[], preset: Project["preset"]): string[] {
  const projects = browser.requiredProjects ?? [];
  return [
    ...suiteLines("e2e", browser, prefix),
    ...(projects.length === 0 || preset === "classwaves"
      ? []
      : indented(2, ["# Of each of these projects, one test must have run.", `requiredProjects: ${flowList(projects)}`])),
  ];
}
