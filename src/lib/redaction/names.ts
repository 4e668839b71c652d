/** Which names of variables say that their value is a secret. Kept in one place: the configuration, checks and redaction ask here. */

const secretName =
  /TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|PASSCODE|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY|ENCRYPTION|COOKIE|WEBHOOK|CONNECTION_?STRING|_KEYS?(?:_?V?\d+)?$|(?:^|_)(?:PASS|PWD|PAT|AUTH|SALT|PEPPER|DSN)$/i;

/** What stands behind such a word and says that the value only speaks about a secret: where it is, how long, of which kind. */
const aboutSecrets =
  /(?:_|^)(?:URL|URI|HOST|PORT|ENDPOINT|FILE|FILENAME|PATH|DIR|DIRECTORY|SOCK|NAME|ID|ISSUER|AUDIENCE|ALG|ALGORITHM|TYPE|KIND|VERSION|REGION|HEADER|PREFIX|SUFFIX|SCOPES?|TTL|EXPIRY|EXPIRES|EXPIRES_IN|EXPIRATION|LIFETIME|MAX_AGE|TIMEOUT|LENGTH|SIZE|COUNT|LIMIT|ROUNDS|ENABLED|DISABLED|REQUIRED|MODE|PROVIDER|STORE|MANAGER|DOMAIN|SAMESITE|FORMAT)$/i;

/** Keys that open nothing. */
const otherKeys =
  /(?:^|_)(?:CACHE|PRIMARY|FOREIGN|SORT|PARTITION|ROUTING|IDEMPOTENCY|RESTORE|PUBLIC|PUBLISHABLE|HOST|IDENTITY_PUBLIC)_KEYS?$|(?:^|_)(?:PUBLIC|PUBLISHABLE)_(?:API_)?(?:KEY|TOKEN)/i;

/** Named like one, but known to everybody: masked, the message about a refused audience could not name it. */
const noSecrets: ReadonlySet<string> = new Set(["DATABRICKS_TOKEN_AUDIENCE", "PWD", "OLDPWD", "ENV_ACTIONS_TOKENS"]);
/** An identifier by its name, which others mask as well because it is half of a credential. */
const secretAllTheSame: ReadonlySet<string> = new Set(["AWS_ACCESS_KEY_ID"]);

/** Whether a variable of this name holds a secret, as far as the name tells. */
export function isSecretName(name: string): boolean {
  if (secretAllTheSame.has(name)) return true;
  return secretName.test(name) && !noSecrets.has(name) && !aboutSecrets.test(name) && !otherKeys.test(name);
}
