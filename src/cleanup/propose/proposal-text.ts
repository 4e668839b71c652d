import { isProtected } from "../../config/protection.ts";
import type { Table } from "../../config/schema.ts";
import type { Parent } from "../../config/test-data-schema.ts";
import { type CatalogColumns, isKept } from "../tables/catalog.ts";
import type { FixedRows } from "./parents.ts";
import type { Proposal, Remark, RemarkKind } from "./propose.ts";

const leftOut: readonly RemarkKind[] = ["protected", "view", "unwritable", "nothing-to-go-by"];

/** A proposal as YAML to paste into the configuration. Open questions are comments in the right place. */
export function proposalText(
  proposal: Proposal,
  differences: readonly Difference[],
  catalog: string,
  fixed: FixedRows = { keep: {}, sweep: [], remarks: [] },
): string {
  const tables = Object.entries(proposal.tables);
  const remarks = Map.groupBy(proposal.remarks, ({ table }) => table);
  const about = (table: string) => (remarks.get(table) ?? []).filter(({ kind }) => !leftOut.includes(kind));
  const left = proposal.remarks.filter(({ kind }) => leftOut.includes(kind));
  // A table that is left out has no other place for its open questions.
  const reasons = (remark: Remark) => [remark, ...about(remark.table)].map(({ text }) => text).join("; ");
  return [
    comment(
      `Proposed by \`env-actions tables\` from the names of tables and columns in catalog ${catalog}. Names do not say everything: check it`,
    ),
    comment("before you add it to the configuration, where it replaces the preset's declaration of the same tables."),
    comment("`match` finds a row of test data. Rows whose `parents` column has its key are deleted with it:"),
    comment("- partOf: always, unless they are older. For rows that cannot exist without their parent and are never moved."),
    comment(
      "- belongsTo: only if they are known not to be older. For rows that can be moved to another parent. If in doubt, use this.",
    ),
    comment("Columns that only mention somebody (leader_id, created_by) are not parents: a real group does not become test data"),
    comment("because a test student leads it."),
    "testData:",
    tables.length === 0 ? "  tables: {}" : "  tables:",
    ...tables.flatMap(([name, table]) => tableLines(name, table, about(name))),
    ...fixedLines(fixed),
    ...section(
      "Left out:",
      left.map((remark) => `${remark.table}: ${reasons(remark)}`),
    ),
    ...section(
      "Differences from the current declaration:",
      differences.map(({ table, text }) => `${table} ${text}`),
    ),
    "",
  ].join("\n");
}

/** The tables of a proposal alone, as lines below `tables:`. */
export function writtenTableLines({ tables, remarks }: Proposal): string[] {
  const about = Map.groupBy(remarks, ({ table }) => table);
  const open = (table: string) => (about.get(table) ?? []).filter(({ kind }) => !leftOut.includes(kind));
  // Where the whole file is written, this is two levels deeper.
  return Object.entries(tables).flatMap(([name, table]) => tableLines(name, table, open(name)).map((line) => line.slice(2)));
}

/** Goes under `testData`, next to `tables`. */
function fixedLines({ keep, sweep, remarks }: FixedRows): string[] {
  const kept = Object.entries(keep);
  return [
    ...remarks.map((text) => `  ${comment(text)}`),
    ...(kept.length === 0
      ? []
      : [
          `  ${comment("These rows match only by an address, a domain or a name, and have no run id: fixed accounts are kept in every scope.")}`,
          `  ${comment("Remove the rows that tests created.")}`,
          "  keep:",
          ...kept.map(([name, keys]) => `    ${plain(name)}: [${keys.map(quote).join(", ")}]`),
        ]),
    ...(sweep.length === 0
      ? []
      : [
          `  ${comment("Rows of runs match by these values: scope expired deletes rows that match only by them if they are listed here.")}`,
          `  sweep: [${sweep.map(quote).join(", ")}]`,
        ]),
  ];
}

function tableLines(name: string, table: Table, remarks: readonly Remark[]): string[] {
  const parents = Object.entries(table.parents);
  return [
    `    ${plain(name)}:`,
    ...remarks.map(({ text }) => `      ${comment(text)}`),
    `      key: ${plain(table.key)}`,
    ...(table.match.length > 0 ? ["      match:", ...table.match.map((rule) => `        - ${ruleText(rule)}`)] : []),
    ...(table.time === undefined ? [] : [`      time: ${plain(table.time)}`]),
    ...(parents.length > 0
      ? ["      parents:", ...parents.map(([column, parent]) => `        ${plain(column)}: ${parentText(parent)}`)]
      : []),
    ...(table.person.length > 0 ? [`      person: [${table.person.map(plain).join(", ")}]`] : []),
  ];
}

function parentText({ table, kind }: Parent): string {
  return `{ ${kind === "part-of" ? "partOf" : "belongsTo"}: ${plain(table)} }`;
}

function ruleText(rule: Table["match"][number]): string {
  const value = rule.prefix
    ? "prefix: true"
    : rule.suffix === undefined
      ? `equals: ${quote(rule.equals)}`
      : `suffix: ${quote(rule.suffix)}`;
  return `{ column: ${plain(rule.column)}, ${value} }`;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", comment(title), ...lines.map((line) => comment(`  ${line}`))];
}

/** Names that YAML wouldn't read as text. */
const words = /^(?:true|false|null|yes|no|on|off|y|n)$/i;

/** Letters, digits, underscores and one dot: all characters that a declared name can have. */
function plain(name: string): string {
  return words.test(name) ? quote(name) : name;
}

/** A JSON string is a YAML string. */
function quote(text: string | undefined): string {
  return JSON.stringify(text ?? "");
}

/**
 * Names come from the warehouse and may contain anything: a line break would end the comment, and an escape sequence could
 * control the terminal.
 */
function comment(text: string): string {
  return `# ${text.replace(/\p{Cc}|[\u2028-\u202e\u2066-\u2069\ufeff]/gu, "�")}`;
}

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
  const views = new Map(proposal.remarks.filter(({ kind }) => kind === "view").map(({ table, text }) => [table, text]));
  const fromDeclaration = Object.entries(declared).flatMap(([table, declaration]): Difference[] => {
    if (isProtected(table, protectedTables)) return [];
    const present = columns.get(table);
    if (!present)
      return [
        { table, kind: "missing-table", columns: [], text: "is declared, but does not exist, or this principal may not see it" },
      ];
    const view = views.get(table);
    if (view !== undefined)
      return isKept(declaration)
        ? []
        : [
            {
              table,
              kind: "view",
              columns: [],
              text: `is declared, but is ${view}`,
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
