import { suggestion } from "../lib/nearest.ts";
import { defaults } from "./defaults.ts";
import { signInConflicts } from "./interpolation.ts";
import { isolationConflicts } from "./isolation-rules.ts";
import { isLeftOut } from "./left-out.ts";
import { type Conflict, type Data, group, isGroup, list, type Path, quote, text, texts, valueAt } from "./path.ts";
import { presetConflicts, withPresetDefaults } from "./preset.ts";
import { redisAddressProblem } from "./redis-address.ts";
import { isRoute, knownToWrite } from "./routes.ts";
import { stagingConflicts } from "./staging-rules.ts";
import { testDataConflicts } from "./test-data-rules.ts";
import { parseDuration } from "./values.ts";

/**
 * @param filled the file's data with variables filled in
 * @param written the same data as the file has them
 */
export async function conflicts(filled: Data, written: Data): Promise<Conflict[]> {
  const data = withPresetDefaults(filled);
  const environments = group(valueAt(data, ["environments"]));
  return [
    ...presetConflicts(filled),
    ...environmentNames(data, written, environments),
    ...Object.entries(environments).flatMap(([name, environment]) => [
      ...unreachableProbes(["environments", name], environment),
      ...sharedPorts(["environments", name], environment),
      ...borrowedIdentity(["environments", name], valueAt(written, ["environments", name])),
      ...writingRoutes(["environments", name], environment),
      ...writingTasks(["environments", name], environment),
      ...redisConflicts(["environments", name, "redis"], valueAt(environment, ["redis"])),
    ]),
    ...signInConflicts(valueAt(written, ["environments"])),
    ...stagePrefixes(data, written),
    ...sweptWhileRunning(data),
    ...stagingConflicts(data, written),
    ...(await testDataConflicts(data, written)),
    ...isolationConflicts(data, written),
  ];
}

function environmentNames(data: Data, written: Data, environments: Record<string, unknown>): Conflict[] {
  const names = Object.keys(environments);
  const unknown = (path: Path): Conflict[] => {
    const name = text(valueAt(data, path));
    return name === undefined || names.includes(name)
      ? []
      : [{ code: "EA1014", path, message: `no environment has the name ${quote(written, path)}; ${suggestion(name, names)}` }];
  };
  const none = isGroup(valueAt(data, ["environments"])) && names.length === 0;
  return [
    ...(none ? [{ code: "EA1008" as const, path: ["environments"], message: "expected at least one environment" }] : []),
    ...unknown(["defaultEnvironment"]),
    ...["preflight", "smoke"].flatMap((stage) => unknown(["stages", stage, "compare", "with"])),
    ...names.flatMap((name): Conflict[] => {
      const path = ["environments", name, "promotedFrom"];
      const itself = valueAt(data, path) === name;
      return itself
        ? [{ code: "EA1014", path, message: "expected another environment: an environment cannot be promoted from itself" }]
        : unknown(path);
    }),
  ];
}

/** Parts of an environment that cannot be checked, because another part lacks an address. */
function unreachableProbes(path: Path, environment: unknown): Conflict[] {
  const part = (name: string): unknown => valueAt(environment, [name]);
  const found: Conflict[] = [];
  if (part("api") === undefined) {
    const needing = ["auth", "oauth", "analytics"].filter((name) => part(name) !== undefined);
    if (isGroup(part("websocket")) && valueAt(environment, ["websocket", "url"]) === undefined) needing.push("websocket");
    for (const name of needing)
      found.push({ code: "EA1017", path: [...path, name], message: "requires api: add api: { url: … } to the environment" });
  }
  if (part("databricks") === undefined && (list(part("sql")) ?? []).length > 0)
    found.push({
      code: "EA1017",
      path: [...path, "sql"],
      message: "requires databricks: add databricks: { host: … } to the environment",
    });
  if (part("databricks") === undefined)
    for (const [index, dashboard] of (list(part("analytics")) ?? []).entries())
      for (const [place, claim] of (list(valueAt(dashboard, ["json"])) ?? []).entries())
        if (valueAt(claim, ["equalsSql"]) !== undefined)
          found.push({
            code: "EA1017",
            path: [...path, "analytics", index, "json", place, "equalsSql"],
            message: "requires databricks: add databricks: { host: … } to the environment",
          });
  const auth = part("auth");
  if (isGroup(auth) && auth.enabled !== false && auth.secret === undefined)
    found.push({
      code: "EA1008",
      path: [...path, "auth", "secret"],
      message:
        "missing: expected a reference such as ${TEST_TOKEN_SECRET}. If no test tokens may be minted here, write enabled: false",
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
      : [{ code: "EA1018", path: [...path, "servers", name, "port"], message: `the server ${other} has the same port` }];
  });
}

/** Routes of a read-only environment that are marked as writing. */
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
            code: "EA1019",
            path: [...path, ...place],
            message: "this route writes (api.writes), and the environment is read-only: check another route",
          },
        ]
      : [];
  });
}

/** Migrations and seeds write, and nothing shows whether another command does. */
function writingTasks(path: Path, environment: unknown): Conflict[] {
  if (valueAt(environment, ["access"]) !== "read-only" || (list(valueAt(environment, ["tasks"])) ?? []).length === 0) return [];
  return [
    {
      code: "EA2002",
      path: [...path, "tasks"],
      message:
        "the environment is read-only, and a task could write: run the command in a step of its own, or use access: test-data",
    },
  ];
}

/** An expected value from the same source as the connection would prove nothing. */
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
            code: "EA1020",
            path: [...path, ...place],
            message: `expected the ${place.at(-1)} itself, not a variable: a variable always matches itself and proves nothing`,
          },
        ]
      : [],
  );
}

/**
 * Finds conflicting ways to reach Redis, and addresses that contradict the rest. The address is a secret: no message repeats it.
 */
function redisConflicts(path: Path, redis: unknown): Conflict[] {
  if (!isGroup(redis)) return [];
  const found: Conflict[] = [];
  const isCluster = redis.cluster === true || list(redis.cluster) !== undefined;
  if (isCluster && redis.sentinel !== undefined)
    found.push({
      code: "EA1016",
      path: [...path, "cluster"],
      message: "cluster and sentinel cannot be combined: remove one of them",
    });
  const url = text(redis.url);
  if (url === undefined || url === "") return found;
  const address = URL.canParse(url) ? new URL(url) : undefined;
  // A bare #, ? or / in a password ends the host early, and part of the password would be taken as the host.
  const isCutShort = address !== undefined && `${address.pathname}${address.search}${address.hash}`.includes("@");
  if (!address || isCutShort || !["redis:", "rediss:"].includes(address.protocol))
    return [
      ...found,
      {
        code: "EA1021",
        path: [...path, "url"],
        message: "expected a redis:// or rediss:// address; percent-encode special characters of the password, such as %23 for #",
      },
    ];
  const problem = redisAddressProblem(address);
  if (problem !== undefined) found.push({ code: "EA1021", path: [...path, "url"], message: problem });
  if (!/^\/?\d*$/.test(address.pathname))
    found.push({
      code: "EA1021",
      path: [...path, "url"],
      message: "expected the number of a database after the host, such as /0, or nothing",
    });
  if (redis.certificateAuthority !== undefined && address.protocol === "redis:" && valueAt(redis, ["sentinel", "tls"]) !== true)
    found.push({
      code: "EA1016",
      path: [...path, "certificateAuthority"],
      message: "has no effect: redis:// does not use TLS. Write rediss:// in url, or remove this key",
    });
  if (isCluster && Number(address.pathname.slice(1)) > 0)
    found.push({
      code: "EA1021",
      path: [...path, "url"],
      message: "expected database 0 or none: a cluster has no other database",
    });
  return found;
}

/** Each stage's prefix must be covered by a listed prefix. Otherwise cleanup could not find what the stage left over. */
function stagePrefixes(data: Data, written: Data): Conflict[] {
  const listPath = ["testData", "prefixes"];
  const listed = list(valueAt(data, listPath))?.filter((item) => typeof item === "string") ?? defaults.testData.prefixes;
  return (["integration", "e2e"] as const).flatMap((stage) => {
    const path = ["stages", stage, "prefix"];
    const own = text(valueAt(data, path));
    const prefix = own ?? defaults.stages[stage].prefix;
    // A stage that the file doesn't mention is refused when it is run.
    if (valueAt(data, ["stages", stage]) === undefined || isLeftOut(data, stage)) return [];
    if (listed.some((known) => prefix.startsWith(known))) return [];
    const cure =
      own === undefined
        ? `add "${prefix}" here, or set ${path.join(".")}`
        : `add ${quote(written, path)} to ${listPath.join(".")}`;
    return [
      {
        code: "EA1022",
        path: own === undefined ? listPath : path,
        message: `what the ${stage} stage leaves behind would not be found by cleanup: ${cure}`,
      },
    ];
  });
}

/** The sweep deletes expired test data of every run, so data of a run within its budget must never look expired. */
function sweptWhileRunning(data: Data): Conflict[] {
  const path = ["testData", "expireAfter"];
  const expireAfter = durationAt(data, path) ?? defaults.testData.expireAfter;
  return (["integration", "e2e"] as const).flatMap((stage) => {
    const budgetPath = ["stages", stage, "budget"];
    const budget = durationAt(data, budgetPath);
    if (isLeftOut(data, stage) || expireAfter > (budget ?? defaults.stages[stage].budget)) return [];
    const cure = `expected testData.expireAfter to be longer than ${budgetPath.join(".")}: otherwise cleanup could delete test data of a run in progress`;
    return [{ code: "EA1023", path: budget === undefined ? path : budgetPath, message: cure }];
  });
}

function durationAt(data: Data, path: Path): number | undefined {
  return parseDuration(text(valueAt(data, path)) ?? "");
}
