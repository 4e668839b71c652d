import { quoteName } from "../../warehouse/statements.ts";
import { asText, type Binder, conditionOf, emptySelection, select } from "../tables/selection.ts";

/** Rows without a key that a table has now, told by what they point at: by one column, and the ids that stand there. */
export interface KeylessRows {
  /** The table, as a statement names it. */
  from: string;
  /** Column of the key; empty where the table has none, so that all of its rows are without. */
  key: string;
  /** The column by which they point at test data. */
  column: string;
  ids: readonly string[];
  /** The table's columns → their types, in capitals. */
  types: ReadonlyMap<string, string>;
}

/** Types whose text tells one value from another, in every version. */
const comparable =
  /^(?:STRING|VARCHAR|CHAR|TINYINT|SMALLINT|INT|INTEGER|BIGINT|LONG|BOOLEAN|FLOAT|DOUBLE|DECIMAL|DATE|TIMESTAMP)/;

/**
 * Which of these ids have rows that an older version had already, under whatever id. A row without a key is told by all that it says beside
 * the column by which it points: as many such rows as the older version had, less those that point elsewhere now, were there before. Rows
 * that are alike are not told apart, and count as those that were there.
 * @param travel names the older version, as in `VERSION AS OF 3`
 */
export function keylessRowsAtVersion(rows: KeylessRows, travel: string, binder: Binder): { columns: string; from: string } {
  const { from, key, column, ids, types } = rows;
  const others = [...types].filter(([name, type]) => name !== column && name !== key && comparable.test(type));
  // What is NULL says another thing than empty text.
  const said = others.map(([name]) => `coalesce(concat('=', ${asText(name, types)}), '-')`);
  const content = said.length === 0 ? "''" : `concat(${said.join(", ';', ")}, ';')`;
  const named = emptySelection(types);
  select(named, column, ids);
  const asked = conditionOf(named, binder);
  const keyless = key === "" ? "true" : `(${quoteName(key)} IS NULL OR ${asText(key, types)} = '')`;
  const counted = (of: string, where: string) =>
    `(SELECT ${content} AS said, count(*) AS n FROM ${of} WHERE ${where} GROUP BY 1)`;
  return {
    columns: "present.id AS row_key",
    from: [
      `(SELECT DISTINCT ${asText(column, types)} AS id, ${content} AS said FROM ${from} WHERE ${keyless} AND ${asked}) AS present`,
      `JOIN ${counted(`${from} ${travel}`, keyless)} AS earlier ON earlier.said = present.said`,
      `LEFT JOIN ${counted(from, `${keyless} AND NOT coalesce(${asked}, false)`)} AS elsewhere ON elsewhere.said = present.said`,
      "WHERE earlier.n > coalesce(elsewhere.n, 0)",
    ].join(" "),
  };
}
