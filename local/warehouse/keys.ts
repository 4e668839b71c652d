import { type Catalogs, type ForeignKey, fullName, type PrimaryKey, quoted, type Table } from "./catalog.ts";
import { unknownColumn } from "./column-errors.ts";
import { SqlError } from "./errors.ts";

/** Primary and foreign keys. Nobody enforces them: they are told, and relied on. */

/** @throws SqlError CONSTRAINT_ALREADY_EXISTS, or if a column is missing or may be NULL */
export function checkPrimaryKey(table: Table, key: PrimaryKey, catalogs: Catalogs): void {
  requireFreeName(table, key.name, catalogs);
  if (table.primaryKey) throw constraintExists(key.name, described(table.primaryKey));
  const columns = key.columns.map((name) => columnOf(table, name));
  const nullable = columns.filter((column) => column.nullable).map((column) => quoted(column.name));
  if (nullable.length > 0)
    throw new SqlError(
      "INVALID_PARAMETER_VALUE",
      "22023",
      `Cannot create the primary key ${quoted(key.name)} because its child column(s) ${nullable.join(", ")} is nullable. Please change the column nullability and retry.`,
    );
}

/** @throws SqlError CONSTRAINT_ALREADY_EXISTS, or FOREIGN_KEY_MISMATCH */
export function checkForeignKey(table: Table, key: ForeignKey, catalogs: Catalogs): void {
  requireFreeName(table, key.name, catalogs);
  const columns = key.columns.map((name) => columnOf(table, name));
  const parent = key.parent.primaryKey?.columns ?? [];
  const isMatching =
    key.to.length === columns.length &&
    key.to.length === parent.length &&
    parent.every((name) => key.to.some((own) => same(own, name)));
  if (!isMatching)
    throw new SqlError(
      "FOREIGN_KEY_MISMATCH",
      "42830",
      `Foreign key parent columns ${key.to.join(", ")} do not match primary key child columns ${parent.join(", ")}.`,
    );
}

/** Names of constraints are unique within a schema. */
function requireFreeName(table: Table, name: string, catalogs: Catalogs): void {
  for (const other of catalogs.schema(table.catalog, table.schema).tables.values()) {
    // The one that it is about to replace.
    if (other !== table && other.name === table.name) continue;
    const old = keysOf(other, catalogs).find((key) => same(key.name, name));
    if (old) throw constraintExists(name, described(old));
  }
  const check = table.constraints.get(name.toLowerCase());
  if (check) throw constraintExists(name, check.text);
}

function constraintExists(name: string, old: string): SqlError {
  return new SqlError(
    "CONSTRAINT_ALREADY_EXISTS",
    "42710",
    `Constraint ${quoted(name)} already exists. Please delete the existing constraint first.\nExisting constraint:\n${old}`,
  );
}

export function noConstraint(table: Table, what: string): SqlError {
  return new SqlError(
    "CONSTRAINT_DOES_NOT_EXIST",
    "42704",
    `Cannot drop nonexistent constraint ${what} from table ${quoted(table.catalog, table.schema, table.name)}.`,
  );
}

/** The keys of a table. A foreign key ends with its parent. */
export function keysOf(table: Table, catalogs: Catalogs): (PrimaryKey | ForeignKey)[] {
  return [...(table.primaryKey ? [table.primaryKey] : []), ...foreignKeysOf(table, catalogs)];
}

export function foreignKeysOf(table: Table, catalogs: Catalogs): ForeignKey[] {
  return [...table.foreignKeys.values()].filter(({ parent }) => catalogs.findTable({ ...parent, table: parent.name }) === parent);
}

/** The foreign keys of all tables that reference one. */
export function referencesTo(parent: Table, catalogs: Catalogs): { table: Table; key: ForeignKey }[] {
  return catalogs
    .allTables()
    .flatMap((table) => [...table.foreignKeys.values()].flatMap((key) => (key.parent === parent ? [{ table, key }] : [])));
}

/** @throws SqlError if foreign keys reference it, without `cascade`. @returns what drops the key, and those */
export function dropPrimaryKey(table: Table, cascade: boolean, catalogs: Catalogs): () => void {
  const references = referencesTo(table, catalogs);
  if (references.length > 0 && !cascade)
    throw new SqlError(
      "INVALID_PARAMETER_VALUE",
      "22023",
      `Cannot drop the primary key ${quoted(table.primaryKey?.name ?? "")} because it is referenced by the foreign key(s) ${references.map(({ key }) => quoted(key.name)).join(", ")}. Use CASCADE to drop them too.`,
    );
  return () => {
    table.primaryKey = undefined;
    for (const { table: child, key } of references) child.foreignKeys.delete(key.name.toLowerCase());
  };
}

/** @throws SqlError if a key of the table has the column, or a foreign key elsewhere references it */
export function requireInNoKey(table: Table, column: string, catalogs: Catalogs): void {
  const key = keysOf(table, catalogs).find(({ columns }) => columns.some((name) => same(name, column)));
  if (key)
    throw new SqlError(
      "INVALID_PARAMETER_VALUE",
      "22023",
      `Cannot change the column ${quoted(column)} of ${quoted(table.catalog, table.schema, table.name)} because the constraint ${quoted(key.name)} uses it. Drop the constraint first.`,
    );
}

/** As DESCRIBE shows it. */
export function described(key: PrimaryKey | ForeignKey): string {
  const columns = key.columns.map((name) => quoted(name)).join(", ");
  const rely = key.rely ? " RELY" : "";
  if (!("parent" in key)) return `PRIMARY KEY (${columns})${rely}`;
  const { parent, to } = key;
  const target = quoted(...fullName({ ...parent, table: parent.name }).split("."));
  return `FOREIGN KEY (${columns}) REFERENCES ${target} (${to.map((name) => quoted(name)).join(", ")})${rely}`;
}

function columnOf(table: Table, name: string): Table["columns"][number] {
  const column = table.columns.find((one) => same(one.name, name));
  if (!column) throw unknownColumn(table, name);
  return column;
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
