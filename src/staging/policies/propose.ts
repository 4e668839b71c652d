import type { Structure, TableStructure } from "../structure/structure.ts";
import type { ColumnType } from "./column-type.ts";
import { isFilled } from "./columns.ts";
import { changedChecks, type Gap, gaps } from "./gaps.ts";
import { type ColumnPolicy, type Domain, isStandIn, type Policies, type TablePolicy } from "./model.ts";
import { classWavesColumns, classWavesDomains, isClassWaves, omittedTables } from "./preset.ts";
import { domainsOfIds, type Suggestion, suggestionFor, typeOf } from "./propose-rules.ts";
import { proposalText } from "./propose-text.ts";
import type { ReadPolicies } from "./read.ts";
import type { Shapes } from "./shapes.ts";

/** A file of policies for review: it keeps what a present one says, and adds what is missing. */

export interface Lookups {
  present?: ReadPolicies;
  /** What the texts look like; see `readShapes`. */
  shapes?: Shapes;
}

export interface Proposal {
  text: string;
  /** Columns that were added. */
  added: number;
  /** Of those, the ones that a person has to decide; the file says TODO there. */
  unsure: number;
  /** What a present file says wrongly, and what could not be seen. */
  left: Gap[];
}

export interface ProposedTable {
  /** Why it is left out. */
  omit?: string;
  columns: Map<string, Suggestion>;
  /** Of a new table. */
  withoutChecks?: readonly string[];
}

export function proposePolicies(structure: Structure, { present, shapes = new Map() }: Lookups = {}): Proposal {
  const draft = new Draft(structure, present?.policies, shapes);
  const left = draft.settle();
  draft.leaveOutChecks();
  const columns = [...draft.tables.values()].flatMap((table) => [...table.columns.values()]);
  return {
    text: proposalText(present?.text, draft.tables, draft.newDomains()),
    added: columns.length,
    unsure: columns.filter(({ unsure }) => unsure).length,
    left,
  };
}

/** How careful a proposal must be: what is suggested; what fits; what changes nothing; nothing at all. */
const levels = ["suggested", "safe", "kept", "omitted"] as const;

class Draft {
  readonly tables = new Map<string, ProposedTable>();
  readonly #structure: Structure;
  readonly #present: Policies | undefined;

  constructor(structure: Structure, present: Policies | undefined, shapes: Shapes) {
    this.#structure = structure;
    this.#present = present;
    const all = tablesOf(structure);
    const isKnown = isClassWaves(all.keys());
    const domains = domainsOfIds(all, isKnown ? classWavesDomains : {});
    for (const [name, table] of all) {
      const known = present?.tables[name];
      if (known?.omit || table.kind === "view") continue;
      const omit = whyOmitted(name, table, isKnown);
      if (omit !== undefined && !known) this.tables.set(name, { omit, columns: new Map() });
      else this.tables.set(name, { columns: suggestions(name, table, known, { domains, shapes, isKnown }) });
    }
  }

  /** Makes what has gaps more careful, until only those of the present file are left. */
  settle(): Gap[] {
    const careful = new Map<string, number>();
    for (;;) {
      const found = gaps(this.#policies(), this.#structure);
      const mine = found.filter((gap) => this.#isMine(gap));
      if (mine.length === 0) return found;
      for (const gap of mine) this.#yield(gap, careful);
    }
  }

  leaveOutChecks(): void {
    const { tables } = this.#policies();
    for (const [name, table] of this.tables)
      if (!this.#present?.tables[name]) table.withoutChecks = tables[name]?.withoutChecks ?? [];
  }

  newDomains(): string[] {
    const used = [...this.tables.values()].flatMap(({ columns }) =>
      [...columns.values()].flatMap(({ policy }) => (isStandIn(policy) ? [policy.domain] : [])),
    );
    return [...new Set(used)].filter((domain) => !this.#present?.domains[domain]).sort();
  }

  #policies(): Policies {
    const plain: Domain = { prefix: "", shape: "uuid" };
    const base = this.#present ?? { version: 1, seed: 1, locale: "en", domains: {}, tables: {} };
    const added = [...this.tables].map(([name, table]): [string, TablePolicy] => {
      const known = base.tables[name] ?? { omit: false, columns: {}, quasiIdentifiers: [], withoutChecks: [] };
      const columns = Object.fromEntries([...table.columns].map(([column, { policy }]) => [column, policy]));
      const withoutChecks = base.tables[name] ? known.withoutChecks : this.#checks(name, columns);
      return [name, { ...known, omit: table.omit !== undefined, columns: { ...known.columns, ...columns }, withoutChecks }];
    });
    const domains = Object.fromEntries(this.newDomains().map((domain) => [domain, plain]));
    return { ...base, domains: { ...base.domains, ...domains }, tables: { ...base.tables, ...Object.fromEntries(added) } };
  }

  #checks(name: string, columns: Readonly<Record<string, ColumnPolicy>>): string[] {
    const table = this.#table(name);
    return table ? changedChecks(table, columns).map(({ check }) => check.toLowerCase()) : [];
  }

  #table(name: string): TableStructure | undefined {
    return tablesOf(this.#structure).get(name);
  }

  #isMine({ path: [, table, , column] }: Gap): boolean {
    const own = typeof table === "string" ? this.tables.get(table) : undefined;
    return (
      own !== undefined &&
      (typeof column === "string" ? own.columns.has(column) : this.#present?.tables[String(table)] === undefined)
    );
  }

  #yield({ path: [, table, , column], message }: Gap, careful: Map<string, number>): void {
    const name = String(table);
    const own = this.tables.get(name);
    const structure = this.#table(name);
    if (!own || !structure) return;
    const found = structure.columns.find((one) => one.name.toLowerCase() === column);
    const key = `${name}.${String(column)}`;
    const level = found ? (careful.get(key) ?? 0) + 1 : levels.length - 1;
    careful.set(key, level);
    const type = found ? typeOf(found) : undefined;
    if (!found || !type || level >= levels.length - 1) this.tables.set(name, { omit: `TODO: ${message}`, columns: new Map() });
    else {
      const policy = level === 1 ? safe(type, found.nullable) : kept(type);
      own.columns.set(found.name.toLowerCase(), { policy, why: message, unsure: true });
    }
  }
}

function tablesOf({ schemas }: Structure): Map<string, TableStructure> {
  return new Map(
    Object.entries(schemas).flatMap(([schema, { tables }]) =>
      Object.entries(tables).map(([table, own]) => [`${schema}.${table}`, own] as const),
    ),
  );
}

function whyOmitted(name: string, table: TableStructure, isKnown: boolean): string | undefined {
  if (table.kind !== "table") return `a table of type ${table.type} can't be copied`;
  if (table.rowFilter || table.columns.some(({ mask }) => mask)) return "it has a row filter or a column mask";
  return isKnown && Object.hasOwn(omittedTables, name) ? omittedTables[name] : undefined;
}

interface Known {
  domains: ReadonlyMap<string, string>;
  shapes: Shapes;
  isKnown: boolean;
}

function suggestions(
  table: string,
  structure: TableStructure,
  known: TablePolicy | undefined,
  { domains, shapes, isKnown }: Known,
): Map<string, Suggestion> {
  const missing = structure.columns.filter((column) => !isFilled(column) && !known?.columns[column.name.toLowerCase()]);
  const domainOf = (column: string) => domains.get(`${table}.${column.toLowerCase()}`);
  const ids = structure.columns.filter(({ name }) => domainOf(name) !== undefined);
  const personal = ids.length > 0;
  return new Map(
    missing.map((column): [string, Suggestion] => {
      const lower = column.name.toLowerCase();
      const preset = isKnown ? classWavesColumns[`${table}.${lower}`] : undefined;
      const type = typeOf(column);
      const subject = {
        table,
        column,
        type,
        shape: shapes.get(`${table}.${lower}`),
        domain: domainOf(lower),
        person: personOf(
          lower,
          ids.map(({ name }) => name),
        ),
        personal,
        preset: isKnown,
      };
      const suggested = preset ?? suggestionFor(subject);
      const inKey = structure.primaryKey?.columns.some((name) => name.toLowerCase() === lower) ?? false;
      if (!inKey || suggested.policy.how === "keep" || isStandIn(suggested.policy)) return [lower, suggested];
      return [lower, { policy: kept(type), why: "part of the primary key", unsure: true }];
    }),
  );
}

/** `speaker_id` of `speaker_name`, and `id` of a person's own name and address. */
function personOf(column: string, ids: readonly string[]): string | undefined {
  const [first = ""] = column.split("_");
  const lower = ids.map((id) => id.toLowerCase());
  if (column.includes("_") && lower.includes(`${first}_id`)) return `${first}_id`;
  return /^(?:e_?mail|name|(?:display|full|given|first|family|last)_name)$/.test(column)
    ? lower.find((id) => id === "id")
    : undefined;
}

/** What fits, and says nothing. */
function safe(type: ColumnType, nullable: boolean): ColumnPolicy {
  if (nullable) return { how: "null" };
  switch (type.kind) {
    case "text":
      return { how: "constant", value: "" };
    case "whole":
    case "decimal":
    case "float":
      return { how: "constant", value: 0 };
    case "boolean":
      return { how: "constant", value: false };
    case "date":
      return { how: "constant", value: "2000-01-01" };
    case "timestamp":
      return { how: "constant", value: "2000-01-01T00:00:00Z" };
    case "struct":
      return {
        how: "fields",
        fields: Object.fromEntries(type.fields.map((field) => [field.name.toLowerCase(), safe(field.type, field.nullable)])),
      };
    case "array":
      return { how: "elements", elements: safe(type.element, true) };
    case "map":
      return { how: "entries", keys: kept(type.key), values: safe(type.value, true) };
    case "other":
      return kept(type);
  }
}

const undecided = "TODO: say why it names nobody, or choose another policy";

/** The last resort, which a person has to change or to confirm. */
function kept(type: ColumnType): ColumnPolicy {
  switch (type.kind) {
    case "text":
    case "other":
      return { how: "keep", reason: undecided };
    case "struct":
      return {
        how: "fields",
        fields: Object.fromEntries(type.fields.map((field) => [field.name.toLowerCase(), kept(field.type)])),
      };
    case "array":
      return { how: "elements", elements: kept(type.element) };
    case "map":
      return { how: "entries", keys: kept(type.key), values: kept(type.value) };
    default:
      return { how: "keep" };
  }
}
