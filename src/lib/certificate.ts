import { X509Certificate } from "node:crypto";

/** Whether a text begins with a certificate (PEM). TLS silently ignores any other text, and the handshake fails later. */
export function holdsCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).subject !== undefined;
  } catch {
    return false;
  }
}
