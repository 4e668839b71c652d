// Required by the certificate library; must be loaded before it.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

/** Creates a certificate authority and a server certificate, because the driver only speaks TLS. */
export interface Certificates {
  /** PEM of the authority, which clients have to trust. */
  authority: string;
  /** PEM of the server's certificate. */
  certificate: string;
  /** PEM (PKCS#8) of the server's private key. */
  key: string;
}

/** A DNS name, or an IP address. */
export type Host = { dns: string } | { ip: string };

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** New keys for every call. The certificates are valid from an hour ago (clocks differ) until `days` from now. */
export async function makeCertificates(hosts: readonly Host[], now: Date = new Date(), days = 30): Promise<Certificates> {
  const [authorityKeys, serverKeys] = await Promise.all([makeKeys(), makeKeys()]);
  const common = {
    notBefore: new Date(now.getTime() - 3_600_000),
    notAfter: new Date(now.getTime() + days * 86_400_000),
    signingAlgorithm: algorithm,
  };
  const authority = await X509CertificateGenerator.createSelfSigned({
    ...common,
    name: "CN=env-actions local warehouse authority",
    keys: authorityKeys,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(authorityKeys.publicKey),
    ],
  });
  const server = await X509CertificateGenerator.create({
    ...common,
    issuer: authority.subject,
    subject: "CN=env-actions local warehouse",
    publicKey: serverKeys.publicKey,
    signingKey: authorityKeys.privateKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(hosts.map(alternativeName)),
      // All authorities made here have the same name; this shows a client which of them signed.
      await AuthorityKeyIdentifierExtension.create(authorityKeys.publicKey),
    ],
  });
  const key = await webcrypto.subtle.exportKey("pkcs8", serverKeys.privateKey);
  return {
    authority: `${authority.toString("pem")}\n`,
    certificate: `${server.toString("pem")}\n`,
    key: `${PemConverter.encode(key, PemConverter.PrivateKeyTag)}\n`,
  };
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

function alternativeName(host: Host): JsonGeneralName {
  return "dns" in host ? { type: "dns", value: host.dns } : { type: "ip", value: host.ip };
}
