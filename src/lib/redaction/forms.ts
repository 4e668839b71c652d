import { type Pattern, shortestPattern } from "./matcher.ts";
import { isPlainAddress, isSecretName, isWorthHiding } from "./variables.ts";
import { readForms } from "./views.ts";

/**
 * The encodings of a secret. JSON, URL, HTML and Unicode escapes have too many spellings to list; `views.ts` decodes the text
 * instead. This list follows the encoders of GitHub's runner (its ValueEncoders), and adds hexadecimal, form and shell encodings.
 */
export function patternsOf(secret: string): Pattern[] {
  const forms = unicodeForms(secret);
  return [
    ...[...forms, ...forms.flatMap(quoted)].map((text) => ({ text })),
    ...[...forms, ...forms.flatMap(escapedInside)].flatMap((form) => base64Patterns(Buffer.from(form, "utf8"))),
    ...forms.flatMap((form) => hexadecimal(Buffer.from(form, "utf8"))).map((text) => ({ text })),
  ];
}

function unicodeForms(secret: string): string[] {
  return [...new Set([secret, ...(["NFC", "NFD", "NFKC"] as const).map((form) => secret.normalize(form)), ...readForms(secret)])];
}

/** Spellings that keep the secret's own backslashes, so that decoding backslashes would get them wrong. */
function quoted(form: string): string[] {
  return [
    // The runner's CommandLineArgumentEscape and ExpressionStringEscape; SQL uses the latter too.
    form.replaceAll('"', '\\"'),
    form.replaceAll("'", "''"),
    // Shell escapes, for both kinds of quotes.
    form.replaceAll("'", "'\\''"),
    form.replaceAll("'", `'"'"'`),
    form.replaceAll(" ", "+"),
    ...escapedInside(form),
  ].filter((text) => text !== form);
}

/** A document encoded as a whole, such as JSON in base64, contains the secret as the document escapes it. */
function escapedInside(form: string): string[] {
  const json = JSON.stringify(form).slice(1, -1);
  return [json, encodeUri(form)].filter((text) => text !== form);
}

export function encodeUri(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/**
 * The base64 digits that depend on these bytes alone, for each of the three alignments and both alphabets. The digits at the
 * edges also encode neighbouring bytes, so a match includes them.
 */
export function base64Patterns(bytes: Buffer): Pattern[] {
  return [0, 1, 2].flatMap((offset) => {
    const digits = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    const first = Math.ceil((8 * offset) / 6);
    const last = Math.floor((8 * (offset + bytes.length)) / 6);
    const text = digits.slice(first, last);
    const edges = { before: offset === 0 ? 0 : 1, after: (offset + bytes.length) % 3 === 0 ? 0 : 1 };
    const url = text.replaceAll("+", "-").replaceAll("/", "_");
    return (url === text ? [text] : [text, url]).filter(isLongEnough).map((one) => ({ text: one, ...edges }));
  });
}

function hexadecimal(bytes: Buffer): string[] {
  const lower = bytes.toString("hex");
  const upper = lower.toUpperCase();
  return lower === upper ? [lower] : [lower, upper];
}

function isLongEnough(text: string): boolean {
  return text.length >= shortestPattern;
}

/**
 * What the runner must mask in addition to the secret. It derives base64, JSON, URI and XML forms by itself. Each further
 * mask slows every line of the job's log, so only forms that it doesn't derive are announced.
 */
export function announcedForms(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const twice = JSON.stringify(json).slice(1, -1);
  const uri = encodeUri(secret);
  const forms = [
    ...secret.split(/\r?\n/),
    secret.normalize("NFC"),
    secret.normalize("NFD"),
    ...(twice === json ? [] : [twice]),
    ...[uri.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()), uri.replaceAll("%20", "+")].filter((form) => form !== uri),
    Buffer.from(secret, "utf8").toString("hex"),
  ];
  return [...new Set(forms)].filter((form) => form !== secret && form.trim().length >= shortestPattern);
}

/**
 * The secrets inside a secret: lines of a key, the password in a URL, the credentials after a header's scheme, the signature of a
 * token. Programs print each of these on its own.
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
  // The first and last line are the same in every key.
  return value.split(/[\r\n]+/).filter((line) => !/^-----(?:BEGIN|END) [A-Z0-9 ]+-----$/.test(line.trim()) && hasLetters(line));
}

/** A line of braces and blanks is not secret. */
function hasLetters(line: string): boolean {
  return /[\p{L}\p{N}]{3}/u.test(line);
}

/** The runner's TrimDoubleQuotes. */
function unquoted(value: string): string[] {
  return value.length > 8 && /^(["']).*\1$/s.test(value) ? [value.slice(1, -1)] : [];
}

/**
 * The runner's PowerShellPreAmpersandEscape and PowerShellPostAmpersandEscape: PowerShell prints a command in parts, split at
 * `&`.
 */
function aroundAmpersand(value: string): string[] {
  const special = value.indexOf("&+");
  const cut = special >= 0 ? special + 2 : value.lastIndexOf("&") + 1;
  // URLs are split elsewhere, and a query alone is no URL.
  if (cut === 0 || /^[a-z][a-z0-9+.-]*:\/\//i.test(value)) return [];
  return [value.slice(0, cut), value.slice(special >= 0 ? cut + 1 : cut)];
}

/** `Basic dXNlcjpwYXNz`, `Bearer eyJ…`, `Token token="…"`: the part after the scheme. */
function behindScheme(value: string): string[] {
  const match = /^(?:basic|bearer|token|digest|negotiate|ntlm|apikey|key|aws4-hmac-sha256)\s+(\S.*)$/is.exec(value);
  return match?.[1] ? [match[1]] : [];
}

/** For URLs with several hosts, as databases use, or with characters that a URL should not contain. */
const userInfo = /^[a-z][a-z0-9+.-]*:\/\/([^\s/:@]*):(\S+)@/i;
const connectionPart = /(?:^|;)\s*(?:password|pwd|accountkey|sharedaccesskey|sharedaccesssignature|secret)\s*=\s*([^;]+)/gi;

/**
 * The passwords in a URL or connection string, raw and decoded, alone and with the user name. For URLs that are secret without a
 * password, such as webhooks, the part after the host.
 */
function credentialsIn(value: string): string[] {
  const [user, password] = loginOf(value);
  if (password !== "") {
    const pairs = [`${user}:${password}`, `${decoded(user)}:${decoded(password)}`];
    // If everybody uses the same password for a database, it stays readable.
    const alone = [password, decoded(password)].filter(isWorthHiding);
    return [...alone, ...pairs];
  }
  const connection = [...value.matchAll(connectionPart)].flatMap(([, part]) => part ?? []).filter(isWorthHiding);
  return [...connection, ...behindHost(value)];
}

/** User and password of a URL, as written there. */
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

/** The signature of a JWT. The other parts can be guessed. */
function signatureOf(value: string): string[] {
  const match = compactToken.exec(value);
  return match?.[1] ? [match[1]] : [];
}

/** A key file or `toJSON(secrets)` in a variable: its values whose names mark them as secrets. */
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
