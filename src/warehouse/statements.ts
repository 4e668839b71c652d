import { isMember, whyNotBeforeBracket } from "./calls.ts";

/**
 * Which statements may be sent in a read-only environment. Statements are read as tokens, so that comments, strings and quoted
 * names can neither hide a write nor look like one. Anything that isn't certainly a read is refused.
 */

const beginnings = new Set(["SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "VALUES", "TABLE"]);

/** Words that begin or are part of a write anywhere in a statement. As a column name they can be used in backticks. */
const writes = new Set(
  `INSERT UPDATE DELETE MERGE TRUNCATE CREATE DROP UNDROP ALTER RENAME COPY LOAD IMPORT EXPORT PUT REMOVE GRANT REVOKE DENY
  REFRESH OPTIMIZE VACUUM RESTORE CLONE REORG ANALYZE MSCK REPAIR CACHE UNCACHE CLEAR USE SET RESET CALL EXECUTE IMMEDIATE DECLARE
  BEGIN COMMIT ROLLBACK SYNC APPLY COMMENT INTO OVERWRITE ADD STREAM`
    .trim()
    .split(/\s+/),
);

/** Why this statement isn't certainly a read; `undefined` if it is. */
export function whyNotReading(statement: string): string | undefined {
  const tokens = tokenize(statement);
  if (typeof tokens === "string") return tokens;
  while (tokens.at(-1)?.value === ";") tokens.pop();
  const first = tokens.find((token) => token.value !== "(");
  if (!first) return "it is empty";
  if (first.kind !== "word" || !beginnings.has(first.value))
    return `it begins with ${first.value}, not with SELECT, SHOW, DESCRIBE or EXPLAIN`;
  const showsItself = first.value === "SHOW" ? tokens[1] : undefined;
  for (const [index, token] of tokens.entries()) {
    if (token.kind === "symbol" && token.value === ";") return "it is more than one statement";
    if (token.value === "|" && tokens[index + 1]?.value === ">") return "it uses pipes (|>), which can also write";
    const called = whyNotBeforeBracket(tokens, index);
    if (called) return called;
    // `SELECT TRANSFORM(a) USING 'sh'`, MAP and REDUCE pass rows to a script. A join has its columns in brackets.
    if (token.kind === "word" && token.value === "USING" && tokens[index + 1]?.value !== "(" && !isMember(tokens, index))
      return "it contains USING without a parenthesis, which runs a script; put a column of that name in backticks";
    if (token.kind !== "word" || !writes.has(token.value)) continue;
    // SHOW CREATE TABLE and SHOW GRANT only show.
    if (token !== showsItself && !isMember(tokens, index))
      return `it contains ${token.value}; put a column of that name in backticks`;
  }
  return undefined;
}

/** Why this cannot be the condition of a delete; `undefined` if it can. @param parameters their names */
export function whyNotCondition(condition: string, parameters: readonly string[]): string | undefined {
  const tokens = tokenize(condition);
  if (typeof tokens === "string") return tokens;
  if (tokens.length === 0) return "it has no condition";
  const names = new Set(parameters.map((name) => name.toUpperCase()));
  const compares = tokens.some(
    (token, index) => token.kind === "word" && tokens[index - 1]?.value === ":" && names.has(token.value),
  );
  if (!compares) return "its condition uses no parameter, so it could match every row";
  return whyNotReading(`SELECT ${condition}`);
}

/** Constructs that Spark reads differently by version or setting. No read needs them, and each could hide a write. */
const ambiguous: readonly (readonly [RegExp, string])[] = [
  [/^\/\*\+/, "it has a hint"],
  [/^\$/, "it has a dollar sign outside of quotes"],
  [/^:\/\//, "it has :// outside of quotes"],
  // Some characters are blanks to one parser and letters to another, and some letters become others in upper case.
  [/^[^\t\n\r -~]/, "it has a character beyond ASCII outside of quotes; put a name in backticks"],
  [/^[\\#{}]/, "it has a backslash, a # or a curly brace outside of quotes"],
];

/** Tokens that begin like this are neither ambiguous nor skipped. Most do, so the slower tests are left out for them. */
const plainBeginning = /^[\w'"`(),.=<>*]/;

/** Words in upper case; a sentence if something is unterminated or ambiguous. */
export function tokenize(statement: string): Token[] | string {
  // Spark substitutes variables before it parses, even in texts and comments, and so can end them.
  if (statement.includes("${")) return "it has ${, which Spark may replace with a variable";
  const tokens: Token[] = [];
  let at = 0;
  while (at < statement.length) {
    const rest = statement.slice(at);
    const isPlain = plainBeginning.test(rest);
    const doubt = isPlain ? undefined : ambiguous.find(([pattern]) => pattern.test(rest));
    if (doubt) return doubt[1];
    const passed = isPlain ? undefined : (/^[\t\n\r ]+/.exec(rest)?.[0] ?? commentAt(rest));
    if (passed !== undefined) {
      const doubtful = whyDoubtfulComment(passed);
      if (doubtful) return doubtful;
      at += passed.length;
      continue;
    }
    const token = tokenAt(rest);
    if (!token) return "it has a comment, string or quoted name without an end";
    // In `1e-5r'\'`, the string ends elsewhere depending on whether the r belongs to the number or to the string.
    if (token.kind !== "symbol" && /^['"`]/.test(rest.slice(token.value.length)) && !isQuoted(token))
      return "it has a quote directly after a word or number; put a space between them";
    if (/^[rR]['"]/.test(token.value) && /[\w.]/.test(statement.charAt(at - 1)))
      return "it has a raw string directly after a word or number; put a space between them";
    tokens.push({ ...token, value: token.kind === "word" ? token.value.toUpperCase() : token.value, start: at });
    at += token.value.length;
  }
  return tokens;
}

function isQuoted({ kind }: Pick<Token, "kind">): boolean {
  return kind === "text" || kind === "quoted-name";
}

/** In Spark, a backslash continues a comment on the next line, and comments can be nested. */
function whyDoubtfulComment(passed: string): string | undefined {
  if (/^--.*\\$/s.test(passed)) return "it has a comment that ends with a backslash";
  if (passed.startsWith("/*") && passed.indexOf("/*", 1) > 0) return "it has a comment inside a comment";
  if (/[\v\f\u0085\u2028\u2029]/.test(passed)) return "it has a comment with an unusual line break";
  return undefined;
}

function commentAt(rest: string): string | undefined {
  return (/^--[^\r\n]*/.exec(rest) ?? /^\/\*[\s\S]*?\*\//.exec(rest))?.[0];
}

function tokenAt(rest: string): Omit<Token, "start"> | undefined {
  const text = /^[rR]?['"]/.test(rest) ? textAt(rest) : undefined;
  if (text !== undefined) return { kind: "text", value: text };
  const name = /^`(?:``|[^`])*`/.exec(rest);
  if (name) return { kind: "quoted-name", value: name[0] };
  if (/^(['"`]|\/\*)/.test(rest)) return undefined;
  const word = /^[A-Za-z_]\w*/.exec(rest);
  if (word) return { kind: "word", value: word[0] };
  const number = /^\d\w*/.exec(rest);
  return number ? { kind: "number", value: number[0] } : { kind: "symbol", value: rest.charAt(0) };
}

function textAt(rest: string): string | undefined {
  const text =
    /^[rR]'[^']*'/.exec(rest) ??
    /^[rR]"[^"]*"/.exec(rest) ??
    /^'(?:\\[\s\S]|''|[^'\\])*'/.exec(rest) ??
    /^"(?:\\[\s\S]|""|[^"\\])*"/.exec(rest);
  return text?.[0];
}

/** `schema.table` of a catalog as a quoted name. */
export function qualifiedName(catalog: string, table: string): string {
  return [catalog, ...table.split(".")].map(quoteName).join(".");
}

export function quoteName(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

/** Classifies the content of brackets. */

export interface Token {
  kind: "word" | "number" | "text" | "quoted-name" | "symbol";
  /** Words in upper case. */
  value: string;
  /** Where it begins in the statement. */
  start: number;
}
export type Tokens = readonly Token[];

export function isWord(token: Token | undefined, ...values: readonly string[]): boolean {
  return token?.kind === "word" && values.includes(token.value);
}

/** The end of the bracket that opens here; `undefined` if it isn't closed. */
export function closing(tokens: Tokens, open: number): number | undefined {
  let depth = 0;
  for (let at = open; at < tokens.length; at++) {
    const value = tokens[at]?.kind === "symbol" ? tokens[at]?.value : undefined;
    if (value === "(") depth++;
    else if (value === ")" && --depth === 0) return at;
  }
  return undefined;
}

/** Whether a bracket may contain one or more operands: not empty, and nothing that only a function's arguments can have. */
export function isOneOperand(tokens: Tokens, open: number, end: number): boolean {
  if (end <= open + 1 || isWord(tokens[open + 1], "DISTINCT", "ALL")) return false;
  let depth = 0;
  for (let at = open + 1; at < end; at++) {
    const token = tokens[at];
    if (token?.value === "(") depth++;
    else if (token?.value === ")") depth--;
    else if (depth > 0) continue;
    else if (token?.value === "=" && tokens[at + 1]?.value === ">") return false;
    else if (isWord(token, "TABLE") && (at === open + 1 || tokens[at - 1]?.value === ",")) return false;
  }
  return true;
}

/** Whether a bracket contains only names: `(a, b)`. */
export function namesOnly(tokens: Tokens, open: number, end: number): boolean {
  const content = tokens.slice(open + 1, end);
  return (
    content.length % 2 === 1 &&
    content.every(({ kind, value }, at) => (at % 2 === 0 ? kind === "word" || kind === "quoted-name" : value === ","))
  );
}

/** For these, `f(DISTINCT (a))` is never read as `f(distinct(a))`: they have no grammar of their own. */
const aggregates = new Set(
  `APPROX_COUNT_DISTINCT ARRAY_AGG AVG COLLECT_LIST COLLECT_SET COUNT LISTAGG MAX MEAN MEDIAN MIN STDDEV STDDEV_POP STDDEV_SAMP
  STRING_AGG SUM VAR_POP VAR_SAMP VARIANCE`.split(/\s+/),
);

export function acceptsDistinct(name: string): boolean {
  return aggregates.has(name);
}

const joining = `ANTI ASOF CROSS FULL INNER JOIN LATERAL LEFT NATURAL OUTER PIVOT RIGHT SEMI TABLESAMPLE UNPIVOT`.split(" ");

/** Whether this token may follow a table, so that it is neither a table nor an alias. */
export function mayFollowTable(token: Token): boolean {
  return isWord(token, ...joining);
}

/**
 * Databricks' own functions that only compute or look something up. A user's function can do anything – ask a model, send a
 * request, run Python – and its name doesn't show it, so in read-only environments only these may be called. Users cannot shadow
 * them: Databricks looks up its own functions first.
 */
const harmless = new Set(
  `
  abs acos acosh asin asinh atan atan2 atanh bin bround cbrt ceil ceiling conv cos cosh cot csc degrees div e exp expm1 factorial floor
  greatest hex hypot isnan least ln log log10 log1p log2 mod nanvl negative nullifzero pi pmod positive pow power radians rand randn random
  rint round sec shiftleft shiftright shiftrightunsigned sign signum sin sinh sqrt tan tanh try_add try_divide try_mod try_multiply
  try_subtract unhex uniform width_bucket zeroifnull bit_count bit_get bit_reverse getbit

  ascii base64 bit_length btrim char char_length character_length charindex chr collate collation concat concat_ws contains crc32 decode
  elt encode endswith find_in_set format_number format_string hash initcap instr is_valid_utf8 lcase left len length levenshtein like ilike
  locate lower lpad ltrim luhn_check make_valid_utf8 mask md5 octet_length overlay parse_url position printf quote randstr regexp
  regexp_count regexp_extract regexp_extract_all regexp_instr regexp_like regexp_replace regexp_substr repeat replace reverse right rlike
  rpad rtrim sentences sha sha1 sha2 soundex space split split_part startswith substr substring substring_index to_binary to_char
  to_varchar translate trim try_parse_url try_to_binary try_to_number try_url_decode try_validate_utf8 ucase unbase64 upper url_decode
  url_encode validate_utf8 xxhash64 to_number

  add_months convert_timezone curdate current_date current_time current_timestamp current_timezone date date_add date_diff date_format
  date_from_unix_date date_part date_sub date_trunc dateadd datediff datepart day dayname dayofmonth dayofweek dayofyear extract
  from_unixtime from_utc_timestamp getdate hour last_day localtimestamp make_date make_dt_interval make_interval make_time make_timestamp
  make_timestamp_ltz make_timestamp_ntz make_ym_interval minute month monthname months_between next_day now quarter second session_window
  timediff timestamp timestamp_micros timestamp_millis timestamp_seconds timestampadd timestampdiff to_date to_time to_timestamp
  to_timestamp_ltz to_timestamp_ntz to_unix_timestamp to_utc_timestamp trunc try_make_interval try_make_timestamp try_to_date
  try_to_timestamp unix_date unix_micros unix_millis unix_seconds unix_timestamp weekday weekofyear window window_time year

  aggregate array array_agg array_append array_compact array_contains array_distinct array_except array_insert array_intersect array_join
  array_max array_min array_position array_prepend array_remove array_repeat array_size array_sort array_union arrays_overlap arrays_zip
  cardinality element_at exists explode explode_outer filter flatten forall get inline inline_outer map map_concat map_contains_key
  map_entries map_filter map_from_arrays map_from_entries map_keys map_values map_zip_with named_struct posexplode posexplode_outer reduce
  sequence shuffle size slice sort_array stack str_to_map struct transform transform_keys transform_values try_element_at zip_with

  from_csv from_json from_xml get_json_object is_variant_null json_array_length json_object_keys json_tuple
  parse_json schema_of_csv schema_of_json schema_of_json_agg schema_of_variant schema_of_variant_agg schema_of_xml to_csv to_json
  to_variant_object to_xml try_parse_json try_variant_get variant_get xpath
  xpath_boolean xpath_double xpath_float xpath_int xpath_long xpath_number xpath_short xpath_string

  any any_value approx_count_distinct approx_percentile approx_top_k avg bit_and bit_or bit_xor bitmap_bit_position bitmap_bucket_number
  bitmap_construct_agg bitmap_count bitmap_or_agg bool_and bool_or collect_list collect_set corr count count_if count_min_sketch
  covar_pop covar_samp every first first_value grouping grouping_id histogram_numeric hll_sketch_agg hll_sketch_estimate hll_union
  hll_union_agg kurtosis last last_value listagg max max_by mean median min min_by mode percentile percentile_approx percentile_cont
  percentile_disc regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy skewness some std stddev
  stddev_pop stddev_samp string_agg sum try_avg try_sum var_pop var_samp variance
  cume_dist dense_rank lag lead nth_value ntile percent_rank rank row_number

  bigint binary boolean cast coalesce decimal decode double equal_null float if ifnull iff int isnotnull isnull nullif nvl nvl2 smallint
  string tinyint try_cast typeof

  assert_true current_catalog current_database current_metastore current_recipient current_schema current_user current_version
  input_file_block_length input_file_block_start input_file_name is_account_group_member is_member monotonically_increasing_id
  session_user spark_partition_id user uuid version
  and in not or when
  `
    .trim()
    .split(/\s+/),
);

/** Table functions. Scalar functions are never found in place of a table, nor the other way round. */
const tables = new Set(
  `explode explode_outer inline inline_outer json_tuple posexplode posexplode_outer range sql_keywords stack table_changes variant_explode
  variant_explode_outer`.split(/\s+/),
);

/** Operators and clauses that may be followed by a bracket, if they come after an operand. */
const infix = new Set(
  `all as between by cube distinct div else except filter for from group having ilike intersect is join like limit minus offset on over
  partition pivot qualify repeatable rlike rollup sets nulls tablesample then union unpivot using where with`.split(/\s+/),
);

/** Words after which an operand or a table begins. */
const openers = new Set(
  `all and any between both by case distinct div else escape for from having ilike in interval is join lateral leading like limit not of
  offset on or outer over placing qualify range regexp rlike rows select some table then trailing using values view when where`.split(
    /\s+/,
  ),
);

/** Functions that reach outside the warehouse or run foreign code, and IDENTIFIER, which can hide their names in a text. */
const withEffects =
  /^(ai_\w+|http_request|remote_query|java_method|reflect|try_reflect|read_\w+|cloud_files\w*|secret|try_secret|list_secrets|raise_error|identifier|vector_search|stream|nextval|setval)$/;

export function isScalar(name: string): boolean {
  return harmless.has(name.toLowerCase());
}

export function isTableFunction(name: string): boolean {
  return tables.has(name.toLowerCase());
}

export function isInfix(word: string): boolean {
  return infix.has(word.toLowerCase());
}

export function startsOperand(word: string): boolean {
  return openers.has(word.toLowerCase());
}

/** Whether it reaches outside the warehouse, or hides what is called. @param name in any case, without quotes */
export function hasEffects(name: string): boolean {
  return withEffects.test(name.toLowerCase());
}

/** Why no function of this name may be called; `undefined` if it may. @param name in any case, without quotes */
export function whyNotCalled(name: string): string | undefined {
  const lower = name.toLowerCase();
  if (hasEffects(name)) return `it calls ${lower}(), which reaches outside the warehouse or hides what it calls`;
  if (harmless.has(lower) || tables.has(lower)) return undefined;
  return `it calls ${lower}(), which is not on the list of functions that only compute`;
}
