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
