import { quoteName } from "../../warehouse/statements.ts";
import { asText, type Binder, conditionOf, emptySelection, select } from "../tables/selection.ts";

/** Current rows without a key, identified by a pointing column and the ids in it. */
export interface KeylessRows {
  /** The table, as written in a statement. */
  from: string;
  /** The key column; empty if the table has none, so that all its rows are keyless. */
  key: string;
  /** The column that points at test data. */
  column: string;
  ids: readonly string[];
  /** The table's columns → their types, in upper case. */
  types: ReadonlyMap<string, string>;
}

/** Types whose text form distinguishes their values in every version. */
const comparable =
  /^(?:STRING|VARCHAR|CHAR|TINYINT|SMALLINT|INT|INTEGER|BIGINT|LONG|BOOLEAN|FLOAT|DOUBLE|DECIMAL|DATE|TIMESTAMP)/;

/**
 * Which of these ids have rows that an older version had already, under any id. A keyless row is identified by all its other
 * columns: as many such rows as the older version had, minus those that point elsewhere now, existed before. Equal rows cannot be
 * told apart, and count as existing.
 * @param travel selects the older version, as in `VERSION AS OF 3`
 */
export function keylessRowsAtVersion(rows: KeylessRows, travel: string, binder: Binder): { columns: string; from: string } {
  const { from, key, column, ids, types } = rows;
  const others = [...types].filter(([name, type]) => name !== column && name !== key && comparable.test(type));
  // NULL differs from empty text.
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
