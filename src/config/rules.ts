import { suggestion } from "../lib/nearest.ts";
import { type Conflict, type Data, group, isGroup, list, quote, text, texts } from "./loose.ts";
import { type Path, valueAt } from "./path.ts";
import { redisAddressProblem } from "./redis-address.ts";
import { isRoute, knownToWrite } from "./routes.ts";
import { configSchema } from "./schema.ts";
import { testDataConflicts } from "./test-data-rules.ts";
import { signInConflicts } from "./unified-variables.ts";
import { parseDuration } from "./units.ts";

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
      ...writingRoutes(["environments", name], environment),
      ...redisConflicts(["environments", name, "redis"], valueAt(environment, ["redis"])),
    ]),
    ...signInConflicts(valueAt(written, ["environments"])),
    ...stagePrefixes(data, written),
    ...sweptWhileRunning(data),
    ...testDataConflicts(data, written),
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
  if (part("databricks") === undefined && (list(part("sql")) ?? []).length > 0)
    found.push({
      path: [...path, "sql"],
      message: "needs a warehouse that runs the statements: add databricks: { host: … }",
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

/** Routes that a read-only environment would be asked for, and that are marked as writing. */
function writingRoutes(path: Path, environment: unknown): Conflict[] {
  if (valueAt(environment, ["access"]) !== "read-only") return [];
  const marked = texts(valueAt(environment, ["api", "writes"])) ?? knownToWrite;
  const asked = [
    ...(list(valueAt(environment, ["api", "endpoints"])) ?? []).map((_, index) => ["api", "endpoints", index, "path"]),
    ...(list(valueAt(environment, ["analytics"])) ?? []).map((_, index) => ["analytics", index, "path"]),
    ...Object.keys(group(valueAt(environment, ["servers"]))).flatMap((server) =>
      ["url", "socketIo"].map((probe) => ["servers", server, "ready", probe]),
    ),
    ["websocket", "path"],
    ...(list(valueAt(environment, ["websocket", "plain"])) ?? []).map((_, index) => ["websocket", "plain", index, "path"]),
    ["oauth", "path"],
    ["oauth", "discovery"],
    ["auth", "use"],
    ["auth", "mint"],
  ];
  return asked.flatMap((place) => {
    const route = text(valueAt(environment, place))?.replace(/^https?:\/\/[^/]*/i, "");
    return route !== undefined && isRoute(route, marked)
      ? [
          {
            path: [...path, ...place],
            message: "this route writes (api.writes), and the environment is read-only: look at another",
          },
        ]
      : [];
  });
}

/** An expectation that comes from where the connection comes from would prove nothing. */
function borrowedIdentity(path: Path, environment: unknown): Conflict[] {
  const places = [
    ["databricks", "expect", "host"],
    ["databricks", "expect", "catalog"],
    ["redis", "expect", "host"],
  ];
  return places.flatMap((place) =>
    text(valueAt(environment, place))?.includes("${")
      ? [
          {
            path: [...path, ...place],
            message: `expected the ${place.at(-1)} written out: a variable would only be compared with itself`,
          },
        ]
      : [],
  );
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
  // A bare #, ? or / in a password ends the host in the middle of it, and what is before would be the host.
  const isCutShort = address !== undefined && `${address.pathname}${address.search}${address.hash}`.includes("@");
  if (!address || isCutShort || !["redis:", "rediss:"].includes(address.protocol))
    return [
      ...found,
      {
        path: [...path, "url"],
        message: "expected a redis:// or rediss:// address, with % codes for special characters in the password",
      },
    ];
  const problem = redisAddressProblem(address);
  if (problem !== undefined) found.push({ path: [...path, "url"], message: problem });
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
