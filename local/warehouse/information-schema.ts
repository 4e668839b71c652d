import { type Catalog, type Catalogs, schemasOf, type Table, tablesOf } from "./catalog.ts";
import { constraintViews } from "./information-constraints.ts";
import { tagViews } from "./information-tags.ts";
import type { Principal } from "./principals.ts";
import type { Granted, Privileges } from "./privileges.ts";
import { relationOf } from "./relation.ts";
import { type Column, type ResultSet, resultOf, texts, type Value } from "./results.ts";
import { int, timestamp, typeName } from "./types.ts";
import { visibleTables } from "./visible.ts";

/** Reads a view of a catalog, restricted to what the principal may see. */
export type Reader = (catalog: Catalog, principal: Principal, privileges: Privileges, catalogs: Catalogs) => ResultSet;

/** The views of a catalog's information_schema, restricted to what the principal may see. */
const views: Readonly<Record<string, Reader>> = {
  ...constraintViews,
  ...tagViews,
  catalogs: (catalog, principal, privileges) => {
    const visible = privileges.seesCatalog(principal, catalog);
    const owner = privileges.owner(catalog.name, catalog.owner);
    const row = [catalog.name, owner, catalog.comment ?? null, ...changed(catalog.createdAt, catalog.createdAt, owner)];
    return resultOf([...texts("catalog_name", "catalog_owner", "comment"), ...changes], visible ? [row] : []);
  },
  schemata: (catalog, principal, privileges) =>
    resultOf(
      [...texts("catalog_name", "schema_name", "schema_owner", "comment"), ...changes],
      schemasOf(catalog)
        .filter((schema) => privileges.seesSchema(principal, catalog, schema))
        .map((schema) => {
          const owner = privileges.owner(`${catalog.name}.${schema.name}`, schema.owner);
          return [
            catalog.name,
            schema.name,
            owner,
            schema.comment ?? null,
            ...changed(schema.createdAt, schema.createdAt, owner),
          ];
        }),
    ),
  tables: (catalog, principal, privileges) =>
    resultOf(
      [
        ...texts(
          "table_catalog",
          "table_schema",
          "table_name",
          "table_type",
          "is_insertable_into",
          "commit_action",
          "table_owner",
          "comment",
        ),
        ...changes,
        ...texts("data_source_format"),
      ],
      visibleTables(catalog, principal, privileges).map((table) => {
        const owner = privileges.owner(fullName(table), table.owner);
        const altered = table.history.at(-1)?.at ?? table.createdAt;
        const name = [table.catalog, table.schema, table.name];
        return [
          ...name,
          table.view ? "VIEW" : "MANAGED",
          table.view ? "NO" : "YES",
          "PRESERVE",
          owner,
          table.comment ?? null,
          ...changed(table.createdAt, altered, owner),
          table.view ? "UNKNOWN_DATA_SOURCE_FORMAT" : "DELTA",
        ];
      }),
    ),
  views: (catalog, principal, privileges) =>
    resultOf(
      texts(
        "table_catalog",
        "table_schema",
        "table_name",
        "view_definition",
        "check_option",
        "is_updatable",
        "is_insertable_into",
      ),
      visibleTables(catalog, principal, privileges).flatMap((table) =>
        table.view ? [[table.catalog, table.schema, table.name, table.view.text, "NONE", "NO", "NO"]] : [],
      ),
    ),
  row_filters: (catalog, principal, privileges) =>
    resultOf(
      texts("catalog_name", "schema_name", "table_name", "filter_catalog", "filter_schema", "filter_name", "filter_col_usage"),
      visibleTables(catalog, principal, privileges).flatMap(({ rowFilter, ...table }) => {
        if (!rowFilter) return [];
        const { routine, columns } = rowFilter;
        const name = [table.catalog, table.schema, table.name];
        return [[...name, routine.catalog, routine.schema, routine.name, columns.join(",")]];
      }),
    ),
  column_masks: (catalog, principal, privileges) =>
    resultOf(
      texts(
        "catalog_name",
        "schema_name",
        "table_name",
        "column_name",
        "mask_catalog",
        "mask_schema",
        "mask_name",
        "mask_col_usage",
      ),
      visibleTables(catalog, principal, privileges).flatMap((table) =>
        [...table.masks].map(([column, { routine, columns }]) => {
          const name = [table.catalog, table.schema, table.name, column];
          return [...name, routine.catalog, routine.schema, routine.name, columns.length > 0 ? columns.join(",") : null];
        }),
      ),
    ),
  columns: (catalog, principal, privileges) =>
    resultOf(
      [
        ...texts("table_catalog", "table_schema", "table_name", "column_name"),
        { name: "ordinal_position", type: int },
        ...texts("column_default", "is_nullable", "full_data_type", "data_type"),
        { name: "numeric_precision", type: int },
        { name: "numeric_scale", type: int },
        { name: "partition_index", type: int },
        ...texts("comment"),
      ],
      visibleTables(catalog, principal, privileges).flatMap((table) =>
        table.columns.map((column, index) => {
          const [precision, scale] = column.type.kind === "decimal" ? [column.type.precision, column.type.scale] : [null, null];
          const kind = (column.type.kind === "primitive" ? column.type.name : column.type.kind).toUpperCase();
          const common = [table.catalog, table.schema, table.name, column.name, index + 1];
          return [
            ...common,
            column.default?.text ?? null,
            column.nullable ? "YES" : "NO",
            typeName(column.type),
            kind,
            precision,
            scale,
            table.partitionedBy.indexOf(column.name) + 1 || null,
            column.comment ?? null,
          ];
        }),
      ),
    ),
  table_privileges: (catalog, principal, privileges) =>
    resultOf(
      texts("grantor", "grantee", "table_catalog", "table_schema", "table_name", ...grantColumns),
      schemasOf(catalog)
        .flatMap(tablesOf)
        .flatMap((table) =>
          privileges
            .visibleGrants(principal, fullName(table))
            .map((grant) => ["admin", grant.grantee, table.catalog, table.schema, table.name, ...granted(grant, "TABLE")]),
        ),
    ),
  // There are no volumes here, but the view has to exist.
  volumes: () =>
    resultOf(
      texts("volume_catalog", "volume_schema", "volume_name", "volume_type", "volume_owner", "comment", "storage_location"),
      [],
    ),
  volume_privileges: () =>
    resultOf(texts("grantor", "grantee", "volume_catalog", "volume_schema", "volume_name", ...grantColumns), []),
  schema_privileges: (catalog, principal, privileges) =>
    resultOf(
      texts("grantor", "grantee", "catalog_name", "schema_name", ...grantColumns),
      schemasOf(catalog).flatMap((schema) =>
        privileges
          .visibleGrants(principal, `${catalog.name}.${schema.name}`)
          .map((grant) => ["admin", grant.grantee, catalog.name, schema.name, ...granted(grant, "SCHEMA")]),
      ),
    ),
  catalog_privileges: (catalog, principal, privileges) =>
    resultOf(
      texts("grantor", "grantee", "catalog_name", ...grantColumns),
      privileges
        .visibleGrants(principal, catalog.name)
        .map((grant) => ["admin", grant.grantee, catalog.name, ...granted(grant, "CATALOG")]),
    ),
};

/** A view as a relation in DuckDB's dialect; undefined if there is no view of that name. */
export function informationSchemaRelation(
  view: string,
  catalogs: Catalogs,
  catalog: string,
  principal: Principal,
  privileges: Privileges,
): { sql: string; columns: string[] } | undefined {
  const read = Object.hasOwn(views, view) ? views[view] : undefined;
  if (!read) return undefined;
  const result = read(catalogs.catalog(catalog), principal, privileges, catalogs);
  return { sql: relationOf(result), columns: result.columns.map((column) => column.name) };
}

/** The views of `system.information_schema` about the metastore itself. */
export function metastoreRelation(
  view: string,
  principal: Principal,
  privileges: Privileges,
  catalogs: Catalogs,
): { sql: string; columns: string[] } | undefined {
  const id = "local-metastore";
  const result =
    view === "metastores"
      ? resultOf(texts("metastore_id", "metastore_name", "metastore_owner"), [[id, "local", privileges.metastoreOwner]])
      : view === "metastore_privileges"
        ? resultOf(
            texts("grantor", "grantee", "metastore_id", ...grantColumns),
            privileges
              .visibleGrants(principal, "METASTORE")
              .map((grant) => ["admin", grant.grantee, id, grant.privilege.replaceAll(" ", "_"), "NO", "NONE"]),
          )
        : view === "catalogs"
          ? allCatalogs(catalogs, principal, privileges)
          : undefined;
  return result && { sql: relationOf(result), columns: result.columns.map((column) => column.name) };
}

/** In the views of one catalog, only that one is listed. */
function allCatalogs(catalogs: Catalogs, principal: Principal, privileges: Privileges): ResultSet | undefined {
  const [first, ...others] = catalogs
    .all()
    .flatMap((catalog) => views.catalogs?.(catalog, principal, privileges, catalogs) ?? []);
  if (!first) return undefined;
  const values = first.values.map((column, index) => [...column, ...others.flatMap((list) => list.values[index] ?? [])]);
  return { ...first, values, rowCount: others.reduce((sum, { rowCount }) => sum + rowCount, first.rowCount) };
}

const grantColumns = ["privilege_type", "is_grantable", "inherited_from"];
const changes: Column[] = [
  { name: "created", type: timestamp },
  ...texts("created_by"),
  { name: "last_altered", type: timestamp },
  ...texts("last_altered_by"),
];

function changed(created: number, altered: number, owner: string): Value[] {
  return [BigInt(created) * 1000n, owner, BigInt(altered) * 1000n, owner];
}

function granted(grant: Granted, level: Granted["level"]): Value[] {
  return [grant.privilege.replaceAll(" ", "_"), "NO", grant.level === level ? "NONE" : grant.level];
}

function fullName(table: Table): string {
  return `${table.catalog}.${table.schema}.${table.name}`;
}
