import { describe, expect, test } from "vitest";
import { type GaveUp, growingPause, type RetryOptions, retry } from "../../src/lib/retry.ts";

class Busy extends Error {}

/** Fails as often as it is told, and counts. */
function failing(times: number, error: () => unknown = () => new Busy("busy")) {
  const seen = { attempts: 0, left: [] as number[] };
  const work = async ({ number, leftMs }: { number: number; leftMs: number }) => {
    seen.attempts++;
    seen.left.push(leftMs);
    expect(number).toBe(seen.attempts);
    if (seen.attempts <= times) throw error();
    return "done";
  };
  return { seen, work };
}

const options: RetryOptions<Error> = {
  failure: (thrown) => {
    if (thrown instanceof Error) return thrown;
    throw thrown;
  },
  mayPass: (failure) => failure instanceof Busy,
  pauseMs: () => 1,
};

/** What `gaveUp` was told. */
async function endOf(work: Parameters<typeof retry>[0], more: Partial<RetryOptions<Error>>): Promise<GaveUp<Error>> {
  let end: GaveUp<Error> | undefined;
  const thrown = new Error("in the end");
  const remember = (told: GaveUp<Error>) => {
    end = told;
    return thrown;
  };
  await expect(retry(work, { ...options, ...more, gaveUp: remember })).rejects.toBe(thrown);
  if (!end) throw new Error("it did not give up");
  return end;
}

describe("something that may pass", () => {
  test("is done again until it succeeds", async () => {
    const { seen, work } = failing(3);
    expect(await retry(work, options)).toBe("done");
    expect(seen.attempts).toBe(4);
  });

  test("is done `attempts` times at most, and every failure is told", async () => {
    const { seen, work } = failing(9);
    const end = await endOf(work, { attempts: 3 });
    expect(seen.attempts).toBe(3);
    expect(end).toMatchObject({ why: "spent", waitMs: 1 });
    expect(end.failures).toHaveLength(3);
    expect(end.failures.at(-1)).toBe(end.last);
  });

  test("is not done again where there is no further pause", async () => {
    const { seen, work } = failing(9);
    const end = await endOf(work, { pauseMs: (_, attempt) => [1, 1][attempt - 1] });
    expect(seen.attempts).toBe(3);
    expect(end.why).toBe("spent");
    expect(end.waitMs).toBeUndefined();
  });

  test("is not waited for beyond the time, and the pause that was too long is told", async () => {
    const { seen, work } = failing(9);
    const begun = performance.now();
    const end = await endOf(work, { withinMs: 5_000, pauseMs: () => 60_000 });
    expect(performance.now() - begun).toBeLessThan(4_000);
    expect(end).toMatchObject({ why: "late", waitMs: 60_000 });
    expect(seen.attempts).toBe(1);
  });

  test("knows how long it may take: whole milliseconds, and endless without a time", async () => {
    const timed = failing(1);
    await retry(timed.work, { ...options, withinMs: 5_000, pauseMs: () => 30 });
    const [first = 0, second = 0] = timed.seen.left;
    expect(timed.seen.left.every(Number.isInteger)).toBe(true);
    expect(first).toBeLessThanOrEqual(5_000);
    expect(first - second).toBeGreaterThanOrEqual(25);
    const endless = failing(0);
    await retry(endless.work, options);
    expect(endless.seen.left).toEqual([Number.POSITIVE_INFINITY]);
  });

  test("may count its time from the first failure, however long the first attempt took", async () => {
    const slow = failing(1, () => new Busy("busy"));
    const work = async (attempt: { number: number; leftMs: number }) => {
      if (attempt.number === 1) await new Promise((resolve) => setTimeout(resolve, 60));
      return await slow.work(attempt);
    };
    const timed = { ...options, withinMs: 50 };
    expect(await retry(work, { ...timed, counted: "from the first failure" })).toBe("done");
    slow.seen.attempts = 0;
    await expect(retry(work, timed)).rejects.toThrow("busy");
  });
});

describe("a signal", () => {
  test("ends a pause at once", async () => {
    const cancel = new AbortController();
    const { seen, work } = failing(9);
    const begun = performance.now();
    const pauseMs = () => {
      setImmediate(() => cancel.abort());
      return 60_000;
    };
    expect((await endOf(work, { signal: cancel.signal, pauseMs })).why).toBe("cancelled");
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect(seen.attempts).toBe(1);
  });

  test("that has come already allows no pause", async () => {
    const end = await endOf(failing(9).work, { signal: AbortSignal.abort() });
    expect(end.why).toBe("cancelled");
    expect(end.waitMs).toBeUndefined();
  });
});

describe("something that will not pass", () => {
  test("is not done again, and its failure is thrown as it is", async () => {
    const refusal = new Error("refused");
    const { seen, work } = failing(9, () => refusal);
    await expect(retry(work, options)).rejects.toBe(refusal);
    expect(seen.attempts).toBe(1);
    const end = await endOf(failing(9, () => refusal).work, { signal: AbortSignal.abort() });
    expect(end.why).toBe("refused");
  });

  test("and is no failure at all, such as a mistake in this program, goes through", async () => {
    const mistake = "no error";
    const { seen, work } = failing(9, () => mistake);
    await expect(retry(work, { ...options, gaveUp: () => new Error("never") })).rejects.toBe(mistake);
    expect(seen.attempts).toBe(1);
  });
});

test("pauses grow by a factor, up to the longest", () => {
  const pauses = [1, 2, 3, 4].map((attempt) => growingPause(100, attempt));
  expect(pauses).toEqual([100, 200, 400, 800]);
  expect([1, 2, 3, 4].map((attempt) => growingPause(100, attempt, { factor: 3, longestMs: 1_000 }))).toEqual([
    100, 300, 900, 1_000,
  ]);
});
