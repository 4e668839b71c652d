import { readFile } from "node:fs/promises";
import { type Agent, request as plainRequest, type RequestOptions } from "node:http";
import { request } from "node:https";
import type { SecureContext, SecureContextOptions } from "node:tls";
import { holdsCertificate } from "../lib/certificate.ts";
import { errorText } from "../lib/error-text.ts";
import { anyProxy } from "../lib/proxy/choice.ts";
import { retryAfterMs } from "../lib/retry.ts";
import { WarehouseFailure } from "./failure.ts";

export interface HttpRequest {
  method: "GET" | "POST";
  headers: Record<string, string>;
  body?: string;
  /** The certificate of a private authority (PEM), trusted in addition to the public ones. */
  authority?: Buffer | undefined;
  /** The only way to stop the request. */
  signal: AbortSignal;
}

export interface HttpAnswer {
  status: number;
  /** The wait that the server requested with Retry-After. */
  retryAfterMs: number | undefined;
  text: string;
  /** The id of the workspace that answered. */
  workspace: string | undefined;
}

/** No expected answer is this long. */
const mostBytes = 1_000_000;

/**
 * Sends one request without the driver. Redirects are not followed, because the request carries a credential.
 * @throws Node's own errors, and AbortError when the signal aborts
 */
export async function sendRequest(url: URL, { method, headers, body, authority, signal }: HttpRequest): Promise<HttpAnswer> {
  // `ca` makes Node's pool keep connections with different trust apart.
  const agent = anyProxy() ? (await import("../lib/proxy/agents.ts")).agentFor(url) : undefined;
  const trust = authority ? { ca: authority, secureContext: await trustInAddition(authority) } : {};
  return await new Promise<HttpAnswer>((resolve, reject) => {
    const options: RequestOptions & SecureContextOptions & { secureContext?: SecureContext } = {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) }) },
      signal,
      ...(agent ? { agent } : {}),
      ...trust,
    };
    const outgoing = (url.protocol === "http:" ? plainRequest : request)(url, options, (response) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      response.on("data", (part: Buffer) => {
        bytes += part.length;
        parts.push(part);
        if (bytes > mostBytes) response.destroy(new Error(`the answer is longer than ${mostBytes} bytes`));
      });
      response.on("error", reject);
      response.on("end", () => {
        resolve({
          status: response.statusCode ?? 0,
          retryAfterMs: retryAfterMs(response.headers["retry-after"]),
          text: Buffer.concat(parts).toString("utf8"),
          workspace: [response.headers["x-databricks-org-id"]].flat()[0],
        });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/**
 * Keeps the driver from following redirects. Otherwise it would send the statement to whatever address an answer names, and the token
 * too if that is another port of the host or a domain above it; `expect.host` compares only the configured address.
 * @param connection of the driver; its `config` are options for each request
 * @throws Error if a newer driver keeps its options elsewhere, because then nothing would be refused
 */
export function refuseRedirects(connection: { config?: unknown }): void {
  const { config } = connection;
  if (typeof config !== "object" || config === null || !("headers" in config))
    throw new Error("the Databricks driver has no options for requests where they were: redirects can't be refused");
  connection.config = { ...config, redirect: "manual" };
}

/** The certificate of a private authority (PEM). @throws WarehouseFailure if the file cannot be read or contains none */
export async function readAuthority(file: string | undefined): Promise<Buffer | undefined> {
  if (file === undefined) return undefined;
  let authority: Buffer;
  try {
    authority = await readFile(file);
  } catch (error) {
    const why = errorText(error);
    throw new WarehouseFailure("unreachable", `databricks.certificateAuthority cannot be read: ${why}`, {
      code: "EA3012",
      cause: error,
    });
  }
  if (holdsCertificate(authority.toString())) return authority;
  throw new WarehouseFailure(
    "unreachable",
    `databricks.certificateAuthority: expected a PEM file that begins with a certificate, got ${file}`,
    { code: "EA3012" },
  );
}

/** Creating a context takes 12 ms, and it is the same for each request. */
const contexts = new Map<string, SecureContext>();

/**
 * Trusts a private authority in addition to the public ones, as the driver does, and to those from NODE_EXTRA_CA_CERTS. Loaded on
 * demand, because nothing else here needs TLS.
 */
export async function trustInAddition(authority: Buffer): Promise<SecureContext> {
  const pem = authority.toString();
  const known = contexts.get(pem);
  if (known) return known;
  const tls = await import("node:tls");
  // Node 20 doesn't list what it trusts by default, only its built-in certificates.
  const publicOnes = tls.getCACertificates?.("default") ?? [...tls.rootCertificates, ...(await extraOnes())];
  const context = tls.createSecureContext({ ca: [...publicOnes, pem] });
  contexts.set(pem, context);
  return context;
}

/**
 * Replaces the driver's option `customCaCert`. With that, every new connection parses 150 public certificates, which takes 12 ms,
 * and every request compares their texts.
 */
export function connectTrusting(agent: Agent, secureContext: SecureContext): void {
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, done) => {
    const trusting: typeof options & { secureContext: SecureContext } = { ...options, secureContext };
    return connect(trusting, done);
  };
}

/** Node also ignores a file that it cannot read. */
async function extraOnes(): Promise<string[]> {
  const file = process.env.NODE_EXTRA_CA_CERTS;
  return file
    ? await readFile(file, "utf8").then(
        (text) => [text],
        () => [],
      )
    : [];
}
