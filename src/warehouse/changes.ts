import { closing, hasEffects, isWord, type Token, tokenize, whyNotReading } from "./statements.ts";

/**
 * Which statements may change a copy of production: its structure and its rows. Like a read, a change is read as tokens, and what
 * isn't certainly a change of something within the scope is refused. It may read from anywhere.
 */

/** What may be created, changed and dropped. */
export interface WritableScope {
  /** The catalog. */
  catalog: string;
  /** Whether the catalog itself may be created and dropped. */
  ownsCatalog: boolean;
  /** If given, further catalogs with such a name, in lower case: those that other runs left. */
  ownsCatalogs?: (catalog: string) => boolean;
  /** Whether the catalog's own comment, tags and grants may be changed, if it isn't its own. */
  labelsCatalog?: boolean;
  /** If given, only schemas with such a name, in lower case. */
  ownsSchema?: (schema: string) => boolean;
}

type Securable = "CATALOG" | "SCHEMA" | "TABLE" | "VIEW" | "COLUMN" | "FUNCTION";

/** The words that a change begins with, and what it changes: the name comes after them. */
const beginnings: readonly (readonly [RegExp, Securable | undefined])[] = [
  [/^CREATE CATALOG (IF NOT EXISTS )?/, "CATALOG"],
  [/^DROP CATALOG (IF EXISTS )?/, "CATALOG"],
  [/^ALTER CATALOG /, "CATALOG"],
  [/^CREATE SCHEMA (IF NOT EXISTS )?/, "SCHEMA"],
  [/^DROP SCHEMA (IF EXISTS )?/, "SCHEMA"],
  [/^ALTER SCHEMA /, "SCHEMA"],
  [/^CREATE (OR REPLACE )?TABLE (IF NOT EXISTS )?/, "TABLE"],
  [/^ALTER TABLE /, "TABLE"],
  [/^DROP TABLE (IF EXISTS )?/, "TABLE"],
  [/^TRUNCATE TABLE /, "TABLE"],
  [/^INSERT (INTO|OVERWRITE) (TABLE )?/, "TABLE"],
  [/^DELETE FROM /, "TABLE"],
  [/^CREATE (OR REPLACE )?VIEW (IF NOT EXISTS )?/, "VIEW"],
  [/^ALTER VIEW /, "VIEW"],
  [/^DROP VIEW (IF EXISTS )?/, "VIEW"],
  [/^(SET|UNSET) TAG ON (?=CATALOG|SCHEMA|TABLE|VIEW|COLUMN)/, undefined],
  [/^COMMENT ON (?=CATALOG|SCHEMA|TABLE|VIEW|COLUMN)/, undefined],
];

/** Parts that the full name of something has. */
const parts: Readonly<Record<Securable, number>> = { CATALOG: 1, SCHEMA: 2, TABLE: 3, VIEW: 3, COLUMN: 4, FUNCTION: 3 };

/** Why this isn't certainly a change within the scope; `undefined` if it is. */
export function whyNotChange(statement: string, scope: WritableScope): string | undefined {
  const read = tokenize(statement);
  if (typeof read === "string") return read;
  const tokens = withoutSecrets(read, queryIn(read));
  while (tokens.at(-1)?.value === ";") tokens.pop();
  if (tokens.some(({ kind, value }) => kind === "symbol" && value === ";")) return "it is more than one statement";
  const called = tokens.find((token, at) => token.kind !== "symbol" && tokens[at + 1]?.value === "(" && hasEffects(bare(token)));
  if (called) return `it calls ${bare(called).toLowerCase()}(), which reaches outside the warehouse or hides what it calls`;
  const grant = aboutGrants(tokens);
  const changed = grant ?? begun(tokens);
  if (typeof changed === "string") return changed;
  return whyOutside(changed, scope, isLabel(tokens, changed.end)) ?? whyBadRest(tokens, changed.end, scope);
}

/** What an allowed change does, for a log: without values, expressions or the names that it reads from. */
export interface NamedChange {
  /** Its first words, such as `INSERT OVERWRITE`. */
  verb: string;
  /** The full name of what it changes, in lower case. */
  object: string;
}

/** @returns undefined if it isn't certainly a change; see {@link whyNotChange} */
export function namedChange(statement: string): NamedChange | undefined {
  const tokens = tokenize(statement);
  if (typeof tokens === "string") return undefined;
  const changed = aboutGrants([...tokens]) ?? begun(tokens);
  if (typeof changed === "string") return undefined;
  const words = tokens.slice(0, changed.end).map((token) => (token.kind === "word" ? token.value : "."));
  const verb = words
    .slice(
      0,
      Math.max(
        1,
        words.findIndex((word, at) => at > 0 && !verbWords.has(word)),
      ),
    )
    .join(" ");
  return { verb, object: changed.name.join(".") };
}

const verbWords: ReadonlySet<string> = new Set(
  "CREATE DROP ALTER OR REPLACE TRUNCATE INSERT INTO OVERWRITE DELETE FROM SET UNSET TAG COMMENT ON CATALOG SCHEMA TABLE VIEW COLUMN GRANT REVOKE".split(
    " ",
  ),
);

/**
 * A table may be filled with hashes that only the warehouse's own key can repeat. Here such a call counts as a text; anywhere else it
 * is refused: a hash of a part of the key could be tried out letter by letter, an error could quote the key, and an expression that
 * the table keeps would hash for anybody who adds a row.
 */
function withoutSecrets(tokens: readonly Token[], query: number | undefined): Token[] {
  const fills = isWord(tokens[0], "INSERT") || tokens.slice(1, 4).some((token) => isWord(token, "TABLE"));
  if (!fills || query === undefined) return [...tokens];
  const kept: Token[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] as Token;
    if (at > query && isKeyOfHash(tokens, at)) {
      kept.push({ ...token, kind: "text", value: "'secret'" });
      at += 5;
    } else kept.push(token);
  }
  return kept;
}

/**
 * `sha2(concat(secret('…', '…'), …), 256)`: constants name the key, and nothing but the hash of the whole key and more comes out. In
 * double quotes a text could be the name of a column.
 */
function isKeyOfHash(tokens: readonly Token[], at: number): boolean {
  const [call, open, scope, comma, key, close, next] = tokens.slice(at, at + 7);
  const isConstant = (token: Token | undefined) => token?.kind === "text" && token.value.startsWith("'");
  if (!isWord(call, "SECRET") || !isConstant(scope) || !isConstant(key)) return false;
  if ([open, comma, close].map((token) => token?.value).join("") !== "(,)" || next?.value !== ",") return false;
  if (tokens[at - 1]?.value !== "(" || functionBefore(tokens, at - 1) !== "CONCAT") return false;
  if (tokens[at - 3]?.value !== "(" || functionBefore(tokens, at - 3) !== "SHA2") return false;
  const end = closing(tokens, at - 1) ?? tokens.length;
  return [1, 2, 3].map((after) => tokens[end + after]?.value).join("") === ",256)";
}

function functionBefore(tokens: readonly Token[], at: number): string {
  const [dot, name] = [tokens[at - 2], tokens[at - 1]];
  return name?.kind === "word" && dot?.value !== "." ? name.value : "";
}

interface Changed {
  what: Securable;
  /** The full name, in lower case. */
  name: string[];
  /** The first token after the name. */
  end: number;
}

function begun(tokens: readonly Token[]): Changed | string {
  const start = tokens
    .slice(0, 8)
    .map((token) => (token.kind === "word" ? token.value : "?"))
    .join(" ");
  for (const [pattern, told] of beginnings) {
    const [words] = pattern.exec(start) ?? [];
    if (words === undefined) continue;
    let at = words.trim().split(" ").length;
    const what = told ?? (tokens[at++]?.value as Securable);
    return named(tokens, at, what);
  }
  return `it begins with ${tokens[0]?.value ?? "nothing"}, which is no change that env-actions makes`;
}

/** GRANT … ON TABLE name TO …, and REVOKE. */
function aboutGrants(tokens: readonly Token[]): Changed | string | undefined {
  const first = tokens[0];
  if (first?.kind !== "word" || !["GRANT", "REVOKE"].includes(first.value)) return undefined;
  const on = tokens.findIndex(({ kind, value }) => kind === "word" && value === "ON");
  const what = tokens[on + 1];
  if (on < 0 || what?.kind !== "word" || !(what.value in parts)) return "it doesn't say on what it grants";
  return named(tokens, on + 2, what.value as Securable);
}

function named(tokens: readonly Token[], from: number, what: Securable): Changed | string {
  const name: string[] = [];
  let at = from;
  for (; ; at += 2) {
    const token = tokens[at];
    if (token?.kind !== "word" && token?.kind !== "quoted-name") return `the name of the ${what.toLowerCase()} is missing`;
    // Their lower case is a letter or two of ASCII, so they would be another name to whoever lowers differently.
    if (/[\u0130\u212a]/.test(bare(token))) return `the name of the ${what.toLowerCase()} has a letter that looks like another`;
    name.push(bare(token).toLowerCase());
    if (tokens[at + 1]?.value !== ".") break;
  }
  if (name.length !== parts[what]) return `${name.join(".")} is not the full name of a ${what.toLowerCase()}, with its catalog`;
  return { what, name, end: at + 1 };
}

/** Whether it changes nothing but a comment, tags or grants. */
function isLabel(tokens: readonly Token[], end: number): boolean {
  const [first, second] = tokens;
  if (["COMMENT", "GRANT", "REVOKE"].includes(first?.value ?? "")) return true;
  if (["SET", "UNSET"].includes(first?.value ?? "") && second?.value === "TAG") return true;
  return first?.value === "ALTER" && ["SET", "UNSET"].includes(tokens[end]?.value ?? "") && tokens[end + 1]?.value === "TAGS";
}

function whyOutside({ what, name }: Changed, scope: WritableScope, isLabelled = false): string | undefined {
  const [catalog = "", schema] = name;
  if (catalog !== scope.catalog.toLowerCase() && !scope.ownsCatalogs?.(catalog))
    return `it changes ${name.join(".")}, which is not in catalog ${scope.catalog}`;
  const mayChange = scope.ownsCatalog || (isLabelled && scope.labelsCatalog === true);
  if (what === "CATALOG" && !mayChange) return `it changes catalog ${catalog} itself`;
  if (schema !== undefined && scope.ownsSchema && !scope.ownsSchema(schema))
    return `it changes ${name.join(".")}, whose schema is not one of this run`;
  return undefined;
}

/** What comes after the name may read, and name one more object: what something is renamed to. */
function whyBadRest(tokens: readonly Token[], end: number, scope: WritableScope): string | undefined {
  const [first, second] = tokens.map(({ value }) => value);
  if (first === "ALTER") {
    if (second === "CATALOG" && !isLabel(tokens, end)) return "of a catalog, ALTER only changes tags";
    return whyBadAlteration(tokens, end, scope);
  }
  if (first === "DELETE" || first === "TRUNCATE")
    return end === tokens.length ? undefined : whyNotReading(`SELECT 1 FROM t ${textOf(tokens.slice(end))}`);
  if (first === "GRANT" || first === "REVOKE")
    return isWord(tokens[end], "TO", "FROM") ? undefined : "it grants on more than one thing";
  if (first === "DROP")
    return end === tokens.length || isWord(tokens[end], "CASCADE", "RESTRICT") ? undefined : "it drops more than one thing";
  if (first !== "INSERT" && first !== "CREATE") return undefined;
  const query = queryIn(tokens, end);
  const before = tokens.slice(end, query);
  const refusal = first === "INSERT" ? whyBadTarget(before) : whyElsewhere(before, second === "CATALOG");
  return refusal ?? (query === undefined ? undefined : whyNotReading(textOf(tokens.slice(query))));
}

/** What an ALTER may do. Anything else could be about files: a location, a partition's location, a format. */
const alterations =
  /^(ADD (COLUMNS? |CONSTRAINT |PRIMARY KEY |FOREIGN KEY )|(ALTER|CHANGE) (COLUMN )?|CLUSTER BY |(DROP|RENAME) (COLUMNS? |CONSTRAINT |PRIMARY KEY |FOREIGN KEY |FEATURE |ROW FILTER )|OWNER TO |RENAME TO |(SET )?OWNER TO |SET (TBLPROPERTIES |DBPROPERTIES |TAGS |ROW FILTER |RETAIN DROPPED )|UNSET (TBLPROPERTIES |TAGS ))/;

function whyBadAlteration(tokens: readonly Token[], end: number, scope: WritableScope): string | undefined {
  const rest = tokens.slice(end);
  const words = rest.map(({ kind, value }) => (kind === "word" ? `${value} ` : "? ")).join("");
  if (isWord(tokens[1], "VIEW") && words.startsWith("AS ")) return whyNotReading(textOf(rest.slice(1)));
  if (!alterations.test(words)) return `it alters by ${words.split(" ").slice(0, 2).join(" ")}, which env-actions never does`;
  if (!words.startsWith("RENAME TO ")) return whyElsewhere(rest, false);
  const target = named(tokens, end + 2, "TABLE");
  if (typeof target === "string") return target;
  return target.end < tokens.length ? "it is more than a rename" : whyOutside(target, scope);
}

/** Between the name and the query of an INSERT: columns, and which rows are replaced. */
function whyBadTarget(tokens: readonly Token[]): string | undefined {
  const columns = tokens[0]?.value === "(" ? (closing(tokens, 0) ?? tokens.length) + 1 : 0;
  const rest = tokens.slice(columns);
  return rest.length === 0 || (rest.length === 2 && isWord(rest[0], "BY") && isWord(rest[1], "NAME"))
    ? undefined
    : "between the table and the query of an INSERT there may only be columns and BY NAME";
}

/** A table whose files are elsewhere, or that is only a way to another system, writes there. */
function whyElsewhere(tokens: readonly Token[], isCatalog: boolean): string | undefined {
  let depth = 0;
  for (const [at, token] of tokens.entries()) {
    if (token.value === "(") depth++;
    if (token.value === ")") depth--;
    if (depth > 0 || token.kind !== "word") continue;
    if (isCatalog && token.value === "LOCATION" && isWord(tokens[at - 1], "MANAGED")) continue;
    // Its format, and what a mask is given.
    if (token.value === "USING" && isWord(tokens[at + 1], "DELTA", "COLUMNS")) continue;
    if (elsewhere.has(token.value))
      return `it contains ${token.value}, which can write outside of the catalog; put a column of that name in backticks`;
  }
  return undefined;
}

const elsewhere = new Set(["LOCATION", "OPTIONS", "USING", "STORED", "FORMAT", "CONNECTION", "PARTITION", "SERDE", "SHARE"]);

const beginsQuery = ["SELECT", "WITH", "VALUES", "TABLE", "FROM", "MAP", "REDUCE"];

/** No full name of a table ends before it. */
const earliestEnd = 7;

/** Where its query begins, after the name. In Spark, AS before it may be missing. */
function queryIn(tokens: readonly Token[], end = earliestEnd): number | undefined {
  let depth = 0;
  for (let at = end; at < tokens.length; at++) {
    const [before, token, next] = [tokens[at - 1], tokens[at], tokens[at + 1]];
    if (token?.value === "(") depth++;
    if (token?.value === ")") depth--;
    if (token?.kind !== "word" || before?.value === ".") continue;
    if (depth === 0 && token.value === "AS" && !(isWord(before, "VERSION", "TIMESTAMP") && isWord(next, "OF"))) return at + 1;
    // Options of a table or view: WITH ROW FILTER, WITH SCHEMA.
    if (token.value === "WITH" && isWord(next, "ROW", "SCHEMA")) continue;
    if (beginsQuery.includes(token.value) && (depth === 0 || before?.value === "(")) return at;
  }
  return undefined;
}

/** Tokens with a space between them; a quote directly after a word would be refused. */
function textOf(tokens: readonly Token[]): string {
  return tokens.map(({ value }) => value).join(" ");
}

function bare({ kind, value }: Token): string {
  return kind === "quoted-name" ? value.slice(1, -1).replaceAll("``", "`") : value;
}
