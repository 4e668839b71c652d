import { isInfix, isScalar, isTableFunction, opensOperand, whyNotCalled } from "./functions.ts";

/**
 * Whether what stands before a bracket calls something. Spark reserves next to no word: where an operand begins, `where('x')` calls
 * somebody's function of that name. So it is not the word that decides, but where it stands.
 */

export type Token = { kind: "word" | "number" | "text" | "quoted-name" | "symbol"; value: string };
type Tokens = readonly Token[];

/** What stands before a bracket may be called; what may not be called is refused. */
export function whyNotBeforeBracket(tokens: Tokens, index: number): string | undefined {
  const token = tokens[index];
  if (tokens[index + 1]?.value !== "(" || !token || token.kind === "symbol") return undefined;
  // With double-quoted identifiers switched on, a text could be a function's name, and a name may begin with a digit anyway.
  if (token.kind === "text") return "it has a text before a bracket";
  if (token.kind === "number") return "it has a number, or a name that begins with one, before a bracket";
  const name = nameOf(token);
  const before = tokens[index - 1];
  const outside = whyNotCalled(name);
  if (outside?.includes("reaches outside")) return outside;
  // `AS t(a, b)` and `WITH t(a, b)` name columns.
  if (isWord(before, "AS", "WITH", "RECURSIVE")) return undefined;
  if (before?.value === ".") return `it calls ${name.toLowerCase()}() of a schema, which may do anything`;
  if (token.kind === "word" && isSyntax(tokens, index)) return undefined;
  // Functions that give a value and functions that give a table are looked up apart: `count` is somebody's own where a table is wanted.
  if (beginsRelation(tokens, index))
    return isTableFunction(name) ? undefined : (outside ?? `${asTable(name)} stands for a table`);
  return isScalar(name)
    ? undefined
    : (outside ?? `it calls ${name.toLowerCase()}(), which gives a table, where a value is wanted`);
}

export function nameOf(token: Token): string {
  return token.kind === "quoted-name" ? token.value.slice(1, -1) : token.value;
}

/** `t.update` is a column. After a number the dot is its own: `1.` may stand before anything. */
export function isMember(tokens: Tokens, index: number): boolean {
  const owner = tokens[index - 2];
  return tokens[index - 1]?.value === "." && (owner?.kind === "word" || owner?.kind === "quoted-name");
}

function asTable(name: string): string {
  return `it calls ${name.toLowerCase()}(), which is no table function of Databricks, where it`;
}

function isWord(token: Token | undefined, ...values: readonly string[]): boolean {
  return token?.kind === "word" && values.includes(token.value);
}

const setOperations = ["UNION", "EXCEPT", "INTERSECT", "MINUS"];
/** Words of types that are no functions. */
const types = ["CHARACTER", "DEC", "NUMERIC", "VARCHAR"];

/** A word that belongs to the statement, and calls nothing. */
function isSyntax(tokens: Tokens, index: number): boolean {
  const word = tokens[index]?.value ?? "";
  const before = tokens[index - 1];
  // Two operands never stand side by side: behind one there is an operator or the next clause.
  if (endsOperand(tokens, index - 1)) return isInfix(word) || word === "SELECT" || word === "VALUES";
  const bracketOf = before?.value === "(" ? tokens[index - 2] : undefined;
  // In a bracket behind IN Spark looks for an operand first: `a IN (values('x'))` calls.
  const beginsQuery =
    before === undefined ||
    (isWord(before, "ALL", "DISTINCT") && isWord(tokens[index - 2], ...setOperations)) ||
    (before.value === "(" &&
      (!bracketOf || bracketOf.kind === "symbol" || isWord(bracketOf, "AS", "FROM", "JOIN", ...setOperations)));
  switch (word) {
    case "SELECT":
      return beginsQuery;
    case "VALUES":
      return beginsQuery || isWord(before, "FROM", "JOIN");
    case "TABLE":
      return beginsRelation(tokens, index);
    case "LATERAL":
      return (before?.value === "," || isWord(before, "JOIN")) && isWord(tokens[index + 2], "SELECT");
    case "DISTINCT":
    case "ALL":
      return (
        isWord(before, "SELECT") ||
        (word === "ALL" && isWord(before, "LIKE", "ILIKE")) ||
        (bracketOf?.kind === "word" && isScalar(bracketOf.value))
      );
    case "WHERE":
      return isWord(bracketOf, "FILTER") && tokens[index - 3]?.value === ")";
    case "BETWEEN":
    case "LIKE":
    case "ILIKE":
    case "RLIKE":
      return isWord(before, "NOT") && endsOperand(tokens, index - 2);
    case "ROLLUP":
    case "CUBE":
      return isGrouping(tokens, index);
    case "JOIN":
      return isWord(before, "OUTER");
    default:
      return types.includes(word) && before?.value === ":";
  }
}

/** Whether an operand ends with this token, so that none can begin right behind it. */
function endsOperand(tokens: Tokens, index: number): boolean {
  const token = tokens[index];
  if (!token) return false;
  if (token.kind === "symbol") return token.value === ")" || token.value === "]" || isStar(tokens, index);
  if (token.kind !== "word" || isMember(tokens, index) || tokens[index - 1]?.value === ":") return true;
  return !opensOperand(token.value);
}

/** All columns, and no multiplication. */
function isStar(tokens: Tokens, index: number): boolean {
  const before = tokens[index - 1];
  return (
    tokens[index]?.value === "*" &&
    (isMember(tokens, index) || before?.value === "," || before?.value === "(" || isWord(before, "SELECT", "DISTINCT", "ALL"))
  );
}

/** Whether a table, a view or a function that gives one is named here. */
function beginsRelation(tokens: Tokens, index: number): boolean {
  const before = tokens[index - 1];
  if (endsOperand(tokens, index - 1)) return false;
  if (isWord(before, "JOIN", "LATERAL", "VIEW", "OUTER", "TABLE")) return true;
  if (isWord(before, "FROM")) return namesRelations(tokens, index - 1);
  if (before?.value === ",") return listBegins(tokens, index - 1, (at) => isWord(tokens[at], "FROM"));
  if (before?.value !== "(") return false;
  return beginsRelation(tokens, isWord(tokens[index - 2], "TABLE") ? index - 2 : index - 1);
}

/** `FROM` has other meanings in `trim(BOTH 'x' FROM a)` and in `a IS DISTINCT FROM b`. */
function namesRelations(tokens: Tokens, from: number): boolean {
  const bracket = back(tokens, from, (at) => tokens[at]?.value === "(");
  if (bracket !== undefined && isWord(tokens[bracket - 1], "EXTRACT", "TRIM", "SUBSTRING", "SUBSTR", "OVERLAY")) return false;
  if (!isWord(tokens[from - 1], "DISTINCT")) return true;
  const is = isWord(tokens[from - 2], "NOT") ? from - 3 : from - 2;
  return !(isWord(tokens[is], "IS") && endsOperand(tokens, is - 1));
}

/** Whether this is one of `GROUP BY a, b`. */
function isGrouping(tokens: Tokens, index: number): boolean {
  const before = tokens[index - 1];
  return (
    (isWord(before, "BY") || before?.value === ",") &&
    listBegins(tokens, index, (at) => isWord(tokens[at], "BY") && isWord(tokens[at - 1], "GROUP"))
  );
}

const lists = ["GROUP", "ORDER", "SORT", "CLUSTER", "DISTRIBUTE", "PARTITION"];

/** Whether the list in which this is begins so. What is followed by a comma is an alias, and begins none. */
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

/** The nearest token before this one that is meant, leaving out what is within brackets of its own; the bracket around it ends the search. */
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
