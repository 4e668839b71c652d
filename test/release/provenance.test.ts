import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleFromJSON } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { assetNames, provenanceOf } from "../../scripts/release/assets.ts";
import { publish } from "../../scripts/release/publish.ts";
import { fetchReleased } from "../../scripts/release/rollback.ts";
import { parseVersion } from "../../scripts/release/version.ts";
import { type Signing, type Sigstore, startSigstore } from "../evidence/sigstore.ts";
import type { Built } from "./place.ts";
import { build, commitVersion, placeIn, refsOf, releasesOf, startWorld, statementFor, type World } from "./world.ts";

/**
 * The provenance of a release, signed by a Sigstore of our own, and verified without a network, as `gh attestation verify` does it:
 * the certificate chain, the timestamp, the signature, and the workflow that the certificate names.
 */

const workflow = "classwaves/env-actions/.github/workflows/release.yml@refs/heads/main";
const version = parseVersion("1.2.3");

let sigstore: Sigstore;
let stranger: Sigstore;
let world: World;
let built: Built;

beforeAll(async () => {
  [sigstore, stranger] = await Promise.all([startSigstore(), startSigstore()]);
  world = await startWorld();
  commitVersion(world, version.text);
  built = build(world, version.text);
}, 120_000);
afterAll(() => world.stop());
beforeEach(() => {
  world.github.faults.refuse = [];
});
afterEach(() => expect(world.github.violations).toEqual([]));

/** Offline: nothing but the bundle and the root. */
function verifySignature(folder: string): void {
  const bundle = bundleFromJSON(JSON.parse(readFileSync(join(folder, provenanceOf(version)), "utf8")));
  const root = toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(sigstore.trustedRoot)));
  new Verifier(root, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 1 }).verify(toSignedEntity(bundle), {
    subjectAlternativeName:
      /^https:\/\/github\.com\/classwaves\/env-actions\/\.github\/workflows\/release\.yml@refs\/heads\/main$/,
    extensions: { issuer: "https://token.actions.githubusercontent.com" },
  });
}

interface Case {
  signing?: Partial<Signing>;
  /** Edits what is signed. */
  statement?: (statement: Statement) => void;
  by?: Sigstore;
  /** Edits what was signed. */
  tamper?: (bundle: string) => string;
}

interface Statement {
  subject: { name: string; digest: { sha256: string } }[];
  predicateType: string;
  predicate: {
    buildDefinition: {
      externalParameters: { workflow: Record<string, string> };
      resolvedDependencies: { digest: { gitCommit: string } }[];
    };
    runDetails: { builder: { id: string } };
  };
}

async function sign({ signing, statement: edit, by = sigstore, tamper = (bundle) => bundle }: Case): Promise<void> {
  const statement = statementFor(built.files, built.sources) as Statement;
  edit?.(statement);
  const bundle = await by.sign({
    repository: "classwaves/env-actions",
    sha: built.sources.commit,
    jobWorkflowRef: workflow,
    statement,
    ...signing,
  });
  writeFileSync(join(built.files, provenanceOf(version)), `${tamper(bundle)}\n`);
}

const attempt = () => publish({ ...placeIn(world), verifySignature }, built.sources, built.commits, built.files);

const editedPayload = (bundle: string): string => {
  const parsed = JSON.parse(bundle) as { dsseEnvelope: { payload: string } };
  const statement = Buffer.from(parsed.dsseEnvelope.payload, "base64").toString();
  parsed.dsseEnvelope.payload = Buffer.from(statement.replace("attempts/1", "attempts/2")).toString("base64");
  return JSON.stringify(parsed);
};

describe("a release is refused, and nothing is written, if its provenance", () => {
  const cases: [what: string, one: Case, message: string | RegExp][] = [
    ["is signed by another Sigstore", { by: stranger }, /certificate|timestamp/],
    ["is signed by another workflow", { signing: { jobWorkflowRef: workflow.replace("release", "ci") } }, "certificate identity"],
    ["is signed by the workflow on another branch", { signing: { jobWorkflowRef: workflow.replace("main", "x") } }, "identity"],
    ["is signed by a person", { signing: { issuer: "https://github.com/login/oauth" } }, "issuer"],
    ["was changed after it was signed", { tamper: editedPayload }, "signature verification failed"],
    ["is two attestations", { tamper: (bundle) => `${bundle}\n${bundle}` }, "expected one attestation, got 2"],
    ["is no bundle", { tamper: () => "{}" }, "expected a Sigstore bundle"],
    [
      "is of another commit",
      { statement: ({ predicate }) => Object.assign(predicate.buildDefinition, { resolvedDependencies: [] }) },
      "expected the sources",
    ],
    [
      "is of another repository",
      { statement: ({ predicate }) => Object.assign(predicate.buildDefinition.externalParameters.workflow, { repository: "x" }) },
      "expected the repository https://github.com/classwaves/env-actions, got x",
    ],
    [
      "is of another branch",
      { statement: ({ predicate }) => Object.assign(predicate.buildDefinition.externalParameters.workflow, { ref: "x" }) },
      "expected the branch refs/heads/main, got x",
    ],
    [
      "names another builder",
      { statement: ({ predicate }) => Object.assign(predicate.runDetails.builder, { id: "x" }) },
      "expected the builder",
    ],
    [
      "is no provenance",
      { statement: (one) => Object.assign(one, { predicateType: "https://in-toto.io/attestation/test-result/v0.1" }) },
      "expected the predicate https://slsa.dev/provenance/v1",
    ],
    ["leaves a file out", { statement: ({ subject }) => subject.pop() }, "with SHA-256"],
    [
      "has another digest for a file",
      {
        statement: ({ subject }) => {
          const archive = subject.find(({ name }) => name === "env-actions-1.2.3.tar.gz");
          Object.assign(archive?.digest ?? {}, { sha256: "0".repeat(64) });
        },
      },
      "env-actions-1.2.3.tar.gz with SHA-256",
    ],
    [
      "attests another file too",
      { statement: ({ subject }) => subject.push({ name: "x", digest: { sha256: "0".repeat(64) } }) },
      "it also attests files that are not in the release",
    ],
  ];

  test.each(cases)("%s", async (what, one, message) => {
    await sign(what === "is signed by another Sigstore" ? { by: stranger } : one);
    const before = refsOf(world);
    const asked = world.github.requests.length;
    await expect(attempt()).rejects.toThrow(message);
    expect(world.github.requests.length).toBe(asked);
    expect(refsOf(world)).toEqual(before);
    expect(releasesOf(world)).toEqual([]);
  });
});

test("a release is published with its provenance, which anybody can verify without a network", async () => {
  await sign({});
  expect(await attempt()).toBe(true);
  const { files } = await fetchReleased({ ...placeIn(world, "reader"), verifySignature }, version);
  for (const name of assetNames(version))
    expect(readFileSync(join(files, name)).equals(readFileSync(join(built.files, name))), name).toBe(true);
});
