import { createHash } from "node:crypto";
import type { Structure } from "../structure/structure.ts";
import type { PlannedStep } from "./steps.ts";

/** The same for the same structures and the same statements, whenever they were read and in which order. */
export function digestOf(original: Structure, copy: Structure, steps: readonly PlannedStep[]): string {
  const content = [
    contentOf(original),
    contentOf(copy),
    steps.map(({ statement, loses, after, behind }) => [statement, loses ?? "", after, behind]),
  ];
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}

/** Why something is unseen may be worded differently each time. */
function contentOf({ catalog, readBy, comment, owner, grants, tags, schemas, unseen }: Structure): unknown {
  const hidden = unseen.map(({ facet, within }) => `${facet} ${within}`).sort();
  return canonical({ catalog, readBy, comment, owner, grants, tags, schemas, unseen: hidden });
}

/** Members by name. A list of grants has no order; all other lists do. */
function canonical(value: unknown, name?: string): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => canonical(item));
    return name === "grants" ? items.map((item) => JSON.stringify(item)).sort() : items;
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, canonical(member, key)]),
  );
}
