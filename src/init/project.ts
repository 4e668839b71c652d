import { type TestAddress, testAddresses } from "./detect/addresses.ts";
import { detectToolchains, type Toolchain } from "./detect/languages.ts";
import { detectNode, type NodeProject } from "./detect/node.ts";
import { detectPin, type Pin } from "./detect/release.ts";
import {
  detectServers,
  detectTasks,
  type HealthRoute,
  healthRoute,
  type Server,
  sourcesOf,
  type Task,
} from "./detect/servers.ts";
import { detectContainers, type Service, workflowsOf } from "./detect/services.ts";
import {
  classwavesSigns,
  type Databricks,
  detectDatabricks,
  detectRedis,
  detectTables,
  type KnownTables,
  prefixesInTests,
  type Redis,
} from "./detect/stores.ts";
import { type BrowserSuite, detectBrowserTests, detectIntegration, type Suite } from "./detect/tests.ts";
import { listsOf } from "./detect/toml.ts";
import { detectVariables, type ExampleFile, type ExampleVariable, hostOf, isLocal } from "./detect/variables.ts";
import type { Repository } from "./repository.ts";

/** What a repository shows of its application and its tests: everything that the written files are made of. */
export interface Project {
  /** Relative to the root; empty for the root. */
  folder: string;
  hasGit: boolean;
  /** For names of files and prefixes: lower-case letters, digits and `-`. */
  slug: string;
  preset: "classwaves" | "none";
  /** Why the preset was chosen. */
  signs: string[];
  environment: string;
  node: NodeProject | undefined;
  toolchains: Toolchain[];
  integration: Suite | undefined;
  browser: BrowserSuite | undefined;
  /** By which variables the tests find the application. */
  addresses: Record<"integration" | "e2e", TestAddress[]>;
  /** What runs before the servers. */
  tasks: Task[];
  servers: Server[];
  api: Api | undefined;
  databricks: Databricks | undefined;
  redis: Redis | undefined;
  tables: KnownTables | undefined;
  /** Tables of the environment with rows that are probably fixed accounts. */
  accounts?: { table: string; rows: number }[];
  /** Namespaces of the environment's Redis that say that they are for tests, such as `shop:test:`. */
  testNamespaces?: string[] | undefined;
  services: Service[];
  example: ExampleFile | undefined;
  /** Variables of the example file that nothing above covers. */
  variables: ExampleVariable[];
  socketIo: boolean;
  /** Undefined until somebody has named them. */
  namespaces: string[] | undefined;
  prefix: string;
  /** How the prefix is known; undefined for one that is only proposed. */
  prefixFrom: "tests" | "answer" | "environment" | undefined;
  pin: Pin;
  /** The address of the deployed application, for smoke. */
  production: string | undefined;
  /** The environment that smoke checks. */
  productionName: string;
  /** What the configuration that is there, or is about to be, decides for the workflows. */
  configured?: Configured;
  runsOn: string;
  /** The gate is written out step by step, as it is already or because somebody asked for it. */
  isStandalone: boolean;
  /** Workflows that use env-actions already. */
  users: string[];
  /** Workflows that have nothing to do with env-actions: theirs are names that nothing may take. */
  others: string[];
  notes: string[];
}

export interface Configured {
  passed: Passed[];
  /** Those that every stage needs, also one that runs nothing of the project. */
  referred: Passed[];
  production: Passed[];
  hasProduction: boolean;
  /** Databricks is signed in to by GitHub's id token. */
  idToken: boolean;
}

export interface Api {
  /** As the configuration has it: an address, or a reference to a variable. */
  url: string;
  /** The variable that `url` refers to. */
  variable: string | undefined;
  health: HealthRoute | undefined;
  /** Nothing shows that there is an API. */
  isGuess: boolean;
  /** Somebody has named its address: it runs, and no server of the repository is it. */
  isElsewhere?: true;
}

const addressNames = ["API_URL", "API_BASE_URL", "BACKEND_URL", "BASE_URL", "APP_URL"];

const runsStages = /\buses:\s*["']?classwaves\/env-actions\/preflight@/;
const usesOurs = /\buses:\s*["']?classwaves\/env-actions/;

/** @param installation see {@link detectPin} */
export function detectProject(repository: Repository, installation?: string): Project {
  const node = detectNode(repository);
  const sources = sourcesOf(repository);
  const example = detectVariables(repository);
  const containers = detectContainers(repository);
  const toolchains = detectToolchains(repository, node);
  const databricks = detectDatabricks(repository, node, example);
  const redis = detectRedis(repository, node, { example, services: containers.services });
  const signs = classwavesSigns(node, databricks, sources);
  const browser = detectBrowserTests(repository, node);
  const servers = withPorts(detectServers(repository, node, sources), {
    example,
    ownPorts: containers.ownPorts,
    address: browser?.address,
  });
  const integration = detectIntegration(repository, node) ?? toolchains.find(({ suite }) => suite)?.suite;
  const existing = workflowsOf(repository);
  const slug = slugOf(repository.folder === "" ? (node?.name ?? nameElsewhere(repository) ?? "app") : repository.folder);
  const [inTests] = prefixesInTests(repository);
  const preset = signs.length > 0 ? "classwaves" : "none";
  const api = apiOf(servers, example, { health: healthRoute(repository, sources), isAlone: !databricks && !redis });
  return {
    folder: repository.folder,
    hasGit: repository.hasGit,
    slug,
    preset,
    signs,
    environment: repository.folder === "" ? "sandbox" : `${slug}-sandbox`,
    node,
    toolchains,
    integration,
    browser,
    addresses: { integration: testAddresses(repository, "integration"), e2e: testAddresses(repository, "e2e") },
    tasks: detectTasks(
      repository,
      node,
      containers.services.some(({ kind }) => kind === "database"),
    ),
    servers,
    api,
    databricks,
    redis,
    tables: preset === "classwaves" || !databricks ? undefined : detectTables(repository, databricks.catalog),
    services: containers.services,
    example,
    variables: leftVariables(example, containers.services, api?.variable),
    socketIo: Object.hasOwn(node?.dependencies ?? {}, "socket.io"),
    namespaces: undefined,
    prefix: inTests ?? `${slug.replaceAll("-", "_")}_test_`,
    prefixFrom: inTests === undefined ? undefined : "tests",
    pin: detectPin(repository, node, installation),
    production: undefined,
    productionName: "production",
    runsOn: runnerOf(repository),
    isStandalone: existing.some(({ text }) => runsStages.test(text)),
    users: existing.filter(({ text }) => usesOurs.test(text)).map(({ file }) => file),
    others: existing.filter(({ text }) => !usesOurs.test(text)).map(({ file }) => file),
    notes: notesOf(repository, node, containers.services),
  };
}

/** The name that a project in Python or Go gives itself. */
function nameElsewhere(repository: Repository): string | undefined {
  const { tables } = listsOf(repository.read("pyproject.toml") ?? "");
  const [python] = [tables.get("project"), tables.get("tool.poetry")].flatMap((table) => table?.get("name") ?? []);
  const module = /^module\s+(\S+)/m.exec(repository.read("go.mod") ?? "")?.[1];
  return (
    python ??
    module
      ?.replace(/\/v\d+$/, "")
      .split("/")
      .at(-1)
  );
}

/** Shorter than that, a prefix could match ids of production; it also needs three different letters. */
function slugOf(name: string): string {
  const words = name
    .toLowerCase()
    .replace(/^@/, "")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return /^[a-z]/.test(words) ? words : `app${words === "" ? "" : `-${words}`}`;
}

function withPorts(
  servers: readonly Server[],
  { example, ownPorts, address }: { example: ExampleFile | undefined; ownPorts: readonly number[]; address: string | undefined },
): Server[] {
  const named = Number(example?.variables.find(({ name }) => name === "PORT")?.value);
  const browsed = address === undefined || !URL.canParse(address) ? undefined : Number(new URL(address).port) || undefined;
  return servers.map((server, index) => {
    if (index > 0) return server;
    return withPort(server, (named > 0 ? named : undefined) ?? server.port ?? ownPorts[0] ?? browsed ?? server.usualPort);
  });
}

/** The port is part of some commands: there it is the assumed one, too, until somebody names it. */
export function withPort(server: Server, port: number | undefined): Server {
  const { commandAt } = server;
  return { ...server, port, ...(commandAt ? { command: commandAt(port ?? assumedPort) } : {}) };
}

function apiOf(
  servers: readonly Server[],
  example: ExampleFile | undefined,
  { health, isAlone }: { health: HealthRoute | undefined; isAlone: boolean },
): Api | undefined {
  const server = servers.find(({ isFrontend }) => !isFrontend);
  if (server) return { url: localhost(server.port), variable: undefined, health, isGuess: false };
  const named = addressNames.find((name) => example?.variables.some((variable) => variable.name === name));
  if (named === undefined && !isAlone) return undefined;
  const variable = named ?? "API_URL";
  return { url: `\${${variable}}`, variable, health, isGuess: named === undefined };
}

/** The port that most servers take is written if nothing shows another one; a question stands beside it. */
export const assumedPort = 3000;

export function localhost(port: number | undefined): string {
  return `http://localhost:${port ?? assumedPort}`;
}

const covered =
  /^(?:DATABRICKS_(?:HOST|TOKEN|WAREHOUSE_ID|HTTP_PATH|CLIENT_ID|CLIENT_SECRET)|REDIS_URL|PORT|NODE_ENV|CI|NODE_EXTRA_CA_CERTS|ENV_ACTIONS_.*)$/;

/** An address of a service that a compose file calls `db` is one of this machine when the service runs beside the job. */
function leftVariables(
  example: ExampleFile | undefined,
  services: readonly Service[],
  api: string | undefined,
): ExampleVariable[] {
  return (example?.variables ?? [])
    .filter(({ name }) => !covered.test(name) && name !== api)
    .map((variable) => {
      const { value } = variable;
      const host = value?.includes("://") ? hostOf(value) : undefined;
      const service = services.find(({ name }) => name === host);
      if (value === undefined || host === undefined || !service) return variable;
      return { ...variable, value: value.replace(new RegExp(`(@|//)${host}(?=[:/]|$)`), "$1localhost"), isSecret: false };
    });
}

/** Whether a value may stand in the configuration: it is committed in the example file, and no secret of anybody. */
export function isWritable({ value, isSecret }: ExampleVariable): boolean {
  return value !== undefined && !/[{}$]/.test(value) && (!isSecret || (value.includes("://") && isLocal(value)));
}

/** The project with nothing but its warehouse: its configuration needs no other variables. */
export function warehouseOnly(project: Project): Project {
  return {
    ...project,
    ...{
      preset: "none",
      redis: undefined,
      api: undefined,
      tasks: [],
      servers: [],
      variables: [],
      example: undefined,
      tables: undefined,
    },
    ...{ integration: undefined, browser: undefined, production: undefined, socketIo: false, services: [] },
  };
}

/** The project with nothing but its Redis. */
export function redisOnly(project: Project): Project {
  return { ...warehouseOnly(project), databricks: undefined, redis: project.redis };
}

/** The runner that all other workflows use, if they agree. */
function runnerOf(repository: Repository): string {
  const labels = workflowsOf(repository).flatMap(({ jobs }) =>
    Object.values(jobs).flatMap((job) => {
      const label = typeof job === "object" && job !== null && "runs-on" in job ? job["runs-on"] : undefined;
      return typeof label === "string" && !label.includes("$") ? [label] : [];
    }),
  );
  const [first] = labels;
  return first !== undefined && labels.every((label) => label === first) && !/windows|macos/i.test(first)
    ? first
    : "ubuntu-latest";
}

function notesOf(repository: Repository, node: NodeProject | undefined, services: readonly Service[]): string[] {
  const packages = repository.files
    .filter((file) => /^[^/]+\/(?:[^/]+\/)?package\.json$/.test(file))
    .map((file) => file.replace(/\/package\.json$/, ""));
  const database = services.find(({ kind }) => kind === "database");
  return [
    ...(repository.hasGit
      ? []
      : ["this folder belongs to no git repository: GitHub reads workflows only in .github/workflows of the repository's root"]),
    ...(node?.isWorkspaceRoot && packages.length > 0 && repository.folder === ""
      ? [
          `this is the root of several packages (${packages.slice(0, 5).join(", ")}): to set up one of them, run init in its folder`,
        ]
      : []),
    ...(database
      ? [
          `env-actions deletes no rows of ${database.image} (${database.from}): let the tests clean up there, or start it anew for each run`,
        ]
      : []),
  ];
}

/** Whether tests leave something in a place that other runs and people share. */
export function hasSharedData({ databricks, redis }: Pick<Project, "databricks" | "redis">): boolean {
  return databricks !== undefined || (redis !== undefined && !redis.service);
}

/** A variable that a step of the workflow must pass on. */
export interface Passed {
  name: string;
  /** `secrets` or `vars` of a GitHub environment, or a value that is written as it is. */
  from: "secrets" | "vars" | { value: string };
}

export function passedVariables(project: Project): Passed[] {
  if (project.configured) return project.configured.passed;
  const referred = referredVariables(project);
  return [
    ...referred,
    ...project.variables
      .filter((variable) => !isWritable(variable) && referred.every(({ name }) => name !== variable.name))
      .map(({ name, isSecret }): Passed => ({ name, from: isSecret ? "secrets" : "vars" })),
  ];
}

/** Those that the configuration refers to. A cleanup runs nothing of the project, so it needs no more. */
export function referredVariables({ databricks, redis, preset, api, configured }: Project): Passed[] {
  if (configured) return configured.referred;
  const signIn: Passed[] =
    databricks?.signIn === "service-principal"
      ? [
          { name: "DATABRICKS_CLIENT_ID", from: "vars" },
          { name: "DATABRICKS_CLIENT_SECRET", from: "secrets" },
        ]
      : [{ name: "DATABRICKS_TOKEN", from: "secrets" }];
  const service = redis?.service;
  return [
    ...(databricks
      ? ([{ name: "DATABRICKS_HOST", from: "vars" }, { name: databricks.warehouse, from: "vars" }, ...signIn] as const)
      : []),
    ...(redis
      ? [
          {
            name: "REDIS_URL",
            from: service ? { value: `redis://localhost:${service.ports[0]?.split(":")[0]}` } : "secrets",
          } as const,
        ]
      : []),
    ...(preset === "classwaves" && api ? [{ name: "TEST_TOKEN_SECRET", from: "secrets" } as const] : []),
    ...(api?.variable === undefined ? [] : [{ name: api.variable, from: "vars" } as const]),
  ];
}
