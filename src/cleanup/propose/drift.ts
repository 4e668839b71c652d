import { isProtected } from "../../config/protection.ts";
import type { Table } from "../../config/schema.ts";
import type { CatalogColumns } from "../tables/catalog.ts";
import type { Proposal } from "./propose.ts";

/**
 * - `undeclared-table`: test data in it would not be found.
 * - `missing-table`, `missing-column`: declared, but not in the warehouse (or hidden from this principal).
 * - `view`: declared with rules for deletion, but a view.
 * - `undeclared-column`: the column points at test data or identifies it, but its table's declaration doesn't use it.
 */
export interface Difference {
  table: string;
  kind: "undeclared-table" | "missing-table" | "missing-column" | "view" | "undeclared-column";
  columns: string[];
  text: string;
}

/** Differences between the declarations and the warehouse, as migrations create them. */
export function differences(
  declared: Readonly<Record<string, Table>>,
  proposal: Proposal,
  columns: CatalogColumns,
  protectedTables: readonly string[],
): Difference[] {
  const views = new Set(proposal.remarks.filter(({ kind }) => kind === "view").map(({ table }) => table));
  const fromDeclaration = Object.entries(declared).flatMap(([table, declaration]): Difference[] => {
    if (isProtected(table, protectedTables)) return [];
    const present = columns.get(table);
    if (!present)
      return [
        { table, kind: "missing-table", columns: [], text: "is declared, but does not exist, or this principal may not see it" },
      ];
    if (views.has(table))
      return isKept(declaration)
        ? []
        : [
            {
              table,
              kind: "view",
              columns: [],
              text: "is declared, but is a view, and rows of views cannot be deleted: declare the table behind it instead",
            },
          ];
    const missing = columnsIn(declaration).filter((column) => !present.has(column));
    const unused = unusedColumns(table, declaration, proposal.tables[table]);
    return [
      ...(missing.length > 0
        ? [
            {
              table,
              kind: "missing-column" as const,
              columns: missing,
              text: `is declared with ${missing.join(", ")}, but has no such column`,
            },
          ]
        : []),
      ...unused,
    ];
  });
  const leftOut = new Set(
    proposal.remarks
      .filter(({ kind }) => kind === "protected" || kind === "view" || kind === "unwritable")
      .map(({ table }) => table),
  );
  const undeclared = [...columns.keys()]
    .filter((table) => !Object.hasOwn(declared, table) && !leftOut.has(table))
    .map(
      (table): Difference => ({
        table,
        kind: "undeclared-table",
        columns: [],
        text: "exists in the warehouse, but is not declared: its test data would not be found",
      }),
    );
  return [...fromDeclaration, ...undeclared].toSorted((a, b) => (a.table < b.table ? -1 : a.table > b.table ? 1 : 0));
}

/** Every column that a declaration names, once. */
export function columnsIn(table: Table): string[] {
  return [
    ...new Set([
      table.key,
      ...table.match.map(({ column }) => column),
      ...(table.time === undefined ? [] : [table.time]),
      ...Object.keys(table.parents),
      ...table.person,
    ]),
  ];
}

/** Declared without a rule: a deliberate decision that nothing is deleted from it. */
export function isKept({ match, parents }: Table): boolean {
  return match.length + Object.keys(parents).length === 0;
}

function unusedColumns(table: string, declaration: Table, proposed: Table | undefined): Difference[] {
  if (!proposed) return [];
  const kept = isKept(declaration);
  const matched = new Set(declaration.match.map(({ column }) => column));
  const parts: [string[], string][] = [
    [kept ? [] : Object.keys(proposed.parents).filter((column) => !Object.hasOwn(declaration.parents, column)), "parents"],
    [kept ? [] : [...new Set(proposed.match.map(({ column }) => column))].filter((column) => !matched.has(column)), "match"],
    [proposed.person.filter((column) => !declaration.person.includes(column)), "person"],
    [proposed.time !== undefined && declaration.time === undefined ? [proposed.time] : [], "time"],
  ];
  return parts.flatMap(([columns, part]) =>
    columns.length === 0
      ? []
      : [{ table, kind: "undeclared-column", columns, text: `does not declare ${columns.join(", ")} under ${part}` }],
  );
}
