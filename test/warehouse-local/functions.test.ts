import { expect, it } from "vitest";
import { ownWarehouse } from "./client.ts";

const own = ownWarehouse();

// The values that Databricks documents, or that follow from its words where it has no example.
it.each<[string, unknown]>([
  ["lpad('hi', 5, 'ab')", "abahi"],
  ["lpad('hi', 1, '??')", "h"],
  ["lpad('hi', 5)", "   hi"],
  ["lpad(7, 3, '0')", "007"],
  ["lpad('hi', 5, '')", "hi"],
  ["rpad('hi', 5, 'ab')", "hiaba"],
  ["rpad('hi', 1, '??')", "h"],
  ["translate('AaBbCc', 'abc', '123')", "A1B2C3"],
  ["concat_ws(' ', 'Spark', 'SQL')", "Spark SQL"],
  ["concat_ws('s')", ""],
  ["concat_ws('/', 'foo', NULL, 'bar')", "foo/bar"],
  ["concat_ws(NULL, 'Spark', 'SQL')", null],
  ["regexp_replace('100-200', '(\\\\d+)', 'num')", "num-num"],
  ["regexp_replace('a1b2', '([a-z])([0-9])', '$2$1')", "1a2b"],
  ["to_json(split('oneAtwoBthreeC', '[ABC]'))", '["one","two","three",""]'],
  ["split_part('Hello,world,!', ',', 1)", "Hello"],
  ["split_part('Hello,world,!', ',', -1)", "!"],
  ["split_part('Hello,world,!', ',', 100)", ""],
  ["sha1('Spark')", "85f5955f4b27a9a4c2aab6ffe5d7189fc298b92c"],
  ["sha2('Spark', 0)", "529bc3b07127ecb7e53a4dcf1991d9152c24537d919178022b2c42657f79a26b"],
  ["CAST(last_day('2009-01-12') AS STRING)", "2009-01-31"],
  ["CAST(make_date(2013, 7, 15) AS STRING)", "2013-07-15"],
  ["CAST(add_months('2016-08-31', 1) AS STRING)", "2016-09-30"],
  ["CAST(add_months('2016-08-31', -6) AS STRING)", "2016-02-29"],
  ["CAST(trunc('2019-08-04', 'week') AS STRING)", "2019-07-29"],
  ["CAST(trunc('2019-08-04', 'quarter') AS STRING)", "2019-07-01"],
  ["CAST(trunc('2009-02-12', 'MM') AS STRING)", "2009-02-01"],
  ["CAST(trunc('2015-10-27', 'YEAR') AS STRING)", "2015-01-01"],
  ["CAST(date_trunc('YEAR', '2015-03-05T09:32:05.359') AS STRING)", "2015-01-01 00:00:00"],
  ["CAST(date_trunc('MM', '2015-03-05T09:32:05.359') AS STRING)", "2015-03-01 00:00:00"],
  ["CAST(date_trunc('DD', '2015-03-05T09:32:05.359') AS STRING)", "2015-03-05 00:00:00"],
  ["CAST(date_trunc('HOUR', '2015-03-05T09:32:05.359') AS STRING)", "2015-03-05 09:00:00"],
  ["pmod(10, 3)", 1],
  ["pmod(-10, 3)", 2],
  ["pmod(-7, -3)", -1],
  ["sign(40)", 1],
  ["sign(-0.5D)", -1],
  ["to_json(sequence(1, 5))", "[1,2,3,4,5]"],
  ["to_json(sequence(5, 1))", "[5,4,3,2,1]"],
  ["to_json(sequence(1, 7, 3))", "[1,4,7]"],
  ["to_json(sequence(4, 4))", "[4]"],
  ["element_at(transform_values(map('a', 1, 'b', 2), (k, v) -> v + 1), 'b')", 3],
  ["element_at(transform_values(map('a', 1), (k, v) -> concat(k, v)), 'a')", "a1"],
  ["element_at(transform_keys(map('a', 1), (k, v) -> upper(k)), 'A')", 1],
  ["transform_values(map('a', named_struct('x', 1)), (k, v) -> v.x + 1)['a']", 2],
  ["transform_values(map('a', map('b', 1)), (k, v) -> transform_values(v, (i, w) -> concat(k, i, w)))['a']['b']", "ab1"],
  ["to_json(transform(array(1, 2), x -> transform_values(map('k', x), (k, x) -> x + 10)['k']))", "[11,12]"],
  ["(SELECT count(*) FROM range(5) WHERE abs(randn()) >= 0)", 5n],
])("%s", async (expression, value) => {
  expect(await own.client.rows(`SELECT ${expression} AS v`)).toEqual([{ v: value }]);
});

it.each<[string, string]>([
  ["pmod(1, 0)", "DIVIDE_BY_ZERO"],
  ["make_date(2019, 13, 1)", "DATETIME_FIELD_OUT_OF_BOUNDS"],
  ["split_part('a', ',', 0)", "INVALID_INDEX_OF_ZERO"],
  ["sequence(1, 5, -1)", "ILLEGAL_SEQUENCE_BOUNDARIES"],
  // What Databricks answers otherwise than DuckDB, or what isn't known.
  ["hash('a')", "UNSUPPORTED_FEATURE"],
  ["xxhash64('a')", "UNSUPPORTED_FEATURE"],
  ["randn(7)", "WRONG_NUM_ARGS"],
  ["regexp_replace('a', 'a', 'x\\\\y')", "UNSUPPORTED_FEATURE"],
  ["regexp_replace('a', 'a', '$x')", "UNSUPPORTED_FEATURE"],
  ["concat_ws(',', array('a', 'b'))", "UNSUPPORTED_FEATURE"],
  ["sha2('a', 512)", "UNSUPPORTED_FEATURE"],
  ["split('ab', '')", "UNSUPPORTED_FEATURE"],
  ["transform_values(map('a', 1), v -> v)", "UNSUPPORTED_FEATURE"],
])("refuses %s", async (expression, errorClass) => {
  expect((await own.client.failure(`SELECT ${expression} AS v`)).message).toContain(`[${errorClass}`);
});
