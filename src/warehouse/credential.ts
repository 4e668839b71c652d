import type { WarehouseReader } from "./access.ts";
import type { Row, WarehouseSettings } from "./connection.ts";
import { WarehouseFailure } from "./failure.ts";
import { readAuthority, sendRequest } from "./https.ts";
import { quoteName } from "./statements.ts";
import { tokensOf } from "./token-source.ts";

/** Privileges that only read or list. All others can change something. */
const readingPrivileges = new Set([
  "USE CATALOG",
  "USE SCHEMA",
  "USAGE",
  "SELECT",
  "BROWSE",
  "READ VOLUME",
  "READ METADATA",
  "EXECUTE",
  "USE MARKETPLACE ASSETS",
  "USE PROVIDER",
  "USE RECIPIENT",
  "USE SHARE",
]);

/** With one of these on the catalog, or as its owner, a principal can read anything in it. */
const openingPrivileges = new Set(["USE CATALOG", "USAGE", "ALL PRIVILEGES", "OWNERSHIP"]);

export interface WritingRight {
  /** The holder: the principal itself, or one of its groups. */
  holder: string;
  privilege: string;
  on: string;
}

/** What is known about a credential. It is read-only if both lists are empty. */
export interface Credential {
  writing: WritingRight[];
  /** Why there may be more than was found, as sentences without a period. */
  unknown: string[];
}

/**
 * What the signed-in principal could write in its catalog, determined only by reading: grants on metastore, catalog, schemas,
 * tables and volumes, and ownership, directly or through any of its groups.
 * @throws WarehouseFailure if the warehouse cannot be asked at all; anything it doesn't say is `unknown`
 */
export async function examineCredential(warehouse: WarehouseReader): Promise<Credential> {
  const { principal } = await warehouse.identity();
  const unknown: string[] = [];
  const listed = await Promise.all([...grants(warehouse), ...owners(warehouse)].map((look) => look(unknown)));
  const rights = listed.flat();
  // A name doesn't show its kind: a group may be named like an address or an application id. So membership is checked for all of
  // them.
  const others = new Set(rights.map(({ holder }) => holder).filter((holder) => !same(holder, principal)));
  const ours = await membership(warehouse, [...others], unknown);
  const own = rights.filter(({ holder }) => same(holder, principal) || ours.has(holder));
  if (!own.some(({ on, privilege }) => opens(on, privilege, warehouse.catalog)) && unknown.length === 0)
    unknown.push(
      `none of the grants that it can see allows it to use the catalog ${warehouse.catalog}, so at least one grant is hidden from it`,
    );
  const writing = own.filter(({ privilege }) => !readingPrivileges.has(privilege));
  if (ours.has(administrators)) writing.unshift({ holder: administrators, privilege: "ADMINISTRATION", on: "workspace" });
  return { writing: withoutInherited(writing, warehouse.catalog), unknown };
}

/** The workspace administrators' group: its members can grant themselves anything. */
const administrators = "admins";
/** Groups that include everybody. */
const everybody = new Set(["account users", "users"]);

function opens(on: string, privilege: string, catalog: string): boolean {
  return (
    (on === "metastore" && privilege === "OWNERSHIP") || (same(on, `catalog ${catalog}`) && openingPrivileges.has(privilege))
  );
}

/** The warehouse repeats a grant on a catalog for every schema, table and volume in it. */
function withoutInherited(rights: readonly WritingRight[], catalog: string): WritingRight[] {
  const id = ({ holder, privilege }: WritingRight, on: string) => JSON.stringify([holder, privilege, on]);
  const granted = new Set(rights.map((right) => id(right, right.on)));
  return rights.filter((right) => {
    const [level, name = ""] = right.on.split(" ", 2);
    const inSchema = level === "table" || level === "volume";
    const above =
      level === "schema" || inSchema ? [`catalog ${catalog}`, ...(inSchema ? [`schema ${name.split(".", 1)[0]}`] : [])] : [];
    return !above.some((on) => granted.has(id(right, on)));
  });
}

type Look = (unknown: string[]) => Promise<WritingRight[]>;

const levels = [
  { level: "catalog", name: "concat('catalog ', catalog_name)" },
  { level: "schema", name: "concat('schema ', schema_name)" },
  { level: "table", name: "concat('table ', table_schema, '.', table_name)" },
  { level: "volume", name: "concat('volume ', volume_schema, '.', volume_name)" },
  { level: "metastore", name: "'metastore'" },
];

function grants(warehouse: WarehouseReader): Look[] {
  return levels.map(
    ({ level, name }) =>
      (unknown) =>
        rightsIn(
          warehouse,
          `the grants on the ${level} level`,
          `SELECT DISTINCT grantee AS holder, privilege_type AS privilege, ${name} AS object
           FROM ${schemaOf(warehouse, level)}.${level}_privileges`,
          unknown,
        ),
  );
}

const owned = [
  { level: "catalog", holder: "catalog_owner", object: "concat('catalog ', catalog_name)", view: "catalogs" },
  { level: "schema", holder: "schema_owner", object: "concat('schema ', schema_name)", view: "schemata" },
  { level: "table", holder: "table_owner", object: "concat('table ', table_schema, '.', table_name)", view: "tables" },
  { level: "volume", holder: "volume_owner", object: "concat('volume ', volume_schema, '.', volume_name)", view: "volumes" },
  { level: "metastore", holder: "metastore_owner", object: "'metastore'", view: "metastores" },
];

function owners(warehouse: WarehouseReader): Look[] {
  return owned.map(
    ({ level, holder, object, view }) =>
      (unknown) =>
        rightsIn(
          warehouse,
          `the owners on the ${level} level`,
          `SELECT ${holder} AS holder, 'OWNERSHIP' AS privilege, ${object} AS object FROM ${schemaOf(warehouse, level)}.${view}`,
          unknown,
        ),
  );
}

function schemaOf(warehouse: WarehouseReader, level: string): string {
  return level === "metastore" ? "system.information_schema" : `${quoteName(warehouse.catalog)}.information_schema`;
}

/** Whatever a refusal hides is reported as unknown. A warehouse that cannot be asked at all gives no answer. */
async function rightsIn(warehouse: WarehouseReader, what: string, statement: string, unknown: string[]): Promise<WritingRight[]> {
  const rows = await answerTo(warehouse, what, statement, {}, unknown);
  return (rows ?? []).map((row) => ({
    holder: String(row.holder),
    privilege: String(row.privilege).toUpperCase().replaceAll("_", " "),
    on: String(row.object),
  }));
}

/** `undefined` if refused; the reason has then been added to `unknown`. */
async function answerTo(
  warehouse: WarehouseReader,
  what: string,
  statement: string,
  parameters: Record<string, string>,
  unknown: string[],
): Promise<Row[] | undefined> {
  try {
    return await warehouse.query(statement, parameters);
  } catch (error) {
    if (!(error instanceof WarehouseFailure) || (error.kind !== "denied" && error.kind !== "statement")) throw error;
    unknown.push(`${what} cannot be read: ${error.message}`);
    return undefined;
  }
}

const groupsPerQuestion = 50;

/** Which of these groups the principal is in. The warehouse also resolves nested groups. */
async function membership(warehouse: WarehouseReader, groups: readonly string[], unknown: string[]): Promise<Set<string>> {
  const asked = [administrators, ...groups.filter((group) => group !== administrators && !everybody.has(group))];
  const ours = new Set(groups.filter((group) => everybody.has(group)));
  for (let from = 0; from < asked.length; from += groupsPerQuestion) {
    const part = asked.slice(from, from + groupsPerQuestion);
    const rows = await answerTo(
      warehouse,
      "its groups",
      `SELECT ${part.map((_, index) => `is_account_group_member(:g${index}) OR is_member(:g${index}) AS m${index}`).join(", ")}`,
      Object.fromEntries(part.map((group, index) => [`g${index}`, group])),
      unknown,
    );
    if (!rows) continue;
    const [row] = rows;
    if (!row) unknown.push("the warehouse did not answer which groups it is in");
    part.forEach((group, index) => {
      const told = row?.[`m${index}`];
      if (told === true) ours.add(group);
      else if (row && told !== false) unknown.push(`it cannot be read whether it is in the group ${group}`);
    });
  }
  return ours;
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** What the workspace's REST API says about the warehouse. Everything here only reads. */

type WarehouseAddress = Pick<WarehouseSettings, "host" | "path" | "token" | "certificateAuthority">;

/** A warehouse as its REST API describes it. */
export interface WarehouseDescription {
  /** RUNNING, STARTING, STOPPED and the like. */
  state: string;
  /** As Databricks names it: `2X-Small`. */
  size: string;
  clusters: number;
  /** How many it may have. */
  mostClusters?: number;
  /** Of its releases: `CHANNEL_NAME_CURRENT`. */
  channel?: string;
  /** `PRO` or `CLASSIC`. */
  type?: string;
  serverless?: boolean;
}

const timeoutMs = 10_000;

/**
 * State and size of the warehouse.
 * @returns a sentence instead of the description if the token may not ask, or the path names no warehouse
 * @throws WarehouseFailure, or Node's own errors, if the API doesn't answer
 */
export async function describeWarehouse(
  warehouse: WarehouseAddress,
  signal: AbortSignal,
): Promise<WarehouseDescription | string> {
  const id = /\/warehouses\/([^/]+)$/.exec(warehouse.path)?.[1];
  if (id === undefined) return `${warehouse.path} names no SQL warehouse`;
  const answer = await getJson(warehouse, `/api/2.0/sql/warehouses/${encodeURIComponent(id)}`, signal);
  if (typeof answer === "string") return answer;
  const channel =
    typeof answer.channel === "object" && answer.channel !== null && "name" in answer.channel ? answer.channel.name : undefined;
  return {
    state: typeof answer.state === "string" ? answer.state : "unknown",
    size: typeof answer.cluster_size === "string" ? answer.cluster_size : "unknown size",
    clusters: typeof answer.num_clusters === "number" ? answer.num_clusters : 0,
    ...(typeof answer.max_num_clusters === "number" ? { mostClusters: answer.max_num_clusters } : {}),
    ...(typeof channel === "string" ? { channel } : {}),
    ...(typeof answer.warehouse_type === "string" ? { type: answer.warehouse_type } : {}),
    ...(typeof answer.enable_serverless_compute === "boolean" ? { serverless: answer.enable_serverless_compute } : {}),
  };
}

/**
 * When the user's valid personal access tokens expire, in Unix milliseconds; Infinity for one that never does. The API doesn't
 * say which of them is used here.
 * @returns a sentence instead if the token may not ask
 * @throws WarehouseFailure, or Node's own errors, if the API doesn't answer
 */
export async function tokenExpiryTimes(warehouse: WarehouseAddress, signal: AbortSignal): Promise<number[] | string> {
  const answer = await getJson(warehouse, "/api/2.0/token/list", signal);
  if (typeof answer === "string") return answer;
  const tokens: unknown[] = Array.isArray(answer.token_infos) ? answer.token_infos : [];
  return tokens.flatMap((token) => {
    const end = typeof token === "object" && token !== null && "expiry_time" in token ? token.expiry_time : undefined;
    if (typeof end !== "number") return [];
    return end < 0 ? [Number.POSITIVE_INFINITY] : end > Date.now() ? [end] : [];
  });
}

/** Whether a workspace may write to a catalog, by the catalog's bindings. */
export type CatalogBinding = { binding: "read-only" | "writable" } | { binding: "unknown"; why: string };

/**
 * How the warehouse's workspace is bound to a catalog. Without any binding, every workspace may write.
 * @throws WarehouseFailure, or Node's own errors, if the API doesn't answer
 */
export async function catalogBinding(warehouse: WarehouseAddress, catalog: string, signal: AbortSignal): Promise<CatalogBinding> {
  const path = `/api/2.1/unity-catalog/bindings/catalog/${encodeURIComponent(catalog)}`;
  const answer = await getJson(warehouse, path, signal);
  if (typeof answer === "string") return { binding: "unknown", why: answer };
  const { bindings = [], [workspaceKey]: workspace } = answer;
  if (!Array.isArray(bindings)) return { binding: "unknown", why: `the answer to ${path} names no bindings` };
  if (bindings.length === 0) return { binding: "writable" };
  const own: unknown = bindings.find(
    (one: unknown) => typeof one === "object" && one !== null && "workspace_id" in one && String(one.workspace_id) === workspace,
  );
  const type = typeof own === "object" && own !== null && "binding_type" in own ? own.binding_type : undefined;
  if (type === "BINDING_TYPE_READ_ONLY") return { binding: "read-only" };
  if (type === "BINDING_TYPE_READ_WRITE") return { binding: "writable" };
  return { binding: "unknown", why: `the answer to ${path} has no binding of this workspace` };
}

/** No member of an answer is named so. */
const workspaceKey = "x-databricks-org-id";

/** @returns the members of the answer, or why there is none */
async function getJson(
  warehouse: WarehouseAddress,
  path: string,
  signal: AbortSignal,
): Promise<Record<string, unknown> | string> {
  const url = new URL(path, `https://${warehouse.host.replace(/^https:\/\//, "")}`);
  const authority = await readAuthority(warehouse.certificateAuthority);
  const { status, text, workspace } = await sendRequest(url, {
    method: "GET",
    headers: { authorization: `Bearer ${await tokensOf(warehouse.token).token(signal)}`, accept: "application/json" },
    authority,
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  });
  if (status !== 200) return `the request to ${url.pathname} was refused (HTTP ${status})`;
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer === "object" && answer !== null)
      return { ...answer, ...(workspace === undefined ? {} : { [workspaceKey]: workspace }) };
  } catch (error) {
    throw notJson(url, error);
  }
  throw notJson(url);
}

function notJson(url: URL, cause?: unknown): WarehouseFailure {
  return new WarehouseFailure("unreachable", `${url.pathname}: expected JSON, got another answer`, {
    cure: "Check DATABRICKS_HOST: expected the address of the workspace.",
    cause,
  });
}
