import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { predicateType, resultOf, statementType } from "../../src/evidence/attestation/statement.ts";
import { type Refusal, readTrustedRoots, verifyAttestation } from "../../src/evidence/attestation/verify.ts";
import type { Evidence, Verdict } from "../../src/model/report.ts";
import { folderForEachTest } from "../harness/folder.ts";
import { freshBundle, run } from "../harness/process.ts";
import { performIn, type Stage } from "../harness/stage.ts";
import { type Signing, type Sigstore, startSigstore } from "./sigstore.ts";

// Signed evidence, verified with the trusted root of a Sigstore of our own: real certificates, timestamps and logs.

const sha = "a".repeat(40);
const workflow = "classwaves/app/.github/workflows/deploy.yml@refs/heads/main";
const evidence: Evidence = {
  schemaVersion: 1,
  stage: "smoke",
  verdict: "passed",
  environment: "staging",
  runId: "1763920000000_1a2b3c4d",
  commit: { sha },
  origin: { kind: "github", repository: "classwaves/app", workflowRun: "77", attempt: "1", job: "smoke" },
  finishedAt: new Date(Date.now() - 60_000).toISOString(),
  reportDigest: "0".repeat(64),
};
const expected = {
  signerWorkflow: workflow,
  repository: "classwaves/app",
  commit: sha,
  environment: "staging",
  server: "https://github.com",
  maxAgeMs: 3_600_000,
  now: Date.now(),
};

const fileOf = (one: Evidence) => Buffer.from(`${JSON.stringify(one, undefined, 2)}\n`);
const digest = (content: Buffer) => createHash("sha256").update(content).digest("hex");

interface Case {
  /** What was signed. */
  signed?: Partial<Evidence>;
  /** What is shown in its place. */
  shown?: Partial<Evidence>;
  signing?: Partial<Signing>;
  statement?: object;
  predicate?: object;
  expected?: Partial<typeof expected>;
  /** Done to the bundle afterwards. */
  tamper?: (bundle: Bundle) => unknown;
  /** Another Sigstore signs than the one that is trusted. */
  stranger?: true;
}

interface Bundle {
  verificationMaterial: {
    certificate?: object;
    publicKey?: object;
    tlogEntries: Record<string, unknown>[];
    timestampVerificationData?: { rfc3161Timestamps: object[] };
  };
  dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string }[] };
}

let stores: Record<"github" | "public" | "stranger", Sigstore>;
beforeAll(async () => {
  const [github, open, stranger] = await Promise.all([startSigstore(), startSigstore("public"), startSigstore()]);
  stores = { github, public: open, stranger };
});

const statementFor = (one: Evidence, more: object = {}, predicate: object = {}) => ({
  _type: statementType,
  subject: [{ name: "evidence.json", digest: { sha256: digest(fileOf(one)) } }],
  predicateType,
  predicate: { result: resultOf[one.verdict], configuration: [], ...predicate },
  ...more,
});

async function verify(one: Case, kind: "github" | "public" = "github") {
  const signed = { ...evidence, ...one.signed };
  const statement = statementFor(signed, one.statement, one.predicate);
  const bundle = await stores[one.stranger ? "stranger" : kind].sign({ statement, ...one.signing });
  const tampered = one.tamper ? JSON.stringify(one.tamper(JSON.parse(bundle) as Bundle)) : bundle;
  const roots = readTrustedRoots(stores[kind].trustedRoot);
  return verifyAttestation(tampered, fileOf({ ...signed, ...one.shown }), roots, { ...expected, ...one.expected });
}

const edited = (edit: (bundle: Bundle) => void) => (bundle: Bundle) => {
  edit(bundle);
  return bundle;
};
const elsewhere = "evil/app/.github/workflows/deploy.yml@refs/heads/main";

const attacks: [what: string, attack: Case, refusal: Refusal, why?: RegExp][] = [
  // Who signed
  [
    "another workflow of the repository",
    { signing: { jobWorkflowRef: workflow.replace("deploy", "test") } },
    "signer",
    /test\.yml/,
  ],
  [
    "the same workflow as it is on a branch",
    { signing: { jobWorkflowRef: workflow.replace("main", "feature") } },
    "signer",
    /refs\/heads\/main, got .*refs\/heads\/feature/,
  ],
  ["a workflow whose name only begins alike", { signing: { jobWorkflowRef: `${workflow}-2` } }, "signer"],
  [
    "a workflow name in which a dot is another letter",
    { signing: { jobWorkflowRef: workflow.replace("deploy.yml", "deployXyml") } },
    "signer",
  ],
  ["a subject that isn't the workflow", { signing: { subject: "https://github.com/somebody" } }, "signer"],
  ["a person", { signing: { issuer: "https://github.com/login/oauth" } }, "issuer", /login\/oauth/],
  ["a foreign repository", { signing: { repository: "evil/app", jobWorkflowRef: elsewhere } }, "signer"],
  [
    "a foreign repository that calls the same reusable workflow",
    { signing: { repository: "evil/app" } },
    "repository",
    /evil\/app/,
  ],
  [
    "the same, with evidence of its own",
    { signing: { repository: "evil/app" }, signed: { origin: { ...evidence.origin, repository: "evil/app" } } },
    "repository",
  ],
  ["another Sigstore", { stranger: true }, "signature", /no trusted root vouches/],
  // What was signed
  ["another predicate", { statement: { predicateType: "https://slsa.dev/provenance/v1" } }, "predicate", /slsa\.dev/],
  ["another statement", { statement: { _type: "https://in-toto.io/Statement/v0.1" } }, "predicate"],
  ["another payload", { signing: { payloadType: "text/plain" } }, "predicate"],
  ["a statement without a subject", { statement: { subject: [] } }, "subject"],
  ["a subject with a weaker digest", { statement: { subject: [{ name: "x", digest: { sha1: "0".repeat(40) } }] } }, "subject"],
  ["changed evidence", { shown: { verdict: "degraded" } }, "subject", /another file/],
  [
    "evidence of another environment",
    { signed: { environment: "sandbox" } },
    "environment",
    /expected evidence for staging, got evidence for sandbox/,
  ],
  [
    "evidence of another environment, renamed",
    { signed: { environment: "sandbox" }, shown: { environment: "staging" } },
    "subject",
  ],
  ["a file that is no evidence", { signed: { schemaVersion: 2 } as unknown as Partial<Evidence> }, "evidence"],
  [
    "a run that signs the evidence of another run",
    { signing: { runId: "78" } },
    "run",
    /actions\/runs\/77\/attempts\/1, and was signed by .*\/78\//,
  ],
  ["an attempt that signs the evidence of another one", { signing: { attempt: "2" } }, "run"],
  // Which commit
  [
    "another commit than the deployed one",
    { expected: { commit: "b".repeat(40) } },
    "commit",
    /expected a run of commit b{40}, got a{40}/,
  ],
  ["a run of another commit", { signing: { sha: "b".repeat(40) } }, "commit"],
  [
    "a run of the deployed commit that tested another one",
    { signed: { commit: { sha: "b".repeat(40) } } },
    "commit",
    /the evidence is of commit b{40}/,
  ],
  // When
  [
    "an old pass of the same commit",
    { signed: { finishedAt: new Date(Date.now() - 7_200_000).toISOString() } },
    "age",
    /is 120 min old, and may be 60 min old/,
  ],
  ["evidence of the future", { signed: { finishedAt: new Date(Date.now() + 3_600_000).toISOString() } }, "age", /future/],
  // With which result
  ["a failure", { signed: { verdict: "failed" } }, "result", /smoke failed/],
  ["FAILED about passed evidence", { predicate: { result: "FAILED" } }, "result", /says FAILED, and the evidence says passed/],
  ["PASSED about failed evidence", { signed: { verdict: "failed" }, predicate: { result: "PASSED" } }, "result"],
  ["PASSED about degraded evidence", { signed: { verdict: "degraded" }, predicate: { result: "PASSED" } }, "result"],
  [
    "PASSED about an error, which nobody should sign",
    { signed: { verdict: "error" }, predicate: { result: "PASSED" } },
    "result",
  ],
  ["an error, with no result", { signed: { verdict: "error" } }, "result"],
  ["a result in lower case", { predicate: { result: "passed" } }, "result"],
  // When, and with what
  ["a certificate that had expired", { signing: { issued: -11 * 60_000 } }, "signature", /certificate chain/],
  ["a certificate that was not yet valid", { signing: { issued: 60_000 } }, "signature", /certificate chain/],
  ["a timestamp after the certificate's end", { signing: { at: 11 * 60_000 } }, "signature", /certificate chain/],
  [
    "no timestamp",
    { tamper: edited((bundle) => delete bundle.verificationMaterial.timestampVerificationData) },
    "signature",
    /0/,
  ],
  ["no signature", { tamper: edited(({ dsseEnvelope }) => dsseEnvelope.signatures.splice(0)) }, "bundle"],
  [
    "another signature",
    { tamper: edited(({ dsseEnvelope: { signatures } }) => Object.assign(signatures[0] ?? {}, { sig: "AAAA" })) },
    "signature",
  ],
  ["no certificate", { tamper: edited((bundle) => delete bundle.verificationMaterial.certificate) }, "bundle"],
  [
    "a key in place of the certificate",
    {
      tamper: edited(({ verificationMaterial }) => {
        delete verificationMaterial.certificate;
        verificationMaterial.publicKey = { hint: "x" };
      }),
    },
    "bundle",
    /a key in place of a certificate/,
  ],
  ["no envelope", { tamper: ({ verificationMaterial }) => ({ verificationMaterial }) }, "bundle"],
  ["an empty object", { tamper: () => ({}) }, "bundle"],
  ["a list", { tamper: () => [] }, "bundle"],
  ["nothing", { tamper: () => null }, "bundle"],
  [
    "another statement under the same signature",
    {
      signed: { verdict: "failed" },
      tamper: edited(({ dsseEnvelope }) => {
        dsseEnvelope.payload = Buffer.from(JSON.stringify(statementFor(evidence))).toString("base64");
      }),
    },
    "signature",
  ],
];

describe("an attestation by GitHub's own Sigstore", () => {
  test.each<[Verdict]>([["passed"], ["degraded"]])("of a stage that %s holds", async (verdict) => {
    expect(await verify({ signed: { verdict } })).toEqual({
      verified: true,
      evidence: { ...evidence, verdict },
      signer: workflow,
    });
  });

  test("by a reusable workflow of another repository holds for the repository that is named", async () => {
    const jobWorkflowRef = "classwaves/workflows/.github/workflows/gate.yml@refs/tags/v1";
    expect(await verify({ signing: { jobWorkflowRef }, expected: { signerWorkflow: jobWorkflowRef } })).toMatchObject({
      verified: true,
    });
  });

  test.each(attacks)("is refused: %s", async (_, attack, refusal, why = /./) => {
    expect(await verify(attack)).toEqual({ verified: false, refusal, why: expect.stringMatching(why) });
  });
});

describe("an attestation in public logs", () => {
  test("holds", async () => {
    expect(await verify({}, "public")).toEqual({ verified: true, evidence, signer: workflow });
  });

  test.each<[string, (bundle: Bundle) => unknown, RegExp]>([
    [
      "without its entry",
      edited(({ verificationMaterial }) => verificationMaterial.tlogEntries.splice(0)),
      /expected 1 timestamps, got 0/,
    ],
    [
      "with the time of its entry changed",
      edited(({ verificationMaterial: { tlogEntries } }) =>
        Object.assign(tlogEntries[0] ?? {}, { integratedTime: String(Math.floor(Date.now() / 1000) + 30) }),
      ),
      /inclusion promise/,
    ],
    [
      "with an entry about something else",
      edited(({ verificationMaterial: { tlogEntries } }) =>
        Object.assign(tlogEntries[0] ?? {}, { canonicalizedBody: Buffer.from("{}").toString("base64") }),
      ),
      /inclusion promise/,
    ],
  ])("is refused %s", async (_, tamper, why) => {
    expect(await verify({ tamper }, "public")).toEqual({
      verified: false,
      refusal: "signature",
      why: expect.stringMatching(why),
    });
  });

  test("is refused if its certificate is in no log that is trusted", async () => {
    const { ctlogs: _, ...rest } = JSON.parse(stores.public.trustedRoot) as { ctlogs: object[] };
    const { ctlogs } = JSON.parse((await startSigstore("public")).trustedRoot) as { ctlogs: object[] };
    const bundle = await stores.public.sign({ statement: statementFor(evidence) });
    const roots = readTrustedRoots(JSON.stringify({ ...rest, ctlogs }));
    expect(verifyAttestation(bundle, fileOf(evidence), roots, expected)).toMatchObject({ verified: false, refusal: "signature" });
  });
});

test("several bundles and several roots: one of each is enough", async () => {
  const bad = await stores.stranger.sign({ statement: statementFor(evidence) });
  const good = await stores.github.sign({ statement: statementFor(evidence) });
  const roots = readTrustedRoots(`${stores.public.trustedRoot}\n${stores.github.trustedRoot}\n`);
  expect(verifyAttestation(`${bad}\n${good}\n`, fileOf(evidence), roots, expected)).toMatchObject({ verified: true });
  expect(verifyAttestation(`${bad}\n${bad}\n`, fileOf(evidence), roots, expected)).toMatchObject({ verified: false });
  expect(verifyAttestation("", fileOf(evidence), roots, expected)).toMatchObject({ verified: false, refusal: "bundle" });
});

describe("env-actions evidence verify", () => {
  const folder = folderForEachTest();
  async function verifyFiles(more: Record<string, string | undefined> = {}, env: Record<string, string> = {}) {
    const bundle = await stores.github.sign({ statement: statementFor(evidence) });
    writeFileSync(join(folder.path, "bundle.json"), bundle);
    writeFileSync(join(folder.path, "evidence.json"), fileOf(evidence));
    writeFileSync(join(folder.path, "root.jsonl"), stores.github.trustedRoot);
    const options = {
      evidence: "evidence.json",
      "trusted-root": "root.jsonl",
      "signer-workflow": workflow,
      commit: sha,
      ...more,
    };
    const args = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]));
    return await run(freshBundle, { cwd: folder.path, args: ["evidence", "verify", "bundle.json", ...args], env });
  }

  test("says what holds, and ends with 0", async () => {
    const { status, stdout } = await verifyFiles({ environment: "staging" });
    expect(stdout).toMatch(/Verified: smoke passed on staging/);
    expect(stdout).toContain(workflow);
    expect(status).toBe(0);
  });

  test("says why it doesn't hold, and ends with 1", async () => {
    const { status, stdout } = await verifyFiles({ environment: "production" });
    expect(stdout).toMatch(/^Not verified \(environment\): expected evidence for production, got evidence for staging/);
    expect(status).toBe(1);
  });

  test("compares with the commit of the job if none is named", async () => {
    const runner = { GITHUB_ACTIONS: "true", GITHUB_SHA: "b".repeat(40), GITHUB_REPOSITORY: "classwaves/app" };
    expect(await verifyFiles({ commit: undefined }, runner)).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/\(commit\)/),
    });
    expect(await verifyFiles({ commit: undefined }, { ...runner, GITHUB_SHA: sha })).toMatchObject({ status: 0 });
  });

  test.each<[string, Record<string, string | undefined>, RegExp]>([
    ["no trusted root", { "trusted-root": undefined }, /EA1105: evidence verify requires --trusted-root/],
    ["no signer", { "signer-workflow": undefined }, /EA1105: evidence verify requires --signer-workflow/],
    [
      "a signer without a ref",
      { "signer-workflow": workflow.replace(/@.*/, "") },
      /EA1104: --signer-workflow: expected a workflow with its ref/,
    ],
    ["an age without a unit", { "max-age": "4" }, /EA1104: --max-age: expected a duration/],
    ["a short commit", { commit: "aaaaaaa" }, /EA1104: --commit: expected the full SHA/],
    ["a missing file", { evidence: "nowhere.json" }, /EA8008: .*nowhere\.json cannot be read/],
    ["a trusted root that is none", { "trusted-root": "evidence.json" }, /EA8008: evidence\.json: expected a trusted root/],
    ["an option that it doesn't use", { config: "x.yml" }, /EA1103: --config is an option of/],
  ])("%s is a user error", async (_, options, why) => {
    const { status, stderr } = await verifyFiles(options);
    expect(stderr).toMatch(why);
    expect(status).toBe(2);
  });
});

describe("what a stage hands out for signing", () => {
  const folder = folderForEachTest();
  const runner = {
    ...{ PATH: process.env.PATH, HOME: process.env.HOME },
    ...{ GITHUB_ACTIONS: "true", GITHUB_SERVER_URL: "https://github.com", GITHUB_REPOSITORY: "classwaves/app" },
    ...{ GITHUB_RUN_ID: "77", GITHUB_RUN_ATTEMPT: "1", GITHUB_SHA: sha, GITHUB_JOB: "smoke" },
  };
  const configOf = (variable: string) => ({
    preset: "none",
    environments: { staging: { access: "read-only", variables: [variable] } },
    stages: { integration: false, e2e: false },
  });
  /** After a preflight of the same workflow run, which smoke follows here. */
  const smoke = async (variable: string, { env = runner, ...more }: Partial<Stage> = {}) => {
    await performIn(folder.path, { stage: "preflight", config: configOf("HOME"), env });
    const config = configOf(variable);
    return await performIn(folder.path, { stage: "smoke", config, deployment: undefined, ...more, env });
  };

  test("verifies, once GitHub has signed it", async () => {
    const { report, files } = await smoke("HOME");
    const predicate = JSON.parse(readFileSync(files.predicate ?? "", "utf8")) as { result: string };
    const configuration = readFileSync(join(folder.path, "config.yml"));
    expect(predicate).toEqual({
      result: resultOf[report.verdict],
      configuration: [{ name: "config.yml", digest: { sha256: digest(configuration) } }],
      url: "https://github.com/classwaves/app/actions/runs/77/attempts/1",
      passedTests: expect.arrayContaining(["variables"]),
      warnedTests: expect.any(Array),
      failedTests: [],
    });
    const file = readFileSync(files.evidence);
    const subject = [{ name: "evidence.json", digest: { sha256: digest(file) } }];
    const bundle = await stores.github.sign({ statement: { _type: statementType, subject, predicateType, predicate } });
    const roots = readTrustedRoots(stores.github.trustedRoot);
    expect(verifyAttestation(bundle, file, roots, expected)).toMatchObject({ verified: true, evidence: { runId: report.runId } });
  });

  test("is FAILED for a failure, and nothing in a terminal", async () => {
    const { report, files } = await smoke("NOT_SET_ANYWHERE");
    expect(report.verdict).toBe("failed");
    expect(JSON.parse(readFileSync(files.predicate ?? "", "utf8"))).toMatchObject({
      result: "FAILED",
      failedTests: ["variables"],
    });
    expect((await smoke("HOME", { env: { HOME: process.env.HOME } })).files.predicate).toBeUndefined();
  });

  test("is nothing for an error, and nothing if nobody knows which commit is deployed", async () => {
    const refused = await performIn(folder.path, {
      stage: "smoke",
      config: configOf("HOME"),
      deployment: undefined,
      env: runner,
    });
    expect(refused.report.verdict).toBe("error");
    expect(refused.files.predicate).toBeUndefined();
    const watched = await performIn(folder.path, {
      ...{ stage: "smoke", config: configOf("HOME"), deployment: undefined, env: { ...runner, GITHUB_RUN_ID: "78" } },
      follows: "nothing",
    });
    expect(["passed", "degraded"]).toContain(watched.report.verdict);
    expect(watched.files.predicate).toBeUndefined();
  });
});
