import { hasEffects, type Token, tokenize, whyNotReading } from "./statements.ts";

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
  const tokens = withoutSecrets(read);
  while (tokens.at(-1)?.value === ";") tokens.pop();
  if (tokens.some(({ kind, value }) => kind === "symbol" && value === ";")) return "it is more than one statement";
  const called = tokens.find((token, at) => token.kind !== "symbol" && tokens[at + 1]?.value === "(" && hasEffects(bare(token)));
  if (called) return `it calls ${bare(called).toLowerCase()}(), which reaches outside the warehouse or hides what it calls`;
  const grant = aboutGrants(tokens);
  const changed = grant ?? begun(tokens);
  if (typeof changed === "string") return changed;
  return whyOutside(changed, scope, isLabel(tokens, changed.end)) ?? whyBadRest(tokens, changed.end, scope);
}

/**
 * A table may be filled with hashes that only the warehouse's own key can repeat: `sha2(… secret('scope', 'key') …)`. Only constants
 * name the key, and nothing but its hash is stored. Here such a call counts as a text; anywhere else it is refused.
 */
function withoutSecrets(tokens: readonly Token[]): Token[] {
  const start = tokens.slice(0, 6).map(({ kind, value }) => (kind === "word" ? value : "?"));
  if (!/^(CREATE (OR REPLACE )?TABLE|INSERT (INTO|OVERWRITE)) /.test(`${start.join(" ")} `)) return [...tokens];
  const kept: Token[] = [];
  const open: string[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] as Token;
    if (open.includes("SHA2") && isSecretCall(tokens, at)) {
      kept.push({ ...token, kind: "text", value: "'secret'" });
      at += 5;
      continue;
    }
    if (token.kind === "symbol" && token.value === "(") open.push(functionBefore(tokens, at));
    if (token.kind === "symbol" && token.value === ")") open.pop();
    kept.push(token);
  }
  return kept;
}

/** `secret('…', '…')`, of no schema. In double quotes a text could be the name of a column. */
function isSecretCall(tokens: readonly Token[], at: number): boolean {
  const [call, open, scope, comma, key, close] = tokens.slice(at, at + 6);
  const isConstant = (token: Token | undefined) => token?.kind === "text" && token.value.startsWith("'");
  return (
    call?.kind === "word" &&
    call.value === "SECRET" &&
    tokens[at - 1]?.value !== "." &&
    [open, comma, close].map((token) => token?.value).join("") === "(,)" &&
    isConstant(scope) &&
    isConstant(key)
  );
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
  const first = tokens[0]?.value;
  if (first === "ALTER" && tokens[1]?.value === "CATALOG" && !isLabel(tokens, end))
    return "of a catalog, ALTER only changes tags";
  const rename = tokens.findIndex(({ value }, at) => at >= end && value === "RENAME" && tokens[at + 1]?.value === "TO");
  if (first === "ALTER" && rename >= 0) {
    const target = named(tokens, rename + 2, "TABLE");
    return typeof target === "string" ? target : whyOutside(target, scope);
  }
  const query = first === "INSERT" || first === "CREATE" ? queryIn(tokens, end) : undefined;
  return query === undefined ? undefined : whyNotReading(textOf(tokens.slice(query)));
}

/** Where its query begins: after AS, or, in an INSERT, after the name or the list of columns. */
function queryIn(tokens: readonly Token[], end: number): number | undefined {
  const first = tokens[0]?.value;
  const at = tokens.findIndex(
    ({ kind, value }, index) =>
      index >= end &&
      kind === "word" &&
      ["SELECT", "WITH", "VALUES", "TABLE", "FROM"].includes(value) &&
      (first === "INSERT" || tokens[index - 1]?.value === "AS" || tokens[index - 1]?.value === "("),
  );
  return at < 0 ? undefined : at;
}

/** Tokens with a space between them; a quote directly after a word would be refused. */
function textOf(tokens: readonly Token[]): string {
  return tokens.map(({ value }) => value).join(" ");
}

function bare({ kind, value }: Token): string {
  return kind === "quoted-name" ? value.slice(1, -1).replaceAll("``", "`") : value;
}
