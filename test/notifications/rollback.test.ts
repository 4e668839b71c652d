import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { badCredentials, type LocalGitHub, notFound, serverError, startGitHub } from "../../local/github/index.ts";
import { type GitHub, GitHubError } from "../../src/github/api.ts";
import { claimRollback } from "../../src/github/deployments.ts";
import type { Rollback, StageReport, Verdict } from "../../src/model/report.ts";
import { toAnnotations } from "../../src/report/annotations.ts";
import { parseReport } from "../../src/report/schema.ts";
import { rollbackLine } from "../../src/report/words.ts";
import { type Configured, newSetting, type Setting, smoke } from "./setting.ts";

/** Rollbacks by real commands, and by the GitHub stand-in, which checks each request against GitHub's API description. */

const sha = "a".repeat(40);
const place = "classwaves/app";

let local: LocalGitHub;
let settings: Setting[];

beforeEach(async () => {
  settings = [];
  const write = { deployments: "write", actions: "write", contents: "write" } as const;
  local = await startGitHub({
    repositories: { [place]: { refs: { main: sha } } },
    tokens: {
      job: { permissions: write },
      narrow: { permissions: { deployments: "write" } },
      reader: { permissions: { ...write, deployments: "read" } },
    },
  });
});

afterEach(async () => {
  const { violations } = local;
  await Promise.all([local.stop(), ...settings.map((setting) => setting.stop())]);
  expect(violations).toEqual([]);
});

/** A new runner, without files of another one. */
async function runner(): Promise<Setting> {
  const setting = await newSetting();
  settings.push(setting);
  return setting;
}

async function post(path: string, body: object): Promise<{ id: number }> {
  const response = await fetch(`${local.url}/repos/${place}${path}`, {
    method: "POST",
    headers: { authorization: "token job", "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await response.json()) as { id: number };
}

async function deployed(): Promise<string> {
  const wanted = { ref: "main", environment: "production", required_contexts: [], auto_merge: false };
  return String((await post("/deployments", wanted)).id);
}

const refuseDispatch = () =>
  local.faults.refuse.push({ times: 1, operation: "actions/create-workflow-dispatch", answer: serverError(502) });

function smokeOf(verdict: Verdict, rest: Partial<StageReport> = {}): StageReport {
  const origin = { kind: "github", repository: place, workflowRun: "77", actor: "mira" } as const;
  return smoke(verdict, { origin, commit: { sha }, ...rest });
}

const workflow = {
  workflow: { file: "rollback.yml", inputs: { deployment: "{deployment}", why: "{verdict} of {environment} at {commit}" } },
};
const onGitHub = (): Configured => ({ githubToken: "job", env: { GITHUB_API_URL: local.url } });
const dispatches = () => local.repositories.get(place)?.dispatches ?? [];
const statuses = () =>
  (local.repositories.get(place)?.deployments[0]?.statuses ?? []).map(({ state, description }) => [state, description]);
const recorded = async (setting: Setting) =>
  (JSON.parse(await readFile(join(setting.records, "rollbacks.json"), "utf8")) as { rollbacks: { outcome: string }[] }).rollbacks;

describe("a failed smoke requests the rollback of its deployment once", () => {
  test("by a workflow, with records at the deployment, in the report, in the file and in the audit log", async () => {
    const [setting, deployment] = [await runner(), await deployed()];
    const report = await setting.after(smokeOf("failed"), { ...onGitHub(), deployment, rollback: workflow });
    expect(dispatches()).toEqual([
      {
        kind: "workflow_dispatch",
        workflow: "rollback.yml",
        ref: "main",
        inputs: { deployment, why: `failed of production at ${sha}` },
      },
    ]);
    expect(report).toMatchObject({
      verdict: "failed",
      rollback: {
        outcome: "fired",
        of: `deployment ${deployment}`,
        trigger: "workflow_dispatch of rollback.yml at main in classwaves/app",
        why: "smoke failed: GET api.health: HTTP 503: it is down",
      },
    });
    expect(parseReport(JSON.stringify(report), "smoke.json").rollback).toEqual(report.rollback);
    expect(statuses()).toEqual([
      ["failure", expect.stringMatching(/^env-actions rollback claimed \S+$/)],
      ["failure", expect.stringMatching(/^env-actions rollback fired \S+$/)],
    ]);
    expect(await recorded(setting)).toMatchObject([{ outcome: "fired" }]);
    expect(setting.audit.map(({ details }) => [details.what, details.outcome])).toEqual([
      ["rollback", "asked"],
      ["rollback", "fired"],
    ]);
    const again = await setting.after(smokeOf("failed"), { ...onGitHub(), deployment, rollback: workflow });
    expect(again.rollback?.outcome).toBe("already-fired");
    expect(dispatches()).toHaveLength(1);
  });

  test("by an event that contains no text of others", async () => {
    const [setting, deployment] = [await runner(), await deployed()];
    const hostile = { reason: "$(rm -rf /)" };
    const options = { ...onGitHub(), deployment, rollback: { event: { type: "roll-back" } } };
    const { runId } = await setting.after(smokeOf("failed", hostile), options);
    expect(dispatches()).toEqual([
      {
        kind: "repository_dispatch",
        type: "roll-back",
        payload: { deployment, commit: sha, environment: "production", run: runId, verdict: "failed" },
      },
    ]);
  });

  test("from eight runners at the same time, one requests it", async () => {
    const deployment = await deployed();
    const runners = await Promise.all(Array.from({ length: 8 }, runner));
    const options = { ...onGitHub(), deployment, rollback: workflow };
    const reports = await Promise.all(runners.map((setting) => setting.after(smokeOf("failed"), options)));
    const outcomes = reports.map(({ rollback }) => rollback?.outcome).sort();
    expect(outcomes).toEqual([...Array<string>(7).fill("already-fired"), "fired"]);
    expect(dispatches()).toHaveLength(1);
  });

  test("from two runs in one workspace without a deployment, one requests it, for the commit", async () => {
    const setting = await runner();
    const options = { ...onGitHub(), rollback: workflow };
    const reports = await Promise.all([1, 2].map(() => setting.after(smokeOf("failed"), options)));
    expect(reports.map(({ rollback }) => rollback?.outcome).sort()).toEqual(["already-fired", "fired"]);
    expect(dispatches()).toHaveLength(1);
    const next = smokeOf("failed", { commit: { sha: "b".repeat(40) } });
    expect((await setting.after(next, options)).rollback?.outcome).toBe("fired");
  });

  test("a lost answer makes the result unknown, and no run requests it again", async () => {
    const [setting, deployment] = [await runner(), await deployed()];
    refuseDispatch();
    const report = await setting.after(smokeOf("failed"), { ...onGitHub(), deployment, rollback: workflow });
    expect(report.rollback).toMatchObject({ outcome: "unknown", why: expect.stringMatching(/may have been carried out/) });
    expect(report).toMatchObject({ verdict: "failed", problems: [expect.stringMatching(/^the rollback of deployment/)] });
    const other = await runner();
    expect((await other.after(smokeOf("failed"), { ...onGitHub(), deployment, rollback: workflow })).rollback?.outcome).toBe(
      "unknown",
    );
  });
});

describe("the workflow run that a rollback started", () => {
  const waiting = (wait: string) => ({ workflow: { ...workflow.workflow, wait } });
  const runs = () => local.repositories.get(place)?.runs ?? [];

  /** Ends the run as soon as there is one. */
  async function ending(conclusion: string): Promise<void> {
    while (runs().length === 0) await pause(5);
    Object.assign(runs()[0] ?? {}, { status: "completed", conclusion });
  }

  test("is waited for, and its result is in the report and in the audit log", async () => {
    const [setting, deployment] = [await runner(), await deployed()];
    const after = setting.after(smokeOf("failed"), { ...onGitHub(), deployment, rollback: waiting("30s") });
    const [report] = await Promise.all([after, ending("success")]);
    const [run] = runs();
    const url = `${local.url}/${place}/actions/runs/${run?.id}`;
    expect(report.rollback).toMatchObject({ outcome: "fired", result: { run: run?.id, url, conclusion: "success" } });
    expect(rollbackLine(report.rollback as Rollback)).toContain(`; its workflow run ${run?.id} (${url}) ended with success`);
    expect(parseReport(JSON.stringify(report), "smoke.json").rollback).toEqual(report.rollback);
    expect(setting.audit.map(({ details }) => [details.what, details.outcome ?? details.conclusion])).toEqual([
      ["rollback", "asked"],
      ["rollback", "fired"],
      ["rollback-run", "success"],
    ]);
    expect(toAnnotations(report).filter(({ level, title }) => level === "error" && title.startsWith("Rollback"))).toEqual([]);
  });

  test("that failed is an error for people, and is not requested again", async () => {
    const [setting, deployment] = [await runner(), await deployed()];
    const after = setting.after(smokeOf("failed"), { ...onGitHub(), deployment, rollback: waiting("30s") });
    const [report] = await Promise.all([after, ending("failure")]);
    expect(report.rollback).toMatchObject({ outcome: "fired", result: { conclusion: "failure" } });
    expect(
      toAnnotations(report)
        .filter(({ level }) => level === "error")
        .map(({ message }) => message),
    ).toContainEqual(expect.stringMatching(/^The rollback of deployment \d+ was requested .* ended with failure$/));
    const again = await setting.after(smokeOf("failed"), { ...onGitHub(), deployment, rollback: waiting("30s") });
    expect([again.rollback?.outcome, dispatches().length]).toEqual(["already-fired", 1]);
  });

  test.each([
    ["has not ended in time", () => undefined, "100ms", /^it had not ended after 0 s$/],
    [
      "cannot be read",
      () => void local.faults.refuse.push({ times: 9, operation: "actions/get-workflow-run", answer: badCredentials() }),
      "30s",
      /^EA9002: /,
    ],
    [
      "is never listed",
      () => void local.faults.refuse.push({ times: 999, operation: "actions/get-workflow-run", answer: notFound() }),
      "100ms",
      /^EA9004: /,
    ],
  ])("%s: then its result is unknown, and the rollback stays requested", async (_, given, wait, problem) => {
    const [setting, deployment] = [await runner(), await deployed()];
    given();
    const report = await setting.after(smokeOf("failed"), { ...onGitHub(), deployment, rollback: waiting(wait) });
    expect(report.rollback).toMatchObject({ outcome: "fired", result: { problem: expect.stringMatching(problem) } });
    expect(report.rollback?.result).not.toHaveProperty("conclusion");
  });

  test("that GitHub does not name, as older servers don't, is said to be unknown", async () => {
    const [setting, deployment] = [await runner(), await deployed()];
    local.faults.refuse.push({ times: 1, operation: "actions/create-workflow-dispatch", answer: { status: 204 } });
    const report = await setting.after(smokeOf("failed"), { ...onGitHub(), deployment, rollback: waiting("30s") });
    expect(report.rollback?.outcome).toBe("fired");
    expect(report.rollback?.why).toMatch(/GitHub did not say which workflow run it started, so its result is unknown$/);
    expect(report.rollback).not.toHaveProperty("result");
  });

  test("is not asked for without `wait`", async () => {
    const [setting, deployment] = [await runner(), await deployed()];
    const report = await setting.after(smokeOf("failed"), { ...onGitHub(), deployment, rollback: workflow });
    expect([runs().length, report.rollback?.outcome]).toEqual([0, "fired"]);
    expect(report.rollback).not.toHaveProperty("result");
  });

  test("is left when smoke is cancelled", async () => {
    const [setting, deployment] = [await runner(), await deployed()];
    const controller = new AbortController();
    const options = { ...onGitHub(), deployment, rollback: waiting("1h"), cancel: controller.signal };
    const after = setting.after(smokeOf("failed"), options);
    while (runs().length === 0) await pause(5);
    await pause(50);
    controller.abort();
    const report = await after;
    expect(report.rollback?.result).toMatchObject({ problem: "the run of smoke was cancelled" });
  });
});

describe("the claim of a rollback", () => {
  const claim = { deployment: 7, mark: "run/1", state: "failure" as const, pauseMs: 0 };
  const where = { owner: "classwaves", repo: "app" };
  const at = "2026-11-28T05:00:00Z";
  /** A GitHub that stores these claims, does not answer, and lists them only after some requests. */
  const github = (written: string[], shownAtLook = 1) => {
    let looks = 0;
    const statuses: { id: number; description: string; created_at: string }[] = [];
    const listDeploymentStatuses = () => undefined;
    const createDeploymentStatus = async () => {
      for (const mark of written)
        statuses.push({ id: 100 - statuses.length, description: `env-actions rollback claimed ${mark}`, created_at: at });
      throw new GitHubError("EA9006", "no answer", undefined);
    };
    const paginate = async () => (looks++ >= shownAtLook ? statuses : []);
    return { rest: { repos: { listDeploymentStatuses, createDeploymentStatus } }, paginate } as unknown as GitHub;
  };

  test("is found again if its answer was lost", async () => {
    expect(await claimRollback(github(["run/1"]), where, claim)).toEqual({ mine: true });
    expect(await claimRollback(github(["run/1"], 3), where, claim)).toEqual({ mine: true });
  });

  test("does not count if it was not written or is never listed", async () => {
    await expect(claimRollback(github([]), where, claim)).rejects.toThrow("no answer");
    await expect(claimRollback(github(["run/1"], 99), where, claim)).rejects.toThrow("no answer");
  });

  test("gives way to an earlier one, in whichever order GitHub lists them", async () => {
    expect(await claimRollback(github(["run/1", "run/2"]), where, claim)).toEqual({ mine: false, by: "run/2", at });
  });
});

describe("no rollback is requested", () => {
  const nothing = async (report: StageReport, options: Configured, why: RegExp | undefined) => {
    const setting = await runner();
    const { rollback, verdict } = await setting.after(report, { ...onGitHub(), deployment: await deployed(), ...options });
    expect(dispatches()).toEqual([]);
    expect(statuses()).toEqual([]);
    expect(verdict).toBe(report.verdict);
    if (why) expect(`${rollback?.outcome}: ${rollback?.why}`).toMatch(why);
    else expect(rollback).toBeUndefined();
    return setting;
  };

  test.each<Verdict>(["passed", "degraded", "error"])("after %s", async (verdict) => {
    await nothing(smokeOf(verdict), { rollback: workflow }, undefined);
  });

  test("by another stage", async () => {
    await nothing({ ...smokeOf("failed"), stage: "e2e" }, { rollback: workflow }, undefined);
  });

  test("in a dry run, whose only record is in the audit log", async () => {
    const setting = await nothing(smokeOf("failed"), { rollback: { ...workflow, dryRun: true } }, /^dry-run: smoke failed/);
    await expect(recorded(setting)).rejects.toThrow("ENOENT");
    expect(setting.audit).toMatchObject([{ details: { what: "rollback", outcome: "dry-run" } }]);
  });

  test("by a cancelled run, or from a terminal", async () => {
    await nothing(smokeOf("failed"), { rollback: workflow, cancelled: true }, /^not-fired: the run was cancelled/);
    const terminal = smokeOf("failed", { origin: { kind: "terminal", actor: "mira" } });
    await nothing(terminal, { rollback: workflow }, /^not-fired: this run is in a terminal: set rollback.terminal/);
  });

  test("without a deployment and a commit", async () => {
    const unversioned = smokeOf("failed", { commit: { sha: "unversioned" } });
    await nothing(
      unversioned,
      { rollback: workflow, deployment: undefined },
      /^failed: there is neither a deployment nor a commit/,
    );
  });

  test("if the record of earlier rollbacks cannot be read", async () => {
    const setting = await runner();
    await writeFile(join(setting.records, "rollbacks.json"), "{");
    const report = await setting.after(smokeOf("failed"), { ...onGitHub(), rollback: workflow });
    expect(report.rollback).toMatchObject({
      outcome: "failed",
      why: expect.stringMatching(/could not be read or recorded.*cannot be read: it is not JSON/),
    });
    expect(dispatches()).toEqual([]);
  });

  test("if the token may not write the record at the deployment; the missing permission is named, and a later run may try", async () => {
    const setting = await nothing(smokeOf("failed"), { rollback: workflow, githubToken: "reader" }, /\n {2}deployments: write/);
    expect(await recorded(setting)).toEqual([]);
  });

  test("after an error, unless configured; then the deployment's status is error", async () => {
    const [setting, deployment] = [await runner(), await deployed()];
    const rollback = { ...workflow, on: ["failed", "error"] };
    expect((await setting.after(smokeOf("error"), { ...onGitHub(), deployment, rollback })).rollback?.outcome).toBe("fired");
    expect(statuses()[0]?.[0]).toBe("error");
  });
});

test("a refused request is a problem that names the permission; without a deployment a later run may try again", async () => {
  const setting = await runner();
  const options = { ...onGitHub(), rollback: workflow };
  const report = await setting.after(smokeOf("failed"), { ...options, githubToken: "narrow" });
  expect(report.rollback).toMatchObject({ outcome: "failed", why: expect.stringMatching(/permissions:\n {2}actions: write/) });
  expect(report).toMatchObject({ verdict: "failed", problems: [expect.stringContaining("actions: write")] });
  expect((await setting.after(smokeOf("failed"), options)).rollback?.outcome).toBe("fired");
});

test.each<[string, Configured, RegExp]>([
  ["a token", { githubToken: undefined }, /^EA9001: there is no token/],
  ["GitHub's address", { env: { GITHUB_API_URL: "nowhere" } }, /^EA9001: GITHUB_API_URL: expected an address, got "nowhere"$/],
])("without %s no rollback is requested, and a later run that has it may try", async (_, lacking, why) => {
  const [setting, deployment] = [await runner(), await deployed()];
  for (const subject of [{}, { deployment }]) {
    const options = { ...onGitHub(), ...subject, rollback: workflow };
    const report = await setting.after(smokeOf("failed"), { ...options, ...lacking });
    expect(report).toMatchObject({
      rollback: { outcome: "failed", why: expect.stringMatching(why) },
      problems: [expect.stringMatching(/^the rollback of/)],
    });
    expect((await setting.after(smokeOf("failed"), options)).rollback?.outcome).toBe("fired");
  }
});

test("a rollback whose run was stopped during the request is not requested again, and the report asks for a check by hand", async () => {
  const setting = await runner();
  const key = `production: commit ${sha}`;
  const asked = (at: Date) => ({ key, at: at.toISOString(), run: "1_a", trigger: "x", outcome: "asked" });
  const after = async (at: Date) => {
    await writeFile(join(setting.records, "rollbacks.json"), JSON.stringify({ version: 1, rollbacks: [asked(at)] }));
    return await setting.after(smokeOf("failed"), { ...onGitHub(), rollback: workflow });
  };
  expect((await after(new Date())).rollback?.outcome).toBe("already-fired");
  const lost = await after(new Date(Date.now() - 3_600_000));
  expect(lost).toMatchObject({
    rollback: { outcome: "unknown" },
    problems: [expect.stringMatching(/its result is unknown: check it by hand/)],
  });
  expect(dispatches()).toEqual([]);
});

describe("the claim of another runner", () => {
  const elsewhere = async (age: number) => {
    const [setting, deployment] = [await runner(), await deployed()];
    await post(`/deployments/${deployment}/statuses`, {
      state: "failure",
      description: "env-actions rollback claimed 1_a/deadbeef",
    });
    const [status] = local.repositories.get(place)?.deployments[0]?.statuses ?? [];
    if (status) status.createdAt = Date.now() - age;
    const report = await setting.after(smokeOf("failed"), { ...onGitHub(), deployment, rollback: workflow });
    expect(dispatches()).toEqual([]);
    return { setting, report };
  };

  test("from ten seconds ago: that run may still be working", async () => {
    const { setting, report } = await elsewhere(10_000);
    expect(report).toMatchObject({
      problems: [],
      rollback: { outcome: "already-fired", why: expect.stringMatching(/1_a\/deadbeef\), and it is still running$/) },
    });
    // Its result is not known yet, so it is not recorded as done.
    expect(await recorded(setting)).toMatchObject([{ outcome: "asked" }]);
  });

  test.each([
    ["from an hour ago, of a run that was stopped", 3_600_000],
    ["from the future, by a wrong clock", -3_600_000],
  ])("%s: the result is unknown and must be checked by hand", async (_, age) => {
    const { report } = await elsewhere(age);
    expect(report).toMatchObject({
      rollback: { outcome: "unknown" },
      problems: [expect.stringMatching(/its result is unknown: check it by hand$/)],
    });
  });

  test("that could not be read back: that run requested nothing, and no later one does", async () => {
    const [setting, deployment] = [await runner(), await deployed()];
    const options = { ...onGitHub(), deployment, rollback: workflow };
    local.faults.latencyMs = 100;
    const going = setting.after(smokeOf("failed"), options);
    await expect.poll(() => statuses().length, { interval: 5 }).toBe(1);
    local.faults.refuse.push({ times: 50, operation: "repos/list-deployment-statuses", answer: serverError(500) });
    expect((await going).rollback?.outcome).toBe("failed");
    local.faults.refuse.length = 0;
    local.faults.latencyMs = 0;
    for (const next of [setting, await runner()])
      expect((await next.after(smokeOf("failed"), options)).rollback).toMatchObject({
        outcome: "failed",
        why: expect.stringMatching(/it failed\. A rollback is triggered only once: do it by hand$/),
      });
    expect(dispatches()).toEqual([]);
  });

  test.each<[string, () => Configured]>([
    ["failed", () => ({ githubToken: "narrow" })],
    [
      "unknown",
      () => {
        refuseDispatch();
        return {};
      },
    ],
    ["already-fired", () => ({})],
  ])("with the result %s: every later run reports the same", async (outcome, first) => {
    const [one, other, deployment] = [await runner(), await runner(), await deployed()];
    const options = { ...onGitHub(), deployment, rollback: workflow };
    await one.after(smokeOf("failed"), { ...options, ...first() });
    for (let run = 0; run < 3; run++) {
      const report = await other.after(smokeOf("failed"), options);
      expect(report.rollback?.outcome).toBe(outcome);
      expect(report.problems).toHaveLength(outcome === "already-fired" ? 0 : 1);
    }
  });
});

describe("a rollback by a command", () => {
  test("gets deployment, commit and verdict in its environment, and runs once, even if it fails", async () => {
    const setting = await runner();
    const command = 'echo "$ENV_ACTIONS_DEPLOYMENT $ENV_ACTIONS_COMMIT $ENV_ACTIONS_VERDICT" >> ran; exit $STATUS';
    const run = (status: string, deployment: string) =>
      setting.after(smokeOf("failed"), {
        deployment,
        rollback: { command },
        commandEnv: { PATH: process.env.PATH ?? "", STATUS: status },
      });
    expect((await run("0", "7")).rollback).toMatchObject({ outcome: "fired", trigger: `command: ${command}` });
    expect((await run("0", "7")).rollback?.outcome).toBe("already-fired");
    expect((await run("3", "8")).rollback).toMatchObject({
      outcome: "failed",
      why: expect.stringMatching(/^the command ended with 3/),
    });
    expect((await run("3", "8")).rollback).toMatchObject({
      outcome: "failed",
      why: expect.stringMatching(/it failed\. A rollback is triggered only once: do it by hand$/),
    });
    expect(await readFile(join(setting.records, "ran"), "utf8")).toBe(`7 ${sha} failed\n8 ${sha} failed\n`);
  });

  test("is stopped at its time limit, and its result is unknown", async () => {
    const setting = await runner();
    const report = await setting.after(smokeOf("failed"), { rollback: { command: "sleep 60", timeout: "200ms" } });
    expect(report.rollback).toMatchObject({ outcome: "unknown", why: "the command took too long" });
  });
});

test("an audit log that cannot be written is reported and does not stop the rollback", async () => {
  const setting = await runner();
  const audit = () => Promise.reject(new Error("the disk is full"));
  const report = await setting.after(smokeOf("failed"), { ...onGitHub(), rollback: workflow, audit });
  expect(report.rollback).toMatchObject({ outcome: "fired", why: expect.stringMatching(/; but the disk is full/) });
  expect(dispatches()).toHaveLength(1);
});
