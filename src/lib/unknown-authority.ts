/** OpenSSL's codes for a certificate whose authority is not known here. */
const codes: ReadonlySet<unknown> = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** Whether a connection failed because the server's certificate is signed by an unknown authority. */
export function isUnknownAuthority(error: unknown): boolean {
  return codes.has(systemCode(error));
}

/** The code of the system or of OpenSSL, such as ECONNREFUSED; of the error itself, or of what caused it. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, cause } = error as NodeJS.ErrnoException;
  return cause instanceof Error ? (systemCode(cause) ?? code) : code;
}
