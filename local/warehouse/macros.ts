/**
 * DuckDB macros for functions that mean something else in DuckDB, or that fail in Databricks in some cases. `typeof` is evaluated
 * at planning time, so branching on types costs nothing per row.
 */

function raise(errorClass: string, sqlState: string, sentence: string): string {
  return `error('[${errorClass}] ${sentence} SQLSTATE: ${sqlState}')`;
}

function unsupported(what: string): string {
  return raise("UNSUPPORTED_FEATURE.LOCAL_WAREHOUSE", "0A000", `The local warehouse does not support ${what}.`);
}

const divisionByZero = raise(
  "DIVIDE_BY_ZERO",
  "22012",
  "Division by zero. Use `try_divide` to tolerate divisor being 0 and return NULL instead.",
);

function floating(x: string): string {
  return `typeof(${x}) IN ('DOUBLE', 'FLOAT')`;
}

function decimal(x: string): string {
  return `starts_with(typeof(${x}), 'DECIMAL')`;
}

function whole(x: string): string {
  return `typeof(${x}) IN ('TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT', 'BOOLEAN', '"NULL"')`;
}

/** Binds the arguments once, as `v.x`. A macro copies its arguments to every use, which would grow exponentially when nested. */
function once(parameters: readonly string[], body: string): string {
  const fields = parameters.map((parameter) => `'${parameter}': ${parameter}`).join(", ");
  return `list_extract(list_transform([{${fields}}], lambda v: ${body}), 1)`;
}

/**
 * Databricks truncates fractions where DuckDB rounds, and refuses text with a fraction. TRY_CAST prevents errors in branches that
 * are not taken.
 */
function toInteger(type: string, strict: boolean): string {
  const cast = strict ? "CAST" : "TRY_CAST";
  const malformed = strict
    ? raise("CAST_INVALID_INPUT", "22018", `The value cannot be cast to ${type} because it is malformed.`)
    : "NULL";
  return once(
    ["x"],
    `CASE WHEN v.x IS NULL THEN NULL
    WHEN ${floating("v.x")} THEN ${cast}(trunc(TRY_CAST(v.x AS DOUBLE)) AS ${type})
    WHEN ${decimal("v.x")} THEN ${cast}(trunc(TRY_CAST(v.x AS DECIMAL(38, 12))) AS ${type})
    WHEN typeof(v.x) = 'VARCHAR' THEN CASE WHEN regexp_full_match(trim(TRY_CAST(v.x AS VARCHAR)), '[+-]?[0-9]+')
      THEN ${cast}(trim(TRY_CAST(v.x AS VARCHAR)) AS ${type}) ELSE ${malformed} END
    WHEN ${whole("v.x")} THEN ${cast}(TRY_CAST(v.x AS HUGEINT) AS ${type})
    ELSE ${unsupported(`casting this type to ${type}`)} END`,
  );
}

/** Timestamps without their zone; doubles only where both write them the same way. */
const toText = once(
  ["x"],
  `CASE WHEN v.x IS NULL THEN NULL
  WHEN typeof(v.x) IN ('VARCHAR', 'DATE') OR ${whole("v.x")} OR ${decimal("v.x")} THEN CAST(v.x AS VARCHAR)
  WHEN typeof(v.x) = 'JSON' THEN json_extract_string(TRY_CAST(v.x AS VARCHAR), '$')
  WHEN typeof(v.x) = 'TIMESTAMP WITH TIME ZONE' THEN regexp_replace(CAST(v.x AS VARCHAR), '\\+00$', '')
  WHEN typeof(v.x) = 'DOUBLE' AND (TRY_CAST(v.x AS DOUBLE) = 0 OR abs(TRY_CAST(v.x AS DOUBLE)) BETWEEN 0.001 AND 9999999) THEN CAST(v.x AS VARCHAR)
  ELSE ${unsupported("casting this value to STRING")} END`,
);

const definitions: Readonly<Record<string, string>> = {
  "dbx_divide(a, b)": once(
    ["a", "b"],
    `CASE WHEN (${decimal("v.a")} AND NOT ${floating("v.b")}) OR (${decimal("v.b")} AND NOT ${floating("v.a")})
    THEN ${unsupported("dividing decimals: cast one of them to DOUBLE")}
    WHEN v.b = 0 THEN ${divisionByZero} ELSE CAST(v.a AS DOUBLE) / CAST(v.b AS DOUBLE) END`,
  ),
  "dbx_modulo(a, b)": `CASE WHEN b = 0 THEN ${divisionByZero} ELSE a % b END`,
  "dbx_pmod(a, b)": once(
    ["a", "b"],
    `CASE WHEN v.b = 0 THEN ${divisionByZero} WHEN v.a % v.b < 0 THEN (v.a % v.b + v.b) % v.b ELSE v.a % v.b END`,
  ),
  "dbx_not_zero(n)": `CASE WHEN n = 0 THEN ${raise("INVALID_INDEX_OF_ZERO", "22003", "The index 0 is invalid. An index shall be either < 0 or > 0 (the first element has index 1).")} ELSE n END`,
  // Whole numbers only; the result has the type of the first one.
  "dbx_sequence(a, b, step)": once(
    ["a", "b", "step"],
    `CASE WHEN NOT (${whole("v.a")} AND ${whole("v.b")}) THEN ${unsupported("sequence of anything but whole numbers")}
    WHEN v.a IS NULL OR v.b IS NULL OR v.step IS NULL THEN NULL
    WHEN v.a <> v.b AND (v.step = 0 OR (v.b > v.a) <> (v.step > 0))
    THEN ${raise("ILLEGAL_SEQUENCE_BOUNDARIES", "22023", "The boundaries of the sequence do not fit its step.")}
    ELSE list_transform(generate_series(CAST(v.a AS BIGINT), CAST(v.b AS BIGINT), CAST(CASE WHEN v.step = 0 THEN 1 ELSE v.step END AS BIGINT)), lambda n: cast_to_type(n, v.a)) END`,
  ),
  "dbx_minus(a, b)": once(
    ["a", "b"],
    `CASE WHEN typeof(v.a) = 'DATE' AND typeof(v.b) = 'DATE' THEN ${unsupported("subtracting dates: use datediff")} ELSE v.a - v.b END`,
  ),
  // Databricks rounds a double by its decimal notation. The cast gives both branches, and so the result, the argument's type.
  "dbx_round(x, n)": `CASE WHEN ${floating("x")} THEN CASE WHEN n > 10 THEN ${unsupported("rounding to more than ten places")}
    ELSE cast_to_type(CAST(round(TRY_CAST(x AS DECIMAL(38, 10)), n) AS DOUBLE), round(x, n)) END ELSE round(x, n) END`,
  "dbx_not_decimal(x)": `CASE WHEN ${decimal("x")} THEN ${unsupported("this function for decimals: cast to DOUBLE")} ELSE x END`,
  "dbx_number(x)": `CASE WHEN typeof(x) = 'BOOLEAN' THEN ${raise("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", "42K09", "The function requires a number, however it has the type BOOLEAN.")} ELSE x END`,
  "dbx_string(x)": toText,
  "dbx_tinyint(x)": toInteger("TINYINT", true),
  "dbx_smallint(x)": toInteger("SMALLINT", true),
  "dbx_int(x)": toInteger("INTEGER", true),
  "dbx_bigint(x)": toInteger("BIGINT", true),
  "dbx_try_tinyint(x)": toInteger("TINYINT", false),
  "dbx_try_smallint(x)": toInteger("SMALLINT", false),
  "dbx_try_int(x)": toInteger("INTEGER", false),
  "dbx_try_bigint(x)": toInteger("BIGINT", false),
  "dbx_parse_json(x)": `CASE WHEN x IS NULL THEN NULL WHEN json_valid(x) THEN CAST(json(x) AS JSON)
    ELSE ${raise("MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", "22023", "Malformed records are detected in record parsing.")} END`,
  "dbx_like(x, p)": `CASE WHEN regexp_matches(p, '(^|[^\\\\])(\\\\\\\\)*\\\\([^%_\\\\]|$)')
    THEN ${raise("INVALID_FORMAT.ESC_IN_THE_MIDDLE", "42601", "The escape character is not allowed to precede this character.")}
    ELSE x LIKE p ESCAPE '\\' END`,
  "dbx_ilike(x, p)": "dbx_like(lower(x), lower(p))",
  "dbx_substring(s, start, n)": `CASE WHEN start < 0 THEN ${unsupported("counting substrings from the end")}
    WHEN n < 1 THEN '' WHEN start = 0 THEN substring(s, 1, n) ELSE substring(s, start, n) END`,
  "dbx_left(s, n)": "CASE WHEN n < 1 THEN '' ELSE left(s, n) END",
  "dbx_right(s, n)": "CASE WHEN n < 1 THEN '' ELSE right(s, n) END",
  "dbx_size(x)": `CASE WHEN ends_with(typeof(x), ']') THEN CAST(len(x) AS INTEGER) ELSE ${unsupported("size of anything but an array")} END`,
  // Fields of structs that are NULL are left out. So are a struct's map values, which Databricks keeps as null.
  "dbx_to_json(x)": `CASE WHEN x IS NULL THEN NULL WHEN starts_with(typeof(x), 'STRUCT')
    THEN CAST(json_merge_patch('{}', to_json(x)) AS VARCHAR) ELSE CAST(to_json(x) AS VARCHAR) END`,
  "dbx_array_contains(items, x)": `CASE WHEN items IS NULL OR x IS NULL THEN NULL WHEN list_contains(items, x) THEN true
    WHEN len(list_filter(items, lambda e: e IS NULL)) > 0 THEN NULL ELSE false END`,
};

export const macros: readonly string[] = Object.entries(definitions).map(
  ([signature, body]) => `CREATE MACRO ${signature} AS ${body}`,
);
