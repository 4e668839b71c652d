import { parseTemplate } from "../config/interpolation.ts";
import { group, isGroup, list, pathKey, text, valueAt } from "../config/path.ts";
import { presetOf } from "../config/preset.ts";
import { parseYaml } from "../config/yaml.ts";
import { isSecretName } from "../lib/redaction/variables.ts";
import { todos } from "./answers.ts";
import { productionVariables } from "./classwaves.ts";
import type { Databricks } from "./detect/stores.ts";
import type { BrowserSuite, Suite } from "./detect/tests.ts";
import { isLocal } from "./detect/variables.ts";
import type { Choice } from "./merge.ts";
import { type Passed, type Project, passedVariables, referredVariables, withPort } from "./project.ts";
import { todo } from "./yaml.ts";

/** What a configuration that is there decides: it wins over what the repository shows. */

type Data = Record<string, unknown>;

function dataOf(configuration: string | undefined): Data | undefined {
  const data = configuration === undefined ? undefined : parseYaml(configuration).data;
  return isGroup(data) && isGroup(data.environments) ? data : undefined;
}

/** The project with the preset and the names of environments that the file has, so that the same parts are compared. */
export function namedAs(project: Project, configuration: string | undefined): Project {
  const data = dataOf(configuration);
  if (!data) return project;
  const environments = group(data.environments);
  const readOnly = Object.keys(environments).filter((name) => valueAt(environments, [name, "access"]) === "read-only");
  const tested = Object.keys(environments).filter((name) => !readOnly.includes(name));
  const [only] = tested.length === 1 ? tested : [];
  const named = text(data.defaultEnvironment);
  const production = readOnly.length === 1 ? readOnly[0] : undefined;
  return {
    ...project,
    preset: presetOf(data),
    environment:
      named !== undefined && tested.includes(named)
        ? named
        : tested.includes(project.environment)
          ? project.environment
          : (only ?? project.environment),
    productionName: readOnly.includes(project.productionName) ? project.productionName : (production ?? project.productionName),
  };
}

/** What of a new configuration takes its place in one that is there. */
export function choiceIn(configuration: string, project: Project, textOf: (project: Project) => string): Choice {
  return { isWanted: wantedIn(configuration, project), isOpen: openIn(configuration, project, textOf) };
}

/** The assumed port has its question at the address of the API; the server that takes it is open as long as nobody has touched it. */
function openIn(configuration: string, project: Project, textOf: (project: Project) => string): Choice["isOpen"] {
  const [server, ...others] = project.servers;
  if (!server || server.port === undefined || !configuration.includes(todo(todos.port))) return () => false;
  const place = ["environments", project.environment, "servers", server.name];
  const assumed = dataOf(textOf({ ...project, servers: [withPort(server, undefined), ...others] }));
  const isUntouched = JSON.stringify(valueAt(assumed, place)) === JSON.stringify(valueAt(dataOf(configuration), place));
  return (path) => isUntouched && pathKey(path) === pathKey(place);
}

/**
 * Whether somebody may want a key that the file lacks. Without some keys the file means what `init` writes anyway; and within a server,
 * a table or a connection nobody else knows what is missing.
 */
function wantedIn(configuration: string, { environment, productionName, preset, api }: Project): Choice["isWanted"] {
  const data = dataOf(configuration);
  const own = group(valueAt(data, ["environments", environment]));
  const address = text(valueAt(own, ["api", "url"]));
  const isDeployed = own.servers === undefined && address !== undefined && !address.includes("${") && !isLocal(address);
  const unwanted = new Set([
    "access",
    "variables",
    ...(isDeployed ? ["servers", "tasks"] : []),
    // Nothing shows an API: whoever has none deleted it.
    ...(api?.isGuess ? ["api"] : []),
  ]);
  const ofEnvironments = ([name, key, ...more]: readonly string[]) => {
    if (name === productionName) return key === undefined && valueAt(data, ["stages", "smoke"]) !== false;
    if (key === undefined || more.length > 0) return key === undefined || (key === "environment" && more.length === 1);
    return !unwanted.has(key);
  };
  const ofStages = ([name, key]: readonly string[]) => {
    if (name === "smoke") return valueAt(data, ["environments", productionName]) === undefined;
    // Cleanup finds what a stage leaves behind by a prefix of testData, which is new, too.
    if (key !== undefined) return key === "prefix" && data?.testData === undefined;
    return name !== "preflight";
  };
  return (path) => {
    const [top, ...inner] = path.map(String);
    if (top === "environments") return ofEnvironments(inner);
    if (top === "stages") return ofStages(inner);
    // The rest of ClassWaves' test data is what the preset says anyway.
    return top === "testData" && (inner.length === 0 || (preset === "none" && inner[0] !== "expireAfter" && inner.length <= 2));
  };
}

/** The project as its configuration says, for the workflows that run it. */
export function configuredAs(project: Project, configuration: string): Project {
  const data = dataOf(configuration);
  if (!data) return project;
  const { environment, productionName } = project;
  const own = group(valueAt(data, ["environments", environment]));
  const stages = group(data.stages);
  const { environments: _environments, ...others } = data;
  const production = valueAt(data, ["environments", productionName]);
  return {
    ...project,
    databricks: isGroup(own.databricks) ? (project.databricks ?? databricksOf(own.databricks)) : undefined,
    redis: isGroup(own.redis) ? (project.redis ?? { from: "the configuration", host: undefined, service: undefined }) : undefined,
    servers: serversOf(project, group(own.servers)),
    tasks: (list(own.tasks) ?? []).length > 0 ? project.tasks.slice(0, 1).concat(taskOf(project)) : [],
    integration: suiteOf(stages.integration, project.integration),
    browser: browserOf(stages.e2e, project.browser),
    configured: {
      ...namedVariables(project, data, own),
      production: withKnown(refersTo([production, others]), productionVariables(project)),
      hasProduction: production !== undefined && stages.smoke !== false,
      idToken: valueAt(own, ["databricks", "oidc"]) !== undefined,
    },
  };
}

/** The project as the configuration runs it, for people: also where the repository shows other ports and commands. */
export function asWritten(project: Project, configuration: string | undefined): Project {
  const data = dataOf(configuration);
  if (!data) return project;
  const configured = configuredAs(project, configuration ?? "");
  const servers = group(valueAt(data, ["environments", project.environment, "servers"]));
  const from = "the configuration";
  const suite = <Known extends Suite>(found: Known | undefined, stage: string): Known | undefined => {
    const command = text(valueAt(data, ["stages", stage, "command"]));
    return found === undefined || command === undefined || command === found.command ? found : { ...found, command, from };
  };
  return {
    ...configured,
    servers: Object.entries(servers).map(([name, server]) => {
      const found = project.servers.find((one) => one.name === name);
      const { command, port } = group(server);
      return {
        ...{ name, from, build: undefined, isFrontend: false, ...found },
        command: text(command) ?? found?.command ?? "",
        port: typeof port === "number" ? port : undefined,
      };
    }),
    integration: suite(configured.integration, "integration"),
    browser: suite(configured.browser, "e2e"),
  };
}

function databricksOf(written: Data): Databricks {
  return {
    from: "the configuration",
    host: undefined,
    catalog: text(written.catalog),
    warehouse: "DATABRICKS_WAREHOUSE_ID",
    signIn: written.clientSecret === undefined ? "token" : "service-principal",
  };
}

function serversOf({ servers }: Project, written: Data): Project["servers"] {
  const [first] = Object.entries(written);
  if (!first) return [];
  const [name, server] = first;
  const command = text(group(server).command) ?? "";
  const from = "the configuration";
  return servers.length > 0 ? servers : [{ name, command, from, port: undefined, build: undefined, isFrontend: false }];
}

function taskOf({ tasks }: Project): Project["tasks"] {
  return tasks.length > 0 ? tasks.slice(1) : [{ name: "task", command: "", from: "the configuration" }];
}

function suiteOf(written: unknown, found: Suite | undefined): Suite | undefined {
  if (written === false) return undefined;
  const command = text(group(written).command);
  return found ?? (command === undefined ? undefined : { command, reports: [], from: "the configuration" });
}

function browserOf(written: unknown, found: BrowserSuite | undefined): BrowserSuite | undefined {
  const suite = suiteOf(written, found);
  if (!suite || found) return suite && found;
  return { ...suite, tool: /\bcypress\b/.test(suite.command) ? "cypress" : "playwright", startsServers: false };
}

/** The variables that steps of the workflow must pass on, since the file refers to them or demands them. */
function namedVariables(project: Project, data: Data, own: Data): { passed: Passed[]; referred: Passed[] } {
  const { environments: _environments, ...others } = data;
  const implied = referredVariables(project).filter(({ name }) => isImplied(name, own.databricks));
  const referred = withKnown(
    new Set([...implied.map(({ name }) => name), ...refersTo([own, others])]),
    referredVariables(project),
  );
  const demanded = (list(own.variables) ?? []).flatMap((name) => text(name) ?? []);
  const all = new Set([...referred.map(({ name }) => name), ...demanded]);
  return { referred, passed: withKnown(all, passedVariables(project)) };
}

/** Databricks' own variables fill what the file leaves out. */
function isImplied(name: string, written: unknown): boolean {
  if (!isGroup(written)) return false;
  const has = (...keys: string[]) => keys.some((key) => written[key] !== undefined);
  if (name === "DATABRICKS_HOST") return !has("host");
  if (name === "DATABRICKS_WAREHOUSE_ID" || name === "DATABRICKS_HTTP_PATH") return !has("warehouse", "path");
  return /^DATABRICKS_(?:TOKEN|CLIENT_ID|CLIENT_SECRET)$/.test(name) && !has("token", "clientId", "oidc");
}

/** In the order and of the kind in which they are known; what only the file names comes after them. */
function withKnown(names: ReadonlySet<string>, known: readonly Passed[]): Passed[] {
  const found = known.filter(({ name }) => names.has(name));
  const others = [...names].filter((name) => known.every((one) => one.name !== name));
  return [...found, ...others.map((name): Passed => ({ name, from: isSecretName(name) ? "secrets" : "vars" }))];
}

/** The variables without a default. Those in a command are the shell's. */
function refersTo(value: unknown): Set<string> {
  const names = new Set<string>();
  const search = (inner: unknown, key: string | undefined) => {
    if (typeof inner === "string" && key !== "command") {
      const template = parseTemplate(inner);
      if ("problem" in template) return;
      for (const part of template.parts) if (typeof part === "object" && part.fallback === undefined) names.add(part.name);
    } else if (Array.isArray(inner)) for (const item of inner) search(item, key);
    else if (isGroup(inner)) for (const [name, item] of Object.entries(inner)) search(item, name);
  };
  search(value, undefined);
  return names;
}
