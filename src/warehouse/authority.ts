import { readFile } from "node:fs/promises";
import type { SecureContext } from "node:tls";
import { WarehouseFailure } from "./failure.ts";

/** The certificate of a private authority (PEM). @throws WarehouseFailure where the named file cannot be read */
export async function readAuthority(file: string | undefined): Promise<Buffer | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(file);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new WarehouseFailure("unreachable", `databricks.certificateAuthority cannot be read: ${why}`, { cause: error });
  }
}

/** A context takes twelve milliseconds to make, and is the same for each request. */
const contexts = new Map<string, SecureContext>();

/**
 * What is trusted with a private authority: it stands beside the public ones, as the driver has it, and beside those that Node was
 * started with (NODE_EXTRA_CA_CERTS). Loaded only where it is needed: nothing else here knows TLS.
 */
export async function trustBesidePublic(authority: Buffer): Promise<SecureContext> {
  const pem = authority.toString();
  const known = contexts.get(pem);
  if (known) return known;
  const tls = await import("node:tls");
  // Node 20 does not tell what it trusts by default, only what it came with.
  const publicOnes = tls.getCACertificates?.("default") ?? tls.rootCertificates;
  const context = tls.createSecureContext({ ca: [...publicOnes, pem] });
  contexts.set(pem, context);
  return context;
}
