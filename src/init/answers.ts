import { parse } from "yaml";
import { prefixSchema } from "../config/test-data-schema.ts";
import { isGroup, text } from "./detect/node.ts";
import { hostOf } from "./detect/variables.ts";
import { assumedPort, localhost, type Project } from "./project.ts";
import { todo } from "./yaml.ts";

/** What a repository doesn't show: a person answers it on a terminal, or an earlier configuration has the answer already. */
export type AnswerName = "databricksHost" | "catalog" | "redisHost" | "port" | "health" | "prefix" | "production";

export type Answers = Partial<Record<AnswerName, string>>;

/** The questions as the configuration has them. Whoever has answered one removes its line. */
export const todos: Readonly<Record<Exclude<AnswerName, "production">, string>> = {
  databricksHost: "which host does the workspace for tests have? Until the right one stands here, nothing is sent to it.",
  catalog: "which catalog has the tables?",
  redisHost: "which host does the Redis for tests have? Until the right one stands here, nothing is sent to it.",
  port: `which port does the application take? Nothing shows it, so ${assumedPort} is assumed.`,
  health: "which route shows that the application works? No certain one was found, such as /health on the application itself.",
  prefix:
    "let the ids of test data begin with this, or with what they have in common. No test shows it; ENV_ACTIONS_PREFIX has it.",
};

export interface Question {
  name: AnswerName;
  text: string;
  /** What an empty answer means. */
  otherwise: string;
  /** @returns the answer in the form that is used, or undefined if it can't be used */
  read(answer: string): string | undefined;
  expected: string;
}

const asked: Readonly<Record<AnswerName, Pick<Question, "text" | "read" | "expected">>> = {
  databricksHost: {
    text: "Host of the Databricks workspace for tests",
    read: host,
    expected: "a host such as dbc-1.cloud.databricks.com",
  },
  catalog: { text: "Catalog with the tables", read: (answer) => /^[\w-]+$/.exec(answer)?.[0], expected: "a name such as shop" },
  redisHost: { text: "Host of the Redis for tests", read: host, expected: "a host such as redis.internal" },
  port: { text: "Port of the application", read: portNumber, expected: "a port such as 8080" },
  health: {
    text: "Route that shows that the application works",
    read: (answer) => /^\/[^\s#]*$/.exec(answer)?.[0],
    expected: "a path such as /health",
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

/** The questions that this project leaves open, in the order in which they are asked. */
export function questionsOf({ databricks, redis, servers, api, prefixFrom, prefix, production, preset }: Project): Question[] {
  const isOwn = preset === "none";
  const [server] = servers;
  const open: [AnswerName, isOpen: boolean, otherwise: string][] = [
    ["databricksHost", databricks !== undefined && databricks.host === undefined, "later"],
    ["catalog", isOwn && databricks !== undefined && databricks.catalog === undefined, "later"],
    ["redisHost", redis !== undefined && redis.host === undefined, "later"],
    ["port", server !== undefined && server.port === undefined, String(assumedPort)],
    ["health", isOwn && api !== undefined && (api.health === undefined || api.health.mayBeMounted), api?.health?.path ?? "/"],
    ["prefix", isOwn && (databricks !== undefined || redis !== undefined) && prefixFrom === undefined, prefix],
    ["production", isOwn && api !== undefined && production === undefined, "none"],
  ];
  return open.flatMap(([name, isOpen, otherwise]) => (isOpen ? [{ ...asked[name], name, otherwise }] : []));
}

/** The project with these answers in place of what was open. */
export function answered(project: Project, answers: Answers): Project {
  const { databricks, redis, api, servers } = project;
  const port = answers.port === undefined ? undefined : Number(answers.port);
  const [server, ...others] = servers;
  const moved = server && port !== undefined ? [{ ...server, port }, ...others] : servers;
  const url = api && port !== undefined && api.variable === undefined ? { url: localhost(port) } : {};
  const health =
    answers.health === undefined ? {} : { health: { path: answers.health, mayBeMounted: false, isAnswer: true as const } };
  return {
    ...project,
    databricks: databricks && {
      ...databricks,
      ...(answers.databricksHost === undefined ? {} : { host: answers.databricksHost }),
      ...(answers.catalog === undefined ? {} : { catalog: answers.catalog }),
    },
    redis: redis && { ...redis, ...(answers.redisHost === undefined ? {} : { host: answers.redisHost }) },
    servers: moved,
    api: api && { ...api, ...url, ...health },
    ...(answers.prefix === undefined ? {} : { prefix: answers.prefix, prefixFrom: "answer" }),
    ...(answers.production === undefined ? {} : { production: answers.production }),
  };
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
  const found: Record<AnswerName, unknown> = {
    databricksHost: at(written, "databricks", "expect", "host"),
    catalog: at(written, "databricks", "catalog"),
    redisHost: at(written, "redis", "expect", "host"),
    port: at(Object.values(group(at(written, "servers")))[0], "port"),
    health: at(list(at(written, "api", "endpoints"))[0], "path"),
    prefix: list(at(data, "testData", "prefixes"))[0],
    production: at(environments, "production", "api", "url"),
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
