import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type LocalGitHub, startGitHub } from "../../local/github/index.ts";
import { recordOf } from "../../src/history/record/of-report.ts";
import { folderStore } from "../../src/history/store/folder.ts";
import { HistoryFailure, type HistoryStore } from "../../src/history/store/store.ts";
import type { HistoryRecord } from "../../src/model/history.ts";
import type { StageReport, Verdict } from "../../src/model/report.ts";
import { decideAlert, nextChannelState, type VerdictEvent } from "../../src/notifications/after-verdict.ts";
import { type ChannelState, causeKey, channelStates, historyAlertOf } from "../../src/notifications/alert-memory.ts";
import { branch } from "../history/places.ts";
import { startReceiver } from "./receiver.ts";
import { type Configured, newRun, newSetting, type Setting, smoke } from "./setting.ts";

/** What runs on different runners know of each other's rollbacks and alerts, by a folder that they share. */

const sha = "a".repeat(40);
const place = "classwaves/app";
const workflow = { workflow: { file: "rollback.yml" } };

let folder: string;
let local: LocalGitHub;
let settings: Setting[];

beforeEach(async () => {
  settings = [];
  folder = await realpath(await mkdtemp(join(tmpdir(), "memory-")));
  local = await startGitHub({
    repositories: { [place]: { refs: { main: sha } } },
    tokens: { job: { permissions: { actions: "write" } }, narrow: { permissions: {} } },
  });
});
afterEach(async () => {
  await Promise.all([local.stop(), ...settings.map((setting) => setting.stop()), rm(folder, { recursive: true, force: true })]);
  expect(local.violations).toEqual([]);
});

const dispatches = () => local.repositories.get(place)?.dispatches.length;

/** A failed smoke of one commit, without a deployment, on a new runner. */
async function onRunner(options: Partial<Configured> = {}, rest: Partial<StageReport> = {}): Promise<StageReport> {
  const setting = await newSetting();
  settings.push(setting);
  const origin = { kind: "github", repository: place, workflowRun: "77" } as const;
  const report = smoke("failed", { origin, commit: { sha }, ...rest });
  const env = { GITHUB_API_URL: local.url };
  return await setting.after(report, { githubToken: "job", env, rollback: workflow, store: { folder }, ...options });
}

const outcome = async (...how: Parameters<typeof onRunner>) => (await onRunner(...how)).rollback?.outcome;

describe("a rollback without a deployment", () => {
  test("is requested by one of eight runners at the same time, and by none after them", async () => {
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => outcome()));
    expect(outcomes.sort()).toEqual([...Array<string>(7).fill("already-fired"), "fired"]);
    expect(await outcome()).toBe("already-fired");
    expect(dispatches()).toBe(1);
    expect(await outcome({}, { commit: { sha: "b".repeat(40) } })).toBe("fired");
  });

  test("is that of one application of the repository", async () => {
    expect(await outcome({ project: "apps/one/env-actions.yml" })).toBe("fired");
    expect(await outcome({ project: "apps/two/env-actions.yml" })).toBe("fired");
    expect(await outcome({ project: "apps/two/env-actions.yml" })).toBe("already-fired");
  });

  test("that was refused may be requested by a later runner, once", async () => {
    for (let run = 0; run < 2; run++) expect(await outcome({ githubToken: "narrow" })).toBe("failed");
    const outcomes = await Promise.all([outcome(), outcome(), outcome()]);
    expect(outcomes.sort()).toEqual(["already-fired", "already-fired", "fired"]);
    expect(dispatches()).toBe(1);
  });

  test("by a command that failed is never repeated", async () => {
    expect(await outcome({ rollback: { command: "exit 3" } })).toBe("failed");
    const again = await onRunner({ rollback: { command: "exit 0" } });
    expect(again.rollback).toMatchObject({
      outcome: "failed",
      why: expect.stringMatching(/it failed\. A rollback is triggered only once/),
    });
  });

  test("of a run that was killed is not requested again: it may be running, and later its result is unknown", async () => {
    const claimed = async (ageMs: number) => {
      // The moment between the claim and the record.
      const [setting] = [await newSetting()];
      settings.push(setting);
      const store = folderStore(folder, folder);
      const killed: HistoryStore = {
        ...store,
        add: async () => undefined,
        claim: async (key, claim) => {
          await store.claim?.(key, { ...claim, at: new Date(Date.now() - ageMs).toISOString() });
          throw new Error("killed");
        },
      };
      const commit = { sha: ageMs.toString(16).padStart(40, "0") };
      await onRunner({ history: async () => killed, store: "none" }, { commit });
      return await onRunner({}, { commit });
    };
    expect((await claimed(10_000)).rollback).toMatchObject({
      outcome: "already-fired",
      why: expect.stringMatching(/it is still running$/),
    });
    expect((await claimed(3_600_000)).rollback).toMatchObject({
      outcome: "unknown",
      why: expect.stringMatching(/check it by hand$/),
    });
    expect(dispatches()).toBe(0);
  });

  test.each<[string, (store: HistoryStore) => HistoryStore]>([
    ["claimed", (store) => ({ ...store, claim: () => Promise.reject(new HistoryFailure("EA8101", "nobody answers")) })],
    ["opened", () => Promise.reject(new HistoryFailure("EA8101", "nobody answers")) as never],
  ])("is not requested while it can't be %s whether another runner did", async (_, broken) => {
    const store = folderStore(folder, folder);
    const report = await onRunner({ history: async () => broken(store) });
    expect(report).toMatchObject({
      verdict: "failed",
      rollback: {
        outcome: "failed",
        why: expect.stringMatching(/could not be read or recorded whether it was triggered before: .*nobody answers/),
      },
      problems: [expect.stringMatching(/^the rollback of/)],
    });
    expect(dispatches()).toBe(0);
    expect(await outcome()).toBe("fired");
  });

  test("is not requested if the records of the run that claimed it can't be read", async () => {
    expect(await outcome()).toBe("fired");
    await rm(join(folder, "records"), { recursive: true });
    await writeFile(join(folder, "records"), "no folder");
    expect(await outcome()).toBe("failed");
    expect(dispatches()).toBe(1);
  });

  test("is not requested if the claim is damaged", async () => {
    await onRunner();
    const [name = ""] = (await readdir(join(folder, "claims"))).filter((one) => one.endsWith(".json"));
    for (const text of ["{", "{}"]) {
      await writeFile(join(folder, "claims", name), text);
      expect(await outcome()).toMatch(/^(?:failed|unknown)$/);
    }
    expect(dispatches()).toBe(1);
  });

  test("says that only this workspace remembers it, if the place can't hold claims", async () => {
    const { claim: _, ...store } = folderStore(folder, folder);
    const report = await onRunner({ history: async () => ({ ...store, place: "the artifacts" }) });
    expect(report.rollback).toMatchObject({
      outcome: "fired",
      why: expect.stringMatching(/; only this workspace remembers it, because the artifacts can't hold claims$/),
    });
  });
});

test("no secret is in a claim or in a record, however a branch or a check is called", async () => {
  const setting = await newSetting();
  settings.push(setting);
  setting.secrets.add("hunter2-hunter2");
  const env = { GITHUB_ACTIONS: "true", GITHUB_REF: "refs/heads/hunter2-hunter2", GITHUB_EVENT_NAME: "hunter2-hunter2" };
  const report = smoke("failed", { origin: { kind: "github" }, commit: { sha } }, ["api.hunter2-hunter2"]);
  const alerts = { webhook: { url: "http://127.0.0.1:9/", secret: "whsec-0123456789abcdef" } };
  const rollback = { command: "true hunter2-hunter2" };
  await setting.after(report, { env, alerts, rollback, store: { folder } });
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
  expect(names).toHaveLength(2);
  const { records } = await folderStore(folder, folder).all();
  expect(records[0]).toMatchObject({ branch: "***", event: "***" });
  expect(JSON.stringify(records)).not.toContain("hunter2");
});

test("a run of the same workspace sends no alert between another's alert and its record", async () => {
  const [setting, receiver] = [await newSetting(), await startReceiver()];
  settings.push(setting);
  const alerts = { webhook: { url: receiver.url, secret: "whsec-0123456789abcdef" } };
  const store = folderStore(folder, folder);
  let second: Promise<StageReport> | undefined;
  const slow: HistoryStore = {
    ...store,
    async add(record) {
      second = setting.after(smoke("failed"), { alerts, store: { folder } });
      // Long enough for an alert, if nothing held it back.
      await Promise.race([second, pause(150)]);
      await store.add(record);
    },
  };
  await setting.after(smoke("failed"), { alerts, history: async () => slow });
  expect((await second)?.alerts).toMatchObject([{ outcome: "repeated" }]);
  expect(receiver.received).toHaveLength(1);
  await receiver.stop();
});

test("fresh runners know each other's alerts and rollbacks by a branch", async () => {
  const [world, receiver] = [await branch(), await startReceiver()];
  const file = join(folder, "rolled-back");
  const alerts = { webhook: { url: receiver.url, secret: "whsec-0123456789abcdef" } };
  const run = async (verdict: Verdict) => {
    const setting = await newSetting();
    settings.push(setting);
    const report = smoke(verdict, { origin: { kind: "github", repository: place }, commit: { sha } });
    const rollback = { command: `echo once >> ${file}` };
    const after = await setting.after(report, { alerts, rollback, history: () => world.open() });
    return [after.alerts?.map(({ event, outcome, problem }) => problem ?? `${event} ${outcome}`), after.rollback?.outcome];
  };
  expect(await run("failed")).toEqual([["failed sent"], "fired"]);
  const both = await Promise.all([run("failed"), run("failed")]);
  expect(both).toEqual([1, 2].map(() => [["failed repeated"], "already-fired"]));
  expect(await run("passed")).toEqual([["recovered sent"], undefined]);
  expect(await run("passed")).toEqual([undefined, undefined]);
  expect(await readFile(file, "utf8")).toBe("once\n");
  expect((await (await world.open()).all()).records).toHaveLength(5);
  await Promise.all([world.close(), receiver.stop()]);
});

describe("alerts known from records", () => {
  const windowMs = 1_000;
  const step = fc.record({
    verdict: fc.constantFrom<Verdict>("passed", "degraded", "failed", "error", "skipped"),
    cause: fc.constantFrom("a", "b", "__proto__", "c".repeat(300)),
    passesMs: fc.integer({ min: 0, max: 700 }),
    arrives: fc.boolean(),
    // Such as a cancelled run, or one in a terminal.
    tellsNobody: fc.boolean(),
  });
  const wanted = fc.uniqueArray(fc.constantFrom<VerdictEvent>("failed", "error", "degraded", "recovered"), { minLength: 1 });
  const base = recordOf(smoke("failed"));

  const recordAt = (now: number, alert?: ReturnType<typeof historyAlertOf>): HistoryRecord => ({
    ...base,
    ...newRun(),
    finishedAt: new Date(now).toISOString(),
    ...(alert ? { alerts: { slack: alert } } : {}),
  });
  const known = (records: HistoryRecord[], now: number) => channelStates(records, { now, windowMs }).slack;

  test("decide as if one process had remembered all of it", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), wanted, (steps, on) => {
        let remembered: ChannelState | undefined;
        const records: HistoryRecord[] = [];
        let now = 1_000_000;
        for (const { verdict, cause: name, passesMs, arrives, tellsNobody } of steps) {
          now += passesMs;
          if (tellsNobody) {
            records.push(recordAt(now));
            continue;
          }
          const occasion = { verdict, cause: causeKey(`${verdict}: ${name}`), now, windowMs, on };
          const before = known(records, now);
          const decision = decideAlert(before, occasion);
          expect(decision).toEqual(decideAlert(remembered, occasion));
          const delivered = decision.kind === "send" ? arrives : true;
          const next = nextChannelState(before, occasion, decision, delivered);
          remembered = nextChannelState(remembered, occasion, decision, delivered);
          records.push(JSON.parse(JSON.stringify(recordAt(now, historyAlertOf(before, next, undefined)))) as HistoryRecord);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("are all known to the next run, if several ran at the same time, and each failure gets its recovery", () => {
    const on: VerdictEvent[] = ["failed", "error", "recovered"];
    const one = fc.record({
      verdict: fc.constantFrom<Verdict>("passed", "failed", "error"),
      cause: fc.constantFrom("a", "b", "c"),
    });
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 5 }), (simultaneous) => {
        const now = 1_000_000;
        const records = simultaneous.map(({ verdict, cause }) => {
          const occasion = { verdict, cause: `${verdict}: ${cause}`, now, windowMs, on };
          const decision = decideAlert(undefined, occasion);
          return recordAt(now, historyAlertOf(undefined, nextChannelState(undefined, occasion, decision, true), undefined));
        });
        const later = { now: now + 1, windowMs, on };
        const state = known(records, later.now);
        for (const { verdict, cause } of simultaneous)
          if (verdict !== "passed")
            expect(decideAlert(state, { ...later, verdict, cause: `${verdict}: ${cause}` }).kind).toBe("repeated");
        const pass = { ...later, verdict: "passed" as const, cause: "" };
        const isBad = simultaneous.some(({ verdict }) => verdict !== "passed");
        expect(decideAlert(state, pass).kind).toBe(isBad ? "send" : "silent");
        const after = nextChannelState(state, pass, decideAlert(state, pass), true);
        records.push(recordAt(later.now, historyAlertOf(state, after, undefined)));
        expect(decideAlert(known(records, now + 2), pass).kind).toBe("silent");
      }),
      { numRuns: 200 },
    );
  });

  test("of a run that ended last count as the newest, whichever began first", () => {
    const failed = { sent: { "failed: a": new Date(1_000_000).toISOString() }, open: true };
    const [early, late] = [newRun(), newRun()];
    const open = {
      ...recordAt(2_000, historyAlertOf(undefined, failed, undefined)),
      ...early,
      finishedAt: "2026-01-01T00:00:02Z",
    };
    const closed = {
      ...recordAt(1_000, historyAlertOf(failed, { sent: {}, open: false }, undefined)),
      ...late,
      finishedAt: "2026-01-01T00:00:01Z",
    };
    expect(known([closed, open], 1_000_001)?.open).toBe(true);
    expect(known([{ ...closed, finishedAt: "2026-01-01T00:00:03Z" }, open], 1_000_001)).toEqual({ sent: {}, open: false });
  });
});
