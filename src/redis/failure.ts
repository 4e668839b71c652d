/** Redis could not be used: connection, sign-in, or a refused command. */
export class RedisFailure extends Error {
  override name = "RedisFailure";
  readonly kind: "unreachable" | "sign-in" | "refused" | "cancelled";
  /** May be temporary: a restart, a failover, a moving slot. Commands that can be repeated should be. */
  readonly passing: boolean;

  constructor(kind: RedisFailure["kind"], message: string, cause?: unknown, passing = kind === "unreachable") {
    super(message, { cause });
    this.kind = kind;
    this.passing = passing;
  }
}

/** No server there, or it no longer answers. */
export function unreachable(why: unknown): RedisFailure {
  if (why instanceof RedisFailure) return why;
  const text = why instanceof Error ? why.message || String((why as { code?: unknown }).code ?? why.name) : String(why);
  // The parser's errors for something that isn't a Redis reply.
  const said = /Unknown RESP type|call stack size/.test(text) ? "what answers there is no Redis" : text;
  return new RedisFailure("unreachable", `Redis does not answer: ${said}`, why);
}

export function cancelled(signal: AbortSignal): RedisFailure {
  const why = signal.reason instanceof Error ? signal.reason.message : String(signal.reason);
  return new RedisFailure("cancelled", `stopped before Redis answered: ${why}`, signal.reason);
}

/** Replies of a server that cannot work yet, or no longer. */
const passingReplies = /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS|BUSY )/;

/** @param text of an error reply, such as `NOPERM this user has no permissions to run the 'info' command` */
export function refusedFailure(text: string): RedisFailure {
  if (/WRONGPASS|NOAUTH|invalid username-password|invalid password|AUTH.*without any password/i.test(text))
    return new RedisFailure("sign-in", `Redis refused the password: ${text}`);
  if (/^(LOADING|MASTERDOWN|CLUSTERDOWN)/.test(text)) return new RedisFailure("unreachable", `Redis is not ready: ${text}`);
  return new RedisFailure("refused", `Redis refused the command: ${text}`, undefined, passingReplies.test(text));
}
