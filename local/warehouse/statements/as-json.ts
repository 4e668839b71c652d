import type { Catalogs, Policy, Table, TableColumn } from "../catalog.ts";
import { described, keysOf } from "../keys.ts";
import { type DataType, typeName } from "../types.ts";

/** A table as DESCRIBE TABLE EXTENDED … AS JSON shows it. */
export function tableAsJson(table: Table, owner: string, catalogs: Catalogs): string {
  const keys = keysOf(table, catalogs).map((key) => `(${key.name},${described(key)})`);
  const properties = propertiesOf(table);
  return JSON.stringify({
    table_name: table.name,
    catalog_name: table.catalog,
    namespace: [table.schema],
    schema_name: table.schema,
    columns: table.columns.map(columnAsJson),
    owner,
    created_time: new Date(table.createdAt).toISOString().replace(/\.\d+Z$/, "Z"),
    type: table.view ? "VIEW" : "MANAGED",
    ...(table.comment === undefined ? {} : { comment: table.comment }),
    ...(table.view ? { view_text: table.view.text } : { provider: "delta" }),
    ...(table.rowFilter ? { row_filter: { function_name: nameOf(table.rowFilter), column_names: table.rowFilter.columns } } : {}),
    ...(table.masks.size > 0
      ? {
          column_masks: [...table.masks].map(([column, mask]) => ({
            column_name: column,
            function_name: nameOf(mask),
            using_column_names: mask.columns,
          })),
        }
      : {}),
    ...(Object.keys(properties).length > 0 ? { table_properties: properties } : {}),
    ...(table.partitionedBy.length > 0 ? { partition_columns: table.partitionedBy } : {}),
    ...(table.clusteredBy.length > 0 ? { clustering_columns: table.clusteredBy } : {}),
    ...(keys.length > 0 ? { table_constraints: `[${keys.join(", ")}]` } : {}),
  });
}

/** With the CHECK constraints, which Delta keeps among them. */
export function propertiesOf(table: Table): Record<string, string> {
  const constraints = [...table.constraints].map(([name, check]): [string, string] => [`delta.constraints.${name}`, check.text]);
  return Object.fromEntries([...table.properties, ...constraints]);
}

function nameOf({ routine }: Policy): object {
  return { catalog_name: routine.catalog, schema_name: routine.schema, function_name: routine.name };
}

function columnAsJson({ name, type, nullable, comment, default: given }: TableColumn): object {
  return {
    name,
    type: typeAsJson(type),
    ...(comment === undefined ? {} : { comment }),
    nullable,
    ...(given ? { default: given.text } : {}),
  };
}

function typeAsJson(type: DataType): object {
  switch (type.kind) {
    case "primitive":
      return { name: typeName(type) };
    case "decimal":
      return { name: "decimal", precision: type.precision, scale: type.scale };
    case "array":
      return { name: "array", element_type: typeAsJson(type.element), element_nullable: true };
    case "map":
      return { name: "map", key_type: typeAsJson(type.key), value_type: typeAsJson(type.value), value_nullable: true };
    case "struct":
      return {
        name: "struct",
        fields: type.fields.map((field) => ({ name: field.name, type: typeAsJson(field.type), nullable: true })),
      };
  }
}
