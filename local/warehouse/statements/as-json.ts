import type { Policy, Table, TableColumn } from "../catalog.ts";
import { type DataType, typeName } from "../types.ts";

/** A table as DESCRIBE TABLE EXTENDED … AS JSON shows it. */
export function tableAsJson(table: Table, owner: string): string {
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
    ...(table.properties.size > 0 ? { table_properties: Object.fromEntries(table.properties) } : {}),
  });
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
