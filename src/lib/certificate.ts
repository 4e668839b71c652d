import { X509Certificate } from "node:crypto";

/** Whether a text begins with a certificate (PEM). TLS itself passes over what is none, and later turns the server away. */
export function holdsCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).subject !== undefined;
  } catch {
    return false;
  }
}
