import { identifier } from "../duckdb.ts";
import { UnsupportedSql } from "../errors.ts";
import { type ResultSet, resultOf } from "../results.ts";
import type { Statement } from "../sql/ast.ts";
import { generateExpression } from "../sql/generate.ts";
import { generateQuery } from "../sql/generate-query.ts";
import { spell } from "../sql/spell.ts";
import { bigint } from "../types.ts";
import { liveRows } from "../versions.ts";
import { requireComparable } from "./comparable.ts";
import type { Context } from "./context.ts";
import { hasPolicies } from "./policies.ts";
import { afterDeletion, author, noneVisible, writable } from "./write.ts";

/** MERGE INTO t USING (…) AS s ON … WHEN MATCHED THEN DELETE */
export async function mergeDelete(
  { table: name, alias, source, sourceAlias, on }: Extract<Statement, { kind: "merge-delete" }>,
  context: Context,
): Promise<ResultSet> {
  const table = writable(name, "MERGE", context, "SELECT");
  if (hasPolicies(table)) throw new UnsupportedSql("MERGE into a table with a row filter or column mask");
  const target = identifier(alias ?? table.name);
  const rows = generateQuery(source, context.environment, noneVisible);
  const matches = generateExpression(on, context.environment, noneVisible);
  await requireComparable(context);
  // A join, so that a column that both have is as ambiguous as in Databricks.
  const matched = `SELECT ${target}.rowid FROM ${liveRows(table)} AS ${target} JOIN (${rows}) AS ${identifier(sourceAlias)} ON ${matches}`;
  const count = await context.storage.writer.delete(
    { table, alias: alias ?? table.name, condition: `${target}.rowid IN (${matched})`, predicate: spell(on) },
    author(context),
    (deleted) => ({
      operation: "MERGE",
      parameters: {
        predicate: JSON.stringify([spell(on)]),
        matchedPredicates: JSON.stringify([{ actionType: "delete" }]),
        notMatchedPredicates: "[]",
        notMatchedBySourcePredicates: "[]",
      },
      metrics: {
        numTargetRowsDeleted: String(deleted),
        numTargetRowsMatchedDeleted: String(deleted),
        numTargetRowsUpdated: "0",
        numTargetRowsInserted: "0",
      },
    }),
  );
  const reported = BigInt(await afterDeletion(table, count, context));
  const columns = ["num_affected_rows", "num_updated_rows", "num_deleted_rows", "num_inserted_rows"];
  const result = resultOf(
    columns.map((column) => ({ name: column, type: bigint })),
    [[reported, 0n, reported, 0n]],
  );
  return { ...result, modifiedRows: count };
}
