import { describe, expect, it } from "vitest";
import { planRows, rowRequest } from "../../src/cleanup/plan/plan-cleanup.ts";
import { readTables, readViews } from "../../src/cleanup/tables/catalog.ts";
import type { WarehouseReader } from "../../src/warehouse/access.ts";
import type { Row } from "../../src/warehouse/connection.ts";
import { failureOf } from "../../src/warehouse/failure.ts";
import { requestFor, table } from "./test-stores.ts";

// What Unity Catalog has beside tables, by its own names of the kinds, and what Databricks says when such a table is written. The
// local warehouse has only tables and views, so the answers are given here: the kinds as information_schema documents them, the
// messages as Databricks' and Delta's lists of error conditions word them.

const kinds: Record<string, string> = {
  managed: "MANAGED",
  external: "EXTERNAL",
  cloned: "MANAGED_SHALLOW_CLONE",
  streamed: "STREAMING_TABLE",
  seen: "VIEW",
  computed: "MATERIALIZED_VIEW",
  remote: "FOREIGN",
  new_kind: "SOMETHING_NEW",
};

/** Answers about the catalog, and nothing about rows. */
function catalogOf(names: readonly string[]): WarehouseReader {
  const answer = (statement: string): Row[] => {
    if (statement.includes("information_schema.columns"))
      return names.map((name) => ({ table_schema: "s", table_name: name, column_name: "id", full_data_type: "string" }));
    if (!statement.includes("information_schema.tables")) return [];
    const listed = [...(/table_type (?:NOT )?IN \(([^)]*)\)/.exec(statement)?.[1] ?? "").matchAll(/'([^']*)'/g)].map(
      ([, kind]) => kind,
    );
    const excluded = statement.includes("NOT IN");
    return names
      .filter((name) => listed.includes(kinds[name]) !== excluded)
      .map((name) => ({ table_schema: "s", table_name: name, table_type: kinds[name] ?? "" }));
  };
  return { catalog: "c", query: async (statement: string) => answer(statement) } as unknown as WarehouseReader;
}

it("tables have rows of their own, views and foreign tables have not", async () => {
  const warehouse = catalogOf(Object.keys(kinds));
  expect(await readTables(warehouse)).toEqual(["s.managed", "s.external", "s.cloned", "s.streamed"]);
  expect([...(await readViews(warehouse)).keys()]).toEqual(["s.seen", "s.computed", "s.remote", "s.new_kind"]);
});

it.each([
  ["seen", "that is a view, so its rows cannot be deleted here: declare the table behind it instead"],
  ["computed", "that is a materialized view, so its rows cannot be deleted here: declare the table behind it instead"],
  [
    "remote",
    "that is a foreign table, which another database owns, so its rows cannot be deleted here: let the tests delete its rows in that database instead",
  ],
])("a plan refuses %s before anything is deleted", async (name, why) => {
  const declared = { [`s.${name}`]: table({ match: [{ column: "id", prefix: true }] }) };
  const request = rowRequest(requestFor(declared, { testData: { tables: declared } }));
  const plan = await planRows(catalogOf([name]), request);
  expect(plan.blockers).toEqual([`testData.tables names s.${name}, but ${why}`]);
});

describe("what Databricks says", () => {
  it.each([
    [
      "a streaming table",
      "[STREAMING_TABLE_OPERATION_NOT_ALLOWED.UNSUPPORTED_OPERATION] The operation DELETE is not allowed: The operation is not supported on Streaming Tables. SQLSTATE: 42601",
      "42601",
      "EA3015",
    ],
    [
      "a streaming table of AUTO CDC",
      "[STREAMING_TABLE_OPERATION_NOT_ALLOWED.APPLY_CHANGES_UNSUPPORTED_OPERATION] The operation DELETE is not allowed: The operation is not supported on AUTO CDC streaming tables. SQLSTATE: 42601",
      "42601",
      "EA3015",
    ],
    [
      "a materialized view",
      "[MATERIALIZED_VIEW_OPERATION_NOT_ALLOWED.MV_NOT_SUPPORTED] The materialized view operation DELETE is not allowed. SQLSTATE: 42601",
      "42601",
      "EA3015",
    ],
    [
      "an append-only table",
      "[DELTA_CANNOT_MODIFY_APPEND_ONLY] This table is configured to only allow appends. If you would like to permit updates or deletes, use 'ALTER TABLE t SET TBLPROPERTIES (delta.appendOnly=false)'.",
      "42809",
      "EA3015",
    ],
    [
      "a privilege lost in the middle of a run",
      "[INSUFFICIENT_PERMISSIONS] Insufficient privileges: User does not have MODIFY on Table 'c.s.t'. SQLSTATE: 42501",
      "42501",
      "EA3006",
    ],
    [
      "a privilege, in an older release",
      "PERMISSION_DENIED: User does not have USE SCHEMA on Schema 'c.s'.",
      undefined,
      "EA3006",
    ],
    ["another mistake in a statement", "[PARSE_SYNTAX_ERROR] Syntax error at or near 'x'. SQLSTATE: 42601", "42601", "EA3008"],
  ])("%s has its own code", async (_what, message, sqlState, code) => {
    const failure = await failureOf({ message, response: { errorMessage: message, ...(sqlState ? { sqlState } : {}) } });
    expect(failure).toMatchObject({ code, kind: code === "EA3006" ? "denied" : "statement" });
  });
});
