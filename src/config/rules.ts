import { resolveTables } from "./classwaves.ts";
import { suggestion } from "./nearest.ts";
import { type Path, valueAt } from "./path.ts";
import { configSchema, type Table } from "./schema.ts";
import { tableSchema } from "./test-data-schema.ts";
import { parseDuration } from "./units.ts";

/** What is wrong between two places of the file, each of which is right by itself. */
export interface Conflict {
  path: Path;
  message: string;
}

/** The data of a file that may have other mistakes too: nothing about their shape is certain here. */
type Data = unknown;

const defaults = configSchema.parse({ version: 1, environments: {} });

/**
 * @param data The file's data with variables filled in.
 * @param written The same data as they stand in the file.
 */
export function conflicts(data: Data, written: Data): Conflict[] {
  const environments = group(valueAt(data, ["environments"]));
  return [
    ...environmentNames(data, written, environments),
    ...Object.entries(environments).flatMap(([name, environment]) => [
      ...unreachableProbes(["environments", name], environment),
      ...sharedPorts(["environments", name], environment),
      ...borrowedIdentity(["environments", name], valueAt(written, ["environments", name])),
      ...redisConflicts(["environments", name, "redis"], valueAt(environment, ["redis"])),
    ]),
    ...stagePrefixes(data, written),
    ...sweptWhileRunning(data),
    ...tableConflicts(data, written),
    ...protectedNamespaces(data),
  ];
}

function environmentNames(data: Data, written: Data, environments: Record<string, unknown>): Conflict[] {
  const names = Object.keys(environments);
  const unknown = (path: Path): Conflict[] => {
    const name = text(valueAt(data, path));
    return name === undefined || names.includes(name)
      ? []
      : [{ path, message: `no environment has the name ${quote(written, path)}; ${suggestion(name, names)}` }];
  };
  const none = isGroup(valueAt(data, ["environments"])) && names.length === 0;
  return [
    ...(none ? [{ path: ["environments"], message: "expected at least one environment" }] : []),
    ...unknown(["defaultEnvironment"]),
    ...names.flatMap((name) => {
      const path = ["environments", name, "promotedFrom"];
      const itself = valueAt(data, path) === name;
      return itself ? [{ path, message: "an environment is not promoted from itself" }] : unknown(path);
    }),
  ];
}

/** Parts of an environment that cannot be looked at because another part does not say where. */
function unreachableProbes(path: Path, environment: unknown): Conflict[] {
  const part = (name: string): unknown => valueAt(environment, [name]);
  const found: Conflict[] = [];
  if (part("api") === undefined) {
    const needing = ["auth", "oauth", "analytics"].filter((name) => part(name) !== undefined);
    if (isGroup(part("websocket")) && valueAt(environment, ["websocket", "url"]) === undefined) needing.push("websocket");
    for (const name of needing)
      found.push({ path: [...path, name], message: "needs to know where the API is: add api: { url: … }" });
  }
  const databricks = part("databricks");
  if (isGroup(databricks) && databricks.warehouse === undefined && databricks.path === undefined)
    found.push({
      path: [...path, "databricks", "warehouse"],
      message: "missing: expected warehouse or path: which warehouse runs the statements?",
    });
  const auth = part("auth");
  if (isGroup(auth) && auth.enabled !== false && auth.secret === undefined)
    found.push({
      path: [...path, "auth", "secret"],
      message:
        "missing: expected a reference such as ${TEST_TOKEN_SECRET}; where tokens must not be minted, write enabled: false",
    });
  return found;
}

function sharedPorts(path: Path, environment: unknown): Conflict[] {
  const first = new Map<string, string>();
  return Object.entries(group(valueAt(environment, ["servers"]))).flatMap(([name, server]) => {
    const port = valueAt(server, ["port"]);
    if (typeof port !== "number" && typeof port !== "string") return [];
    const other = first.get(String(port));
    first.set(String(port), other ?? name);
    return other === undefined
      ? []
      : [{ path: [...path, "servers", name, "port"], message: `the server ${other} has the same port` }];
  });
}

/** An expectation that comes from where the connection comes from would prove nothing. */
function borrowedIdentity(path: Path, environment: unknown): Conflict[] {
  return ["databricks", "redis"].flatMap((connection) => {
    const place = [connection, "expect", "host"];
    return text(valueAt(environment, place))?.includes("${")
      ? [{ path: [...path, ...place], message: "expected the host written out: a variable would only be compared with itself" }]
      : [];
  });
}

/** Two ways to find Redis, or an address that does not go with the rest. The address is a secret: no message repeats it. */
function redisConflicts(path: Path, redis: unknown): Conflict[] {
  if (!isGroup(redis)) return [];
  const found: Conflict[] = [];
  const isCluster = redis.cluster === true || list(redis.cluster) !== undefined;
  if (isCluster && redis.sentinel !== undefined)
    found.push({
      path: [...path, "cluster"],
      message: "a cluster has no sentinels: take out cluster, or sentinel",
    });
  const url = text(redis.url);
  if (url === undefined || url === "") return found;
  const address = URL.canParse(url) ? new URL(url) : undefined;
  if (!address || !["redis:", "rediss:"].includes(address.protocol))
    return [
      ...found,
      {
        path: [...path, "url"],
        message: "expected a redis:// or rediss:// address, with % codes for special characters in the password",
      },
    ];
  if (!/^\/?\d*$/.test(address.pathname))
    found.push({ path: [...path, "url"], message: "expected the number of a database, or nothing, behind the host" });
  if (redis.certificateAuthority !== undefined && address.protocol === "redis:" && valueAt(redis, ["sentinel", "tls"]) !== true)
    found.push({
      path: [...path, "certificateAuthority"],
      message: "url is redis://, which has no TLS and so no certificate to look at: write rediss://, or take this out",
    });
  if (isCluster && Number(address.pathname.slice(1)) > 0)
    found.push({ path: [...path, "url"], message: "a cluster has only database 0, and this address names another" });
  return found;
}

/** What a run makes begins with its stage's prefix, and what was left over is found by the listed ones: one must lead to the other. */
function stagePrefixes(data: Data, written: Data): Conflict[] {
  const listPath = ["testData", "prefixes"];
  const listed = list(valueAt(data, listPath))?.filter((item) => typeof item === "string") ?? defaults.testData.prefixes;
  return (["integration", "e2e"] as const).flatMap((stage) => {
    const path = ["stages", stage, "prefix"];
    const own = text(valueAt(data, path));
    const prefix = own ?? defaults.stages[stage].prefix;
    if (listed.some((known) => prefix.startsWith(known))) return [];
    const cure =
      own === undefined
        ? `add "${prefix}" here, or set ${path.join(".")}`
        : `add ${quote(written, path)} to ${listPath.join(".")}`;
    return [
      {
        path: own === undefined ? listPath : path,
        message: `what the ${stage} stage leaves behind would never be found again: ${cure}`,
      },
    ];
  });
}

/** Expired test data is swept whoever made it, so a run that is still within its budget must never look expired. */
function sweptWhileRunning(data: Data): Conflict[] {
  const path = ["testData", "expireAfter"];
  const expireAfter = durationAt(data, path) ?? defaults.testData.expireAfter;
  return (["integration", "e2e"] as const).flatMap((stage) => {
    const budgetPath = ["stages", stage, "budget"];
    const budget = durationAt(data, budgetPath);
    if (expireAfter > (budget ?? defaults.stages[stage].budget)) return [];
    const cure = `expected testData.expireAfter to be longer than ${budgetPath.join(".")}: test data of a run that is still going on would be swept`;
    return [{ path: budget === undefined ? path : budgetPath, message: cure }];
  });
}

function durationAt(data: Data, path: Path): number | undefined {
  return parseDuration(text(valueAt(data, path)) ?? "");
}

function tableConflicts(data: Data, written: Data): Conflict[] {
  const own = group(valueAt(data, ["testData", "tables"]));
  const tables = resolveTables({
    preset: valueAt(data, ["testData", "preset"]) === "none" ? "none" : defaults.testData.preset,
    tables: Object.fromEntries(Object.entries(own).flatMap(([name, table]) => readable(name, table))),
  });
  const protectedTables = texts(valueAt(data, ["testData", "protectedTables"])) ?? defaults.testData.protectedTables;
  return Object.entries(own).flatMap(([name, table]) => [
    ...unknownParents(name, table, Object.keys(tables), written),
    ...protectedDeclaration(name, table, protectedTables),
    ...circle(name, tables),
  ]);
}

function readable(name: string, table: unknown): [string, Table][] {
  const result = tableSchema.safeParse(table);
  return result.success ? [[name, result.data]] : [];
}

function unknownParents(name: string, table: unknown, known: string[], written: Data): Conflict[] {
  return Object.entries(group(valueAt(table, ["parents"]))).flatMap(([column, parent]) => {
    if (typeof parent !== "string" || known.includes(parent)) return [];
    const path = ["testData", "tables", name, "parents", column];
    return [{ path, message: `the table ${quote(written, path)} is not declared; ${suggestionOf(parent, known)}` }];
  });
}

/** Forty-eight names would bury the message. */
function suggestionOf(name: string, known: string[]): string {
  const near = suggestion(name, known);
  return near.startsWith("did you mean") ? near : "declare it under testData.tables";
}

function protectedDeclaration(name: string, table: unknown, patterns: string[]): Conflict[] {
  const isProtected = patterns.some((candidate) =>
    candidate.endsWith(".*") ? name.startsWith(candidate.slice(0, -1)) : candidate === name,
  );
  if (!isProtected) return [];
  return ["match", "parents"].flatMap((key) => {
    const rules = valueAt(table, [key]);
    const empty = rules === undefined || (typeof rules === "object" && rules !== null && Object.keys(rules).length === 0);
    return empty
      ? []
      : [
          {
            path: ["testData", "tables", name, key],
            message: `the table is protected by testData.protectedTables, so nothing is ever deleted from it: take ${key} out, or the protection`,
          },
        ];
  });
}

/** Tables that hang on each other in a circle have no order in which they could be looked through. A table on itself is no circle. */
function circle(start: string, tables: Record<string, Table>): Conflict[] {
  const seen = new Set<string>();
  const waiting = parentsOf(start, tables);
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (name === start)
      return [
        {
          path: ["testData", "tables", start, "parents"],
          message: "hangs on itself through its parents: take one of the parents out",
        },
      ];
    if (seen.has(name)) continue;
    seen.add(name);
    waiting.push(...parentsOf(name, tables));
  }
  return [];
}

function parentsOf(name: string, tables: Record<string, Table>): string[] {
  return Object.values(tables[name]?.parents ?? {}).filter((parent) => parent !== name);
}

/** A namespace that holds nothing but test data cannot hold a protected key. */
function protectedNamespaces(data: Data): Conflict[] {
  const protectedKeys = texts(valueAt(data, ["testData", "protectedKeys"])) ?? defaults.testData.protectedKeys;
  return (list(valueAt(data, ["testData", "keys"])) ?? []).flatMap((namespace, index) => {
    if (typeof namespace !== "string") return [];
    const held = protectedKeys.some((key) => covers(namespace, key) || covers(key, namespace));
    return !held
      ? []
      : [
          {
            path: ["testData", "keys", index],
            message: "holds a key of testData.protectedKeys, so it is not only test data: choose a narrower namespace",
          },
        ];
  });
}

function covers(pattern: string, key: string): boolean {
  return pattern.endsWith("*") ? key.startsWith(pattern.slice(0, -1)) : key === pattern;
}

/** As the file has it: what came out of a variable is never repeated. */
function quote(written: Data, path: Path): string {
  return JSON.stringify(valueAt(written, path));
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function group(value: unknown): Record<string, unknown> {
  return isGroup(value) ? value : {};
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function list(value: unknown): unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

function texts(value: unknown): string[] | undefined {
  return list(value)?.filter((item) => typeof item === "string");
}
