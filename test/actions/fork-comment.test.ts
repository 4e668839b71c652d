import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { filledAnswer } from "../../local/github/filled.ts";
import { type Asked, type Endpoints, type LocalGitHub, startGitHub } from "../../local/github/index.ts";
import { isReplaced } from "../../src/gate/finished-run.ts";
import type { GitHub } from "../../src/github/api.ts";
import { writeZip } from "../../src/github/zip.ts";
import type { Evidence, StageName, Verdict } from "../../src/model/report.ts";
import { folderForEachTest } from "../harness/folder.ts";
import { freshBundle, run, runnerEnvironment } from "../harness/process.ts";

// A gate on a pull request from a fork has ended. The action `comment` runs in a workflow of its own, on the base's default branch, and tells
// the result: GitHub's records decide, and whatever the fork's code left must be harmless.

const folder = folderForEachTest();
const head = "a".repeat(40);
const fork = "attacker/app";

interface World {
  pulls: { number: number; sha?: string; repository?: string }[];
  jobs: { name: string; conclusion: string | null }[];
  attempt: number;
  /** Ids of other runs of this workflow for the commit. */
  otherRuns: number[];
  artifacts: { id: number; name: string; archive: Buffer; size?: number; digest?: string; expired?: boolean }[];
}

let world: World;
let github: LocalGitHub;
let storage: Server;
/** What reached the storage, which is another host than the API: the token must not. */
const atStorage: { authorization: string | undefined }[] = [];

const read = { permission: "actions", access: "read" } as const;
const listed = (key: string, id: string, items: object[]) => ({
  status: 200,
  body: filledAnswer(id, 200, { total_count: items.length, [key]: items }),
});
const endpoints: Endpoints = {
  "pulls/list": {
    needs: { permission: "issues", access: "read" },
    answer: ({ query }: Asked) => ({
      status: 200,
      body: filledAnswer(
        "pulls/list",
        200,
        query.get("head") !== "attacker:main" || query.get("state") !== "open"
          ? []
          : world.pulls.map(({ number, sha = head, repository = fork }) => ({
              number,
              head: { sha, repo: { full_name: repository } },
            })),
      ),
    }),
  },
  "actions/get-workflow-run": {
    needs: read,
    answer: () => ({ status: 200, body: filledAnswer("actions/get-workflow-run", 200, { id: 7, run_attempt: world.attempt }) }),
  },
  "actions/list-workflow-runs": {
    needs: read,
    answer: () =>
      listed(
        "workflow_runs",
        "actions/list-workflow-runs",
        [7, ...world.otherRuns].map((id) => ({ id, head_repository: { full_name: fork } })),
      ),
  },
  "actions/list-jobs-for-workflow-run-attempt": {
    needs: read,
    answer: () => listed("jobs", "actions/list-jobs-for-workflow-run-attempt", world.jobs),
  },
  "actions/list-workflow-run-artifacts": {
    needs: read,
    answer: () =>
      listed(
        "artifacts",
        "actions/list-workflow-run-artifacts",
        world.artifacts.map(({ id, name, archive, size = archive.length, expired = false, digest = digestOf(archive) }) => ({
          ...{ id, name, expired, digest },
          size_in_bytes: size,
        })),
      ),
  },
  "actions/download-artifact": {
    needs: read,
    answer: ({ path }: Asked) => ({
      status: 302,
      headers: { location: `http://127.0.0.1:${(storage.address() as AddressInfo).port}/${path.artifact_id}` },
    }),
  },
};

const digestOf = (archive: Buffer) => `sha256:${createHash("sha256").update(archive).digest("hex")}`;

beforeAll(async () => {
  storage = createServer((request, response) => {
    atStorage.push({ authorization: request.headers.authorization });
    const found = world.artifacts.find(({ id }) => `/${id}` === request.url);
    response.writeHead(found ? 200 : 404, { "content-type": "application/zip" }).end(found?.archive);
  }).listen(0, "127.0.0.1");
  await once(storage, "listening");
  github = await startGitHub({
    repositories: { "classwaves/app": { refs: { main: head } } },
    tokens: {
      job: { permissions: { issues: "write", actions: "read" } },
      "read-only": { permissions: { issues: "read", actions: "read" } },
    },
    endpoints,
  });
});
afterAll(async () => {
  expect(github.violations).toEqual([]);
  expect(atStorage.length).toBeGreaterThan(0);
  expect(atStorage.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
  storage.close();
  await github.stop();
});
beforeEach(() => {
  const repository = github.repositories.get("classwaves/app");
  if (repository) repository.comments = [];
  (github.requests as unknown[]).length = 0;
  world = { pulls: [{ number: 12 }], jobs: succeeded(), attempt: 1, otherRuns: [], artifacts: [] };
});

const succeeded = () => ["preflight", "integration", "e2e", "gate"].map((name) => ({ name, conclusion: "success" }));
const comments = () => github.repositories.get("classwaves/app")?.comments ?? [];
const writes = () => github.requests.filter(({ method }) => method !== "GET").length;

function evidence(stage: StageName, verdict: Verdict = "passed", more: Partial<Evidence> = {}): Evidence {
  return {
    schemaVersion: 1,
    ...{ stage, verdict, environment: "sandbox", runId: `1700000000000_0000000${stage.length}` },
    commit: { sha: "b".repeat(40), headSha: head },
    origin: { kind: "github", repository: "classwaves/app", workflowRun: "7", job: stage },
    finishedAt: new Date().toISOString(),
    reportDigest: createHash("sha256").update("{}").digest("hex"),
    ...more,
  };
}

function artifact(id: number, one: Evidence | string, name?: string) {
  const text = typeof one === "string" ? one : JSON.stringify(one);
  const stage = typeof one === "string" ? "e2e" : one.stage;
  const archive = writeZip([
    { name: "evidence.json", content: Buffer.from(text) },
    { name: `${stage}.json`, content: Buffer.from("{}") },
  ]);
  return { id, name: name ?? `env-actions-${stage}-sandbox-1-${id}`, archive };
}

async function comment(inputs: Record<string, string> = {}, event: object = {}, more: Record<string, string> = {}) {
  for (const name of ["output", "state", "summary"]) writeFileSync(join(folder.path, name), "");
  const workflow_run = {
    ...{ id: 7, run_attempt: 1, workflow_id: 3, event: "pull_request", head_sha: head, head_branch: "main" },
    ...{ head_repository: { full_name: fork }, pull_requests: [], ...event },
  };
  writeFileSync(join(folder.path, "event.json"), JSON.stringify({ workflow_run }));
  const env = {
    ...runnerEnvironment(folder.path, { stage: "comment", "github-token": "job", ...inputs }),
    GITHUB_EVENT_NAME: "workflow_run",
    GITHUB_EVENT_PATH: join(folder.path, "event.json"),
    GITHUB_API_URL: github.url,
    ...more,
  };
  const { status, stdout } = await run(freshBundle, { env, cwd: folder.path });
  const verdict = /verdict<<(\S+)\n(.*)\n\1/.exec(readFileSync(join(folder.path, "output"), "utf8"))?.[2];
  return { status, stdout, verdict };
}

describe("the comment after a fork's gate", () => {
  test("is written once, and a run without a change writes nothing more", async () => {
    world.artifacts = (["preflight", "integration", "e2e"] as const).map((stage, at) => artifact(at + 1, evidence(stage)));
    const { status, verdict, stdout } = await comment();
    expect([status, verdict]).toEqual([0, "passed"]);
    expect(stdout).toContain("The comment on pull request 12: created.");
    expect(comments().map(({ issue }) => issue)).toEqual([12]);
    expect(comments()[0]?.body).toContain("# ✅ Gate passed");
    expect(comments()[0]?.body).toMatch(/✅ passed \| End to end/);
    const before = writes();
    expect((await comment()).stdout).toContain("pull request 12: unchanged.");
    expect(writes()).toBe(before);
  });

  test.each<[string, Partial<World>, string, RegExp]>([
    ["failed", { jobs: [{ name: "gate", conclusion: "failure" }] }, "failed", /the job gate did not succeed: failure/i],
    ["was cancelled", { jobs: [{ name: "gate", conclusion: "cancelled" }] }, "cancelled", /the job gate was cancelled/i],
    ["was skipped", { jobs: [{ name: "gate", conclusion: "skipped" }] }, "failed", /did not succeed: skipped/i],
    ["has not ended", { jobs: [{ name: "gate", conclusion: null }] }, "failed", /it has not ended/i],
    ["does not exist", { jobs: [{ name: "e2e", conclusion: "success" }] }, "error", /no job named gate/i],
    ["is in a reusable workflow", { jobs: [{ name: "quality / gate", conclusion: "failure" }] }, "failed", /quality \/ gate/i],
    [
      "has a second one of its name, which failed",
      { jobs: [...succeeded(), { name: "mine / gate", conclusion: "failure" }] },
      "failed",
      /mine \/ gate/i,
    ],
  ])("says so if the gate's job %s, whatever the evidence says", async (_, change, outcome, text) => {
    Object.assign(world, change, {
      artifacts: (["preflight", "integration", "e2e"] as const).map((stage, at) => artifact(at + 1, evidence(stage))),
    });
    const { status, verdict } = await comment();
    expect([status, verdict]).toEqual([0, outcome]);
    expect(comments()[0]?.body).toMatch(text);
    expect(comments()[0]?.body).not.toContain("Gate passed");
  });

  test.each<[string, Partial<World>, object, RegExp]>([
    ["the pull request was closed", { pulls: [] }, {}, /it was closed, or has a newer commit/],
    ["it has a newer commit", { pulls: [{ number: 12, sha: "c".repeat(40) }] }, {}, /has a newer commit/],
    [
      "the branch is of another repository",
      { pulls: [{ number: 12, repository: "classwaves/app" }] },
      {},
      /no open pull request/,
    ],
    ["two pull requests have the head", { pulls: [{ number: 12 }, { number: 13 }] }, {}, /2 pull requests have this head/],
    ["a newer attempt runs", { attempt: 2 }, {}, /a newer run or attempt/],
    ["a newer run was started", { otherRuns: [8] }, {}, /a newer run or attempt/],
    ["the run was started by a push", {}, { event: "push" }, /started by push/],
  ])("writes nothing if %s", async (_, change, event, why) => {
    Object.assign(world, change);
    const { status, stdout } = await comment({}, event);
    expect(status).toBe(0);
    expect(stdout).toMatch(why);
    expect(writes()).toBe(0);
  });

  test("a newer run of a fork that was deleted is nobody's, and breaks nothing", async () => {
    // GitHub has `null` there, whatever its description says: so not by the stand-in, which holds to that.
    const api = (head_repository: object | null) =>
      ({
        rest: {
          actions: {
            getWorkflowRun: async () => ({ data: { run_attempt: 1 } }),
            listWorkflowRuns: async () => ({ data: { workflow_runs: [{ id: 8, head_repository }] } }),
          },
        },
      }) as unknown as GitHub;
    const ended = { id: 7, attempt: 1, workflow: 3, event: "pull_request", headSha: head, headBranch: "main" };
    const asked = (of: object | null) =>
      isReplaced(api(of), { owner: "classwaves", repo: "app" }, { ...ended, headRepository: fork });
    expect(await asked(null)).toBe(false);
    expect(await asked({ full_name: fork })).toBe(true);
  });

  test("an older run of the same commit doesn't count as newer", async () => {
    world.otherRuns = [6];
    expect((await comment()).stdout).toContain("created");
  });
});

describe("a gate that was degraded is a success for GitHub, and not called passed", () => {
  const stages = ["preflight", "integration", "e2e"] as const;
  const ranIn = (environment: string) => stages.map((stage, at) => artifact(at + 1, evidence(stage, "passed", { environment })));

  test("it ran where a fork needs no credentials", async () => {
    world.artifacts = ranIn("local");
    expect((await comment({ environment: "sandbox" })).verdict).toBe("degraded");
    const body = comments()[0]?.body ?? "";
    expect(body).toContain("# ⚠️ Gate degraded");
    expect(body).toMatch(/The job gate succeeded, but nothing was proven about sandbox/);
    expect(body).toMatch(/⚠️ degraded \| End to end \| job e2e, environment local; nothing was proven about sandbox/);
  });

  test("it ran where it should", async () => {
    world.artifacts = ranIn("sandbox");
    expect((await comment({ environment: "sandbox" })).verdict).toBe("passed");
  });

  test("a stage had warnings", async () => {
    world.artifacts = [artifact(1, evidence("preflight", "degraded")), artifact(2, evidence("e2e"))];
    expect((await comment()).verdict).toBe("degraded");
    expect(comments()[0]?.body).toMatch(/The job gate succeeded, but not every stage passed without warnings/);
  });

  test("warnings don't hide that the job failed", async () => {
    Object.assign(world, { jobs: [{ name: "gate", conclusion: "failure" }], artifacts: ranIn("local") });
    expect((await comment({ environment: "sandbox" })).verdict).toBe("failed");
  });
});

describe("what a fork's run left", () => {
  test("hundreds of artifacts don't use up the requests of the repository", async () => {
    world.artifacts = Array.from({ length: 300 }, (_, at) => artifact(at + 1, evidence("e2e"), `env-actions-e2e-${at}`));
    const { status, stdout } = await comment();
    expect(status).toBe(0);
    expect(stdout).toContain("the run has more than 100 artifacts of stages, so this one was not read");
    expect(github.requests.filter(({ path }) => path.includes("/artifacts/")).length).toBe(100);
  });

  test("a secret in the name of a job or cell is hidden, also where Markdown is escaped", async () => {
    const secret = "s3cr3t*0f|th3@pr0duct10n_d4t4b4s3";
    world.jobs = [...succeeded(), { name: `docs ${secret}`, conclusion: "failure" }];
    world.artifacts = [
      artifact(1, evidence("e2e", "failed", { environment: secret, runId: "1" })),
      artifact(2, evidence("e2e", "passed", { environment: `${"x".repeat(90)}${secret}`, runId: "2" })),
    ];
    await comment({}, {}, { DATABASE_PASSWORD: secret });
    const body = comments()[0]?.body ?? "";
    expect(body).toContain("job e2e");
    expect(body).not.toMatch(/s3cr3t|th3|pr0duct10n/);
  });

  test("evidence that says the opposite of GitHub changes nothing but its own row", async () => {
    world.jobs = [{ name: "gate", conclusion: "failure" }];
    world.artifacts = [artifact(1, evidence("e2e"))];
    expect((await comment()).verdict).toBe("failed");
    expect(comments()[0]?.body).toMatch(/GitHub's own record/);
    expect(comments()[0]?.body).toMatch(/The workflow itself is the pull request's/);
  });

  test.each<[string, World["artifacts"]]>([
    [
      "of another run",
      [artifact(1, evidence("e2e", "passed", { origin: { kind: "github", repository: "classwaves/app", workflowRun: "8" } }))],
    ],
    [
      "of another repository",
      [artifact(1, evidence("e2e", "passed", { origin: { kind: "github", repository: fork, workflowRun: "7" } }))],
    ],
    ["of another commit", [artifact(1, evidence("e2e", "passed", { commit: { sha: "c".repeat(40) } }))]],
    ["that is no JSON", [artifact(1, "<script>")]],
    ["that is no archive", [{ id: 1, name: "env-actions-e2e-sandbox-1-1", archive: Buffer.from("hello") }]],
    ["of a size that would fill the disk", [{ ...artifact(1, evidence("e2e")), size: 2 ** 40 }]],
    ["whose digest differs", [{ ...artifact(1, evidence("e2e")), digest: `sha256:${"0".repeat(64)}` }]],
    ["that has expired", [{ ...artifact(1, evidence("e2e")), expired: true }]],
    [
      "that replaced another one",
      [artifact(1, evidence("e2e", "failed"), "env-actions-e2e-x"), artifact(2, evidence("e2e"), "env-actions-e2e-x")],
    ],
  ])("evidence %s is not shown", async (_, artifacts) => {
    world.artifacts = artifacts;
    const { status } = await comment();
    expect(status).toBe(0);
    expect(comments()[0]?.body).not.toContain("End to end");
  });

  test("names are inert: no mention, link, HTML or command of the runner", async () => {
    const hostile = "x\n::set-output name=a::b\n##[error]x @everyone <img src=//evil.example> [a](http://evil.example) |";
    world.jobs = [...succeeded(), { name: hostile, conclusion: "failure" }];
    world.artifacts = [
      artifact(1, evidence("e2e", "passed", { environment: hostile })),
      artifact(2, evidence("e2e", "failed", { environment: `${hostile}2`, runId: hostile })),
    ];
    const { stdout } = await comment();
    const body = comments()[0]?.body ?? "";
    expect(body).not.toMatch(/<img|@everyone|\]\(http|https?:\/\//);
    expect(stdout).not.toMatch(/^::set-output|##\[error\]/m);
  });
});

describe("mistakes", () => {
  test("another event is named", async () => {
    const { status, stdout } = await comment({}, {}, { GITHUB_EVENT_NAME: "pull_request_target" });
    expect(status).toBe(2);
    expect(stdout).toMatch(
      /EA1104: the action `comment` follows a finished workflow run: expected the event workflow_run, got pull_request_target/,
    );
  });

  test("a token that may not write: the step fails, and names the permission", async () => {
    const { status, stdout } = await comment({ "github-token": "read-only" });
    expect(status).toBe(1);
    expect(stdout).toMatch(/^::error title=env-actions comment::The comment could not be written: .*issues: write/m);
  });
});
