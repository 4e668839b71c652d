import { parse } from "yaml";
import { prefixSchema } from "../config/test-data-schema.ts";
import { isGroup, text } from "./detect/node.ts";
import { hostOf } from "./detect/variables.ts";
import { localhost, type Project } from "./project.ts";

/** What a repository doesn't show: a person answers it on a terminal, or an earlier configuration has the answer already. */
export type AnswerName = "databricksHost" | "catalog" | "redisHost" | "port" | "health" | "prefix" | "production";

export type Answers = Partial<Record<AnswerName, string>>;

export interface Question {
  name: AnswerName;
  text: string;
  /** What an empty answer means. */
  otherwise: string;
  /** @returns the answer in the form that is used, or undefined if it can't be used */
  read(answer: string): string | undefined;
  expected: string;
}

const anyHost = { read: (answer: string) => hostOf(answer.trim()), expected: "a host such as redis.internal" };

/** The questions that this project leaves open, in the order in which they are asked. */
export function questionsOf({ databricks, redis, servers, api, prefixFrom, prefix, production, preset }: Project): Question[] {
  const [server] = servers;
  return [
    ...(databricks && databricks.host === undefined
      ? [{ ...anyHost, name: "databricksHost", text: "Host of the Databricks workspace for tests", otherwise: "later" } as const]
      : []),
    ...(databricks && databricks.catalog === undefined && preset === "none"
      ? [
          {
            name: "catalog",
            text: "Catalog with the tables",
            otherwise: "later",
            read: word,
            expected: "a name such as shop",
          } as const,
        ]
      : []),
    ...(redis && redis.host === undefined
      ? [{ ...anyHost, name: "redisHost", text: "Host of the Redis for tests", otherwise: "later" } as const]
      : []),
    ...(server && server.port === undefined
      ? [
          {
            name: "port",
            text: `Port of \`${server.command}\``,
            otherwise: "3000",
            read: portNumber,
            expected: "a port such as 8080",
          } as const,
        ]
      : []),
    ...(api && api.health === undefined && preset === "none"
      ? [
          {
            name: "health",
            text: "Route that shows that the application works",
            otherwise: "/",
            read: route,
            expected: "a path such as /health",
          } as const,
        ]
      : []),
    ...((databricks || redis) && prefixFrom === undefined && preset === "none"
      ? [
          {
            name: "prefix",
            text: "What ids of test data begin with",
            otherwise: prefix,
            read: testPrefix,
            expected: "at least 6 characters, such as shop_test_",
          } as const,
        ]
      : []),
    ...(api && production === undefined && preset === "none"
      ? [
          {
            name: "production",
            text: "Address of the deployed application, for smoke",
            otherwise: "none",
            read: origin,
            expected: "an address such as https://shop.example.org",
          } as const,
        ]
      : []),
  ];
}

function word(answer: string): string | undefined {
  return /^[\w-]+$/.exec(answer.trim())?.[0];
}

function portNumber(answer: string): string | undefined {
  const value = Number(answer);
  return Number.isInteger(value) && value > 0 && value < 65_536 ? String(value) : undefined;
}

function route(answer: string): string | undefined {
  return /^\/[^\s#]*$/.exec(answer.trim())?.[0];
}

function testPrefix(answer: string): string | undefined {
  return prefixSchema.safeParse(answer.trim()).data;
}

function origin(answer: string): string | undefined {
  const address = answer.trim();
  return /^https?:\/\//.test(address) && URL.canParse(address) ? new URL(address).origin : undefined;
}

/** The project with these answers in place of what was open. */
export function answered(project: Project, answers: Answers): Project {
  const { databricks, redis, api, servers } = project;
  const port = answers.port === undefined ? undefined : Number(answers.port);
  const [server, ...others] = servers;
  const moved = server && port !== undefined ? [{ ...server, port }, ...others] : servers;
  const url = api && port !== undefined && api.variable === undefined ? { url: localhost(port) } : {};
  return {
    ...project,
    databricks: databricks && {
      ...databricks,
      ...(answers.databricksHost === undefined ? {} : { host: answers.databricksHost }),
      ...(answers.catalog === undefined ? {} : { catalog: answers.catalog }),
    },
    redis: redis && { ...redis, ...(answers.redisHost === undefined ? {} : { host: answers.redisHost }) },
    servers: moved,
    api: api && {
      ...api,
      ...url,
      ...(answers.health === undefined ? {} : { health: { path: answers.health, mayBeMounted: false } }),
    },
    ...(answers.prefix === undefined || answers.prefix === project.prefix
      ? {}
      : { prefix: answers.prefix, prefixFrom: undefined }),
    ...(answers.production === undefined ? {} : { production: answers.production }),
  };
}

/**
 * The answers that an earlier configuration has, where they differ from what `init` writes without them. So a second `init` shows
 * what is new in the repository, and not each answered question again.
 */
export function answersOf(
  configuration: string | undefined,
  { environment, databricks, redis, api, servers, preset, ...rest }: Project,
): Answers {
  const environments = at(parsed(configuration), "environments");
  const written = at(environments, environment);
  const found: Record<AnswerName, unknown> = {
    databricksHost: at(written, "databricks", "expect", "host"),
    catalog: at(written, "databricks", "catalog"),
    redisHost: at(written, "redis", "expect", "host"),
    port: Object.values(group(at(written, "servers"))).map((server) => at(server, "port"))[0],
    health: first(at(written, "api", "endpoints")),
    prefix: list(at(parsed(configuration), "testData", "prefixes"))[0],
    production: at(environments, "production", "api", "url"),
  };
  const asked = questionsOf({ environment, databricks, redis, api, servers, preset, ...rest });
  return Object.fromEntries(
    asked.flatMap(({ name, read }) => {
      const said = typeof found[name] === "number" ? String(found[name]) : text(found[name]);
      const answer = said === undefined || said.includes("${") || unanswered.has(said) ? undefined : read(said);
      return answer === undefined ? [] : [[name, answer]];
    }),
  );
}

/** What stands where no answer was given. */
const unanswered = new Set(["adb-0000000000000000.0.azuredatabricks.net", "redis.invalid", "main", "/"]);

function first(endpoints: unknown): unknown {
  return at(list(endpoints)[0], "path");
}

function parsed(configuration: string | undefined): unknown {
  try {
    return parse(configuration ?? "", { logLevel: "silent" });
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
