import {
  isBookkeeping,
  matchRulesOf,
  mayHoldPerson,
  onlyMentionsSecret,
  parentKindOf,
  timeColumnOf,
} from "../../config/columns.ts";
import { isProtected } from "../../config/protection.ts";
import type { Table } from "../../config/schema.ts";
import { columnName, type Parent, tableName } from "../../config/test-data-schema.ts";
import { singularsOf } from "../../lib/count.ts";
import type { Views } from "../tables/catalog.ts";
import {
  type CatalogColumns,
  type DeclarableTable,
  entityNamedBy,
  isPlain,
  isTime,
  kindOf,
  wordsOfTableName,
} from "../tables/catalog.ts";
import { breakCycles, parentOf } from "./parents.ts";

export interface ProposalRequest {
  columns: CatalogColumns;
  /** `schema.table` of views, which have no rows of their own. */
  views: Views;
  protectedTables: readonly string[];
}

/**
 * - `protected`, `view`, `unwritable`, `nothing-to-go-by`: the table is left out.
 * - `kept`: the table is declared, but nothing is ever deleted from it.
 * - `key`: no column is certainly the key.
 * - `ambiguous`, `unknown`: a column points at another table, but its name doesn't show which.
 * - `mention`: columns that only mention a person.
 * - `circle`: a parent was left out to avoid a circle of dependencies.
 */
export type RemarkKind =
  | "protected"
  | "view"
  | "unwritable"
  | "nothing-to-go-by"
  | "kept"
  | "key"
  | "ambiguous"
  | "unknown"
  | "mention"
  | "circle";

/** What names cannot decide, so a person has to. */
export interface Remark {
  table: string;
  kind: RemarkKind;
  columns: string[];
  text: string;
}

export interface Proposal {
  /** In the form of `testData.tables`. */
  tables: Record<string, Table>;
  remarks: Remark[];
}

/**
 * The declaration that table and column names suggest. It names only what exists, has no circle, and leaves out anything
 * ambiguous: missed test data shows up at the next search, but a deleted production row doesn't come back.
 */
export function proposeTables(request: ProposalRequest): Proposal {
  const remarks: Remark[] = [];
  const names = [...request.columns.keys()].sort();
  const known = names.flatMap((name): DeclarableTable[] => {
    const left = whyLeftOut(name, request);
    if (left) remarks.push({ table: name, columns: [], ...left });
    return left ? [] : [knownTable(name, request.columns.get(name) ?? new Map())];
  });
  const targets = known.filter((table) => table.ownKey && !isBookkeeping(table.name));
  const tables = Object.fromEntries(known.flatMap((table) => declared(table, targets, remarks)));
  for (const { table, column, parent } of breakCycles(tables))
    remarks.push({
      table,
      kind: "circle",
      columns: [column],
      text: `${column} points at ${parent}, which depends on this table: one of the two was left out`,
    });
  return { tables, remarks };
}

function whyLeftOut(name: string, request: ProposalRequest): Pick<Remark, "kind" | "text"> | undefined {
  if (isProtected(name, request.protectedTables))
    return { kind: "protected", text: "protected by testData.protectedTables, never touched" };
  const view = request.views.get(name);
  if (view) return { kind: "view", text: `${view.name}, so its rows cannot be deleted here: ${view.instead} instead` };
  if (!tableName.safeParse(name).success)
    return { kind: "unwritable", text: "cannot be declared: its name has other characters than letters, digits and underscores" };
  return undefined;
}

function knownTable(name: string, found: ReadonlyMap<string, string>): DeclarableTable {
  const columns = new Map(
    [...found].filter(([column]) => columnName.safeParse(column).success).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  const key = ownKeyOf(name, columns);
  return { name, columns, key, ownKey: key !== undefined };
}

/** `id`, or a column named after the entity: `session_id` in classroom_sessions. */
function ownKeyOf(name: string, columns: ReadonlyMap<string, string>): string | undefined {
  const words = wordsOfTableName(name);
  const things = words.flatMap((_, from) => {
    const last = words.at(-1) ?? "";
    return singularsOf(last).map((one) => [...words.slice(from, -1), one].join("_"));
  });
  const candidates = ["id", "uuid", "guid", ...things.flatMap((thing) => [`${thing}_id`, `${thing}_uuid`])];
  return firstOf(candidates, columns, (type) => kindOf(type) !== "other");
}

/** A column named after any word of the table's name: it identifies rows, but perhaps those of another table. */
function borrowedKeyOf(name: string, columns: ReadonlyMap<string, string>): string | undefined {
  const words = wordsOfTableName(name);
  const parts = words.flatMap((_, from) =>
    words
      .slice(from)
      .flatMap((last, length) => singularsOf(last).map((one) => [...words.slice(from, from + length), one].join("_"))),
  );
  const candidates = ["_id", "_uuid", "_key", "_name"].flatMap((ending) => parts.map((part) => `${part}${ending}`));
  return firstOf(candidates, columns, (type) => kindOf(type) !== "other");
}

function firstOf(
  names: readonly string[],
  columns: ReadonlyMap<string, string>,
  fits: (type: string) => boolean,
): string | undefined {
  const byName = new Map([...columns].filter(([, type]) => fits(type)).map(([column]) => [column.toLowerCase(), column]));
  const name = names.find((candidate) => byName.has(candidate));
  return name === undefined ? undefined : byName.get(name);
}

type Say = (kind: RemarkKind, columns: string[], text: string) => void;

function declared(table: DeclarableTable, targets: readonly DeclarableTable[], remarks: Remark[]): [string, Table][] {
  const say: Say = (kind, columns, text) => remarks.push({ table: table.name, kind, columns, text });
  const columns = [...table.columns.keys()];
  const bookkeeping = isBookkeeping(table.name);
  const match = bookkeeping ? [] : matchOf(table);
  const { parents, undecided } = bookkeeping ? { parents: {}, undecided: 0 } : parentsIn(table, targets, say);
  const mentions = columns.filter(onlyMentionsSecret);
  const verb = mentions.length > 1 ? "mention" : "mentions";
  if (mentions.length > 0) say("mention", mentions, `${listed(mentions, "and")} only ${verb} somebody or something`);

  const key = table.key ?? borrowedKeyOf(table.name, table.columns) ?? Object.keys(parents)[0] ?? match[0]?.column;
  const harmless = match.length + Object.keys(parents).length === 0;
  // Declared without a rule, the table would seem to be handled, although its rows may depend on test data.
  if (key === undefined || (harmless && !table.ownKey && undecided > 0)) {
    say("nothing-to-go-by", [], "left out: no column shows test data, identifies its rows, or surely refers to a table");
    return [];
  }
  if (bookkeeping) say("kept", [], "declared, but nothing is deleted: migrations write it");
  else if (harmless) say("kept", [], "no column shows test data: only the ledger can name its rows");
  else if (!table.ownKey) say("key", [key], `no column surely identifies its rows; ${key} is used`);
  const typeOf = (column: string) => table.columns.get(column) ?? "";
  const time = timeColumnOf(columns.filter((column) => isTime(typeOf(column))));
  const person = columns.filter((column) => mayHoldPerson(column) && !isPlain(typeOf(column)));
  return [[table.name, { key, match, parents, person, ...(time === undefined ? {} : { time }) }]];
}

function parentsIn(
  table: DeclarableTable,
  targets: readonly DeclarableTable[],
  say: Say,
): { parents: Record<string, Parent>; undecided: number } {
  const parents: Record<string, Parent> = {};
  let undecided = 0;
  for (const column of table.columns.keys()) {
    if (column === table.key || entityNamedBy(column) === undefined || onlyMentionsSecret(column)) continue;
    const { parent, candidates } = parentOf(column, table, targets);
    if (parent !== undefined) {
      parents[column] = { table: parent, kind: parentKindOf(table.name, column) };
      continue;
    }
    undecided++;
    const [role] = candidates;
    if (candidates.length > 1) say("ambiguous", [column], `${column} could refer to a row of ${listed(candidates, "or")}`);
    else if (role !== undefined) say("unknown", [column], `${column} may refer to a row of ${role} in some role`);
    else say("unknown", [column], `${column} refers to no table of this catalog`);
  }
  return { parents, undecided };
}

/** Only text can begin with a prefix or end with a domain. */
function matchOf(table: DeclarableTable): Table["match"] {
  const texts = [...table.columns].filter(([, type]) => kindOf(type) === "text").map(([column]) => column);
  const key = table.key !== undefined && texts.includes(table.key) ? [{ column: table.key, prefix: true as const }] : [];
  return [...key, ...texts.filter((column) => column !== table.key).flatMap(rulesBesideKey)];
}

/** If the table has another key, a column `id` doesn't identify its rows. All other columns go by their names. */
function rulesBesideKey(column: string): Table["match"] {
  return column.toLowerCase() === "id" ? [] : matchRulesOf(column);
}

function listed(names: readonly string[], word: "and" | "or"): string {
  return names.length < 2 ? (names[0] ?? "") : `${names.slice(0, -1).join(", ")} ${word} ${names.at(-1)}`;
}
