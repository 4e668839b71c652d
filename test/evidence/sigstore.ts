import { createHash, createSign, generateKeyPairSync, type KeyObject, randomInt, X509Certificate } from "node:crypto";
import { initializeCA, initializeCTLog, initializeTLog, initializeTSA } from "@sigstore/mock";

/**
 * A Sigstore of our own, with real keys, certificates and logs: what it signs is verified as what GitHub's signs, once its root is
 * trusted.
 */

export interface Signing {
  /** Of the certificate, by the names of GitHub's id token. */
  repository?: string;
  sha?: string;
  jobWorkflowRef?: string;
  runId?: string;
  attempt?: string;
  issuer?: string;
  /** The subject of the certificate, if not the workflow. */
  subject?: string;
  statement: object;
  payloadType?: string;
  /** When the certificate was issued, and when the signature was stamped: in milliseconds from now. */
  issued?: number;
  at?: number;
}

export interface Sigstore {
  /** A bundle, as JSON. */
  sign(signing: Signing): Promise<string>;
  trustedRoot: string;
}

/** An entry as Rekor answers. */
interface Logged {
  body: string;
  integratedTime: number;
  logID: string;
  logIndex: number;
  verification?: {
    signedEntryTimestamp: string;
    inclusionProof: { logIndex: number; rootHash: string; treeSize: number; checkpoint: string };
  };
}

const keyPair = (namedCurve = "P-256") => generateKeyPairSync("ec", { namedCurve });
const oid = (last: number) => `1.3.6.1.4.1.57264.1.${last}`;
const base64 = (bytes: ArrayBufferView) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
const sha256 = (content: Buffer) => createHash("sha256").update(content).digest();

/** @param kind `github`: timestamps alone, as for private repositories; `public`: certificate and signature are in public logs */
export async function startSigstore(kind: "github" | "public" = "github"): Promise<Sigstore> {
  const [ctKeys, logKeys, tsaKeys] = [keyPair(), keyPair(), keyPair()];
  const caKeys = keyPair("P-384");
  const ctLog = kind === "public" ? await initializeCTLog(ctKeys) : undefined;
  const ca = await initializeCA(caKeys, ctLog);
  const validFor = { start: new Date(Date.now() - 60_000).toISOString() };
  const firstTsa = await initializeTSA(tsaKeys);
  const log = await initializeTLog("https://rekor.example", logKeys);
  const authority = (...certificates: ArrayBufferView[]) => ({
    subject: { organization: "sigstore.mock", commonName: "sigstore" },
    uri: "https://fulcio.example",
    certChain: { certificates: certificates.map((certificate) => ({ rawBytes: base64(certificate) })) },
    validFor,
  });
  const logOf = (rawBytes: Buffer) => ({
    baseUrl: "https://rekor.example",
    hashAlgorithm: "SHA2_256",
    publicKey: { rawBytes: rawBytes.toString("base64"), keyDetails: "PKIX_ECDSA_P256_SHA_256", validFor },
    logId: { keyId: sha256(rawBytes).toString("base64") },
  });
  const trustedRoot = JSON.stringify({
    mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    certificateAuthorities: [authority(ca.rootCertificate)],
    timestampAuthorities: kind === "github" ? [authority(firstTsa.intCertificate, firstTsa.rootCertificate)] : [],
    tlogs: kind === "public" ? [logOf(log.publicKey)] : [],
    ctlogs: ctLog ? [logOf(ctLog.publicKey)] : [],
  });

  async function certify(publicKey: KeyObject, signing: Signing): Promise<Buffer> {
    const {
      repository = "classwaves/app",
      sha = "a".repeat(40),
      jobWorkflowRef = "classwaves/app/.github/workflows/deploy.yml@refs/heads/main",
      runId = "77",
      attempt = "1",
      issuer = "https://token.actions.githubusercontent.com",
      subject,
    } = signing;
    const server = "https://github.com";
    const issued = await clocked(ca, signing.issued).issueCertificate({
      publicKey: publicKey.export({ format: "der", type: "spki" }) as Buffer<ArrayBuffer>,
      subjectAltName: subject ?? `${server}/${jobWorkflowRef}`,
      extensions: [
        { oid: oid(1), value: issuer, legacy: true },
        { oid: oid(8), value: issuer },
        { oid: oid(9), value: `${server}/${jobWorkflowRef}` },
        { oid: oid(12), value: `${server}/${repository}` },
        { oid: oid(13), value: sha },
        { oid: oid(21), value: `${server}/${repository}/actions/runs/${runId}/attempts/${attempt}` },
      ],
    });
    return Buffer.from(base64(issued), "base64");
  }

  return {
    trustedRoot,
    async sign(signing) {
      const { publicKey, privateKey } = keyPair();
      const certificate = await certify(publicKey, signing);
      const payload = Buffer.from(JSON.stringify(signing.statement));
      const { payloadType = "application/vnd.in-toto+json" } = signing;
      const signature = createSign("sha256")
        .update(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `)
        .update(payload)
        .sign(privateKey);
      const timestamp = async () => {
        const tsa = clocked(firstTsa, signing.at);
        return await tsa.timestamp({
          artifactHash: sha256(signature),
          hashAlgorithmOID: "2.16.840.1.101.3.4.2.1",
          nonce: randomInt(1_000_000),
          policyOID: "1.3.6.1.4.1.57264.2",
        });
      };
      const entry = async () => {
        const pem = Buffer.from(new X509Certificate(certificate).toString());
        const hashed = (content: Buffer) => ({ algorithm: "sha256", value: sha256(content).toString("hex") });
        const logged = await log.log({
          apiVersion: "0.0.1",
          kind: "dsse",
          spec: {
            envelopeHash: hashed(payload),
            payloadHash: hashed(payload),
            signatures: [{ signature: signature.toString("base64"), verifier: pem.toString("base64") }],
          },
        });
        const [made] = Object.values(logged as Record<string, Logged>);
        const proof = made?.verification?.inclusionProof;
        return {
          logIndex: String(made?.logIndex),
          logId: { keyId: Buffer.from(made?.logID ?? "", "hex").toString("base64") },
          kindVersion: { kind: "dsse", version: "0.0.1" },
          integratedTime: String(made?.integratedTime),
          inclusionPromise: { signedEntryTimestamp: made?.verification?.signedEntryTimestamp },
          inclusionProof: {
            logIndex: String(proof?.logIndex),
            rootHash: Buffer.from(proof?.rootHash ?? "", "hex").toString("base64"),
            treeSize: String(proof?.treeSize),
            hashes: [],
            checkpoint: { envelope: proof?.checkpoint },
          },
          canonicalizedBody: made?.body,
        };
      };
      return JSON.stringify({
        mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
        verificationMaterial: {
          certificate: { rawBytes: certificate.toString("base64") },
          tlogEntries: kind === "public" ? [await entry()] : [],
          ...(kind === "github" && {
            timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: base64(await timestamp()) }] },
          }),
        },
        dsseEnvelope: {
          payload: payload.toString("base64"),
          payloadType,
          signatures: [{ sig: signature.toString("base64"), keyid: "" }],
        },
      });
    },
  };
}

/** The same authority at another time: in whole seconds, as real ones give it. */
function clocked<Authority extends object>(authority: Authority, fromNow = 0): Authority {
  const seconds = new Date(Math.floor((Date.now() + fromNow) / 1000) * 1000);
  return Object.assign(Object.create(authority) as Authority, { getCurrentTime: () => seconds });
}
