import { NotUnderstood } from "./ask.ts";
import type { ColumnStructure, TableStructure } from "./structure.ts";
import { areWords, closingOf, isSymbol, type Token, tokensOf } from "./tokens.ts";

/** What texts of SQL say of a table: that of SHOW CREATE TABLE, and that of its keys in DESCRIBE … AS JSON. */

export type Keys = Pick<TableStructure, "primaryKey" | "foreignKeys">;

export interface Definition extends Keys {
  clusteredBy: string[];
  /** By name, in lower case: only columns that are generated. */
  generated: Map<string, Pick<ColumnStructure, "generatedAs" | "identity">>;
}

/** @param sql a CREATE TABLE statement. @throws NotUnderstood */
export function readDefinition(sql: string, catalog: string): Definition {
  const tokens = tokensOf(sql);
  const open = tokens.findIndex((token) => isSymbol(token, "("));
  const close = open < 0 ? undefined : closingOf(tokens, open);
  if (!areWords(tokens, 0, "create") || close === undefined) throw new NotUnderstood("it is no CREATE TABLE with columns");
  const definition: Definition = { foreignKeys: {}, clusteredBy: clusteringIn(tokens.slice(close + 1)), generated: new Map() };
  for (const part of partsOf(tokens.slice(open + 1, close)))
    if (areWords(part, 0, "constraint")) addKey(definition, part.slice(1), catalog);
    else addColumn(definition, part, sql);
  return definition;
}

/** @param text `[(name,PRIMARY KEY (…)), (name,FOREIGN KEY (…) REFERENCES …)]`. @throws NotUnderstood */
export function readKeys(text: string, catalog: string): Keys {
  const keys: Keys = { foreignKeys: {} };
  const tokens = tokensOf(text);
  if (!isSymbol(tokens[0], "[") || !isSymbol(tokens.at(-1), "]")) throw new NotUnderstood("its keys are not a list");
  for (const part of partsOf(tokens.slice(1, -1))) {
    if (!isSymbol(part[0], "(") || closingOf(part, 0) !== part.length - 1 || !isSymbol(part[2], ","))
      throw new NotUnderstood("its keys are not in brackets");
    addKey(keys, [part[1] as Token, ...part.slice(3, -1)], catalog);
  }
  return keys;
}

/** `name PRIMARY KEY (…)` or `name FOREIGN KEY (…) REFERENCES …`; other constraints, such as a CHECK, stand elsewhere too. */
function addKey(keys: Keys, tokens: readonly Token[], catalog: string): void {
  const name = tokens[0]?.value ?? "";
  const { names: columns, end } = namesAt(tokens, 3);
  const rely = tokens.some((_, at) => at > end && areWords(tokens, at, "rely")) ? { rely: true } : {};
  if (areWords(tokens, 1, "primary", "key")) keys.primaryKey = { name, columns, ...rely };
  if (!areWords(tokens, 1, "foreign", "key")) return;
  if (!areWords(tokens, end + 1, "references")) throw new NotUnderstood(`the foreign key ${name} references nothing`);
  const bracket = tokens.findIndex((token, at) => at > end && isSymbol(token, "("));
  const target = tokens.slice(end + 2, bracket).filter(({ kind }) => kind === "name");
  const [first, ...rest] = target.map(({ value }) => value);
  const references = target.length === 3 && first === catalog.toLowerCase() ? rest.join(".") : [first, ...rest].join(".");
  keys.foreignKeys[name] = { columns, references, to: namesAt(tokens, bracket).names, ...rely };
}

function addColumn({ generated }: Definition, tokens: readonly Token[], sql: string): void {
  // A field of a struct may be named so, too: those stand in angle brackets.
  const outside = outsideOfTypes(tokens);
  const at = tokens.findIndex((_, index) => index > 0 && outside[index] && areWords(tokens, index, "generated"));
  const [name] = tokens;
  if (at < 0 || name === undefined) return;
  const always = areWords(tokens, at + 1, "always");
  const as = at + (always ? 2 : 3);
  if (!areWords(tokens, as, "as") || (!always && !areWords(tokens, at + 1, "by", "default")))
    throw new NotUnderstood(`how ${name.value} is generated`);
  if (areWords(tokens, as + 1, "identity")) generated.set(name.value, { identity: { always, ...options(tokens, as + 2) } });
  else {
    const close = closingOf(tokens, as + 1);
    const [open, end] = [tokens[as + 1], close === undefined ? undefined : tokens[close]];
    if (!isSymbol(open, "(") || !open || !end) throw new NotUnderstood(`how ${name.value} is generated`);
    generated.set(name.value, { generatedAs: sql.slice(open.end, end.start).trim() });
  }
}

/** `(START WITH 1 INCREMENT BY 1)`, each of which may be left out. */
function options(tokens: readonly Token[], open: number): { start: number; step: number } {
  const after = (...words: string[]): number => {
    const at = tokens.findIndex((_, index) => index > open && areWords(tokens, index, ...words));
    if (!isSymbol(tokens[open], "(") || at < 0) return 1;
    const isNegative = isSymbol(tokens[at + 2], "-");
    return Number(tokens[at + (isNegative ? 3 : 2)]?.value) * (isNegative ? -1 : 1);
  };
  return { start: after("start", "with"), step: after("increment", "by") };
}

/** CLUSTER BY (…) after the columns. */
function clusteringIn(tokens: readonly Token[]): string[] {
  const at = tokens.findIndex((_, index) => areWords(tokens, index, "cluster", "by"));
  if (at < 0 || areWords(tokens, at + 2, "none")) return [];
  return areWords(tokens, at + 2, "auto") ? ["auto"] : namesAt(tokens, at + 2).names;
}

/** The names in the bracket that opens here, of which one may have several parts. */
function namesAt(tokens: readonly Token[], open: number): { names: string[]; end: number } {
  const end = isSymbol(tokens[open], "(") ? closingOf(tokens, open) : undefined;
  if (end === undefined) throw new NotUnderstood("a list of columns is missing");
  const parts = partsOf(tokens.slice(open + 1, end));
  return {
    names: parts.map((part) =>
      part
        .filter(({ kind }) => kind === "name")
        .map(({ value }) => value)
        .join("."),
    ),
    end,
  };
}

/** At commas outside of brackets, and of the angle brackets of a type. */
function partsOf(tokens: readonly Token[]): Token[][] {
  const parts: Token[][] = [[]];
  const outside = outsideOfTypes(tokens);
  let depth = 0;
  for (const [at, token] of tokens.entries()) {
    if (isSymbol(token, "(")) depth++;
    else if (isSymbol(token, ")")) depth--;
    if (isSymbol(token, ",") && depth === 0 && outside[at]) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts.filter((part) => part.length > 0);
}

/** For each token, whether it is outside of the angle brackets of a type. */
function outsideOfTypes(tokens: readonly Token[]): boolean[] {
  let angle = 0;
  return tokens.map((token, at) => {
    if (isSymbol(token, "<") && ["array", "map", "struct"].includes(tokens[at - 1]?.value ?? "")) angle++;
    else if (isSymbol(token, ">") && angle > 0) angle--;
    return angle === 0;
  });
}
