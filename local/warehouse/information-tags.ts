import { schemasOf } from "./catalog.ts";
import type { Reader } from "./information-schema.ts";
import { resultOf, texts } from "./results.ts";
import { visibleTables } from "./visible.ts";

/** The views about tags. */
export const tagViews: Readonly<Record<string, Reader>> = {
  catalog_tags: (catalog, principal, privileges) =>
    resultOf(
      texts("catalog_name", "tag_name", "tag_value"),
      privileges.seesCatalog(principal, catalog) ? [...catalog.tags].map((tag) => [catalog.name, ...tag]) : [],
    ),
  schema_tags: (catalog, principal, privileges) =>
    resultOf(
      texts("catalog_name", "schema_name", "tag_name", "tag_value"),
      schemasOf(catalog)
        .filter((schema) => privileges.seesSchema(principal, catalog, schema))
        .flatMap((schema) => [...schema.tags].map((tag) => [catalog.name, schema.name, ...tag])),
    ),
  table_tags: (catalog, principal, privileges) =>
    resultOf(
      texts("catalog_name", "schema_name", "table_name", "tag_name", "tag_value"),
      visibleTables(catalog, principal, privileges).flatMap((table) =>
        [...table.tags].map((tag) => [table.catalog, table.schema, table.name, ...tag]),
      ),
    ),
  column_tags: (catalog, principal, privileges) =>
    resultOf(
      texts("catalog_name", "schema_name", "table_name", "column_name", "tag_name", "tag_value"),
      visibleTables(catalog, principal, privileges).flatMap((table) =>
        table.columns.flatMap((column) =>
          [...(column.tags ?? [])].map((tag) => [table.catalog, table.schema, table.name, column.name, ...tag]),
        ),
      ),
    ),
};
