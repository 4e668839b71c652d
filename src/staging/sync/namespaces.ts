import { quoteName } from "../../warehouse/statements.ts";
import { catalogItself, type SchemaStructure } from "../structure/structure.ts";
import { commentOn } from "./alter-table.ts";
import { planGrants, planTags } from "./labels.ts";
import { inCopy, type Planning } from "./scope.ts";
import { literal } from "./sql-text.ts";
import { Chain } from "./steps.ts";

/** Schemas, and the catalog itself. */

export function planNewSchema(planning: Planning, chain: Chain, name: string, after: SchemaStructure): void {
  const schema = inCopy(planning, name);
  const wants = planning.notIgnored;
  const comment = after.comment && wants("comments", name) ? ` COMMENT ${literal(after.comment)}` : "";
  chain.add({ object: name, facet: "schemas", statement: `CREATE SCHEMA ${schema}${comment}`, blocks: true });
  planTags(chain, `SCHEMA ${schema}`, name, { before: {}, after: after.tags }, wants);
  planGrants(planning, chain, `SCHEMA ${schema}`, name, { before: { owner: planning.copy.readBy }, after }, wants);
}

export function planSchema(
  planning: Planning,
  chain: Chain,
  name: string,
  { before, after }: { before: SchemaStructure; after: SchemaStructure },
): void {
  const schema = inCopy(planning, name);
  const wants = planning.listed;
  if (before.comment !== after.comment && wants("comments", name))
    chain.add({ object: name, facet: "comments", statement: commentOn(`SCHEMA ${schema}`, after.comment), again: true });
  planTags(chain, `SCHEMA ${schema}`, name, { before: before.tags, after: after.tags }, wants);
  planGrants(planning, chain, `SCHEMA ${schema}`, name, { before, after }, wants);
}

/** The catalog's own comment, tags and grants. What the connection may not change becomes a statement for somebody else. */
export function planCatalog(planning: Planning): void {
  const { original: after, copy: before, steps, listed: wants } = planning;
  const catalog = quoteName(before.catalog);
  const chain = new Chain(steps);
  if (before.comment !== after.comment && wants("comments", catalogItself))
    chain.add({
      object: catalogItself,
      facet: "comments",
      statement: commentOn(`CATALOG ${catalog}`, after.comment),
      again: true,
    });
  planTags(chain, `CATALOG ${catalog}`, catalogItself, { before: before.tags, after: after.tags }, wants);
  planGrants(planning, chain, `CATALOG ${catalog}`, catalogItself, { before, after }, wants);
}
