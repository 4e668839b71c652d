import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type DeploymentState,
  type LocalGitHub,
  rateLimitExceeded,
  secondaryRateLimit,
  serverError,
  startGitHub,
} from "../../local/github/index.ts";
import { failedAttempt, type GitHub, GitHubError, gitHub } from "../../src/github/api.ts";
import { type DeploymentQuestion, verifyDeployment } from "../../src/github/deployments.ts";

/** The real octokit against the stand-in, which checks every request and answer against GitHub's published description. */

const sha = "a".repeat(40);
const mergeSha = "b".repeat(40);
const start = Date.UTC(2026, 10, 23, 12);
const minute = 60_000;
const repository = { owner: "classwaves", repo: "app" };

let local: LocalGitHub;
let deployer: GitHub;
let reader: GitHub;
let now: number;

beforeEach(async () => {
  now = start;
  local = await startGitHub({
    repositories: { "classwaves/app": { refs: { main: sha } } },
    tokens: {
      deployer: { permissions: { deployments: "write" } },
      reader: { permissions: { deployments: "read" } },
      stranger: { permissions: { contents: "read" } },
    },
    now: () => now,
  });
  deployer = await connect("deployer");
  reader = await connect("reader");
});

afterEach(async () => {
  const { violations } = local;
  await local.stop();
  expect(violations).toEqual([]);
});

function connect(token: string, options: Parameters<typeof gitHub>[2] = {}): Promise<GitHub> {
  return gitHub(token, { GITHUB_API_URL: local.url }, { firstPauseMs: 1, ...options });
}

async function deploy({ ref = "main", environment = "staging" } = {}): Promise<string> {
  const { data } = await deployer.rest.repos.createDeployment({
    ...repository,
    ref,
    environment,
    auto_merge: false,
    required_contexts: [],
  });
  if (!("id" in data)) throw new Error(data.message);
  return String(data.id);
}

async function say(id: string, state: DeploymentState): Promise<void> {
  await deployer.rest.repos.createDeploymentStatus({ ...repository, deployment_id: Number(id), state });
}

async function deployed(options?: Parameters<typeof deploy>[0]): Promise<string> {
  const id = await deploy(options);
  await say(id, "in_progress");
  await say(id, "success");
  return id;
}

function question(id: string, changes: Partial<DeploymentQuestion> = {}): DeploymentQuestion {
  return { repository: "classwaves/app", id, commit: { sha }, now, maxAgeMs: 30 * minute, ...changes };
}

async function failureOf(asked: Promise<unknown>): Promise<GitHubError> {
  const error = await asked.catch((reason: unknown) => reason);
  if (!(error instanceof GitHubError)) throw new Error(`no GitHubError, but ${String(error)}`);
  return error;
}

describe("a deployment allows smoke only if GitHub itself says that it is this commit's, current and successful", () => {
  test("allowed, with the reason", async () => {
    const id = await deployed();
    now += 3 * minute;
    expect(await verifyDeployment(reader, question(id, { environmentName: "Staging" }))).toEqual({
      verified: true,
      why: `deployment ${id} of aaaaaaaaaaaa to staging succeeded 3 min ago`,
    });
  });

  test("on a pull request, both the head and the merge commit count", async () => {
    const id = await deployed();
    const answer = await verifyDeployment(reader, question(id, { commit: { sha: mergeSha, headSha: sha } }));
    expect(answer.verified).toBe(true);
  });

  const states: [DeploymentState, RegExp][] = [
    ["queued", /is queued: it has not begun/],
    ["pending", /is pending: it is not finished/],
    ["in_progress", /is in_progress: it is not finished/],
    ["failure", /is failure: it failed/],
    ["error", /is error: it failed/],
    ["inactive", /is inactive: a later deployment replaced it/],
  ];
  test.each(states)("the latest status %s is refused, whatever came before it", async (state, why) => {
    const id = await deployed();
    await say(id, state);
    const answer = await verifyDeployment(reader, question(id));
    expect(answer.verified).toBe(false);
    expect(answer.why).toMatch(why);
  });

  test("refused without any status", async () => {
    const id = await deploy();
    expect(await verifyDeployment(reader, question(id))).toEqual({
      verified: false,
      why: `deployment ${id} has no status yet, so it is unknown whether it succeeded`,
    });
  });

  test("refused after a later deployment to the same environment", async () => {
    const [older, newer] = [await deployed(), await deployed()];
    expect((await verifyDeployment(reader, question(older))).why).toMatch(/is inactive/);
    expect((await verifyDeployment(reader, question(newer))).verified).toBe(true);
  });

  test("all statuses are read, because GitHub doesn't document their order", async () => {
    const id = await deploy();
    for (let count = 0; count < 120; count++) await say(id, "in_progress");
    await say(id, "success");
    expect((await verifyDeployment(reader, question(id))).verified).toBe(true);
    const pages = local.requests.filter(({ method, path }) => method === "GET" && path.includes("/statuses"));
    expect(pages).toHaveLength(2);
  });

  const refusals: [string, Partial<DeploymentQuestion>, RegExp][] = [
    [
      "another commit",
      { commit: { sha: mergeSha } },
      /expected a deployment of commit bbbbbbbbbbbb, but deployment \d+ is of aaaaaaaaaaaa/,
    ],
    ["no commit at all", { commit: { sha: "unversioned" } }, /expected a deployment of commit unversioned/],
    ["another environment", { environmentName: "production" }, /expected a deployment to production, but .* went to staging/],
    ["a success too long ago", { now: start + 31 * minute }, /succeeded 31 min ago, longer ago than the allowed 30 min/],
    ["a success from the future", { now: start - 6 * minute }, /is dated in the future/],
    ["another repository", { repository: "classwaves/other" }, /classwaves\/other has no deployment/],
  ];
  test.each(refusals)("refused: %s", async (_, changes, why) => {
    const answer = await verifyDeployment(reader, question(await deployed(), changes));
    expect(answer.verified).toBe(false);
    expect(answer.why).toMatch(why);
  });

  test("refused: a deployment that doesn't exist", async () => {
    expect((await verifyDeployment(reader, question("999999"))).why).toMatch(/classwaves\/app has no deployment 999999/);
  });

  test.each(["", "latest", "12/../13", "-1", "1.5", "0", "1e3", "9".repeat(20)])(
    "refused without asking: the id %j",
    async (id) => {
      expect((await verifyDeployment(reader, question(id))).why).toMatch(/is not the id of a deployment/);
      expect(local.requests).toEqual([]);
    },
  );
});

describe("GitHub's refusals are reported with a fix, and are never an answer", () => {
  test("403: names the permission that the job needs", async () => {
    const error = await failureOf(verifyDeployment(await connect("stranger"), question(await deployed())));
    expect(error.status).toBe(403);
    expect(error.message).toMatch(/^GitHub refused GET \/repos\/classwaves\/app\/deployments\/\d+ \(403 Resource not accessible/);
    expect(error.message).toMatch(/\npermissions:\n {2}deployments: read$/);
  });

  test("403 for a write also says that forks cannot get it", async () => {
    const id = Number(await deploy());
    const error = await failureOf(
      reader.rest.repos.createDeploymentStatus({ ...repository, deployment_id: id, state: "success" }),
    );
    expect(error.message).toMatch(/\n {2}deployments: write\n.*pull request from a fork/);
  });

  test("403 with alternatives lists each set in workflow syntax, without those that workflows cannot request", async () => {
    const headers = { "x-accepted-github-permissions": "pull_requests=write,metadata=read; issues=write" };
    const answer = { status: 403, headers, body: { message: "Resource not accessible by integration" } };
    local.faults.refuse.push({ times: 1, answer });
    const error = await failureOf(verifyDeployment(reader, question("7")));
    expect(error.message).toContain("permissions:\n  pull-requests: write\nor\npermissions:\n  issues: write\n");
    expect(error.message).not.toContain("metadata");
  });

  test("401: the token is wrong, and not in the message", async () => {
    const error = await failureOf(verifyDeployment(await connect("no-such-token"), question("7")));
    expect(error.message).toMatch(/401 Bad credentials\): the token is wrong or has expired/);
    expect(error.message).not.toContain("no-such-token");
  });

  test("a missing token or URL is reported before any request", async () => {
    expect((await failureOf(gitHub("", { GITHUB_API_URL: local.url }))).message).toMatch(/no token/);
    expect((await failureOf(gitHub("reader", { GITHUB_API_URL: "github" }))).message).toMatch(
      /GITHUB_API_URL: expected an address, got "github"/,
    );
  });
});

describe("temporary failures are retried for a limited time", () => {
  test("5xx, lost connections and short limits are retried until there is an answer", async () => {
    const id = await deployed();
    local.faults.refuse.push({ times: 1, answer: serverError(502) }, { times: 1, answer: secondaryRateLimit(0) });
    local.faults.dropConnections.push({ times: 1, when: "after" });
    expect((await verifyDeployment(reader, question(id))).verified).toBe(true);
  });

  test("an answer that is not JSON doesn't count", async () => {
    const id = await deployed();
    local.faults.refuse.push({ times: 1, answer: { status: 200, body: "<html>Sign in to the hotel's network</html>" } });
    expect((await verifyDeployment(reader, question(id))).verified).toBe(true);
  });

  test("four failed attempts give an error that lists each, without HTML", async () => {
    local.faults.refuse.push({ times: 3, answer: serverError(502) }, { times: 99, answer: serverError(503) });
    const error = await failureOf(verifyDeployment(reader, question("7")));
    expect(error.status).toBe(503);
    expect(error.message).toBe(
      "GitHub was asked 4 times and did not answer GET /repos/classwaves/app/deployments/7 (502; 502; 502; 503)",
    );
    expect(local.requests).toHaveLength(4);
  });

  test("a write that may have been executed is not sent twice", async () => {
    const id = await deploy();
    local.faults.dropConnections.push({ times: 1, when: "after" });
    expect((await failureOf(say(id, "success"))).message).toMatch(/it may have been carried out, so it was not repeated/);
    expect(local.repositories.get("classwaves/app")?.deployments[0]?.statuses).toHaveLength(1);
    local.faults.refuse.push({ times: 1, answer: serverError(502) });
    expect((await failureOf(say(id, "success"))).message).toMatch(/\(502\); it may have been carried out/);
  });

  test("a write rejected because of a limit is sent again", async () => {
    const id = await deploy();
    local.faults.refuse.push({ times: 1, answer: secondaryRateLimit(0, 429) });
    await say(id, "success");
    expect(local.repositories.get("classwaves/app")?.deployments[0]?.statuses).toHaveLength(1);
  });

  test.each(["GET", "POST"])("a limit is known by its status and headers, whatever its words: %s", async (method) => {
    const id = Number(await deployed());
    const before = local.requests.length;
    const answer = { status: 429, headers: { "retry-after": "1" }, body: { message: "Too many requests for now" } };
    local.faults.refuse.push({ times: 1, answer });
    const start = performance.now();
    const { status } =
      method === "GET"
        ? await reader.rest.repos.getDeployment({ ...repository, deployment_id: id })
        : await deployer.rest.repos.createDeploymentStatus({ ...repository, deployment_id: id, state: "success" });
    expect(status).toBeLessThan(300);
    expect(performance.now() - start).toBeGreaterThan(950);
    expect(local.requests.length - before).toBe(2);
  });

  test("a limit beyond the deadline is not waited for, and its end is reported", async () => {
    local.faults.refuse.push({ times: 1, answer: rateLimitExceeded(Date.now() + 40 * minute) });
    const error = await failureOf(verifyDeployment(reader, question("7")));
    expect(error.message).toMatch(/API rate limit exceeded.*its rate limit lasts another (39|40) min/);
    expect(local.requests).toHaveLength(1);
  });

  test("a limit without a duration counts as a minute", async () => {
    local.faults.refuse.push({ times: 1, answer: secondaryRateLimit() });
    const impatient = await connect("reader", { deadlineMs: 50_000 });
    expect((await failureOf(verifyDeployment(impatient, question("7")))).message).toMatch(/lasts another 1 min/);
  });

  test("a missing answer ends at the deadline", async () => {
    local.faults.latencyMs = 3_600_000;
    const impatient = await connect("reader", { deadlineMs: 100 });
    expect((await failureOf(verifyDeployment(impatient, question("7")))).message).toMatch(/asked once and did not answer/);
  });

  test("an unreachable server is reported as such", async () => {
    await local.stop();
    expect((await failureOf(verifyDeployment(reader, question("7")))).message).toMatch(/asked 4 times.*ECONNREFUSED/);
  });

  test.each(["GET", "POST"])("cancelling ends an unanswered %s", async (method) => {
    const cancel = new AbortController();
    const api = await connect("deployer", { cancel: cancel.signal });
    local.faults.latencyMs = 3_600_000;
    const asked =
      method === "GET"
        ? api.rest.repos.listDeployments(repository)
        : api.rest.repos.createDeployment({ ...repository, ref: "main" });
    while (local.requests.length === 0) await new Promise(setImmediate);
    cancel.abort();
    expect((await failureOf(asked)).message).toBe(`${method} /repos/classwaves/app/deployments was cancelled`);
  });

  test("cancelling ends the wait for a limit", async () => {
    const cancel = new AbortController();
    local.faults.refuse.push({ times: 9, operation: "repos/get-deployment", answer: secondaryRateLimit(30) });
    const asked = verifyDeployment(await connect("reader", { cancel: cancel.signal }), question("7"));
    while (local.requests.length === 0) await new Promise(setImmediate);
    // When another question has been answered, the refusal has arrived and the wait has begun.
    await reader.rest.repos.listDeployments(repository);
    cancel.abort();
    expect((await failureOf(asked)).message).toBe("GET /repos/classwaves/app/deployments/7 was cancelled");
  });

  test("a bug in this program is not reported as a failure of GitHub", () => {
    expect(() => failedAttempt(new TypeError("x is not a function"))).toThrow("x is not a function");
  });
});
