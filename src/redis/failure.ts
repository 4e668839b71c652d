/** Redis could not be asked: connection, sign-in, or a command that was refused. */
export class RedisFailure extends Error {
  override name = "RedisFailure";
  readonly kind: "unreachable" | "sign-in" | "refused" | "cancelled";
  /** It may pass: a restart, a failover, a slot on its way to another node. What may be repeated is worth repeating. */
  readonly passing: boolean;

  constructor(kind: RedisFailure["kind"], message: string, cause?: unknown, passing = kind === "unreachable") {
    super(message, { cause });
    this.kind = kind;
    this.passing = passing;
  }
}

/** Nobody is there, or nobody answers (any longer). */
export function unreachable(why: unknown): RedisFailure {
  if (why instanceof RedisFailure) return why;
  const text = why instanceof Error ? why.message || String((why as { code?: unknown }).code ?? why.name) : String(why);
  // How the parser of replies says that they are none.
  const said = /Unknown RESP type|call stack size/.test(text) ? "what answers there is no Redis" : text;
  return new RedisFailure("unreachable", `Redis does not answer: ${said}`, why);
}

export function cancelled(signal: AbortSignal): RedisFailure {
  const why = signal.reason instanceof Error ? signal.reason.message : String(signal.reason);
  return new RedisFailure("cancelled", `stopped before Redis answered: ${why}`, signal.reason);
}

/** What a server says while it cannot do its work yet, or no longer. */
const passingReplies = /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS|BUSY )/;

/** @param text of an error reply, such as `NOPERM this user has no permissions to run the 'info' command` */
export function refusedFailure(text: string): RedisFailure {
  if (/WRONGPASS|NOAUTH|invalid username-password|invalid password|AUTH.*without any password/i.test(text))
    return new RedisFailure("sign-in", `Redis refused the password: ${text}`);
  if (/^(LOADING|MASTERDOWN|CLUSTERDOWN)/.test(text)) return new RedisFailure("unreachable", `Redis is not ready: ${text}`);
  return new RedisFailure("refused", `Redis refused the command: ${text}`, undefined, passingReplies.test(text));
}
