import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type LocalGitHub, startGitHub } from "../../local/github/index.ts";
import { writeComment } from "../../src/gate/comment.ts";
import { gitHub } from "../../src/github/api.ts";
import type { Evidence, StageName, Verdict } from "../../src/model/report.ts";
import { folderForEachTest } from "../harness/folder.ts";
import { freshBundle, run, runnerEnvironment } from "../harness/process.ts";

// The gate's action as the runner starts it: inputs in, exit status, outputs, summary and the comment on the pull request out.

const folder = folderForEachTest();
const sha = "a".repeat(40);
let github: LocalGitHub;
beforeAll(async () => {
  github = await startGitHub({
    repositories: { "classwaves/app": { refs: { main: sha } } },
    tokens: {
      job: { permissions: { issues: "write", statuses: "write" } },
      fork: { permissions: { issues: "read", statuses: "read" } },
      "of-somebody": { login: "somebody", permissions: { issues: "write" } },
    },
  });
});
afterAll(async () => {
  expect(github.violations).toEqual([]);
  await github.stop();
});
beforeEach(() => {
  const repository = github.repositories.get("classwaves/app");
  if (repository) Object.assign(repository, { comments: [], statuses: [] });
  (github.requests as unknown[]).length = 0;
});

const comments = () => github.repositories.get("classwaves/app")?.comments ?? [];
const writes = () => github.requests.filter(({ method }) => method !== "GET").length;

function left(stage: StageName, verdict: Verdict = "passed", more: Partial<Evidence> = {}): void {
  const runId = `${Date.now()}_0000000${stage.length}`;
  const evidence: Evidence = {
    schemaVersion: 1,
    stage,
    verdict,
    environment: "sandbox",
    runId,
    commit: { sha },
    origin: { kind: "github", repository: "classwaves/app", workflowRun: "1", job: stage },
    finishedAt: new Date().toISOString(),
    reportDigest: "0".repeat(64),
    ...more,
  };
  const directory = join(folder.path, ".env-actions", "evidence");
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${stage}-sandbox-${runId}.json`), JSON.stringify(evidence));
}

const results = (result = "success") =>
  JSON.stringify(
    Object.fromEntries(
      ["preflight", "integration", "e2e"].map((id) => [id, { result: id === "e2e" ? result : "success", outputs: {} }]),
    ),
  );

async function gate(
  inputs: Record<string, string>,
  { config = "version: 1\n", more = {} }: { config?: string; more?: Record<string, string> } = {},
) {
  for (const name of ["output", "state", "summary"]) writeFileSync(join(folder.path, name), "");
  writeFileSync(join(folder.path, "event.json"), JSON.stringify({ pull_request: { number: 12 } }));
  mkdirSync(join(folder.path, ".github"), { recursive: true });
  if (config !== "") writeFileSync(join(folder.path, ".github", "env-actions.yml"), config);
  const env = {
    ...runnerEnvironment(folder.path, { stage: "gate", needs: results(), ...inputs }),
    GITHUB_EVENT_NAME: "pull_request",
    GITHUB_EVENT_PATH: join(folder.path, "event.json"),
    GITHUB_WORKFLOW: "Quality gate",
    GITHUB_JOB: "gate",
    GITHUB_API_URL: github.url,
    GITHUB_SHA: sha,
    ...more,
  };
  const { status, stdout } = await run(freshBundle, { env, cwd: folder.path });
  const verdict = /verdict<<(\S+)\n(.*)\n\1/.exec(readFileSync(join(folder.path, "output"), "utf8"))?.[2];
  return { status, stdout, verdict, summary: readFileSync(join(folder.path, "summary"), "utf8") };
}

describe("the gate's action", () => {
  test("passes if every stage did", async () => {
    for (const stage of ["preflight", "integration", "e2e"] as const) left(stage);
    const { status, verdict, summary } = await gate({});
    expect([status, verdict]).toEqual([0, "passed"]);
    expect(summary).toContain("# ✅ Gate passed");
  });

  test("fails if a stage is missing, and says in the log, the summary and an annotation which", async () => {
    left("preflight");
    left("integration");
    const { status, stdout, verdict, summary } = await gate({ needs: results("skipped") });
    expect([status, verdict]).toEqual([1, "failed"]);
    expect(stdout).toMatch(/^::error title=gate failed::gate failed: e2e has no evidence/m);
    expect(stdout).toMatch(/^✘ e2e missing: it did not run: job e2e was skipped/m);
    expect(summary).toMatch(/❌ missing \| End-to-end tests|❌ missing \| /);
  });

  test("does not ask for what the configuration leaves out", async () => {
    left("preflight");
    left("integration");
    const { status, summary } = await gate({}, { config: "version: 1\nstages: { e2e: false }\n" });
    expect(status).toBe(0);
    expect(summary).toContain("the configuration leaves it out");
  });

  test("asks only for the stages of its input, and needs no configuration then", async () => {
    left("preflight");
    expect((await gate({ stages: "preflight" }, { config: "" })).status).toBe(0);
  });

  test.each([
    [{ needs: "" }, /EA1104: the input `needs` is missing: pass `needs: \$\{\{ toJson\(needs\) \}\}`/],
    [{ stages: "unit" }, /EA1104: the input `stages`: expected names of stages, such as "preflight, integration", got "unit"/],
    [{ comment: "yes" }, /EA1104: the input `comment`: expected true or false, got "yes"/],
    [{ "allow-skips": "e2e" }, /EA1104: the input `allow-skips`: expected lines such as "e2e: true # why"/],
  ])("a wrong input is named: %j", async (inputs, message) => {
    const { status, stdout } = await gate(inputs);
    expect(status).toBe(2);
    expect(stdout).toMatch(message);
  });

  test("without a checkout, it says that it needs one", async () => {
    const { status, stdout } = await gate({}, { config: "" });
    expect(status).toBe(2);
    expect(stdout).toMatch(/EA1001: .*add actions\/checkout to its job before this step, or name them in the input `stages`/);
  });
});

describe("what must not open it", () => {
  test.each<[string, string, number, RegExp]>([
    ["every stage is left out", "{integration: false, e2e: false, preflight: false}", 1, /no stage ran, so nothing was proven/],
    ["`stages` is false", "false", 1, /gate error: e2e could not be judged/],
    ["`stages` is a list", "[e2e: false]", 1, /gate error: e2e could not be judged/],
    ["a text instead of false", '{e2e: "false"}', 1, /gate error: e2e could not be judged/],
    ["`no`, which is a text in YAML 1.2", "{e2e: no}", 1, /gate error: e2e could not be judged/],
    ["0, null and an empty group", "{e2e: 0}", 1, /gate error: e2e could not be judged/],
    ["an unknown stage is left out", "{e2e-tests: false}", 1, /gate error: e2e could not be judged/],
    ["an alias of a group", "{smoke: &s {}, e2e: *s}", 1, /gate error: e2e could not be judged/],
    ["an alias without an anchor", "{e2e: *nothing}", 2, /EA1005/],
    ["a merge key", "{<<: {e2e: false}}", 2, /EA1005/],
    ["a tag of your own", "{e2e: !no false}", 2, /EA1005/],
    ["a stage twice", "{e2e: false, e2e: {}}", 2, /EA1006.*duplicate key/],
    ["`stages` twice", "{e2e: false}\nstages: {}", 2, /EA1006.*duplicate key/],
    ["two documents", "{e2e: false}\n---\nstages: {}", 2, /EA1005/],
    ["an age that is a variable", "{}\nevidence: { maxAge: $" + "{MAX_AGE} }", 2, /EA10/],
    ["an age that is a number", "{}\nevidence: { maxAge: 99999999999 }", 2, /EA1010.*evidence\.maxAge/],
  ])("%s", async (_what, stages, status, message) => {
    left("preflight");
    left("integration");
    const ended = await gate({}, { config: `version: 1\nstages: ${stages}\n` });
    expect(ended.stdout).toMatch(message);
    expect(ended.status).toBe(status);
  });

  test("`false` by an alias leaves a stage out, as it does for the stages", async () => {
    left("preflight");
    left("integration");
    expect((await gate({}, { config: "version: 1\nx: &no false\nstages: { e2e: *no }\n" })).status).toBe(0);
  });

  test("evidence of another configuration", async () => {
    for (const stage of ["preflight", "integration", "e2e"] as const)
      left(stage, "passed", { project: "packages/a/.github/env-actions.yml" });
    const { status, stdout } = await gate({});
    expect(status).toBe(1);
    expect(stdout).toMatch(/for the configuration \.github\/env-actions\.yml: found evidence for packages\/a/);
  });

  test("commands in the name of a job: the runner would obey them anywhere in a line", async () => {
    const job = "e2e ##[error]x\n::add-mask::passed\r::error::y";
    left("e2e", "failed", { origin: { kind: "github", repository: "classwaves/app", workflowRun: "1", job } });
    const { status, stdout } = await gate({ stages: "e2e" });
    expect(status).toBe(1);
    expect(stdout).not.toMatch(/##\[|^\s*::(?!error title=gate failed)/m);
  });

  test("an output that can't be written, a summary that can't, and records that are no folder", async () => {
    for (const stage of ["preflight", "integration", "e2e"] as const) left(stage);
    expect((await gate({}, { more: { GITHUB_OUTPUT: join(folder.path, "none", "output") } })).status).toBe(3);
    expect((await gate({}, { more: { GITHUB_STEP_SUMMARY: join(folder.path, "none", "summary") } })).status).toBe(0);
    expect((await gate({}, { more: { GITHUB_RUN_ID: "" } })).status).toBe(1);
    expect((await gate({}, { more: { ACTIONS_RESULTS_URL: "http://127.0.0.1:9", ACTIONS_RUNTIME_TOKEN: "x" } })).status).toBe(1);
  });
});

describe("a pull request from a fork", () => {
  const asks = { environment: "sandbox", "fork-environment": "local" };
  const ranIn = (environment: string) => {
    for (const stage of ["preflight", "integration", "e2e"] as const) left(stage, "passed", { environment });
  };
  const event = (pull_request: unknown) => {
    writeFileSync(join(folder.path, "fork.json"), JSON.stringify({ pull_request }));
    return { more: { GITHUB_EVENT_PATH: join(folder.path, "fork.json") } };
  };
  const from = (full_name: string) => event({ number: 12, head: { repo: { full_name } } });

  test("may be tested in another environment, and what was not proven is said", async () => {
    ranIn("local");
    const { status, verdict, stdout, summary } = await gate(asks, from("somebody/app"));
    expect([status, verdict]).toEqual([0, "degraded"]);
    expect(stdout).toMatch(/^gate degraded: preflight, integration and e2e ran in local, .* nothing was proven about sandbox$/m);
    expect(summary).toContain("nothing was proven about sandbox");
  });

  test("whose repository is gone is one too", async () => {
    ranIn("local");
    expect((await gate(asks, event({ number: 12, head: { repo: null } }))).verdict).toBe("degraded");
  });

  test.each([
    ["a branch of the repository itself", () => from("classwaves/app")],
    ["an event without a pull request, such as a merge group", () => event(undefined)],
    ["an event that can't be read", () => ({ more: { GITHUB_EVENT_PATH: join(folder.path, "none.json") } })],
  ])("is not what %s is: there the expected environment must be proven", async (_, more) => {
    ranIn("local");
    const { status, stdout } = await gate(asks, more());
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /^✘ e2e missing: none left evidence of e2e for the environment sandbox: found job e2e, environment local$/m,
    );
  });

  test("has no stand-in unless one is named, and none without the environment for which it stands", async () => {
    ranIn("local");
    expect((await gate({ environment: "sandbox" }, from("somebody/app"))).status).toBe(1);
    const { status, stdout } = await gate({ "fork-environment": "local" }, from("somebody/app"));
    expect(status).toBe(2);
    expect(stdout).toMatch(/EA1104: the input `fork-environment`: expected the input `environment` too/);
  });
});

describe("the comment", () => {
  const asked = { comment: "true", "github-token": "job" };

  test("is one, is edited when the result changes, and is not written again otherwise", async () => {
    for (const stage of ["preflight", "integration", "e2e"] as const) left(stage);
    await gate(asked);
    expect(comments()).toHaveLength(1);
    expect(comments()[0]?.body).toContain("# ✅ Gate passed");
    for (let again = 0; again < 4; again++) await gate(asked);
    expect([comments().length, writes()]).toEqual([1, 1]);
    await gate({ ...asked, needs: results("failure") });
    expect([comments().length, writes()]).toEqual([1, 2]);
    expect(comments()[0]?.body).toContain("# ❌ Gate failed");
  });

  test("is one after 50 runs, and only a run with another result writes", async () => {
    const api = await gitHub("job", { GITHUB_API_URL: github.url });
    const place = { owner: "classwaves", repo: "app", number: 12, gate: "Quality gate" };
    const results = Array.from({ length: 50 }, (_, at) => (at % 10 < 7 ? "passed" : "failed"));
    for (const result of results) await writeComment(api, place, `# Gate ${result}`);
    expect(comments()).toHaveLength(1);
    const changes = results.filter((result, at) => result !== results[at - 1]).length;
    expect([changes, writes()]).toEqual([10, 10]);
  });

  test("is found behind a hundred others, and is not somebody's copy", async () => {
    for (const stage of ["preflight", "integration", "e2e"] as const) left(stage);
    await gate(asked);
    const [own] = comments().splice(0);
    if (!own) throw new Error("no comment");
    for (let at = 0; at < 130; at++) comments().push({ ...own, id: 10_000 + at, author: "somebody", updatedAt: 0 });
    comments().push({ ...own, body: own.body.replace("passed", "PASSED") });
    await gate(asked);
    expect(comments()).toHaveLength(131);
    expect(comments().at(-1)?.body).toBe(own.body);
    expect(
      comments()
        .slice(0, 130)
        .every(({ updatedAt }) => updatedAt === 0),
    ).toBe(true);
  });

  test("has no old copy beside it, such as of two runs at the same time", async () => {
    for (const stage of ["preflight", "integration", "e2e"] as const) left(stage);
    await gate(asked);
    const [own] = comments();
    if (!own) throw new Error("no comment");
    comments().push({ ...own, id: own.id + 1, body: own.body.replace("passed", "failed") });
    await gate(asked);
    expect(comments().map(({ body }) => body)).toEqual([own.body, own.body]);
    await gate(asked);
    expect(writes()).toBe(2);
  });

  test("that must not be written is a warning: the verdict stays", async () => {
    for (const stage of ["preflight", "integration", "e2e"] as const) left(stage);
    const { status, stdout } = await gate({ ...asked, "github-token": "fork" });
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^::warning::The comment on pull request 12 could not be written: .*EA9003.*issues: write.*from a fork the token can only read/m,
    );
    expect(comments()).toEqual([]);
  });

  test("of a person is said to be repeated", async () => {
    left("preflight");
    const { stdout } = await gate({ ...asked, "github-token": "of-somebody" });
    expect(stdout).toMatch(/::warning::The comment was written with a person's token, so each run will write another one/);
  });

  test("belongs to its workflow and job", async () => {
    await gate(asked);
    await gate(asked, { more: { GITHUB_WORKFLOW: "Nightly" } });
    expect(comments()).toHaveLength(2);
  });

  test("is not written for an event without a pull request", async () => {
    const { stdout } = await gate(asked, { more: { GITHUB_EVENT_PATH: join(folder.path, "nothing.json") } });
    expect(stdout).toContain("No comment: this event belongs to no pull request.");
    expect(github.requests).toHaveLength(0);
  });
});

describe("the commit statuses", () => {
  const shown = { statuses: "true", "github-token": "job", needs: results("skipped") };
  const sent = () =>
    github.requests.filter(({ method }) => method === "POST").map(({ path, body }) => ({ path, ...(body as object) }));

  test("are not written unless asked for", async () => {
    await gate({ "github-token": "job" });
    expect(github.requests).toHaveLength(0);
  });

  test("show each stage at the commit, and only changes are written", async () => {
    left("preflight");
    left("integration", "degraded");
    const { status } = await gate(shown, { config: "version: 1\nstages: { e2e: {} }\n" });
    expect(status).toBe(1);
    expect(sent()).toMatchObject([
      { context: "env-actions / preflight", state: "success", description: "passed: job preflight, environment sandbox" },
      { context: "env-actions / integration", state: "success", description: expect.stringMatching(/^degraded: /) },
      { context: "env-actions / e2e", state: "failure", description: expect.stringMatching(/^missing: /) },
    ]);
    expect(new Set(sent().map(({ path }) => path))).toEqual(new Set([`/repos/classwaves/app/statuses/${sha}`]));
    await gate(shown);
    expect(sent()).toHaveLength(3);
    left("e2e");
    expect((await gate({ ...shown, needs: results() })).stdout).toContain("Commit statuses: 1 written, 2 unchanged.");
    expect(sent().at(-1)).toMatchObject({ context: "env-actions / e2e", state: "success" });
  });

  test("that somebody forged change nothing", async () => {
    const state = github.repositories.get("classwaves/app");
    state?.statuses.push({
      id: 1,
      sha,
      context: "env-actions / e2e",
      state: "success",
      description: "",
      targetUrl: null,
      creator: "somebody",
      createdAt: 0,
    });
    left("preflight");
    left("integration");
    const { verdict } = await gate(shown);
    expect(verdict).toBe("failed");
    expect(sent().find((one) => "context" in one && one.context === "env-actions / e2e")).toMatchObject({ state: "failure" });
  });

  test("that must not be written are a warning that names the permission: the verdict stays", async () => {
    for (const stage of ["preflight", "integration", "e2e"] as const) left(stage);
    const { status, stdout } = await gate({ ...shown, needs: results(), "github-token": "fork" });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^::warning::The commit statuses could not be written: .*statuses: write/m);
  });
});
