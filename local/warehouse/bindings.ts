import { SqlError } from "./errors.ts";
import type { RestAnswer } from "./rest.ts";

/** How a catalog is bound to the workspace of the warehouse. A catalog that isn't named is open to all workspaces. */
export type Binding = "BINDING_TYPE_READ_WRITE" | "BINDING_TYPE_READ_ONLY" | "unbound";
export type Bindings = Record<string, Binding>;

/** The workspace that the warehouse is in, and one that isn't. */
export const workspaceId = 1_234_567_890;
const otherWorkspaceId = 9_876_543_210;

/** Whether statements of this workspace see the catalog. */
export function isBound(bindings: Bindings, catalog: string): boolean {
  return bindings[catalog.toLowerCase()] !== "unbound";
}

export function isReadOnly(bindings: Bindings, catalog: string): boolean {
  return bindings[catalog.toLowerCase()] === "BINDING_TYPE_READ_ONLY";
}

export function notBound(catalog: string): SqlError {
  return new SqlError("INSUFFICIENT_PERMISSIONS", "42501", `Catalog '${catalog}' is not accessible in current workspace.`);
}

export function readOnly(catalog: string): SqlError {
  return new SqlError(
    "INSUFFICIENT_PERMISSIONS",
    "42501",
    `Catalog '${catalog}' is bound to the current workspace as read-only, and cannot be written to from it.`,
  );
}

/** The answer to `GET /api/2.1/unity-catalog/bindings/catalog/{name}`. */
export function bindingsOf(bindings: Bindings, catalog: string): RestAnswer {
  const binding = bindings[catalog.toLowerCase()];
  if (binding === undefined) return { status: 200, body: {} };
  const one =
    binding === "unbound"
      ? { workspace_id: otherWorkspaceId, binding_type: "BINDING_TYPE_READ_WRITE" }
      : { workspace_id: workspaceId, binding_type: binding };
  return { status: 200, body: { bindings: [one] } };
}
