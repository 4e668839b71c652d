import { randomBytes, X509Certificate } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Certificates, makeCertificates } from "./certificate.ts";

/** What people copy into their shell or their configuration, kept so that it holds for the next start too. */
export interface Identity {
  /** The port of the last start; 0 before the first one. */
  port: number;
  tokens: { write: string; read: string };
  certificates: Certificates;
}

const validDays = 365;
const renewedBeforeDays = 30;
const dayMs = 86_400_000;

/**
 * The identity in a folder, or a new one if there is none, if it can't be read, or if its certificate ends within a month.
 */
export async function keptIdentity(folder: string, now: Date = new Date()): Promise<Identity> {
  const kept = read(join(folder, "identity.json"));
  if (
    kept &&
    new Date(new X509Certificate(kept.certificates.certificate).validTo).getTime() - now.getTime() > renewedBeforeDays * dayMs
  )
    return kept;
  return {
    port: kept?.port ?? 0,
    tokens: kept?.tokens ?? { write: newToken(), read: newToken() },
    certificates: await makeCertificates([{ dns: "localhost" }, { ip: "127.0.0.1" }], now, validDays),
  };
}

/** Writes it for the next start, readable by this user only. @returns the PEM file of the authority */
export function keep(folder: string, identity: Identity): string {
  mkdirSync(folder, { recursive: true });
  const write = (name: string, text: string) => {
    const file = join(folder, name);
    writeFileSync(`${file}.new`, text, { mode: 0o600 });
    renameSync(`${file}.new`, file);
    return file;
  };
  write("identity.json", `${JSON.stringify(identity, undefined, 2)}\n`);
  return write("ca.pem", identity.certificates.authority);
}

function read(file: string): Identity | undefined {
  try {
    const { port, tokens, certificates }: Partial<Identity> = JSON.parse(readFileSync(file, "utf8"));
    new X509Certificate(certificates?.certificate ?? "");
    if (typeof port !== "number" || !tokens?.write || !tokens.read || !certificates?.key || !certificates.authority)
      return undefined;
    return { port, tokens, certificates };
  } catch {
    // Not there yet, cut short, or of another version: a new one is made, and said by its new values.
    return undefined;
  }
}

function newToken(): string {
  return `dapi-local-${randomBytes(12).toString("hex")}`;
}
