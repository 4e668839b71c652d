import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/**
 * Creates a certificate authority and a server certificate, as X.509 in DER. Hand-written, because a machine may have no openssl
 * and the driver only speaks TLS.
 */
export interface Certificates {
  /** PEM of the authority, which clients have to trust. */
  authority: string;
  /** PEM of the server's certificate. */
  certificate: string;
  /** PEM (PKCS#8) of the server's private key. */
  key: string;
}

/** New keys for every call. The certificates are valid from an hour ago (clocks differ) until `days` from now. */
export function makeCertificates(hosts: readonly Host[], now: Date = new Date(), days = 30): Certificates {
  const authorityKeys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const serverKeys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const valid = { from: new Date(now.getTime() - 3_600_000), to: new Date(now.getTime() + days * 86_400_000) };
  const issuer = name("env-actions local warehouse authority");
  const authority = certificate({
    issuer,
    subject: issuer,
    valid,
    publicKey: authorityKeys.publicKey,
    signer: authorityKeys.privateKey,
    extensions: [
      extension(oid.basicConstraints, true, sequence(boolean(true))),
      extension(oid.keyUsage, true, bitString(Buffer.from([0x06]), 1)), // keyCertSign and cRLSign
      extension(oid.subjectKeyIdentifier, false, octetString(keyIdentifier(authorityKeys.publicKey))),
    ],
  });
  const server = certificate({
    issuer,
    subject: name("env-actions local warehouse"),
    valid,
    publicKey: serverKeys.publicKey,
    signer: authorityKeys.privateKey,
    extensions: [
      extension(oid.basicConstraints, true, sequence()),
      extension(oid.keyUsage, true, bitString(Buffer.from([0x80]), 7)), // digitalSignature
      extension(oid.extendedKeyUsage, false, sequence(objectIdentifier(oid.serverAuthentication))),
      extension(oid.subjectAlternativeName, false, sequence(...hosts.map(alternativeName))),
      extension(oid.authorityKeyIdentifier, false, sequence(tagged(0x80, keyIdentifier(authorityKeys.publicKey)))),
    ],
  });
  return {
    authority: pem("CERTIFICATE", authority),
    certificate: pem("CERTIFICATE", server),
    key: serverKeys.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

/** A DNS name, or the bytes of an IP address. */
export type Host = { dns: string } | { ip: number[] };

const oid = {
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  commonName: "2.5.4.3",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAlternativeName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  serverAuthentication: "1.3.6.1.5.5.7.3.1",
} as const;

interface Request {
  issuer: Buffer;
  subject: Buffer;
  valid: { from: Date; to: Date };
  publicKey: KeyObject;
  signer: KeyObject;
  extensions: Buffer[];
}

function certificate(request: Request): Buffer {
  const algorithm = sequence(objectIdentifier(oid.ecdsaWithSha256));
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40; // positive, without a leading zero byte
  const toBeSigned = sequence(
    tagged(0xa0, integer(Buffer.from([2]))), // version 3
    integer(serial),
    algorithm,
    request.issuer,
    sequence(time(request.valid.from), time(request.valid.to)),
    request.subject,
    request.publicKey.export({ type: "spki", format: "der" }),
    tagged(0xa3, sequence(...request.extensions)),
  );
  return sequence(toBeSigned, algorithm, bitString(sign("sha256", toBeSigned, request.signer), 0));
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(objectIdentifier(id), ...(critical ? [boolean(true)] : []), octetString(value));
}

function alternativeName(host: Host): Buffer {
  return "dns" in host ? tagged(0x82, Buffer.from(host.dns, "ascii")) : tagged(0x87, Buffer.from(host.ip));
}

function keyIdentifier(key: KeyObject): Buffer {
  return createHash("sha1")
    .update(key.export({ type: "spki", format: "der" }))
    .digest();
}

function name(commonName: string): Buffer {
  const attribute = sequence(objectIdentifier(oid.commonName), tagged(0x0c, Buffer.from(commonName, "utf8")));
  return sequence(tagged(0x31, attribute));
}

function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, "");
  // X.509 requires UTCTime (two-digit years) until 2049.
  return date.getUTCFullYear() < 2050
    ? tagged(0x17, Buffer.from(digits.slice(2), "ascii"))
    : tagged(0x18, Buffer.from(digits, "ascii"));
}

function tagged(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag]), length(content.length), content]);
}

function length(value: number): Buffer {
  if (value < 0x80) return Buffer.from([value]);
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest >>>= 8) bytes.unshift(rest & 0xff);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes);
}

function boolean(value: boolean): Buffer {
  return tagged(0x01, Buffer.from([value ? 0xff : 0]));
}

function octetString(bytes: Buffer): Buffer {
  return tagged(0x04, bytes);
}

function bitString(bytes: Buffer, unusedBits: number): Buffer {
  return tagged(0x03, Buffer.concat([Buffer.from([unusedBits]), bytes]));
}

function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const bytes = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes.unshift((rest & 0x7f) | 0x80);
  return bytes;
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
