import { shortestPattern } from "./matcher.ts";
import { isSecretName } from "./names.ts";
import { isPlainAddress, isWorthHiding } from "./values.ts";

/**
 * The secrets inside a secret: lines of a key, the password of an address, what a header carries behind its scheme, the signature of a
 * token. Each of them is printed by something without the rest.
 */
export function partsOf(secret: string): string[] {
  const parts = new Set<string>();
  collect(secret, parts, 0);
  return [...parts];
}

const deepest = 3;

function collect(text: string, parts: Set<string>, depth: number): void {
  const value = text.trim();
  if (value.length < shortestPattern || parts.has(value)) return;
  parts.add(value);
  if (text !== value) parts.add(text);
  if (depth >= deepest) return;
  for (const part of [
    ...linesOf(value),
    ...unquoted(value),
    ...aroundAmpersand(value),
    ...behindScheme(value),
    ...credentialsIn(value),
    ...inBasic(value),
    ...signatureOf(value),
    ...inDocument(value),
  ])
    collect(part, parts, depth + 1);
}

function linesOf(value: string): string[] {
  if (!/[\r\n]/.test(value)) return [];
  // A key's first and last line are the same for everybody's.
  return value.split(/[\r\n]+/).filter((line) => !/^-----(?:BEGIN|END) [A-Z0-9 ]+-----$/.test(line.trim()) && hasLetters(line));
}

/** A line of braces and blanks is no secret. */
function hasLetters(line: string): boolean {
  return /[\p{L}\p{N}]{3}/u.test(line);
}

/** The runner's TrimDoubleQuotes. */
function unquoted(value: string): string[] {
  return value.length > 8 && /^(["']).*\1$/s.test(value) ? [value.slice(1, -1)] : [];
}

/** The runner's PowerShellPreAmpersandEscape and PowerShellPostAmpersandEscape: PowerShell prints a command in parts, cut there. */
function aroundAmpersand(value: string): string[] {
  const special = value.indexOf("&+");
  const cut = special >= 0 ? special + 2 : value.lastIndexOf("&") + 1;
  // An address has its own parts; its query without the rest is none.
  if (cut === 0 || /^[a-z][a-z0-9+.-]*:\/\//i.test(value)) return [];
  return [value.slice(0, cut), value.slice(special >= 0 ? cut + 1 : cut)];
}

/** `Basic dXNlcjpwYXNz`, `Bearer eyJ…`, `Token token="…"`: what stands behind the scheme. */
function behindScheme(value: string): string[] {
  const match = /^(?:basic|bearer|token|digest|negotiate|ntlm|apikey|key|aws4-hmac-sha256)\s+(\S.*)$/is.exec(value);
  return match?.[1] ? [match[1]] : [];
}

/** Of an address with several hosts, as databases have it, or with letters that an address should not have. */
const userInfo = /^[a-z][a-z0-9+.-]*:\/\/([^\s/:@]*):(\S+)@/i;
const connectionPart = /(?:^|;)\s*(?:password|pwd|accountkey|sharedaccesskey|sharedaccesssignature|secret)\s*=\s*([^;]+)/gi;

/**
 * The passwords of an address or a connection string, as written and decoded, each alone and with its user; and the part behind the
 * host of an address that is secret without a password, as those of webhooks are.
 */
function credentialsIn(value: string): string[] {
  const [user, password] = loginOf(value);
  if (password !== "") {
    const pairs = [`${user}:${password}`, `${decoded(user)}:${decoded(password)}`];
    // A database that everybody signs in to with the same word: the word stays readable.
    const alone = [password, decoded(password)].filter(isWorthHiding);
    return [...alone, ...pairs];
  }
  const connection = [...value.matchAll(connectionPart)].flatMap(([, part]) => part ?? []).filter(isWorthHiding);
  return [...connection, ...behindHost(value)];
}

/** User and password of an address, as they are written in it. */
export function loginOf(value: string): [user: string, password: string] {
  if (!value.includes("://")) return ["", ""];
  if (URL.canParse(value)) {
    const { username, password } = new URL(value);
    if (password !== "") return [username, password];
  }
  const match = userInfo.exec(value);
  return [match?.[1] ?? "", match?.[2] ?? ""];
}

export function hasPassword(value: string): boolean {
  return loginOf(value)[1] !== "" || [...value.matchAll(connectionPart)].length > 0;
}

function behindHost(value: string): string[] {
  if (!/^https?:\/\//i.test(value) || !URL.canParse(value) || isPlainAddress(value)) return [];
  const { pathname, search, searchParams } = new URL(value);
  const parameters = [...searchParams].filter(([name]) => isSecretName(name)).map(([, content]) => content);
  return [`${pathname}${search}`, ...parameters.filter(isWorthHiding)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}

/** `user:password` in base64: the pair, and the password alone. */
function inBasic(value: string): string[] {
  if (!/^[A-Za-z0-9+/]{8,}={0,2}$/.test(value)) return [];
  const pair = Buffer.from(value, "base64").toString("utf8");
  const match = /^([ -9;-~]{1,200}):([ -~]{3,})$/.exec(pair);
  if (!match?.[2]) return [];
  return isWorthHiding(match[2]) ? [pair, match[2]] : [pair];
}

const compactToken = /^[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{2,}\.([A-Za-z0-9_-]{16,})$/;

/** Of a JWT: whoever has it only lacks what can be guessed. */
function signatureOf(value: string): string[] {
  const match = compactToken.exec(value);
  return match?.[1] ? [match[1]] : [];
}

/** A key file or `toJSON(secrets)` in a variable: the texts in it whose names say what they are. */
function inDocument(value: string): string[] {
  if (!value.startsWith("{")) return [];
  try {
    return textsUnderSecretNames(JSON.parse(value), false);
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

function textsUnderSecretNames(value: unknown, isSecret: boolean): string[] {
  if (typeof value === "string") return (isSecret && isWorthHiding(value)) || hasPassword(value) ? [value] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, item]) => textsUnderSecretNames(item, isSecret || isSecretName(name)));
}
