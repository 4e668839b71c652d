import type { Facet } from "../../model/staging.ts";
import { facets } from "../../model/staging.ts";
import type { Row } from "../../warehouse/connection.ts";
import { partsOfSchema } from "../branch/name.ts";
import { NotUnderstood, named, optional, text, whole } from "./ask.ts";
import { type Answers, type Question, viewOf } from "./questions.ts";
import {
  type ColumnStructure,
  catalogItself,
  type SchemaStructure,
  type Structure,
  type TableKind,
  type TableStructure,
} from "./structure.ts";

/** What answers of information_schema say of a catalog. What they don't say becomes `unseen`. */

/** Schemas of records, of refreshes and of branches belong to env-actions, and are no part of a catalog's structure. */
export function isOwnSchema(schema: string): boolean {
  return schema === "env_actions" || schema.startsWith("env_actions_") || partsOfSchema(schema) !== undefined;
}

const all: readonly Facet[] = facets;
const ofTables: readonly Facet[] = facets.filter((facet) => facet !== "schemas");

/** What stays unseen without an answer. The facets of questions that aren't here can be seen otherwise too. */
const hides: Partial<Record<Question, { facets: readonly Facet[]; within: string }>> = {
  catalogs: { facets: ["comments", "grants"], within: catalogItself },
  schemata: { facets: all, within: "" },
  tables: { facets: ofTables, within: "" },
  views: { facets: ["views"], within: "" },
  columns: { facets: ["columns", "types", "nullability", "defaults", "generated", "comments", "policies"], within: "" },
  keys: { facets: ["constraints"], within: "" },
  keyColumns: { facets: ["constraints"], within: "" },
  references: { facets: ["constraints"], within: "" },
  catalogTags: { facets: ["policies"], within: catalogItself },
  schemaTags: { facets: ["policies"], within: "" },
  tableTags: { facets: ["policies"], within: "" },
  columnTags: { facets: ["policies"], within: "" },
};

export class Assembly {
  readonly structure: Structure;
  readonly #answers: Answers;
  readonly #unread = new Set<Question>();

  constructor(structure: Structure, answers: Answers) {
    this.structure = structure;
    this.#answers = answers;
    const names = ["constraint_schema", "constraint_name"];
    this.#each("keys", (row) => void [...names, "table_schema", "table_name", "constraint_type"].map((one) => text(row, one)));
    this.#each("keyColumns", (row) => void [...names, "table_schema", "table_name", "column_name"].map((one) => text(row, one)));
    this.#each("references", (row) => void names.map((one) => text(row, one)));
    this.#each("catalogs", (row) => Object.assign(structure, described(row)));
    this.#each("schemata", (row) => {
      const name = named(row, "schema_name");
      if (!isOwnSchema(name)) Object.assign(this.#schema(name), described(row));
    });
    this.#each("tables", (row) => this.#addTable(row));
    this.#each("columns", (row) => this.#addColumn(row));
    for (const table of this.tables()) {
      const columns = table.structure.columns as (ColumnStructure & { at?: number })[];
      columns.sort((a, b) => (a.at ?? 0) - (b.at ?? 0));
      for (const column of columns) delete column.at;
    }
    this.#each("views", (row) => {
      const definition = optional(row, "view_definition");
      const view = this.#tableOf(row);
      if (view && definition !== undefined) view.viewText = definition;
    });
    this.#addPolicies();
    this.#addTags();
  }

  /** Says that something could not be seen. */
  unseen(facets: readonly Facet[], within: string, why: string): void {
    for (const facet of facets) this.structure.unseen.push({ facet, within, why });
  }

  /** Everything of the tables in a place: others may be hidden. */
  hidden(within: string, why: string): void {
    this.unseen(within === "" ? all : ofTables, within, why);
  }

  /** Whether it was answered, and every row of the answer understood. */
  wasRead(question: Question): boolean {
    return !this.#unread.has(question);
  }

  tables(): { name: string; schema: string; table: string; structure: TableStructure }[] {
    return Object.entries(this.structure.schemas).flatMap(([schema, { tables }]) =>
      Object.entries(tables).map(([table, structure]) => ({ name: `${schema}.${table}`, schema, table, structure })),
    );
  }

  table(schema: string, name: string): TableStructure | undefined {
    return this.structure.schemas[schema]?.tables[name];
  }

  /** Reads the rows of an answer. One that isn't understood hides as much as a missing answer. */
  #each(question: Question, read: (row: Row) => void): void {
    const { rows, why } = this.#answers[question];
    const problem = why ?? this.#understood(rows, read);
    if (problem === undefined) return;
    this.#unread.add(question);
    const hidden = hides[question];
    if (hidden) this.unseen(hidden.facets, hidden.within, `${viewOf(question)} could not be read: ${problem}`);
  }

  #understood(rows: readonly Row[], read: (row: Row) => void): string | undefined {
    let problem: string | undefined;
    for (const row of rows)
      try {
        read(row);
      } catch (error) {
        if (!(error instanceof NotUnderstood)) throw error;
        problem ??= error.message;
      }
    return problem;
  }

  #schema(name: string): SchemaStructure {
    const schema = this.structure.schemas[name] ?? { tables: {} };
    this.structure.schemas[name] = schema;
    return schema;
  }

  #addTable(row: Row): void {
    const schema = named(row, "table_schema");
    if (isOwnSchema(schema)) return;
    const type = text(row, "table_type");
    this.#schema(schema).tables[named(row, "table_name")] = {
      kind: kindOf(type),
      type,
      columns: [],
      ...described(row),
      properties: {},
      checks: {},
      foreignKeys: {},
      clusteredBy: [],
      partitionedBy: [],
    };
  }

  #tableOf(row: Row): TableStructure | undefined {
    return this.table(named(row, "schema_name" in row ? "schema_name" : "table_schema"), named(row, "table_name"));
  }

  #addColumn(row: Row): void {
    const [given, comment] = [optional(row, "column_default"), optional(row, "comment")];
    const column = {
      name: text(row, "column_name"),
      type: text(row, "full_data_type").toLowerCase(),
      nullable: text(row, "is_nullable") !== "NO",
      ...(given === undefined ? {} : { default: given }),
      ...(comment === undefined ? {} : { comment }),
      at: whole(row, "ordinal_position"),
    };
    this.#tableOf(row)?.columns.push(column);
  }

  #addPolicies(): void {
    this.#each("rowFilters", (row) => {
      const table = this.#tableOf(row);
      if (table) table.rowFilter = policy(row, "filter");
    });
    this.#each("columnMasks", (row) => {
      const column = this.#columnOf(row);
      if (column) column.mask = policy(row, "mask");
    });
  }

  #addTags(): void {
    this.#each("catalogTags", (row) => addTag(this.structure, row));
    this.#each("schemaTags", (row) => addTag(this.structure.schemas[named(row, "schema_name")], row));
    this.#each("tableTags", (row) => addTag(this.#tableOf(row), row));
    this.#each("columnTags", (row) => addTag(this.#columnOf(row), row));
  }

  #columnOf(row: Row): ColumnStructure | undefined {
    const name = named(row, "column_name");
    return this.#tableOf(row)?.columns.find((column) => column.name.toLowerCase() === name);
  }
}

function described(row: Row): { owner?: string; comment?: string } {
  const [owner, comment] = [optional(row, "owner"), optional(row, "comment")];
  return { ...(owner === undefined ? {} : { owner }), ...(comment === undefined ? {} : { comment }) };
}

function addTag(on: { tags?: Record<string, string> } | undefined, row: Row): void {
  if (on) on.tags = { ...on.tags, [text(row, "tag_name")]: optional(row, "tag_value") ?? "" };
}

function policy(row: Row, what: "filter" | "mask"): { function: string; columns: string[] } {
  const parts = ["catalog", "schema", "name"].map((part) => named(row, `${what}_${part}`));
  const columns = optional(row, `${what}_col_usage`) ?? "";
  return {
    function: parts.join("."),
    columns: columns === "" ? [] : columns.split(",").map((column) => column.trim().toLowerCase()),
  };
}

const tableTypes: ReadonlySet<string> = new Set([
  "MANAGED",
  "EXTERNAL",
  "BASE TABLE",
  "MANAGED_SHALLOW_CLONE",
  "EXTERNAL_SHALLOW_CLONE",
]);

function kindOf(type: string): TableKind {
  return type === "VIEW" ? "view" : tableTypes.has(type) ? "table" : "other";
}
