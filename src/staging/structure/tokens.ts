/** SQL in tokens, as the warehouse shows it in definitions. Blanks and comments are left out. */

export interface Token {
  kind: "name" | "text" | "symbol";
  /** Names in lower case and without backticks, texts without quotes. */
  value: string;
  /** Where it is in the text. */
  start: number;
  end: number;
}

const pieces =
  /--[^\n]*|\/\*(?!\+)[\s\S]*?\*\/|\s+|(?<name>[\p{L}_][\p{L}\p{N}_]*)|`(?<quoted>(?:``|[^`])*)`|[rR]?'(?<single>(?:\\[\s\S]|''|[^'\\])*)'|[rR]?"(?<double>(?:\\[\s\S]|""|[^"\\])*)"|(?<symbol>\d[\p{L}\p{N}_.]*|<=>|[<>!=]=|<>|\|\||::|->|=>|\/\*\+|[\s\S])/gu;

const spellings: Readonly<Record<string, string>> = { "<>": "!=", "==": "=" };

export function tokensOf(sql: string): Token[] {
  const found: Token[] = [];
  for (const { 0: piece, index: start, groups = {} } of sql.matchAll(pieces)) {
    const { name, quoted, single, double, symbol } = groups;
    const place = { start, end: start + piece.length };
    if (name !== undefined) found.push({ kind: "name", value: name.toLowerCase(), ...place });
    else if (quoted !== undefined) found.push({ kind: "name", value: quoted.replaceAll("``", "`").toLowerCase(), ...place });
    else if (single !== undefined || double !== undefined) found.push({ kind: "text", value: single ?? double ?? "", ...place });
    else if (symbol !== undefined) found.push({ kind: "symbol", value: spellings[symbol] ?? symbol.toLowerCase(), ...place });
  }
  return found;
}

export function isSymbol(token: Token | undefined, value: string): boolean {
  return token?.kind === "symbol" && token.value === value;
}

/** Whether these words come here, one after the other. */
export function areWords(tokens: readonly Token[], at: number, ...words: readonly string[]): boolean {
  return words.every((word, index) => tokens[at + index]?.kind === "name" && tokens[at + index]?.value === word);
}

/** The end of the bracket that opens here; undefined if it is not closed. */
export function closingOf(tokens: readonly Token[], open: number): number | undefined {
  let depth = 0;
  for (let at = open; at < tokens.length; at++) {
    if (isSymbol(tokens[at], "(")) depth++;
    else if (isSymbol(tokens[at], ")") && --depth === 0) return at;
  }
  return undefined;
}
