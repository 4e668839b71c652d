import type { Row } from "../../warehouse/connection.ts";
import { NotUnderstood, named, whole } from "./ask.ts";
import type { Keys } from "./definition.ts";
import type { Answers } from "./questions.ts";

/** What information_schema lists of a table's constraints. It doesn't say whether a key is relied on. */
export interface ListedKeys extends Keys {
  /** Names of its keys. */
  names: Set<string>;
  /** Names of its CHECKs, whose text Delta keeps as it was written. */
  checks: Set<string>;
  /** The first key that could not be put together. */
  problem?: string;
}

/** By `schema.table`. A constraint's name is only unique within its table. */
export function listedKeys(catalog: string, answers: Answers): Map<string, ListedKeys> {
  const found = new Map<string, ListedKeys>();
  const columns = Map.groupBy(answers.keyColumns.rows ?? [], (row) => understood(() => idInTable(row)));
  for (const row of answers.keys.rows ?? []) {
    const table = understood(() => tableOf(row));
    const name = understood(() => named(row, "constraint_name"));
    if (table === undefined || name === undefined) continue;
    const listed = found.get(table) ?? { names: new Set(), foreignKeys: {}, checks: new Set() };
    found.set(table, listed);
    try {
      if (row.constraint_type === "CHECK") listed.checks.add(name);
      else {
        listed.names.add(name);
        const own = inOrder(columns.get(idInTable(row)));
        if (row.constraint_type === "PRIMARY KEY")
          listed.primaryKey = { name, columns: own.map((one) => named(one, "column_name")) };
        else listed.foreignKeys[name] = foreignKey(catalog, row, own, columns, answers);
      }
    } catch (error) {
      if (!(error instanceof NotUnderstood)) throw error;
      listed.problem ??= `constraint ${name} could not be read: ${error.message}`;
    }
  }
  return found;
}

function foreignKey(
  catalog: string,
  row: Row,
  own: readonly Row[],
  columns: ReadonlyMap<string | undefined, Row[]>,
  { keys, references, referenced }: Answers,
): Keys["foreignKeys"][string] {
  const names = own.map((one) => named(one, "column_name"));
  const [unique, ...others] = (references.rows ?? []).filter((one) => id(one) === id(row));
  if (!unique || others.length > 0) throw new NotUnderstood("referential_constraints doesn't say what it references");
  const isHere = named(unique, "unique_constraint_catalog") === catalog.toLowerCase();
  const wanted = `${named(unique, "unique_constraint_schema")}.${named(unique, "unique_constraint_name")}`;
  const targets = isHere ? (keys.rows ?? []).filter((one) => one.constraint_type === "PRIMARY KEY" && id(one) === wanted) : [];
  const [key] = targets;
  if (key && targets.length === 1) {
    const to = inOrder(columns.get(idInTable(key)));
    const places = own.map((one, at) =>
      one.position_in_unique_constraint == null ? at : whole(one, "position_in_unique_constraint") - 1,
    );
    return { columns: names, references: tableOf(key), to: places.map((at) => named(to[at] ?? {}, "column_name")) };
  }
  const used = (referenced.rows ?? []).filter((one) => id(one) === id(row));
  const [first] = used;
  // Without the key itself, the order of several columns isn't known.
  if (!first || used.length !== 1 || own.length !== 1) throw new NotUnderstood("the key that it references can't be seen");
  const other = named(first, "table_catalog");
  const prefix = other === catalog.toLowerCase() ? "" : `${other}.`;
  return { columns: names, references: prefix + tableOf(first), to: [named(first, "column_name")] };
}

function tableOf(row: Row): string {
  return `${named(row, "table_schema")}.${named(row, "table_name")}`;
}

/** `schema.constraint` */
function id(row: Row): string {
  return `${named(row, "constraint_schema")}.${named(row, "constraint_name")}`;
}

function idInTable(row: Row): string {
  return `${tableOf(row)} ${named(row, "constraint_name")}`;
}

/** A row without the names is of no table. What it is about is unseen through its question. */
function understood<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof NotUnderstood) return undefined;
    throw error;
  }
}

function inOrder(rows: readonly Row[] | undefined): Row[] {
  if (!rows) throw new NotUnderstood("key_column_usage doesn't have it");
  return rows.toSorted((a, b) => whole(a, "ordinal_position") - whole(b, "ordinal_position"));
}
