import { bindingsOf } from "./bindings.ts";
import type { Catalogs } from "./catalog.ts";
import type { Faults } from "./faults.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Principal } from "./principals.ts";
import type { Privileges } from "./privileges.ts";

export interface RestAnswer {
  status: number;
  body: Record<string, unknown>;
}

interface RestParts {
  warehouseId: string;
  lifecycle: Lifecycle;
  faults: Faults;
  catalogs: Catalogs;
  privileges: Privileges;
  /** Who asks. */
  principal: Principal;
}

/** For the metastore's admin and for owners. */
function catalogBindings(name: string, { catalogs, privileges, principal }: RestParts): RestAnswer {
  const catalog = catalogs.find(name);
  if (!catalog || !privileges.seesCatalog(principal, catalog))
    return { status: 404, body: { error_code: "CATALOG_DOES_NOT_EXIST", message: `Catalog '${name}' does not exist.` } };
  if (!privileges.manages(principal, catalog.name))
    return {
      status: 403,
      body: { error_code: "PERMISSION_DENIED", message: `User is not an owner of Catalog '${catalog.name}'.` },
    };
  return bindingsOf(privileges.bindings, catalog.name);
}

/** `GET /api/2.0/sql/warehouses/{id}` and POST `…/start`, `…/stop`, `GET /api/2.0/token/list`, `GET /api/2.1/unity-catalog/bindings/catalog/{name}`; undefined for every other path. */
export function answerRest(method: string, path: string, warehouse: RestParts): RestAnswer | undefined {
  const catalog = /^\/api\/2\.1\/unity-catalog\/bindings\/catalog\/([^/]+)$/.exec(path)?.[1];
  if (method === "GET" && catalog !== undefined) return catalogBindings(decodeURIComponent(catalog), warehouse);
  if (method === "GET" && path === "/api/2.0/token/list") return tokenList(warehouse.faults.tokenEnds);
  const match = /^\/api\/2\.0\/sql\/warehouses\/([^/]+)(?:\/(start|stop))?$/.exec(path);
  if (!match) return undefined;
  const [, id, action] = match;
  if (id !== warehouse.warehouseId)
    return { status: 404, body: { error_code: "RESOURCE_DOES_NOT_EXIST", message: `SQL warehouse ${id} does not exist.` } };
  if (action === undefined && method === "GET") return { status: 200, body: description(id, warehouse.lifecycle) };
  if (action === undefined || method !== "POST")
    return { status: 405, body: { error_code: "BAD_REQUEST", message: `${method} is not allowed on ${path}` } };
  if (action === "start") warehouse.lifecycle.start();
  else warehouse.lifecycle.stop();
  return { status: 200, body: {} };
}

function tokenList(ends: Faults["tokenEnds"]): RestAnswer {
  if (ends === "refused")
    return { status: 403, body: { error_code: "PERMISSION_DENIED", message: "Tokens are disabled for this user." } };
  const tokens = ends.map((end, index) => ({
    token_id: `token-${index}`,
    creation_time: 0,
    expiry_time: end,
    comment: `made for ${index}`,
  }));
  return { status: 200, body: { token_infos: tokens } };
}

function description(id: string, lifecycle: Lifecycle): Record<string, unknown> {
  const state = lifecycle.state();
  return {
    id,
    name: "local",
    cluster_size: "2X-Small",
    state,
    num_clusters: state === "RUNNING" ? 1 : 0,
    max_num_clusters: 1,
    channel: { name: "CHANNEL_NAME_CURRENT" },
    warehouse_type: "PRO",
    enable_serverless_compute: true,
    auto_stop_mins: 10,
  };
}
