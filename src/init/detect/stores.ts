import { type Proposal, proposeTables } from "../../cleanup/propose/propose.ts";
import type { CatalogColumns, Views } from "../../cleanup/tables/catalog.ts";
import { prefixSchema } from "../../config/test-data-schema.ts";
import { filesOfFolder, inFolder, type Repository } from "../repository.ts";
import type { NodeProject } from "./node.ts";
import type { Source } from "./ports.ts";
import type { Service } from "./services.ts";
import { type ExampleFile, hostOf, isPlaceholder } from "./variables.ts";

/** A Databricks SQL warehouse that the application uses. */
export interface Databricks {
  from: string;
  /** Without its port. */
  host: string | undefined;
  catalog: string | undefined;
  /** The variable that says which warehouse. */
  warehouse: "DATABRICKS_WAREHOUSE_ID" | "DATABRICKS_HTTP_PATH";
  signIn: "token" | "service-principal";
}

export interface Redis {
  from: string;
  host: string | undefined;
  /** It runs beside the tests, and ends with them. */
  service: Service | undefined;
}

const databricksPackages = /^(?:@databricks\/sql|databricks-sql-nodejs)$/;
/** Databricks' library for Python calls it a server's host name. */
const databricksHost = /^DATABRICKS_(?:SERVER_)?HOST(?:NAME)?$/;
const redisPackages = /^(?:ioredis|redis|@redis\/client|bullmq|bull|connect-redis|@upstash\/redis)$/;

export function detectDatabricks(
  repository: Repository,
  node: NodeProject | undefined,
  example: ExampleFile | undefined,
): Databricks | undefined {
  const variable = (name: string) => example?.variables.find((one) => one.name === name);
  const dependency = Object.keys(node?.dependencies ?? {}).find((name) => databricksPackages.test(name));
  const python = /^\s*["']?(databricks-sql-connector|databricks-sqlalchemy|databricks-sdk)\b/m.exec(
    pythonManifest(repository),
  )?.[1];
  const go = /databricks\/databricks-sql-go/.exec(repository.read(inFolder(repository, "go.mod")) ?? "")?.[0];
  const named = example?.variables.some(({ name }) => /^DATABRICKS_(?:HOST|WAREHOUSE_ID|HTTP_PATH|SERVER_\w+)$/.test(name));
  const from = dependency ?? python ?? go ?? (named ? example?.file : undefined);
  if (from === undefined) return undefined;
  const host = example?.variables.find(({ name, value }) => databricksHost.test(name) && value !== undefined)?.value;
  const byPath = variable("DATABRICKS_HTTP_PATH") && !variable("DATABRICKS_WAREHOUSE_ID");
  return {
    from,
    host: host === undefined ? undefined : hostOf(host),
    catalog: variable("DATABRICKS_CATALOG")?.value,
    warehouse: byPath ? "DATABRICKS_HTTP_PATH" : "DATABRICKS_WAREHOUSE_ID",
    signIn: variable("DATABRICKS_CLIENT_SECRET") && !variable("DATABRICKS_TOKEN") ? "service-principal" : "token",
  };
}

function pythonManifest(repository: Repository): string {
  return ["requirements.txt", "pyproject.toml", "Pipfile", "setup.py"]
    .map((name) => repository.read(inFolder(repository, name)) ?? "")
    .join("\n");
}

export function detectRedis(
  repository: Repository,
  node: NodeProject | undefined,
  { example, services }: { example: ExampleFile | undefined; services: readonly Service[] },
): Redis | undefined {
  const address = example?.variables.find(({ name }) => name === "REDIS_URL");
  const service = services.find(({ kind }) => kind === "redis");
  const dependency = Object.keys(node?.dependencies ?? {}).find((name) => redisPackages.test(name));
  const python = /^\s*["']?(redis|celery\[redis\])\b/m.exec(pythonManifest(repository))?.[1];
  const go = /redis\/go-redis/.exec(repository.read(inFolder(repository, "go.mod")) ?? "")?.[0];
  const from = dependency ?? python ?? go ?? (address ? example?.file : undefined) ?? service?.from;
  if (from === undefined) return undefined;
  const said = address?.value ?? example?.variables.find(({ name }) => name === "REDIS_HOST")?.value;
  const host = said === undefined ? undefined : hostOf(said);
  return { from, host: service ? "localhost" : host, service };
}

/** Tables, declared as `env-actions tables` would propose them. */
export interface KnownTables {
  proposal: Proposal;
  /** Where they stand: a file, or a catalog. */
  from: string;
}

export function proposedTables(columns: CatalogColumns, views: Views, from: string): KnownTables {
  const proposal = proposeTables({ columns, views, protectedTables: [] });
  // Domains of ClassWaves' invented schools say nothing about other applications.
  for (const table of Object.values(proposal.tables)) table.match = table.match.filter(({ prefix }) => prefix);
  return { proposal, from };
}

/**
 * The tables that the repository's own SQL creates, declared as `env-actions tables` would propose them. Names of two parts are
 * `schema.table`, of three parts `catalog.schema.table`; a name alone says no schema, so it can't be declared.
 */
export function detectTables(repository: Repository, catalog: string | undefined): KnownTables | undefined {
  const columns: CatalogColumns = new Map();
  const files = new Set<string>();
  for (const file of filesOfFolder(repository).filter((name) => name.endsWith(".sql"))) {
    const text = (repository.read(inFolder(repository, file)) ?? "").replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, "");
    for (const { name, body } of createdTables(text)) {
      const parts = name.split(".").map((part) => part.replace(/[`"]/g, ""));
      const [of, schema, table] = parts.length === 3 ? parts : [catalog, ...parts];
      if (schema === undefined || table === undefined || (catalog !== undefined && of !== catalog)) continue;
      columns.set(`${schema}.${table}`, columnsOf(body));
      files.add(file);
    }
  }
  if (columns.size === 0) return undefined;
  return proposedTables(columns, new Map(), [...files].join(", "));
}

const head = /\bCREATE\s+(?:OR\s+REPLACE\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?((?:[`"]?\w+[`"]?\.){0,2}[`"]?\w+[`"]?)\s*\(/gi;

function createdTables(text: string): { name: string; body: string }[] {
  return [...text.matchAll(head)].map((found) => {
    const start = found.index + found[0].length;
    return { name: found[1] ?? "", body: text.slice(start, closing(text, start)) };
  });
}

function closing(text: string, start: number): number {
  let depth = 1;
  for (let at = start; at < text.length; at++) {
    if (text[at] === "(") depth++;
    else if (text[at] === ")" && --depth === 0) return at;
  }
  return text.length;
}

/** Not of words such as CONSTRAINT, which begin a line that is no column. */
function columnsOf(body: string): Map<string, string> {
  const columns = new Map<string, string>();
  let depth = 0;
  let line = "";
  const end = () => {
    const [, name, type] = /^\s*[`"]?(\w+)[`"]?\s+([A-Za-z]+(?:\s*\([^)]*\))?)/.exec(line) ?? [];
    if (name !== undefined && type !== undefined && !/^(?:constraint|primary|foreign|unique|check|index|key)$/i.test(name))
      columns.set(name, type.toUpperCase());
    line = "";
  };
  for (const letter of body) {
    if (letter === "(") depth++;
    if (letter === ")") depth--;
    if (letter === "," && depth === 0) end();
    else line += letter;
  }
  end();
  return columns;
}

/** Signs that this is ClassWaves, the application that the preset describes. */
export function classwavesSigns(
  node: NodeProject | undefined,
  databricks: Databricks | undefined,
  sources: readonly Source[],
): string[] {
  const catalog = databricks?.catalog;
  const text = sources.map((source) => source.text).join("\n");
  return [
    // A name alone may be that of its documentation.
    ...(databricks && /classwaves(?!\/env-actions)/i.test(node?.name ?? "") ? [`the package's name is ${node?.name}`] : []),
    ...(catalog === "classwaves" ? ["DATABRICKS_CATALOG is classwaves"] : []),
    ...(/\bclassroom_sessions\b/.test(text) && /\bstudent_groups\b/.test(text)
      ? ["the code names the tables classroom_sessions and student_groups"]
      : []),
    ...(/["'`]cw:/.test(text) ? ["the code names Redis keys that begin with cw:"] : []),
  ];
}

const inTests = /["'`]([a-z][a-z0-9]*(?:[-_][a-z0-9]+)*[-_](?:tests?|e2e)[-_])/gi;

/** The beginnings of ids that the tests already use, the most frequent first. */
export function prefixesInTests(repository: Repository): string[] {
  const counts = new Map<string, number>();
  for (const file of filesOfFolder(repository)) {
    if (!/(?:^|\/)(?:tests?|__tests__|e2e)\/|[._](?:test|spec)\.|(?:^|\/)test_/.test(file)) continue;
    for (const [, prefix = ""] of (repository.read(inFolder(repository, file)) ?? "").matchAll(inTests))
      if (prefixSchema.safeParse(prefix).success && !isPlaceholder(prefix)) counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
  }
  return [...counts].sort(([a, one], [b, two]) => two - one || (a < b ? -1 : 1)).map(([prefix]) => prefix);
}
