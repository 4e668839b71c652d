import {
  acceptsDistinct,
  closing,
  hasEffects,
  isInfix,
  isOneOperand,
  isScalar,
  isTableFunction,
  isWord,
  mayFollowTable,
  namesOnly,
  startsOperand,
  type Token,
  type Tokens,
  whyNotCalled,
} from "./statements.ts";

/**
 * Decides whether the token before a bracket calls a function. Spark reserves almost no words: at the start of an operand,
 * `where('x')` calls a user's function of that name. So the position decides, not the word.
 */

/**
 * Why the token before a bracket may call something that is not allowed; `undefined` if it calls nothing, or something allowed.
 */
export function whyNotBeforeBracket(tokens: Tokens, index: number): string | undefined {
  const token = tokens[index];
  if (tokens[index + 1]?.value !== "(" || !token || token.kind === "symbol") return undefined;
  // If double-quoted identifiers are on, a text could be a function's name, and a name may begin with a digit anyway.
  if (token.kind === "text") return "it has a string directly before a parenthesis";
  if (token.kind === "number") return "it has a number, or a name that begins with a digit, directly before a parenthesis";
  const name = nameOf(token);
  const before = tokens[index - 1];
  const outside = whyNotCalled(name);
  if (hasEffects(name)) return outside;
  // `AS t(a, b)` and `WITH t(a, b)` name columns.
  if (isWord(before, "AS", "WITH", "RECURSIVE") || namesColumns(tokens, index)) return undefined;
  if (before?.value === ".") return `it calls ${name.toLowerCase()}() of a schema, which could do anything`;
  if (token.kind === "word" && isSyntax(tokens, index)) return undefined;
  // Scalar functions and table functions have separate namespaces: in place of a table, `count` is a user's own function.
  if (beginsRelation(tokens, index)) {
    if (!isTableFunction(name)) return outside ?? `${asTable(name)} is used as a table`;
    // `FROM VALUES (1), range(2)` continues the values, but `FROM VALUES (1) v, range(2)` doesn't. A lateral view takes a value
    // too.
    if (!isAmongValues(tokens, index) && !isOfView(tokens, index)) return undefined;
  }
  if (isWord(token, "VALUES") && isWord(tokens[index - 2], "IN"))
    return "it has VALUES directly before a parenthesis after IN, where Spark looks for a function of that name; write IN (VALUES 1, 2)";
  if (isWord(token, "CASE"))
    return "it has CASE directly before a parenthesis, where Spark may look for a function of that name; remove the parenthesis, or compare with a constant";
  return isScalar(name)
    ? undefined
    : (outside ?? `it calls ${name.toLowerCase()}(), which returns a table, where a value is expected`);
}

export function nameOf(token: Token): string {
  return token.kind === "quoted-name" ? token.value.slice(1, -1) : token.value;
}

/** `t.update` is a column. After a number the dot belongs to the number: `1.` may come before anything. */
export function isMember(tokens: Tokens, index: number): boolean {
  const owner = tokens[index - 2];
  return tokens[index - 1]?.value === "." && (owner?.kind === "word" || owner?.kind === "quoted-name");
}

function asTable(name: string): string {
  return `it calls ${name.toLowerCase()}(), which is not a table function of Databricks, where it`;
}

const setOperations = ["UNION", "EXCEPT", "INTERSECT", "MINUS"];
/** Type names that are not functions. */
const types = ["CHARACTER", "DEC", "NUMERIC", "VARCHAR"];

/** A keyword of the statement, which calls nothing. */
function isSyntax(tokens: Tokens, index: number): boolean {
  const word = tokens[index]?.value ?? "";
  const before = tokens[index - 1];
  // Two operands are never adjacent: after one comes an operator or the next clause.
  if (endsOperand(tokens, index - 1)) return isInfix(word) || word === "SELECT" || word === "VALUES";
  const bracketOf = before?.value === "(" ? tokens[index - 2] : undefined;
  const end = closing(tokens, index + 1);
  if (end === undefined) return false;
  const next = tokens[end + 1];
  switch (word) {
    case "SELECT":
    case "VALUES":
      return beginsQuery(tokens, index, end);
    case "LATERAL":
      return (
        (before?.value === "," || isWord(before, "JOIN")) &&
        isWord(tokens[index + 2], "SELECT") &&
        isQuery(tokens, index + 1, end)
      );
    case "DISTINCT":
    case "ALL":
      if (!isOneOperand(tokens, index + 1, end) || isWord(next, "FILTER", "OVER", "WITHIN", "IGNORE", "RESPECT")) return false;
      if (isWord(before, "SELECT")) return true;
      // `a LIKE all('x') || 'y'` is a call: no operator may follow a list of patterns.
      if (word === "ALL" && isWord(before, "LIKE", "ILIKE"))
        return next === undefined || next.kind !== "symbol" || next.value === "," || next.value === ")";
      return bracketOf?.kind === "word" && acceptsDistinct(bracketOf.value) && next?.kind === "symbol";
    case "CASE":
      return !beginsRelation(tokens, index) && isOneOperand(tokens, index + 1, end) && isCompared(tokens, end + 1);
    case "FROM":
      return isWord(before, "DISTINCT") && !namesRelations(tokens, index);
    case "WHERE":
      return isWord(bracketOf, "FILTER") && tokens[index - 3]?.value === ")";
    case "BETWEEN":
    case "LIKE":
    case "ILIKE":
    case "RLIKE":
      return isWord(before, "NOT") && endsOperand(tokens, index - 2);
    case "ROLLUP":
    case "CUBE":
      // `GROUP BY rollup(a) + 1` is a call.
      return isGrouping(tokens, index) && isOneOperand(tokens, index + 1, end) && endsGrouping(next);
    case "JOIN":
      return isWord(before, "OUTER");
    default:
      return types.includes(word) && before?.value === ":";
  }
}

/**
 * Whether SELECT or VALUES before a bracket begins a query. Where Spark could also read a function of that name, it tries that
 * first, or only that: `1 IN (select('x'))`, `(select('x'), 1)`, `FROM (select('x') JOIN t)`.
 * @param end of the bracket after it
 */
function beginsQuery(tokens: Tokens, index: number, end: number): boolean {
  const before = tokens[index - 1];
  const next = tokens[end + 1];
  const isSelect = isWord(tokens[index], "SELECT");
  if (before === undefined || (isWord(before, "ALL", "DISTINCT") && isWord(tokens[index - 2], ...setOperations))) return true;
  if (!isSelect && isWord(before, "FROM", "JOIN")) return beginsRelation(tokens, index) && isOneOperand(tokens, index + 1, end);
  if (before.value !== "(") return false;
  const open = index - 1;
  if (beginsStatement(tokens, open)) return true;
  const bracketOf = tokens[open - 1];
  if (isWord(bracketOf, "IN", "EXISTS")) return isSelect && isQuery(tokens, open, closing(tokens, open));
  if (beginsRelation(tokens, open))
    return isOneOperand(tokens, index + 1, end) && (!isSelect || next?.value === ")" || isSelected(tokens, end + 1));
  if (bracketOf?.kind !== "symbol") return false;
  if (next?.value === ")") return isOneOperand(tokens, index + 1, end);
  return isSelect && isQuery(tokens, open, closing(tokens, open));
}

/** Whether a bracket can only contain a query: at the beginning, after `AS` of WITH, and after UNION and the like. */
function beginsStatement(tokens: Tokens, open: number): boolean {
  const before = tokens[open - 1];
  if (before === undefined || isWord(before, "AS", ...setOperations)) return true;
  return before.value === "(" && beginsStatement(tokens, open - 1);
}

/** Whether a bracket that begins with SELECT names tables, and so is not a list of operands: `a, b FROM t`. */
function isQuery(tokens: Tokens, open: number, end: number | undefined): boolean {
  if (end === undefined) return false;
  const second = tokens[open + 2];
  if (second && second.kind !== "symbol" && second.kind !== "word") return true;
  const from = back(
    tokens,
    end,
    (at) =>
      isWord(tokens[at], "FROM") &&
      endsOperand(tokens, at - 1) &&
      (tokens[at + 1]?.kind !== "symbol" || tokens[at + 1]?.value === "("),
  );
  return from !== undefined && from > open;
}

/** Whether the tokens after `SELECT (a)` continue a query's columns or tables, rather than join a function to other tables. */
function isSelected(tokens: Tokens, at: number): boolean {
  const next = tokens[at];
  if (next?.kind === "symbol") return next.value !== "(";
  if (isWord(next, "FROM")) {
    const table = tokens[at + 1];
    return table !== undefined && table.kind !== "symbol" && !mayFollowTable(table);
  }
  const alias = isWord(next, "AS") ? at + 1 : at;
  const behind = tokens[alias + 1];
  return tokens[alias]?.kind !== "symbol" && (behind?.value === "," || (isWord(behind, "FROM") && isSelected(tokens, alias + 1)));
}

/** Whether a WHEN clause follows `CASE (a)`. Elsewhere, WHEN is the name of a column or table. */
function isCompared(tokens: Tokens, when: number): boolean {
  if (!isWord(tokens[when], "WHEN")) return false;
  const value = tokens[when + 1];
  if (value?.value === "(") {
    const end = closing(tokens, when + 1);
    return end !== undefined && isWord(tokens[end + 1], "THEN");
  }
  if (value?.kind === "symbol") return [":", "-", "+"].includes(value.value);
  return value?.kind !== "word" || isWord(value, "NULL", "TRUE", "FALSE", "DATE", "TIMESTAMP") || tokens[when + 2]?.value === ".";
}

/** `(…) t(a, b)`, and the second part of `WITH t(a) AS (…), u(b) AS (SELECT …)`, name columns. */
function namesColumns(tokens: Tokens, index: number): boolean {
  const end = closing(tokens, index + 1);
  if (end === undefined || !namesOnly(tokens, index + 1, end)) return false;
  const before = tokens[index - 1]?.value;
  if (before === ")") return true;
  const [as, bracket, first, second] = tokens.slice(end + 1);
  const isQueried = isWord(first, "SELECT", "VALUES", "WITH", "TABLE", "FROM") && second?.value !== "," && second?.value !== ")";
  return before === "," && tokens[index - 2]?.value === ")" && isWord(as, "AS") && bracket?.value === "(" && isQueried;
}

/** Whether an operand ends with this token, so that none can begin right after it. */
function endsOperand(tokens: Tokens, index: number): boolean {
  const token = tokens[index];
  if (!token) return false;
  if (token.kind === "symbol") return token.value === ")" || token.value === "]" || isStar(tokens, index);
  if (token.kind !== "word" || isMember(tokens, index) || tokens[index - 1]?.value === ":") return true;
  return !startsOperand(token.value);
}

/** The star for all columns, not a multiplication. */
function isStar(tokens: Tokens, index: number): boolean {
  const before = tokens[index - 1];
  return (
    tokens[index]?.value === "*" &&
    (isMember(tokens, index) || before?.value === "," || before?.value === "(" || isWord(before, "SELECT", "DISTINCT", "ALL"))
  );
}

/** Whether a table, a view or a table function is named here. */
function beginsRelation(tokens: Tokens, index: number): boolean {
  const before = tokens[index - 1];
  if (endsOperand(tokens, index - 1)) return false;
  if (isWord(before, "JOIN", "LATERAL", "VIEW", "OUTER", "TABLE")) return true;
  if (isWord(before, "FROM")) return namesRelations(tokens, index - 1);
  if (before?.value === ",") return listBegins(tokens, index - 1, (at) => isWord(tokens[at], "FROM"));
  if (before?.value !== "(") return false;
  return beginsRelation(tokens, isWord(tokens[index - 2], "TABLE") ? index - 2 : index - 1);
}

/** `FROM` means something else in `trim(BOTH 'x' FROM a)` and `a IS DISTINCT FROM b`. */
function namesRelations(tokens: Tokens, from: number): boolean {
  const bracket = back(tokens, from, (at) => tokens[at]?.value === "(");
  if (bracket !== undefined && isWord(tokens[bracket - 1], "EXTRACT", "TRIM", "SUBSTRING", "SUBSTR", "OVERLAY")) return false;
  if (!isWord(tokens[from - 1], "DISTINCT")) return true;
  const is = isWord(tokens[from - 2], "NOT") ? from - 3 : from - 2;
  return !(isWord(tokens[is], "IS") && endsOperand(tokens, is - 1));
}

/** Whether the list around this token may be a list of values: `FROM VALUES (1), a`. */
function isAmongValues(tokens: Tokens, index: number): boolean {
  return back(tokens, index, (at) => isWord(tokens[at], "VALUES")) !== undefined;
}

/** Whether this creates the rows of a `LATERAL VIEW`. */
function isOfView(tokens: Tokens, index: number): boolean {
  return isWord(tokens[isWord(tokens[index - 1], "OUTER") ? index - 2 : index - 1], "VIEW");
}

/** Whether this is an item of `GROUP BY a, b`. */
function isGrouping(tokens: Tokens, index: number): boolean {
  const before = tokens[index - 1];
  return (
    (isWord(before, "BY") || before?.value === ",") &&
    listBegins(tokens, index, (at) => isWord(tokens[at], "BY") && isWord(tokens[at - 1], "GROUP"))
  );
}

/** No operator follows `GROUP BY rollup(a)`. */
function endsGrouping(next: Token | undefined): boolean {
  if (next === undefined || next.value === "," || next.value === ")" || next.value === ";") return true;
  return isWord(next, "HAVING", "ORDER", "SORT", "WINDOW", "QUALIFY", "LIMIT", "OFFSET", ...setOperations);
}

const lists = ["GROUP", "ORDER", "SORT", "CLUSTER", "DISTRIBUTE", "PARTITION"];

/** Whether the list around this token begins this way. A word followed by a comma is an alias and begins no list. */
function listBegins(tokens: Tokens, index: number, so: (at: number) => boolean): boolean {
  const beginning = back(tokens, index, (at) => {
    if (tokens[at]?.value === "(") return true;
    if (tokens[at + 1]?.value === "," || isMember(tokens, at)) return false;
    if (isWord(tokens[at], "FROM")) return namesRelations(tokens, at);
    if (isWord(tokens[at], "BY")) return isWord(tokens[at - 1], ...lists);
    const before = tokens[at - 1];
    return (
      isWord(tokens[at], "SELECT") &&
      (!before || before.value === "(" || before.value === ")" || (before.kind === "word" && !isWord(before, "AS")))
    );
  });
  return beginning !== undefined && so(beginning);
}

/** The nearest earlier token that matches, skipping nested brackets. The search ends at the surrounding bracket. */
function back(tokens: Tokens, index: number, meant: (at: number) => boolean): number | undefined {
  let depth = 0;
  for (let at = index - 1; at >= 0; at--) {
    const { value } = tokens[at] ?? {};
    if (value === ")") depth++;
    else if (value === "(" && depth > 0) depth--;
    else if (depth === 0 && meant(at)) return at;
    else if (value === "(") return undefined;
  }
  return undefined;
}
