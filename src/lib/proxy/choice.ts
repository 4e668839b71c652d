import { BlockList, isIP } from "node:net";

/** Which proxy a connection goes through, by HTTPS_PROXY, HTTP_PROXY and NO_PROXY. The rules are those of curl. */

export type Variables = Readonly<Record<string, string | undefined>>;

export interface HttpProxy {
  hostname: string;
  port: number;
  /** Whether the connection to the proxy itself uses TLS. */
  tls: boolean;
  /** Without credentials, for messages: `http://proxy.example:3128`. */
  address: string;
  /** The variable that names it, in the spelling that was found. */
  variable: string;
  /** The value of Proxy-Authorization. */
  authorization: string | undefined;
}

/** A variable names no proxy. The message doesn't contain its credentials. */
export class InvalidProxy extends Error {
  override name = "InvalidProxy";
  readonly code = "EA9201";
}

/** By the protocol of the target. Others, such as Redis, use no proxy. */
const variables: Readonly<Record<string, string>> = {
  "http:": "http_proxy",
  "ws:": "http_proxy",
  "https:": "https_proxy",
  "wss:": "https_proxy",
};
const usualPorts: Readonly<Record<string, number>> = { "http:": 80, "ws:": 80, "https:": 443, "wss:": 443 };

/** The lower-case spelling wins. An empty value counts as none. */
function setting(name: string, env: Variables): { variable: string; value: string } | undefined {
  for (const variable of [name, name.toUpperCase()]) {
    const value = env[variable]?.trim();
    if (value) return { variable, value };
  }
  return undefined;
}

/** Whether any variable names a proxy. */
export function anyProxy(env: Variables = process.env): boolean {
  return setting("http_proxy", env) !== undefined || setting("https_proxy", env) !== undefined;
}

/**
 * The proxy for a connection to this address; `undefined` if it connects directly.
 * @throws InvalidProxy
 */
export function proxyFor(address: URL | string, env: Variables = process.env): HttpProxy | undefined {
  const url = new URL(address);
  const named = setting(variables[url.protocol] ?? "", env);
  if (!named) return undefined;
  const exceptions = setting("no_proxy", env)?.value ?? "";
  return isExempt(hostOf(url), portOf(url), exceptions) ? undefined : parse(named);
}

/** For failures of connections that use no proxy: if a variable names one, people expect that it holds. */
export function directNote(): string {
  return anyProxy() ? "; the connection is direct, because HTTPS_PROXY and HTTP_PROXY hold for HTTP only" : "";
}

/** All that the variables name. @throws InvalidProxy */
export function proxiesIn(env: Variables): HttpProxy[] {
  return ["https_proxy", "http_proxy"].flatMap((name) => {
    const named = setting(name, env);
    return named ? [parse(named)] : [];
  });
}

/** What of the variables must not be shown: credentials as they are written, decoded, and as they are sent. */
export function proxySecrets(env: Variables): string[] {
  const secrets = ["https_proxy", "http_proxy"]
    .flatMap((name) => [env[name], env[name.toUpperCase()]])
    .flatMap((value) => {
      const [, written] = /^(?:[a-z][a-z0-9+.-]*:\/\/)?(.*)@/i.exec(value?.trim() ?? "") ?? [];
      if (!written) return [];
      const colon = written.indexOf(":");
      // Some proxies take a token as the user, with no password.
      const part = colon === -1 || colon === written.length - 1 ? written.replace(/:$/, "") : written.slice(colon + 1);
      return [part, decoded(part), basic(written)];
    });
  return [...new Set(secrets)];
}

function parse({ variable, value }: { variable: string; value: string }): HttpProxy {
  // Like curl, without a scheme it is http.
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isProxy = url && (url.protocol === "http:" || url.protocol === "https:") && url.hostname !== "";
  if (!isProxy || url.pathname.length > 1 || url.search !== "")
    throw new InvalidProxy(
      `the environment variable ${variable}: expected the address of a proxy, such as http://proxy.example:3128, got ${JSON.stringify(hidden(value))}. Correct it, or unset it to connect directly`,
    );
  const { username, password } = url;
  return {
    hostname: hostOf(url),
    port: portOf(url),
    tls: url.protocol === "https:",
    address: `${url.protocol}//${url.hostname}:${portOf(url)}`,
    variable,
    authorization: username === "" && password === "" ? undefined : `Basic ${basic(`${username}:${password}`)}`,
  };
}

/** Leaves out everything that may be a user or a password. */
function hidden(value: string): string {
  return value.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/i, "$1***@");
}

function basic(credentials: string): string {
  const [user = "", ...rest] = credentials.split(":");
  return Buffer.from(`${decoded(user)}:${decoded(rest.join(":"))}`).toString("base64");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A lone percent sign: the text stands for itself.
    return text;
  }
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$|\.$/g, "").toLowerCase();
}

function portOf(url: URL): number {
  return Number(url.port || usualPorts[url.protocol]);
}

/** `*`, hosts with all below them, addresses and networks; each may have a port. Separated by commas or spaces. */
function isExempt(host: string, port: number, exceptions: string): boolean {
  return exceptions.split(/[\s,]+/).some((entry) => {
    const [, bracketed, plain, itsPort] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? [];
    if (itsPort !== undefined && Number(itsPort) !== port) return false;
    // What has several colons is an IPv6 address or network without brackets.
    return matches(host, (bracketed ?? plain ?? entry).toLowerCase());
  });
}

function matches(host: string, entry: string): boolean {
  if (entry === "*") return true;
  const [network = "", bits] = entry.split("/");
  if (isIP(network) !== 0) return isIP(host) !== 0 && isWithin(host, network, bits);
  const name = entry.replace(/^\*?\.|\.$/g, "").replace(/^\./, "");
  return name !== "" && (host === name || (isIP(host) === 0 && host.endsWith(`.${name}`)));
}

function isWithin(host: string, network: string, bits: string | undefined): boolean {
  const [most, family] = isIP(network) === 6 ? [128, "ipv6" as const] : [32, "ipv4" as const];
  const length = bits === undefined ? most : Number(bits);
  if (isIP(host) !== isIP(network) || bits === "" || !Number.isInteger(length) || length < 0 || length > most) return false;
  const list = new BlockList();
  list.addSubnet(network, length, family);
  return list.check(host, family);
}
