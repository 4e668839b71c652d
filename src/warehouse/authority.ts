import { readFile } from "node:fs/promises";
import type { Agent } from "node:http";
import type { SecureContext } from "node:tls";
import { holdsCertificate } from "../lib/certificate.ts";
import { errorText } from "../lib/error-text.ts";
import { WarehouseFailure } from "./failure.ts";

/** The certificate of a private authority (PEM). @throws WarehouseFailure where the named file cannot be read, or holds none */
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

/** A context takes twelve milliseconds to make, and is the same for each request. */
const contexts = new Map<string, SecureContext>();

/**
 * What is trusted with a private authority: it stands beside the public ones, as the driver has it, and beside those that Node was
 * started with (NODE_EXTRA_CA_CERTS). Loaded only where it is needed: nothing else here knows TLS.
 */
export async function trustInAddition(authority: Buffer): Promise<SecureContext> {
  const pem = authority.toString();
  const known = contexts.get(pem);
  if (known) return known;
  const tls = await import("node:tls");
  // Node 20 does not tell what it trusts by default, only what it came with.
  const publicOnes = tls.getCACertificates?.("default") ?? [...tls.rootCertificates, ...(await extraOnes())];
  const context = tls.createSecureContext({ ca: [...publicOnes, pem] });
  contexts.set(pem, context);
  return context;
}

/**
 * In place of the driver's option `customCaCert`: with that, every new connection reads a hundred and fifty public certificates anew,
 * which takes it twelve milliseconds, and every request compares their texts.
 */
export function connectTrusting(agent: Agent, secureContext: SecureContext): void {
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, done) => {
    const trusting: typeof options & { secureContext: SecureContext } = { ...options, secureContext };
    return connect(trusting, done);
  };
}

/** Node passes over a file that it cannot read, too. */
async function extraOnes(): Promise<string[]> {
  const file = process.env.NODE_EXTRA_CA_CERTS;
  return file
    ? await readFile(file, "utf8").then(
        (text) => [text],
        () => [],
      )
    : [];
}
