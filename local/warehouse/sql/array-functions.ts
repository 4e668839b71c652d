import { literal } from "../duckdb.ts";
import { UnsupportedSql } from "../errors.ts";
import type { Expression } from "./ast.ts";
import { as, type SqlFunction, same, stringOf } from "./function-forms.ts";

/** Functions of arrays and maps. A function of elements is written by the generator, as its last argument. */
export const arrayFunctions: Readonly<Record<string, (own: string) => SqlFunction>> = {
  size: as(1, ([x]) => `dbx_size(${x})`),
  array_size: as(1, ([x]) => `dbx_size(${x})`),
  array_contains: as(2, ([items, x]) => `dbx_array_contains(${items}, ${x})`),
  map_keys: same(1),
  map_values: same(1),
  map_entries: same(1),
  map_from_entries: same(1),
  element_at: as(2, ([items, key], [array, index]) => {
    if (index?.kind === "string") return `${items}[${literal(stringOf(index))}]`;
    // A number may be a key or a place; in an array that is written out it is a place.
    if (array?.kind === "call" && array.name === "array") return `list_extract(${items}, ${key})`;
    throw new UnsupportedSql("element_at of anything but an array that is written out, or with a literal text as key");
  }),
  try_element_at: as(2, ([map, key], [, index]) => {
    if (index?.kind === "number") throw new UnsupportedSql("try_element_at with a number");
    return `map_extract_value(${map}, ${key})`;
  }),
  transform: as(2, ([items, apply], [, last]) => {
    if (last?.kind !== "lambda") throw new UnsupportedSql("transform without a function of elements");
    return `list_transform(${items}, ${apply})`;
  }),
  filter: as(2, ([items, apply], [, last]) => {
    if (last?.kind !== "lambda" || last.parameters.length > 1) throw new UnsupportedSql("filter without a condition of elements");
    return `list_filter(${items}, ${apply})`;
  }),
  // One array that is NULL makes all of it NULL.
  flatten: as(1, ([items]) => `CASE WHEN len(list_filter(${items}, lambda dbx_e: dbx_e IS NULL)) = 0 THEN flatten(${items}) END`),
  array_compact: as(1, ([items]) => `list_filter(${items}, lambda dbx_e: dbx_e IS NOT NULL)`),
  // DuckDB's own loses the order, and NULL.
  array_distinct: as(1, ([items]) => `list_filter(${items}, lambda dbx_e, dbx_i: list_position(${items}, dbx_e) = dbx_i)`),
  array_sort: as(1, ([items]) => `list_sort(${items}, 'ASC', 'NULLS LAST')`),
  sort_array: as(1, ([items]) => `list_sort(${items}, 'ASC', 'NULLS FIRST')`),
  sequence: as(
    2,
    ([from, to, step]) => `dbx_sequence(${from}, ${to}, ${step ?? `CASE WHEN ${from} <= ${to} THEN 1 ELSE -1 END`})`,
    3,
  ),
  // Their function of a key and a value is written by the generator, as one of an entry.
  transform_values: as(2, ([map, apply], nodes) => mapped(map, apply, nodes)),
  transform_keys: as(2, ([map, apply], nodes) => mapped(map, apply, nodes)),
  array_join: as(2, ([items, between]) => `array_to_string(${items}, ${between})`),
};

function mapped(map: string | undefined, apply: string | undefined, [, last]: readonly Expression[]): string {
  if (last?.kind !== "lambda" || last.parameters.length !== 2)
    throw new UnsupportedSql("this without a function of a key and a value");
  return `map_from_entries(list_transform(map_entries(${map}), ${apply}))`;
}
