/** Classifies the content of brackets. */

export type Token = { kind: "word" | "number" | "text" | "quoted-name" | "symbol"; value: string };
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
