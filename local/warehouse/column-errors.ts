import { quoted, type Table, type TableColumn } from "./catalog.ts";
import { SqlError } from "./errors.ts";
import { type DataType, typeName, upcasts } from "./types.ts";

/** Errors about the columns of a table. */

export function unknownColumn(table: Table, name: string): SqlError {
  return new SqlError(
    "UNRESOLVED_COLUMN.WITH_SUGGESTION",
    "42703",
    `A column, variable, or function parameter with name \`${name}\` cannot be resolved. Did you mean one of the following? [${table.columns.map((column) => `\`${column.name}\``).join(", ")}]`,
  );
}

export function columnExists(what: "add" | "rename", table: Table, name: string): SqlError {
  const fields = table.columns.map((column) => `${column.name}: ${typeName(column.type).toUpperCase()}`).join(", ");
  return new SqlError(
    "FIELD_ALREADY_EXISTS",
    "42710",
    `Cannot ${what} column, because \`${name}\` already exists in "STRUCT<${fields}>".`,
  );
}

export function typeChangeRefused(table: Table, column: TableColumn, type: DataType): SqlError {
  const to = typeName(type);
  if (!upcasts(column.type, type))
    return new SqlError(
      "NOT_SUPPORTED_CHANGE_COLUMN",
      "0A000",
      `ALTER TABLE ALTER/CHANGE COLUMN is not supported for changing ${quoted(table.catalog, table.schema, table.name)}'s column \`${column.name}\` with type "${typeName(column.type).toUpperCase()}" to \`${column.name}\` with type "${to.toUpperCase()}".`,
    );
  return new SqlError(
    "DELTA_UNSUPPORTED_ALTER_TABLE_CHANGE_COL_OP",
    "0AKDC",
    `ALTER TABLE CHANGE COLUMN is not supported for changing column ${column.name} from ${typeName(column.type).toUpperCase()} to ${to.toUpperCase()}`,
  );
}

/** The error for data with a column that the table doesn't have. */
export function schemaMismatch(table: Table, data: readonly string[]): SqlError {
  return new SqlError(
    "DELTA_METADATA_MISMATCH",
    "42KDG",
    `A metadata mismatch was detected when writing to the Delta table.\n- A schema mismatch detected when writing to the Delta table (Table ID: ${table.id}).\nTable columns: ${table.columns.map((column) => column.name).join(", ")}. Data columns: ${data.join(", ")}.`,
  );
}

export function notSpecified(column: string): SqlError {
  return new SqlError("DELTA_INSERT_COLUMN_MISMATCH", "42802", `Column ${column} is not specified in INSERT`);
}

/** The error without column mapping. */
export function mappingNeeded(what: "DROP" | "RENAME"): SqlError {
  const [first, errorClass] =
    what === "DROP"
      ? ["DROP COLUMN is not supported for your Delta table.", "DELTA_UNSUPPORTED_DROP_COLUMN"]
      : ["Column rename is not supported for your Delta table.", "DELTA_UNSUPPORTED_RENAME_COLUMN"];
  return new SqlError(
    errorClass,
    "0AKDC",
    `${first} \nPlease enable Column Mapping on your Delta table with mapping mode 'name'.\nYou can use one of the following commands.\n\nALTER TABLE table_name SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')\n\nNote, if your table is not on the required protocol version it will be upgraded.\nColumn mapping requires at least protocol (2, 5)\n`,
  );
}

export function columnInConstraint(name: string, constraints: readonly string[]): SqlError {
  return new SqlError(
    "DELTA_CONSTRAINT_DEPENDENT_COLUMN_CHANGE",
    "42K09",
    `Cannot alter column ${name} because this column is referenced by the following check constraint(s):\n${constraints.join("\n")}`,
  );
}

export function columnInGenerated(name: string, columns: readonly string[]): SqlError {
  return new SqlError(
    "DELTA_GENERATED_COLUMNS_DEPENDENT_COLUMN_CHANGE",
    "42K09",
    `Cannot alter column ${name} because this column is referenced by the following generated column(s):\n${columns.join("\n")}`,
  );
}

export function identityGiven(column: string): SqlError {
  return new SqlError(
    "DELTA_IDENTITY_COLUMNS_EXPLICIT_INSERT_NOT_SUPPORTED",
    "42808",
    `Providing values for GENERATED ALWAYS AS IDENTITY column ${column} is not supported.`,
  );
}

export function identityUpdated(column: string): SqlError {
  return new SqlError(
    "DELTA_IDENTITY_COLUMNS_UPDATE_NOT_SUPPORTED",
    "42808",
    `UPDATE on IDENTITY column ${column} is not supported.`,
  );
}
