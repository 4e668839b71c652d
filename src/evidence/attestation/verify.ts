import { createHash } from "node:crypto";
import { type BundleWithDsseEnvelope, bundleFromJSON, isBundleWithDsseEnvelope, isBundleWithPublicKey } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { type Signer, toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import { clockToleranceMs, minutes } from "../../github/clock.ts";
import { errorText } from "../../lib/error-text.ts";
import { type Evidence, opensTheGate } from "../../model/report.ts";
import { parseEvidence } from "../evidence.ts";
import { predicateType, resultOf, statementType } from "./statement.ts";

/** Verifies signed evidence without asking anybody: everything that decides comes from the caller. */

export interface Expected {
  /** `owner/name/.github/workflows/deploy.yml@refs/heads/main`: the workflow that signed, with the ref of its file. */
  signerWorkflow: string;
  /** `owner/name`: the repository whose run signed. A reusable workflow may be of another one. */
  repository: string;
  /** The full SHA. */
  commit: string;
  /** Any, if absent. */
  environment?: string | undefined;
  /** Of the evidence, in milliseconds; any, if absent. */
  maxAgeMs?: number | undefined;
  now: number;
  /** `https://github.com`. */
  server: string;
}

type CertificateIdentity = NonNullable<Signer["identity"]>;

/** What was wrong; `undefined` for what holds. */
export type Refusal =
  | "bundle"
  | "signature"
  | "issuer"
  | "signer"
  | "repository"
  | "commit"
  | "run"
  | "predicate"
  | "subject"
  | "evidence"
  | "environment"
  | "age"
  | "result";

export type Verification =
  | { verified: true; evidence: Evidence; signer: string }
  | { verified: false; refusal: Refusal; why: string };

class Refused extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal, why: string) {
    super(why);
    this.refusal = refusal;
  }
}

/** As many as a file has that GitHub's command line downloads for one subject. */
const mostBundles = 100;

/**
 * @param bundles one bundle as JSON, or several, one per line. One that holds is enough.
 * @param evidence the evidence file, as bytes
 * @param roots as {@link readTrustedRoots} gives them
 */
export function verifyAttestation(
  bundles: string,
  evidence: Buffer,
  roots: readonly TrustedRoot[],
  expected: Expected,
): Verification {
  let refused: Verification | undefined;
  for (const text of documentsIn(bundles).slice(0, mostBundles)) {
    const found = verifyOne(text, evidence, roots, expected);
    if (found.verified) return found;
    refused ??= found;
  }
  return refused ?? { verified: false, refusal: "bundle", why: "the file is empty" };
}

/** @throws Error if one of them is no trusted root */
export function readTrustedRoots(text: string): TrustedRoot[] {
  const roots = documentsIn(text).map((one) => TrustedRoot.fromJSON(JSON.parse(one)));
  if (roots.length === 0) throw new Error("it is empty");
  if (!roots.every(({ certificateAuthorities }) => certificateAuthorities.length > 0)) throw new Error("it names no authority");
  return roots;
}

/** A JSON document, or one per line. */
function documentsIn(text: string): string[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.length > 0 && lines.every((line) => line.trimStart().startsWith("{") && line.trimEnd().endsWith("}"))
    ? lines
    : text.trim() === ""
      ? []
      : [text];
}

function verifyOne(text: string, file: Buffer, roots: readonly TrustedRoot[], expected: Expected): Verification {
  try {
    const bundle = bundleIn(text);
    const identity = signerOf(bundle, roots);
    const signer = requireSigner(identity, expected);
    requireStatement(bundle, file);
    const evidence = evidenceIn(file);
    requireResult(bundle, evidence);
    requireEvidence(evidence, signer, expected);
    return { verified: true, evidence, signer: signer.workflow };
  } catch (error) {
    if (error instanceof Refused) return { verified: false, refusal: error.refusal, why: error.message };
    throw error;
  }
}

function bundleIn(text: string): BundleWithDsseEnvelope {
  const bundle = attempt("bundle", "it is not a Sigstore bundle", () => bundleFromJSON(JSON.parse(text)));
  if (!isBundleWithDsseEnvelope(bundle)) throw new Refused("bundle", "it signs no statement");
  if (isBundleWithPublicKey(bundle))
    throw new Refused("bundle", "it has a key in place of a certificate, so nobody knows who signed");
  return bundle;
}

/** @returns what the certificate says, once one root vouches for it */
function signerOf(bundle: BundleWithDsseEnvelope, roots: readonly TrustedRoot[]): CertificateIdentity {
  let last: unknown;
  for (const root of roots)
    try {
      // GitHub's own root for private repositories has no transparency logs. A root that has them demands an entry.
      const demands = { ctlogThreshold: Math.min(1, root.ctlogs.length), tlogThreshold: Math.min(1, root.tlogs.length) };
      const verifier = new Verifier(toTrustMaterial(root), { ...demands, timestampThreshold: 1 });
      return verifier.verify(toSignedEntity(bundle)).identity ?? {};
    } catch (error) {
      last = error;
    }
  throw new Refused("signature", `no trusted root vouches for it: ${errorText(last)}`);
}

/** Fulcio's extensions for a run of GitHub Actions. */
const oids = { signerUri: 9, repository: 12, commit: 13, run: 21 } as const;

interface SigningRun {
  workflow: string;
  commit: string;
  /** `…/actions/runs/<id>/attempts/<n>`. */
  run: string;
}

function requireSigner(identity: CertificateIdentity, expected: Expected): SigningRun {
  const { server, signerWorkflow, repository, commit } = expected;
  const issuer = identity.extensions?.issuer ?? "";
  const { hostname } = new URL(server);
  const issuers = hostname === "github.com" ? "https://token.actions.githubusercontent.com" : `https://token.actions.${hostname}`;
  if (issuer !== issuers)
    throw new Refused("issuer", `expected a certificate for a run of ${hostname}, got one by ${issuer || "nobody"}`);
  const same = (refusal: Refusal, what: string, got: string, wanted: string) => {
    if (got !== wanted) throw new Refused(refusal, `expected ${what} ${wanted}, got ${got || "none"}`);
  };
  const workflow = `${server}/${signerWorkflow}`;
  same("signer", "the signer workflow", identity.subjectAlternativeName ?? "", workflow);
  same("signer", "the signer workflow", extension(identity, oids.signerUri), workflow);
  same("repository", "a run of", extension(identity, oids.repository), `${server}/${repository}`);
  same("commit", "a run of commit", extension(identity, oids.commit), commit);
  return { workflow: signerWorkflow, commit, run: extension(identity, oids.run) };
}

/** The value of an extension, a UTF8String in DER; empty if it is missing or of another form. */
function extension({ oids: all = [] }: CertificateIdentity, last: number): string {
  const value = all.find(({ oid }) => oid?.id.join(".") === `1.3.6.1.4.1.57264.1.${last}`)?.value;
  if (value?.[0] !== 0x0c || value[1] === undefined) return "";
  const long = value[1] > 0x80 ? value[1] - 0x80 : 0;
  const start = 2 + long;
  const length = long === 0 ? value[1] : long <= 2 ? value.readUIntBE(2, long) : -1;
  return value.length === start + length ? value.subarray(start).toString("utf8") : "";
}

interface Statement {
  _type?: unknown;
  predicateType?: unknown;
  predicate?: unknown;
  subject?: unknown;
}

function statementIn({ content: { dsseEnvelope } }: BundleWithDsseEnvelope): Statement {
  if (dsseEnvelope.payloadType !== "application/vnd.in-toto+json")
    throw new Refused("predicate", "it signs no in-toto statement");
  const statement: unknown = attempt("predicate", "its statement is not JSON", () =>
    JSON.parse(dsseEnvelope.payload.toString("utf8")),
  );
  if (!isGroup(statement) || statement._type !== statementType) throw new Refused("predicate", "it signs no in-toto statement");
  return statement;
}

function requireStatement(bundle: BundleWithDsseEnvelope, file: Buffer): void {
  const statement = statementIn(bundle);
  if (statement.predicateType !== predicateType)
    throw new Refused("predicate", `expected the predicate type ${predicateType}, got ${String(statement.predicateType)}`);
  const digest = createHash("sha256").update(file).digest("hex");
  const subjects: unknown[] = Array.isArray(statement.subject) ? statement.subject : [];
  const isAbout = subjects.some((subject) => isGroup(subject) && isGroup(subject.digest) && subject.digest.sha256 === digest);
  if (!isAbout) throw new Refused("subject", `it is about another file: none of its subjects has the SHA-256 ${digest}`);
}

function evidenceIn(file: Buffer): Evidence {
  return attempt("evidence", "the file is no evidence", () => parseEvidence(file.toString("utf8")));
}

function requireResult(bundle: BundleWithDsseEnvelope, { verdict, stage }: Evidence): void {
  const { predicate } = statementIn(bundle);
  const result = isGroup(predicate) ? predicate.result : undefined;
  if (result === undefined || result !== resultOf[verdict])
    throw new Refused("result", `it says ${String(result ?? "nothing")}, and the evidence says ${verdict}`);
  if (!opensTheGate(verdict)) throw new Refused("result", `${stage} ${verdict}`);
}

function requireEvidence({ origin, commit, environment, finishedAt }: Evidence, signer: SigningRun, expected: Expected): void {
  if (origin.repository !== expected.repository)
    throw new Refused("repository", `the evidence is of ${origin.repository ?? "a terminal"}, and not of ${expected.repository}`);
  if (commit.sha !== signer.commit)
    throw new Refused("commit", `the evidence is of commit ${commit.sha}, and not of ${signer.commit}`);
  const run = `${expected.server}/${origin.repository}/actions/runs/${origin.workflowRun}`;
  const runs = [run, `${run}/attempts/${origin.attempt ?? "1"}`];
  if (!runs.includes(signer.run))
    throw new Refused("run", `the evidence is of the run ${runs[1]}, and was signed by ${signer.run || "an unknown one"}`);
  if (expected.environment !== undefined && environment !== expected.environment)
    throw new Refused("environment", `expected evidence for ${expected.environment}, got evidence for ${environment}`);
  const { maxAgeMs = Number.POSITIVE_INFINITY, now } = expected;
  const ageMs = now - Date.parse(finishedAt);
  if (ageMs > maxAgeMs) throw new Refused("age", `the evidence is ${minutes(ageMs)} old, and may be ${minutes(maxAgeMs)} old`);
  if (ageMs < -clockToleranceMs)
    throw new Refused("age", "the evidence is dated in the future: compare the clocks of the machines");
}

function attempt<Result>(refusal: Refusal, what: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw new Refused(refusal, `${what}: ${errorText(error)}`);
  }
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
