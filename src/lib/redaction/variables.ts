import { hasPassword } from "./forms.ts";
import { type Span, shortestPattern } from "./matcher.ts";

export type Variables = Readonly<Record<string, string | undefined>>;

/** What the configuration adds to the rule for names. */
export interface NamedSecrets {
  /** Variables that hold a secret although their name doesn't say so. */
  also: readonly string[];
  /** Variables that hold no secret although their name says so. */
  not: readonly string[];
}

export const noNamedSecrets: NamedSecrets = { also: [], not: [] };

/**
 * The values to hide: those whose variable is named like a secret, unless the value is a common word, and every URL that contains
 * a password.
 */
export function secretsOfVariables(sources: readonly Variables[], { also, not }: NamedSecrets = noNamedSecrets): string[] {
  const all = sources.flatMap((variables) => Object.entries(variables));
  const open = new Set<string>();
  for (const [name, value] of all) if (value !== undefined && !isSecretName(name) && isWord(value)) open.add(value);
  const found = all.flatMap(([name, value]) => {
    if (value === undefined || not.includes(name)) return [];
    if (also.includes(name) || hasPassword(value)) return [value];
    // `POSTGRES_USER` and `POSTGRES_PASSWORD` are often the same word, and also the name of the database.
    return isSecretName(name) && isWorthHiding(value) && !open.has(value) ? [value] : [];
  });
  return [...new Set(found)];
}

function isWord(value: string): boolean {
  return /^[a-z]+(?:[-_][a-z]+){0,2}$/.test(value);
}

/**
 * Which variable names mark their value as a secret. The only place for this rule: configuration, checks and redaction use it.
 */

const secretName =
  /TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|PASSCODE|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY|ENCRYPTION|COOKIE|WEBHOOK|CONNECTION_?STRING|_KEYS?(?:_?V?\d+)?$|(?:^|_)(?:PASS|PWD|PAT|AUTH|SALT|PEPPER|DSN)$/i;

/** Words after such a name that mean the value only describes a secret: its location, length or kind. */
const aboutSecrets =
  /(?:_|^)(?:URL|URI|HOST|PORT|ENDPOINT|FILE|FILENAME|PATH|DIR|DIRECTORY|SOCK|NAME|ID|ISSUER|AUDIENCE|ALG|ALGORITHM|TYPE|KIND|VERSION|REGION|HEADER|PREFIX|SUFFIX|SCOPES?|TTL|EXPIRY|EXPIRES|EXPIRES_IN|EXPIRATION|LIFETIME|MAX_AGE|TIMEOUT|LENGTH|SIZE|COUNT|LIMIT|ROUNDS|ENABLED|DISABLED|REQUIRED|MODE|PROVIDER|STORE|MANAGER|DOMAIN|SAMESITE|FORMAT)$/i;

/** Keys that grant no access. */
const otherKeys =
  /(?:^|_)(?:CACHE|PRIMARY|FOREIGN|SORT|PARTITION|ROUTING|IDEMPOTENCY|RESTORE|PUBLIC|PUBLISHABLE|HOST|IDENTITY_PUBLIC)_KEYS?$|(?:^|_)(?:PUBLIC|PUBLISHABLE)_(?:API_)?(?:KEY|TOKEN)/i;

/** Named like secrets, but public. If they were masked, the message about a refused audience could not name it. */
const noSecrets: ReadonlySet<string> = new Set(["DATABRICKS_TOKEN_AUDIENCE", "PWD", "OLDPWD", "ENV_ACTIONS_TOKENS"]);
/** An identifier by name, but other tools mask it too, because it is half of a credential. */
const secretAllTheSame: ReadonlySet<string> = new Set(["AWS_ACCESS_KEY_ID"]);

/** Whether the name says that the variable holds a secret. */
export function isSecretName(name: string): boolean {
  if (secretAllTheSame.has(name)) return true;
  return secretName.test(name) && !noSecrets.has(name) && !aboutSecrets.test(name) && !otherKeys.test(name);
}

/**
 * Which values of variables named like secrets are worth hiding. Hiding a common word protects nothing and makes reports
 * unreadable: `DB_PASSWORD=postgres` would hide every mention of PostgreSQL.
 */
const everyday = new Set(
  `true false null none undefined unknown default required optional enabled disabled always never auto
  production development staging sandbox preview testing integration localhost local
  password passwd secret secrets token tokens apikey admin administrator root guest user users public private
  postgres postgresql mysql mariadb mongo mongodb redis rabbitmq elastic minio minioadmin sqlite
  github gitlab main master example sample basic bearer digest oauth oauth2`.split(/\s+/),
);

const number = /^[+-]?[\d._,:]{1,15}$/;
const folders =
  /^(?:~|\.{1,2}|[A-Za-z]:)?[\\/](?:home|Users|tmp|var|etc|opt|usr|root|run|mnt|github|__w|workspace|workspaces|srv|data|private|builds?|app|secrets|certs?|keys?|Volumes|dev|proc|bin|lib|runner|actions-runner|codespace)(?:[\\/]|$)/;
const relativePath = /^(?:~|\.{1,2}|[A-Za-z]:)[\\/][\w .@+-]+(?:[\\/][\w .@+-]*)*$/;
const hostName = /^(?:[a-z0-9-]+\.)+(?:com|net|org|io|dev|app|cloud|edu|local|internal|test|example|localhost)(?::\d{1,5})?$/i;

/** A path or query that could hold a secret has at least this length. */
const shortestSecretPath = 12;

/** A common word, which protects nothing. */
export function isCommonWord(value: string): boolean {
  return everyday.has(value.trim().toLowerCase());
}

/** @param value of a variable that only its name marks as a secret */
export function isWorthHiding(value: string): boolean {
  const text = value.trim();
  if (text.length < shortestPattern || isCommonWord(text)) return false;
  if (/^(.)\1*$/su.test(text)) return false;
  return !number.test(text) && !folders.test(text) && !relativePath.test(text) && !hostName.test(text) && !isPlainAddress(text);
}

/** A URL without a password, and with too short a path to be secret as a whole. */
export function isPlainAddress(text: string): boolean {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text) || !URL.canParse(text)) return false;
  const { password, pathname, search } = new URL(text);
  return password === "" && pathname.length + search.length < shortestSecretPath;
}

/**
 * Unregistered secrets that can be recognised by their context: authorization headers, passwords in URLs, token
 * signatures, private keys. Each shape has a cheap test first, because most lines contain none.
 */
interface Shape {
  mayBe: (text: string) => boolean;
  /** The first group is hidden. */
  pattern: RegExp;
}

const quote = `\\\\*["']?`;
const schemes = "Basic|Bearer|Token|Digest|Negotiate|NTLM|ApiKey|AWS4-HMAC-SHA256";

const shapes: readonly Shape[] = [
  {
    // In an HTTP dump, JSON or curl arguments: up to the end of the line or of the quoted text.
    mayBe: (text) => text.includes("uthorization") || text.includes("UTHORIZATION"),
    pattern: new RegExp(
      `authorization${quote}\\s{0,8}[:=]\\s{0,8}\\[?\\s{0,8}${quote}(?:(?:${schemes})\\s+)?([^\\s"'\\\\,;<>\\]]{6,})`,
      "gid",
    ),
  },
  {
    mayBe: (text) => text.includes("Basic ") || text.includes("basic "),
    pattern: /\bbasic\s{1,4}((?=[A-Za-z0-9+/]*[A-Z0-9+/])[A-Za-z0-9+/]{8,}={0,2})/dgi,
  },
  {
    mayBe: (text) => text.includes("Bearer ") || text.includes("bearer "),
    pattern: /\bbearer\s{1,4}((?=[A-Za-z0-9._~+/-]*\d)[A-Za-z0-9._~+/-]{16,}=*)/dgi,
  },
  {
    mayBe: (text) => text.includes("://") && text.includes("@"),
    pattern: /(?<=[a-z0-9]):\/\/[^\s/:@"'<>]{0,200}:([^\s/@"'<>]{1,500})@/dgi,
  },
  {
    mayBe: (text) => text.includes("eyJ"),
    pattern: /\beyJ[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]{2,16000}\.([A-Za-z0-9_-]{16,2000})/dg,
  },
  {
    mayBe: (text) => text.includes("PRIVATE KEY"),
    pattern:
      /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?=[\s\S]{0,200}?[A-Za-z0-9+/]{16})((?:[A-Za-z0-9+/=\s:,.-]|\\[nr]){1,20000}?)(?=-----END|["'<]|$)/dg,
  },
];

/** The ranges of the text that hold such secrets. */
export function shapesIn(text: string): Span[] {
  return shapes.flatMap(({ mayBe, pattern }) => {
    if (!mayBe(text)) return [];
    return [...text.matchAll(pattern)].flatMap(({ indices }) => {
      const place = indices?.[1];
      return place ? [{ start: place[0], end: place[1] }] : [];
    });
  });
}
