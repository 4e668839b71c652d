import type { Row } from "../../warehouse/connection.ts";
import { NotUnderstood, named, whole } from "./ask.ts";
import type { Assembly } from "./assemble.ts";
import type { Answers } from "./questions.ts";

/** Primary keys, foreign keys and CHECKs, as information_schema lists them. */
export function addKeys(assembly: Assembly, answers: Answers): void {
  const keys = answers.keys.rows ?? [];
  const columns = groups(answers.keyColumns.rows ?? []);
  for (const row of keys) {
    const [schema, table, name] = [named(row, "table_schema"), named(row, "table_name"), named(row, "constraint_name")];
    const structure = assembly.table(schema, table);
    if (!structure) continue;
    try {
      if (row.constraint_type === "PRIMARY KEY")
        structure.primaryKey = {
          name,
          columns: inOrder(columns.get(`${schema}.${name}`)).map((one) => named(one, "column_name")),
        };
      else if (row.constraint_type === "FOREIGN KEY")
        structure.foreignKeys[name] = foreignKey(assembly.structure.catalog, row, columns, answers);
      else if (row.constraint_type === "CHECK") {
        const clause = answers.checks.rows?.find((one) => id(one) === id(row))?.check_clause;
        if (typeof clause === "string") structure.checks[name] = clause;
      }
    } catch (error) {
      if (!(error instanceof NotUnderstood)) throw error;
      assembly.unseen(["constraints"], `${schema}.${table}`, `constraint ${name} could not be read: ${error.message}`);
    }
  }
}

function foreignKey(
  catalog: string,
  row: Row,
  columns: ReadonlyMap<string, Row[]>,
  { keys, references, referenced }: Answers,
): { columns: string[]; references: string; to: string[] } {
  const own = inOrder(columns.get(id(row)));
  const unique = references.rows?.find((one) => id(one) === id(row));
  if (!unique) throw new NotUnderstood("referential_constraints doesn't have it");
  const place = named(unique, "unique_constraint_schema");
  const uniqueName = `${place}.${named(unique, "unique_constraint_name")}`;
  const isHere = named(unique, "unique_constraint_catalog") === catalog.toLowerCase();
  const key = isHere ? keys.rows?.find((one) => id(one) === uniqueName) : undefined;
  const target = key ? inOrder(columns.get(uniqueName)) : [];
  if (key && target.length === own.length) {
    const to = own.map(
      (one, at) => target[one.position_in_unique_constraint == null ? at : whole(one, "position_in_unique_constraint") - 1],
    );
    return {
      columns: own.map((one) => named(one, "column_name")),
      references: `${named(key, "table_schema")}.${named(key, "table_name")}`,
      to: to.map((one) => named(one ?? {}, "column_name")),
    };
  }
  const used = (referenced.rows ?? []).filter((one) => id(one) === id(row));
  const [first] = used;
  // Without the key itself, the order of several columns isn't known.
  if (!first || used.length !== 1 || own.length !== 1) throw new NotUnderstood("the key that it references can't be seen");
  const other = named(first, "table_catalog");
  return {
    columns: own.map((one) => named(one, "column_name")),
    references: `${other === catalog.toLowerCase() ? "" : `${other}.`}${named(first, "table_schema")}.${named(first, "table_name")}`,
    to: [named(first, "column_name")],
  };
}

/** `schema.constraint` */
function id(row: Row): string {
  return `${named(row, "constraint_schema")}.${named(row, "constraint_name")}`;
}

function groups(rows: readonly Row[]): Map<string, Row[]> {
  const found = new Map<string, Row[]>();
  for (const row of rows) found.set(id(row), [...(found.get(id(row)) ?? []), row]);
  return found;
}

function inOrder(rows: readonly Row[] | undefined): Row[] {
  if (!rows) throw new NotUnderstood("key_column_usage doesn't have it");
  return rows.toSorted((a, b) => whole(a, "ordinal_position") - whole(b, "ordinal_position"));
}
