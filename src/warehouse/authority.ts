import { readFile } from "node:fs/promises";
import type { Agent } from "node:http";
import type { SecureContext } from "node:tls";
import { holdsCertificate } from "../lib/certificate.ts";
import { errorText } from "../lib/error-text.ts";
import { WarehouseFailure } from "./failure.ts";

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
