import { inParallel } from "../../lib/in-parallel.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import type { Parameters } from "../../warehouse/connection.ts";
import { quoteName } from "../../warehouse/statements.ts";
import { type Answer, ask } from "./ask.ts";

/** Statements that wait for each other at most. */
export const atOnce = 8;

const grant = "grantee, privilege_type, inherited_from";

/** What is asked of the catalog's information_schema: a view, and what of it. */
const views = {
  catalogs: "catalog_owner AS owner, `comment` FROM catalogs WHERE catalog_name = :catalog",
  schemata: "schema_name, schema_owner AS owner, `comment` FROM schemata WHERE schema_name <> 'information_schema'",
  tables:
    "table_schema, table_name, table_type, table_owner AS owner, `comment` FROM tables WHERE table_schema <> 'information_schema'",
  views: "table_schema, table_name, view_definition FROM views WHERE table_schema <> 'information_schema'",
  columns:
    "table_schema, table_name, column_name, ordinal_position, column_default, is_nullable, full_data_type, `comment` FROM columns WHERE table_schema <> 'information_schema'",
  keys: "constraint_schema, constraint_name, table_schema, table_name, constraint_type FROM table_constraints WHERE table_schema <> 'information_schema'",
  keyColumns:
    "constraint_schema, constraint_name, table_schema, table_name, column_name, ordinal_position, position_in_unique_constraint FROM key_column_usage WHERE table_schema <> 'information_schema'",
  references:
    "constraint_schema, constraint_name, unique_constraint_catalog, unique_constraint_schema, unique_constraint_name FROM referential_constraints",
  referenced:
    "constraint_schema, constraint_name, table_catalog, table_schema, table_name, column_name FROM constraint_column_usage",
  rowFilters: "schema_name, table_name, filter_catalog, filter_schema, filter_name, filter_col_usage FROM row_filters",
  columnMasks: "schema_name, table_name, column_name, mask_catalog, mask_schema, mask_name, mask_col_usage FROM column_masks",
  catalogTags: "tag_name, tag_value FROM catalog_tags WHERE catalog_name = :catalog",
  schemaTags: "schema_name, tag_name, tag_value FROM schema_tags",
  tableTags: "schema_name, table_name, tag_name, tag_value FROM table_tags",
  columnTags: "schema_name, table_name, column_name, tag_name, tag_value FROM column_tags",
  catalogGrants: `${grant} FROM catalog_privileges WHERE catalog_name = :catalog`,
  schemaGrants: `schema_name, ${grant} FROM schema_privileges WHERE schema_name <> 'information_schema'`,
  tableGrants: `table_schema, table_name, ${grant} FROM table_privileges WHERE table_schema <> 'information_schema'`,
} as const;

export type Question = keyof typeof views;
export type Answers = Record<Question, Answer>;

/** The name of the view that a question is about. */
export function viewOf(question: Question): string {
  return / FROM (\w+)/.exec(views[question])?.[1] ?? question;
}

/** Asks all of them, as many rounds as it takes with {@link atOnce}. @throws WarehouseFailure */
export async function askAll(warehouse: WarehouseReader, catalog: string): Promise<Answers> {
  const questions = Object.keys(views) as Question[];
  const schema = `${quoteName(catalog)}.information_schema`;
  const answers = await inParallel(atOnce, questions, async (question) => {
    const statement = `SELECT ${views[question].replace(/ FROM (\w+)/, ` FROM ${schema}.$1`)}`;
    const parameters: Parameters = statement.includes(":catalog") ? { catalog: catalog.toLowerCase() } : {};
    return [question, await ask(warehouse, statement, parameters)] as const;
  });
  return Object.fromEntries(answers) as Answers;
}
