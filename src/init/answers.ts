import { parse } from "yaml";
import type { Table } from "../config/schema.ts";
import { prefixSchema } from "../config/test-data-schema.ts";
import { isGroup, text } from "./detect/node.ts";
import { reportQuestion, type Suite } from "./detect/tests.ts";
import { hostOf } from "./detect/variables.ts";
import { type Api, assumedPort, localhost, type Project, withPort } from "./project.ts";
import { todo } from "./yaml.ts";

/** What a repository doesn't show: a person answers it on a terminal, or an earlier configuration has the answer already. */
export type AnswerName =
  | "address"
  | "port"
  | "health"
  | "reports"
  | "frontendPort"
  | "namespaces"
  | "databricksHost"
  | "catalog"
  | "redisHost"
  | "tables"
  | "prefix"
  | "production";

export type Answers = Partial<Record<AnswerName, string>>;

/** The questions as the configuration has them. Whoever has answered one removes its line. */
export const todos: Readonly<Record<Exclude<AnswerName, "production">, string>> = {
  address: "at which address is the application that is tested? Nothing here shows a server; if there is none, delete api.",
  port: `which port does the application take? Nothing shows it, so ${assumedPort} is assumed.`,
  health: "which route shows that the application works? No certain one was found, such as /health on the application itself.",
  reports: reportQuestion,
  frontendPort: `which port does this server take? ${assumedPort + 1} is assumed.`,
  namespaces: "which Socket.IO namespaces must answer? / is the one that every server has.",
  databricksHost: "which host does the workspace for tests have? Until the right one stands here, nothing is sent to it.",
  catalog: "which catalog has the tables?",
  redisHost: "which host does the Redis for tests have? Until the right one stands here, nothing is sent to it.",
  tables: "which tables do the tests write? `env-actions tables` proposes this part once the variables of Databricks are set.",
  prefix:
    "let the ids of test data begin with this, or with what they have in common. No test shows it; ENV_ACTIONS_PREFIX has it.",
};

export interface Question {
  name: AnswerName;
  text: string;
  /** What an empty answer means; undefined leaves the question open. */
  proposal: string | undefined;
  /** The environment itself may have the answer, so it is looked at first. */
  isLate: boolean;
  /** @returns the answer in the form that is used, or undefined if it can't be used */
  read(answer: string): string | undefined;
  expected: string;
}

const asked: Readonly<Record<AnswerName, Pick<Question, "text" | "read" | "expected">>> = {
  address: {
    text: "Address of the application that is tested",
    read: origin,
    expected: "an address such as https://test.example.org",
  },
  port: { text: "Port of the application", read: portNumber, expected: "a port such as 8080" },
  health: {
    text: "Route that shows that the application works",
    read: (answer) => /^\/[^\s#]*$/.exec(answer)?.[0],
    expected: "a path such as /health",
  },
  reports: {
    text: "Test reports that the test command writes",
    read: (answer) => listed(answer, /^[^\s,:#{}[\]]+$/),
    expected: "a path or a glob such as reports/*.xml, or several with commas between them",
  },
  frontendPort: { text: "Port of the frontend", read: portNumber, expected: "a port such as 3001" },
  namespaces: {
    text: "Socket.IO namespaces that must answer",
    read: (answer) => listed(answer, /^\/[\w/-]*$/),
    expected: "/ or a name such as /orders, or several with commas between them",
  },
  databricksHost: {
    text: "Host of the Databricks workspace for tests",
    read: host,
    expected: "a host such as dbc-1.cloud.databricks.com",
  },
  catalog: { text: "Catalog with the tables", read: (answer) => /^[\w-]+$/.exec(answer)?.[0], expected: "a name such as shop" },
  redisHost: { text: "Host of the Redis for tests", read: host, expected: "a host such as redis.internal" },
  tables: {
    text: "Tables that the tests write, with their key if it isn't id",
    read: (answer) => listed(answer, /^[A-Za-z_]\w*\.[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?$/),
    expected: "a table such as sales.orders, or sales.orders.order_id with its key; or several with commas between them",
  },
  prefix: {
    text: "What ids of test data begin with",
    read: (answer) => prefixSchema.safeParse(answer).data,
    expected: "at least 6 characters, such as shop_test_",
  },
  production: {
    text: "Address of the deployed application, for smoke",
    read: origin,
    expected: "an address such as https://shop.example.org",
  },
};

function listed(answer: string, each: RegExp): string | undefined {
  const all = itemsOf(answer);
  return all.length > 0 && all.every((one) => each.test(one)) ? all.join(", ") : undefined;
}

function itemsOf(answer: string): string[] {
  return answer.split(/[\s,]+/).filter((one) => one !== "");
}

function host(answer: string): string | undefined {
  return hostOf(answer);
}

function portNumber(answer: string): string | undefined {
  const value = Number(answer);
  return Number.isInteger(value) && value > 0 && value < 65_536 ? String(value) : undefined;
}

function origin(answer: string): string | undefined {
  return /^https?:\/\//.test(answer) && URL.canParse(answer) ? new URL(answer).origin : undefined;
}

/**
 * The questions that this project leaves open, in the order in which they are asked: the application, its tests, their environment, and
 * what they leave there.
 */
export function questionsOf(project: Project): Question[] {
  const { databricks, redis, servers, api, integration, prefixFrom, prefix, production, preset, tables } = project;
  const isOwn = preset === "none";
  const hasData = databricks !== undefined || redis !== undefined;
  const [server] = servers;
  const front = servers.some(({ isFrontend, port }) => isFrontend && port === undefined);
  const noTables = Object.keys(tables?.proposal.tables ?? {}).length === 0;
  const open: [AnswerName, isOpen: boolean, proposal?: string][] = [
    ["address", api?.isGuess === true],
    ["port", server !== undefined && server.port === undefined && api?.variable === undefined, String(assumedPort)],
    ["health", isOwn && api !== undefined && (api.health === undefined || api.health.mayBeMounted), api?.health?.path],
    ["reports", integration?.question !== undefined],
    ["frontendPort", front, String(assumedPort + 1)],
    ["namespaces", isOwn && api !== undefined && project.socketIo && project.namespaces === undefined, "/"],
    ["databricksHost", databricks !== undefined && databricks.host === undefined],
    ["catalog", isOwn && databricks !== undefined && databricks.catalog === undefined],
    ["redisHost", redis !== undefined && redis.host === undefined],
    ["tables", isOwn && databricks !== undefined && noTables],
    ["prefix", isOwn && hasData && prefixFrom !== "tests" && prefixFrom !== "answer", prefix],
    ["production", isOwn && api !== undefined && production === undefined],
  ];
  const late: ReadonlySet<AnswerName> = new Set(["tables", "prefix", "production"]);
  return open.flatMap(([name, isOpen, proposal]) => (isOpen ? [{ ...asked[name], name, proposal, isLate: late.has(name) }] : []));
}

/** The project with these answers in place of what was open. */
export function answered(project: Project, answers: Answers): Project {
  const { databricks, redis, integration } = project;
  const { tables } = answers;
  return {
    ...project,
    databricks: databricks && {
      ...databricks,
      ...(answers.databricksHost === undefined ? {} : { host: answers.databricksHost }),
      ...(answers.catalog === undefined ? {} : { catalog: answers.catalog }),
    },
    redis: redis && { ...redis, ...(answers.redisHost === undefined ? {} : { host: answers.redisHost }) },
    servers: answeredServers(project, answers),
    api: answeredApi(project, answers),
    integration: integration && answers.reports !== undefined ? answeredSuite(integration, answers.reports) : integration,
    ...(answers.namespaces === undefined ? {} : { namespaces: itemsOf(answers.namespaces) }),
    ...(tables === undefined ? {} : { tables: { proposal: { tables: namedTables(tables), remarks: [] }, from: "your answer" } }),
    ...(answers.prefix === undefined ? {} : { prefix: answers.prefix, prefixFrom: "answer" }),
    ...(answers.production === undefined ? {} : { production: answers.production }),
  };
}

function answeredServers({ servers }: Project, { port, frontendPort }: Answers): Project["servers"] {
  return servers.map((server, index) => {
    const own = index === 0 ? port : server.isFrontend && server.port === undefined ? frontendPort : undefined;
    return own === undefined ? server : withPort(server, Number(own));
  });
}

function answeredApi({ api }: Project, { address, port, health }: Answers): Api | undefined {
  if (!api) return undefined;
  return {
    ...api,
    ...(port !== undefined && api.variable === undefined ? { url: localhost(Number(port)) } : {}),
    ...(address === undefined ? {} : { url: address, variable: undefined, isGuess: false, isElsewhere: true as const }),
    ...(health === undefined ? {} : { health: { path: health, mayBeMounted: false, isAnswer: true as const } }),
  };
}

function answeredSuite({ question: _answered, ...suite }: Suite, reports: string): Suite {
  return { ...suite, reports: itemsOf(reports) };
}

/** Somebody has named them, and nothing else is known of them. */
function namedTables(answer: string): Record<string, Table> {
  return Object.fromEntries(
    itemsOf(answer).map((name) => {
      const [schema, table, key = "id"] = name.split(".");
      return [`${schema}.${table}`, { key, match: [{ column: key, prefix: true }], parents: {}, person: [] }];
    }),
  );
}

/**
 * The answers that an earlier configuration has: what stands there without its question. So a second `init` shows what is new in the
 * repository, and not each answered question again.
 */
export function answersOf(configuration: string | undefined, project: Project): Answers {
  if (configuration === undefined) return {};
  const data = parsed(configuration);
  const environments = at(data, "environments");
  const written = at(environments, project.environment);
  const suite = at(data, "stages", "integration", "reports");
  const servers = Object.values(group(at(written, "servers")));
  const found: Record<AnswerName, unknown> = {
    address: at(written, "api", "url"),
    reports: list(suite).join(", "),
    frontendPort: at(servers[1], "port"),
    namespaces: list(at(written, "websocket", "namespaces")).join(", "),
    tables: undefined,
    databricksHost: at(written, "databricks", "expect", "host"),
    catalog: at(written, "databricks", "catalog"),
    redisHost: at(written, "redis", "expect", "host"),
    port: at(servers[0], "port"),
    health: at(list(at(written, "api", "endpoints"))[0], "path"),
    prefix: list(at(data, "testData", "prefixes"))[0],
    production: at(environments, project.productionName, "api", "url"),
  };
  return Object.fromEntries(
    questionsOf(project).flatMap(({ name, read }) => {
      const value = found[name];
      const said = typeof value === "number" ? String(value) : text(value);
      if (said === undefined || said.includes("${")) return [];
      if (name !== "production" && configuration.includes(todo(todos[name]))) return [];
      const answer = read(said);
      return answer === undefined ? [] : [[name, answer]];
    }),
  );
}

function parsed(configuration: string): unknown {
  try {
    return parse(configuration, { logLevel: "silent" });
  } catch {
    return undefined;
  }
}

function at(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>((inner, key) => (isGroup(inner) && Object.hasOwn(inner, key) ? inner[key] : undefined), value);
}

function group(value: unknown): Record<string, unknown> {
  return isGroup(value) ? value : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
