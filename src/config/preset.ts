import { type Conflict, type Data, group, isGroup, list, type Path, valueAt } from "./path.ts";
import type { Config, Endpoint, Environment } from "./schema.ts";

/**
 * What a preset stands for. The schema's defaults are those of ClassWaves, so `classwaves` only adds what no default can say. `none`
 * takes back every default that knows ClassWaves. In its older spelling, below testData, it only takes back tables, projects and
 * rules: files that have it rely on the defaults.
 */

export const presets = ["classwaves", "none"] as const;
export type Preset = (typeof presets)[number];

/** If the file names none. */
export const defaultPreset: Preset = "classwaves";

const spellings: readonly Path[] = [["preset"], ["testData", "preset"]];

export function presetOf(data: Data): Preset {
  const [named] = spellings.map((path) => valueAt(data, path)).filter((value) => value !== undefined);
  return presets.find((preset) => preset === named) ?? defaultPreset;
}

/** The values of a file for places that it leaves out. */
type Filling = readonly (readonly [path: Path, value: unknown])[];

const withoutClassWaves: Filling = [
  [
    ["testData", "prefixes"],
    ["integration_test_", "e2e_test_"],
  ],
  [["testData", "keys"], []],
  [["testData", "protectedTables"], []],
  [["testData", "protectedKeys"], []],
  [
    ["testData", "synthetic", "emails"],
    ["example.com", "example.org", "example.net", "example.edu", "example", "test", "invalid", "localhost"],
  ],
];

function fillingOf(data: Data): Filling {
  const preset = presetOf(data);
  const named: Filling = spellings.map((path) => [path, preset]);
  if (!hasNoDefaults(data)) return named;
  const environments = Object.entries(group(valueAt(data, ["environments"]))).flatMap(([name, environment]): Filling => {
    const below = (path: Path): Path => ["environments", name, ...path];
    const has = (key: string) => isGroup(valueAt(environment, [key]));
    return [
      ...(has("api")
        ? ([
            [below(["api", "writes"]), []],
            [below(["api", "emptyPosts"]), []],
          ] as const)
        : []),
      ...(has("auth") ? ([[below(["auth", "roles"]), {}]] as const) : []),
      ...(hasPlainSockets(environment) ? ([[below(["websocket", "namespaces"]), []]] as const) : []),
    ];
  });
  return [...named, ...withoutClassWaves, ...environments].filter(([path]) => valueAt(data, path) === undefined);
}

function hasNoDefaults(data: Data): boolean {
  return valueAt(data, ["preset"]) === "none";
}

function hasPlainSockets(environment: unknown): boolean {
  return (list(valueAt(environment, ["websocket", "plain"])) ?? []).length > 0;
}

/** The file's data as its preset means it, for the rules between keys. */
export function withPresetDefaults(data: Data): Data {
  return fillingOf(data).reduce<Data>((filled, [path, value]) => put(filled, path, value), data);
}

/**
 * The configuration as its preset means it.
 * @param data what it was read from, which shows what the file says itself
 */
export function withPreset(config: Config, data: Data): Config {
  const filled = fillingOf(data).reduce<Data>((part, [path, value]) => put(part, path, value), config) as Config;
  return filled.preset === "none" ? filled : withProofOfLife(filled, data);
}

/** A copy that has the value there, unless something else than a group is in the way. */
function put(data: Data, [key, ...rest]: Path, value: unknown): Data {
  if (key === undefined) return value;
  if (data !== undefined && !isGroup(data)) return data;
  return { ...data, [key]: put(valueAt(data, [key]), rest, value) };
}

/** Behind ClassWaves' silent mock this route is healthy, too, but its server time is null. */
const warehouseHealth = "/api/v1/health/databricks";

const proofOfLife: Endpoint["json"] = [
  { path: "$.data.serverTime", notNull: true },
  { path: "$.data.serverTime", changes: true },
];

function withProofOfLife(config: Config, data: Data): Config {
  const environments = Object.entries(config.environments).map(([name, environment]): [string, Environment] => {
    const { api, databricks } = environment;
    if (!api) return [name, environment];
    const isListed = valueAt(data, ["environments", name, "api", "endpoints"]) !== undefined;
    const usual = api.endpoints[0];
    const added = !isListed && databricks && usual ? [{ ...usual, path: warehouseHealth }] : [];
    return [name, { ...environment, api: { ...api, endpoints: [...api.endpoints, ...added].map(proven) } }];
  });
  return { ...config, environments: Object.fromEntries(environments) };
}

/** A route that answers with content, and isn't expected to be broken, must prove that there is a warehouse. */
function proven(endpoint: Endpoint): Endpoint {
  const route = endpoint.path.replace(/[?#].*$/s, "").replace(/\/+$/, "");
  if (route.toLowerCase() !== warehouseHealth || endpoint.method !== "GET" || !endpoint.status.includes(200)) return endpoint;
  const missing = proofOfLife.filter(
    (proof) =>
      !endpoint.json.some(
        ({ path, notNull, changes }) => path === proof.path && notNull === proof.notNull && changes === proof.changes,
      ),
  );
  return missing.length === 0 ? endpoint : { ...endpoint, json: [...endpoint.json, ...missing] };
}

/** What the two spellings of the preset, or a preset without defaults, leave open. @param data without the preset's defaults */
export function presetConflicts(data: Data): Conflict[] {
  const [own, older] = spellings.map((path) => valueAt(data, path));
  const differ: Conflict[] =
    own !== undefined && older !== undefined && own !== older
      ? [
          {
            code: "EA1016",
            path: ["testData", "preset"],
            message: "says something else than preset at the top of the file: remove this key, which is its older spelling",
          },
        ]
      : [];
  if (!hasNoDefaults(data)) return differ;
  return [...differ, ...Object.entries(group(valueAt(data, ["environments"]))).flatMap(unsaid)];
}

/** What the file must say itself, because only ClassWaves has a default for it. */
function unsaid([name, environment]: [string, unknown]): Conflict[] {
  const found: Conflict[] = [];
  const demand = (path: Path, expected: string) => {
    if (isGroup(valueAt(environment, path.slice(0, 1))) && valueAt(environment, path) === undefined)
      found.push({
        code: "EA1008",
        path: ["environments", name, ...path],
        message: `missing: with preset: none there is no default; expected ${expected}`,
      });
  };
  demand(
    ["databricks", "catalog"],
    "the catalog that contains the tables, here or in the environment variable DATABRICKS_CATALOG",
  );
  demand(["api", "endpoints"], "the routes to read, such as endpoints: [{ path: /health }]");
  if (!hasPlainSockets(environment))
    demand(["websocket", "namespaces"], "Socket.IO namespaces, such as namespaces: [/], or other WebSockets under plain");
  demand(["oauth", "path"], "the route that must refuse an empty sign-in request");
  demand(["oauth", "code"], "the error code that the route returns for an empty request");
  demand(["auth", "mint"], "the route that mints test tokens");
  if (valueAt(environment, ["auth", "enabled"]) !== false) demand(["auth", "use"], "a route that accepts the minted token");
  return found;
}
