import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Clock, Pace } from "../../src/checks/api/client.ts";

// Time is what the test says it is, and its timers go off as late as the test wants.
function clock(late: () => number = () => 0): Clock & { at: number } {
  const time = {
    at: 0,
    now: () => time.at,
    async wait(milliseconds: number, signal: AbortSignal) {
      signal.throwIfAborted();
      // Whoever had the turn before goes on first, as with real timers.
      await new Promise((resolve) => setImmediate(resolve));
      time.at += milliseconds + late();
    },
  };
  return time;
}
const signal = new AbortController().signal;

describe("a pace", () => {
  it("never exceeds the limit in any second, however late timers fire", async () => {
    const lateness = fc.array(fc.integer({ min: 0, max: 1_500 }), { minLength: 120, maxLength: 120 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 60 }), lateness, async (requestsPerSecond, late) => {
        let waits = 0;
        const time = clock(() => (late[waits++ % late.length] ?? 0) % (waits % 7 === 0 ? 1_500 : 3));
        const pace = new Pace({ requestsPerSecond, longestPauseMs: 0 }, time);
        const turns: number[] = [];
        await Promise.all(Array.from({ length: 120 }, () => pace.turn(signal).then(() => turns.push(time.at))));
        for (const [index, at] of turns.entries()) {
          const inThatSecond = turns.slice(index).filter((other) => other < at + 1_000).length;
          expect(inThatSecond).toBeLessThanOrEqual(requestsPerSecond);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("serves in order, and a cancelled turn delays nobody", async () => {
    const pace = new Pace({ requestsPerSecond: 10, longestPauseMs: 0 }, clock());
    const gone = new AbortController();
    gone.abort(new Error("no time left"));
    const order: string[] = [];
    const turn = (name: string, until = signal) => pace.turn(until).then(() => order.push(name));
    const [, second] = await Promise.allSettled([turn("a"), turn("b", gone.signal), turn("c"), turn("d")]);
    expect(order).toEqual(["a", "c", "d"]);
    expect(second).toMatchObject({ status: "rejected", reason: new Error("no time left") });
  });

  it("pauses everyone as long as the API asks, within a limit and a number of times", async () => {
    const time = clock();
    const pace = new Pace({ requestsPerSecond: 10, longestPauseMs: 10_000 }, time);
    await pace.turn(signal);
    expect(pace.pause(60_000)).toBe(false);
    expect(pace.pause(2_000)).toBe(true);
    await pace.turn(signal);
    expect(time.at).toBe(2_000);
    expect(pace.pause(2_000)).toBe(true);
    await pace.turn(signal);
    expect(pace.pause(2_000)).toBe(false);
  });

  it("tells a rate limiter that delays all but the first request from a slow route", () => {
    const delayed = (...answers: number[]) => {
      const pace = new Pace({ requestsPerSecond: 10, longestPauseMs: 0 }, clock());
      const open = answers.map(() => pace.asked());
      // Answers come in any order; what counts is the order of asking.
      for (const [index, told] of [...open.entries()].reverse()) told(answers[index] ?? 0);
      return pace.delaysAllButTheFirst(2_000);
    };
    expect(delayed(5, 2_003, 2_004, 2_002)).toBe(true);
    expect(delayed(5, 2_003, 4, 2_002)).toBe(false);
    expect(delayed(2_001, 2_003, 2_004, 2_002)).toBe(false);
    expect(delayed(5)).toBe(false);
  });
});
