import type { HttpProxy } from "./choice.ts";

/** EA9202: the proxy is at fault, or refuses. EA9203: it could not reach the target. */
export type ProxyCode = "EA9202" | "EA9203";

/** The proxy failed, so nothing is known about the target, and nothing was sent to it. */
export class ProxyFailure extends Error {
  override name = "ProxyFailure";
  readonly code: ProxyCode;
  /** What the proxy answered; `undefined` if it didn't. */
  readonly status: number | undefined;
  /** Whether another attempt may succeed. */
  readonly mayPass: boolean;
  /** The message, without naming the target: its address may be a secret. */
  readonly withoutTarget: string;

  constructor(proxy: HttpProxy, target: string, { status, cause }: { status?: number; cause?: unknown }) {
    const because = reason(proxy, status, cause);
    const name = `the proxy ${proxy.address} (${proxy.variable})`;
    super(`${name} ${because.what}${because.aboutTarget ? ` ${target}` : ""}${because.rest}${remedyFor(target)}`, { cause });
    this.withoutTarget = `${name} ${because.what}${because.aboutTarget ? " the target" : ""}${because.rest}`;
    this.code = because.code;
    this.status = status;
    this.mayPass = status === undefined || because.code === "EA9203";
  }
}

interface Reason {
  code: ProxyCode;
  what: string;
  /** Whether the target's name follows. */
  aboutTarget: boolean;
  rest: string;
}

/** What a proxy answers if it has no connection to the target. */
const unreachedStatuses: ReadonlySet<number> = new Set([502, 503, 504]);

function reason(proxy: HttpProxy, status: number | undefined, cause: unknown): Reason {
  if (status === undefined) {
    const { code, message } = (cause instanceof Error ? cause : new Error(String(cause))) as NodeJS.ErrnoException;
    const why = code === undefined || message.includes(code) ? message : `${code}: ${message}`;
    return { code: "EA9202", what: "cannot be used for", aboutTarget: true, rest: `: ${why}` };
  }
  if (status === 407)
    return {
      code: "EA9202",
      what: proxy.authorization === undefined ? "asks for a user and a password" : "refused the user and the password",
      aboutTarget: false,
      rest: ` (HTTP 407): write them into ${proxy.variable}, as in http://user:password@proxy.example:3128`,
    };
  return unreachedStatuses.has(status)
    ? { code: "EA9203", what: "could not connect to", aboutTarget: true, rest: ` (HTTP ${status})` }
    : { code: "EA9202", what: "refused to connect to", aboutTarget: true, rest: ` (HTTP ${status})` };
}

/** A proxy elsewhere can't reach what runs on this machine. */
function remedyFor(target: string): string {
  const [, host = ""] = /^\[?(.*?)\]?:\d+$/.exec(target) ?? [];
  return /^(?:localhost|127(?:\.\d+){3}|::1)$/i.test(host)
    ? `. ${host} is this machine: add it to NO_PROXY to connect without the proxy`
    : "";
}

/**
 * Whether a proxy that answers CONNECT so may forward plain requests all the same. Many open tunnels to port 443 only.
 */
export function forwardsOnly(status: number): boolean {
  return status === 501 || (status >= 400 && status < 500 && status !== 407);
}

/** The failure of a proxy in an error or in what caused it: clients wrap it in errors of their own. */
export function proxyFailureIn(error: unknown): ProxyFailure | undefined {
  for (let one = error; one instanceof Error; one = one.cause) if (one instanceof ProxyFailure) return one;
  return undefined;
}
