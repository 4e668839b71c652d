import { writeZip } from "../../../src/github/zip.ts";
import { digestOf } from "../../harness/artifact-service.ts";
import { at, e2e, endedBy, left, type Row, type Runner, results } from "./question.ts";

// Evidence on its way from job to job: deleted, expired, replaced, damaged or forged artifacts, and an artifact service that fails.

const nameless = "env-actions-e2e-x";
const mayBeOfFailure =
  /evidence that cannot be read may be of a job or cell that failed: env-actions-e2e-x\. Run the gate's job again/;

export const unreadable: Row[] = [
  [
    "one cell's artifact was deleted, and its job failed",
    { ...endedBy(e2e("passed", { cell: "1" })), jobs: results("failure") },
    "failed",
    /job e2e failed/,
  ],
  ["the list names an artifact that can't be downloaded", { unread: { e2e: [nameless] } }, "error", mayBeOfFailure],
  ["the only one can't be downloaded", { ...endedBy(), unread: { e2e: [nameless] } }, "error", mayBeOfFailure],
  [
    "one can't be read, and another one failed",
    { ...endedBy(e2e("failed")), unread: { e2e: [nameless] } },
    "failed",
    /failed in job e2e, environment sandbox/,
  ],
  [
    "the list can't be read",
    { evidence: [], unread: { preflight: ["the list"], integration: ["the list"], e2e: ["the list"] } },
    "error",
    /evidence that cannot be read may be of a job or cell that failed: the list/,
  ],
  [
    "what can't be read is of a stage that nobody expects",
    { unread: { smoke: ["env-actions-smoke-x"] } },
    "passed",
    /every stage passed/,
  ],
];

/** How the log begins to say what is wrong with one artifact. */
const unread = (why: string) =>
  new RegExp(`EA8005: the evidence in artifact env-actions-e2e-\\S+ cannot be read: .*${why}[^]*✘ e2e error`);
/** The run without e2e, and this artifact in its place. */
const inPlaceOfE2e = (what: string, runner: Runner, says: RegExp, outcome: Row[2] = "error"): Row => [
  what,
  endedBy(),
  outcome,
  says,
  runner,
];
const passed = e2e();
const failed = e2e("failed");
const fault = (call: NonNullable<Runner["faults"]>[number]["call"], status: number, body = ""): Runner => ({
  faults: [{ call, answer: { status, body } }],
});
const bytes = writeZip([{ name: "evidence.json", content: Buffer.from("{}") }]);

export const artifacts: Row[] = [
  // The service
  [
    "the artifact list is refused",
    {},
    "error",
    /EA9009: the artifacts of this workflow run could not be listed: .*403 .*token expired/,
    fault("ListArtifacts", 403, '{"code":"permission_denied","msg":"the token expired"}'),
  ],
  [
    "the artifact list fails again and again",
    {},
    "error",
    /could not be listed: .*ListArtifacts: 503 .*4 times/,
    fault("ListArtifacts", 503),
  ],
  [
    "the artifact list breaks off once",
    {},
    "passed",
    /every stage passed/,
    { faults: [{ call: "ListArtifacts", answer: "cut", times: 1 }] },
  ],
  [
    "the artifact list is a page of a proxy",
    {},
    "error",
    /could not be listed: .*not JSON/,
    fault("ListArtifacts", 200, "<html>"),
  ],
  [
    "the artifact list is no list",
    {},
    "error",
    /could not be listed: .*holds no list/,
    fault("ListArtifacts", 200, '{"artifacts":"none"}'),
  ],
  [
    "the artifact list has members without a name",
    {},
    "error",
    /could not be listed: .*no name/,
    fault("ListArtifacts", 200, '{"artifacts":[{}]}'),
  ],
  [
    "an empty list, because all have expired",
    {},
    "failed",
    /✘ e2e missing: job e2e succeeded, but it left no evidence: it did not run, or its evidence was deleted or has expired/,
    fault("ListArtifacts", 200, "{}"),
  ],
  ["no address for the content", {}, "error", unread("no signed_url"), fault("GetSignedArtifactURL", 200, "{}")],
  ["an address that is none", {}, "error", unread("no valid address"), fault("GetSignedArtifactURL", 200, '{"signed_url":"x"}')],
  [
    "expired between the list and the download",
    {},
    "error",
    unread("404 artifact has expired"),
    fault("GetSignedArtifactURL", 404, '{"code":"not_found","msg":"artifact has expired"}'),
  ],
  [
    "deleted while it is read",
    {},
    "error",
    unread("404 BlobNotFound"),
    fault("Blob", 404, "<Error><Code>BlobNotFound</Code></Error>"),
  ],
  [
    "the signature of the address expired",
    {},
    "error",
    unread("403 AuthenticationFailed"),
    fault("Blob", 403, "<Error><Code>AuthenticationFailed</Code></Error>"),
  ],
  ["a token that names no run", {}, "error", /could not be listed: .*claim scp/, { env: { ACTIONS_RUNTIME_TOKEN: "e30.e30.x" } }],
  [
    "a token that is none",
    {},
    "error",
    /could not be listed: the artifact service, the runtime token|could not be listed: .*runtime token/,
    { env: { ACTIONS_RUNTIME_TOKEN: "secret" } },
  ],
  [
    "no artifact service on GitHub Enterprise Server",
    {},
    "error",
    /evidence of other jobs cannot be read: git\.school\.edu is a GitHub Enterprise Server/,
    { env: { GITHUB_SERVER_URL: "https://git.school.edu" } },
  ],
  // Content
  inPlaceOfE2e(
    "an artifact that is no archive",
    { artifacts: [{ evidence: passed, archive: Buffer.from("hello") }] },
    unread("ZIP"),
  ),
  inPlaceOfE2e("half an archive", { artifacts: [{ evidence: passed, archive: bytes.subarray(0, 40) }] }, unread("ZIP")),
  inPlaceOfE2e(
    "an archive without evidence",
    { artifacts: [{ evidence: passed, files: { "e2e.json": "{}" } }] },
    unread("it has no file evidence\\.json"),
  ),
  inPlaceOfE2e(
    "evidence that is no JSON",
    { artifacts: [{ evidence: passed, files: { "evidence.json": "passed" } }] },
    unread("JSON"),
  ),
  inPlaceOfE2e(
    "evidence without its report",
    { artifacts: [{ evidence: passed, files: { "evidence.json": JSON.stringify(passed) } }] },
    unread("it has no file e2e\\.json, the report that it is about"),
  ),
  inPlaceOfE2e(
    "a report that was changed afterwards",
    { artifacts: [{ evidence: passed, files: { "evidence.json": JSON.stringify(passed), "e2e.json": '{"verdict":"passed"}' } }] },
    unread("e2e\\.json is not the report that it is about: its SHA-256 differs"),
  ),
  inPlaceOfE2e(
    "a pass with the report of a failure",
    { artifacts: [{ evidence: passed, report: { stage: "e2e", verdict: "failed", runId: passed.runId } }] },
    unread("contradicts the report e2e\\.json: the two name another verdict"),
  ),
  inPlaceOfE2e(
    "a pass with the report of another run",
    { artifacts: [{ evidence: passed, report: { stage: "e2e", verdict: "passed", runId: failed.runId } }] },
    unread("contradicts the report e2e\\.json: the two name another runId"),
  ),
  inPlaceOfE2e(
    "bytes that were not uploaded",
    { artifacts: [{ evidence: passed, digest: digestOf(Buffer.from("another")) }] },
    unread("not what was uploaded: its SHA-256 differs"),
  ),
  inPlaceOfE2e(
    "evidence of smoke under e2e's name",
    { artifacts: [{ evidence: left("smoke"), name: nameless }] },
    unread("its evidence is of smoke"),
  ),
  inPlaceOfE2e(
    "names that only begin like a stage's",
    {
      artifacts: ["env-actions-e2extra-x", "env-actions-logs-e2e-x", "my-env-actions-e2e-x"].map((name) => ({
        evidence: e2e(),
        name,
      })),
    },
    /✘ e2e missing: job e2e succeeded, but it left no evidence/,
    "failed",
  ),
  [
    "a service that has no digests yet",
    endedBy(),
    "passed",
    /every stage passed/,
    { artifacts: [{ evidence: e2e(), digest: undefined }] },
  ],
  [
    "act's service, which gives each job the id of the run",
    endedBy(),
    "passed",
    /every stage passed/,
    { artifacts: [{ evidence: e2e(), job: "the run" }] },
  ],
  // Who uploaded it
  inPlaceOfE2e(
    "integration's tests upload a pass of e2e",
    { artifacts: [{ evidence: passed, job: "integration 1" }] },
    unread("they name two: .*One of them is forged"),
  ),
  inPlaceOfE2e(
    "a failure was overwritten by another job under the same name",
    {
      artifacts: [
        { evidence: failed, name: nameless },
        { evidence: e2e(), name: nameless, job: "lint 1" },
      ],
    },
    unread("it replaced another one of this name, which env-actions never does"),
  ),
  inPlaceOfE2e(
    "a failure was overwritten by its own job under the same name",
    {
      artifacts: [
        { evidence: failed, name: nameless },
        { evidence: e2e(), name: nameless },
      ],
    },
    unread("it replaced another one of this name, which env-actions never does"),
  ),
  inPlaceOfE2e(
    "one execution of a job uploads a pass of another cell",
    {
      artifacts: [
        { evidence: e2e("passed", { cell: "1" }), job: "cell 1" },
        { evidence: e2e("passed", { cell: "2" }), job: "cell 1" },
      ],
    },
    unread("cell 1.*cell 2|cell 2.*cell 1"),
  ),
  // Files beside the artifacts
  inPlaceOfE2e(
    "a copied file of an older run in the gate's workspace",
    { files: [e2e("passed", { workflowRun: "6" })] },
    /✘ e2e missing: .*found evidence of the workflow run 6/,
    "failed",
  ),
  inPlaceOfE2e(
    "a copied file of a terminal in the gate's workspace",
    { files: [terminal()] },
    /✘ e2e missing: .*found evidence of the repository of a terminal/,
    "failed",
  ),
  [
    "a file in the gate's workspace says passed, and the artifact says failed",
    endedBy(failed),
    "failed",
    /failed in job e2e, environment sandbox/,
    { files: [{ ...failed, verdict: "passed", finishedAt: at(0) }] },
  ],
];

function terminal() {
  return { ...e2e(), origin: { kind: "terminal" as const, actor: "somebody" } };
}
