import { expect, it } from "vitest";
import { RunningChecks } from "../../src/stages/run-checks.ts";

// A check that was slow measures again, alone: it must wait for all others, and must not wait for ever.

/** What a check does: it ends when told to, or asks to be alone first. */
function started(checks: RunningChecks, log: string[], name: string, asksToBeAlone: boolean) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const work = async () => {
    if (asksToBeAlone) {
      await checks.alone();
      log.push(`${name} alone`);
    }
    await promise;
    log.push(`${name} ended`);
  };
  return { running: checks.track(work()), end: resolve };
}

/** Lets everything happen that can happen without another event. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

it("lets a check measure alone only when all others have ended", async () => {
  const log: string[] = [];
  const checks = new RunningChecks();
  const slow = started(checks, log, "slow", true);
  const other = started(checks, log, "other", false);
  checks.allStarted();
  await settled();
  expect(log).toEqual([]);
  other.end();
  await settled();
  expect(log).toEqual(["other ended", "slow alone"]);
  slow.end();
  await slow.running;
});

it("serves checks that wait one after another, in their order", async () => {
  const log: string[] = [];
  const checks = new RunningChecks();
  const [first, second] = [started(checks, log, "first", true), started(checks, log, "second", true)];
  checks.allStarted();
  await settled();
  expect(log).toEqual(["first alone"]);
  first.end();
  await settled();
  expect(log).toEqual(["first alone", "first ended", "second alone"]);
  second.end();
  await second.running;
});

it("waits until all checks have been started, even if none of those that have is running", async () => {
  const log: string[] = [];
  const checks = new RunningChecks();
  const early = started(checks, log, "early", true);
  await settled();
  expect(log).toEqual([]);
  checks.allStarted();
  await settled();
  expect(log).toEqual(["early alone"]);
  early.end();
  await early.running;
});

it("goes on after a check that failed", async () => {
  const log: string[] = [];
  const checks = new RunningChecks();
  const slow = started(checks, log, "slow", true);
  const broken = checks.track(Promise.reject(new Error("broken")));
  checks.allStarted();
  await expect(broken).rejects.toThrow("broken");
  await settled();
  expect(log).toEqual(["slow alone"]);
  slow.end();
  await slow.running;
});
