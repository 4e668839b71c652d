import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkRunner } from "../../src/checks/run-check.ts";
import type { Check, Verdict } from "../../src/model/report.ts";
import { type ScoreSettings, scoreChecks, type Weight, withDryRunMarks } from "../../src/stages/score.ts";

/** How bad a verdict is, where a score decides: what could not be looked at outweighs everything. */
const badness: Verdict[] = ["passed", "degraded", "failed", "error"];

function check(id: string, verdict: Verdict): Check {
  return { id, title: `Title of ${id}`, verdict, durationMs: 1 };
}

function line(glob: string, rest: Partial<Weight> = {}): Weight {
  return { check: glob, weight: 1, key: false, dryRun: false, ...rest };
}

function settings(weights: Weight[] = [], rest: Partial<ScoreSettings> = {}): ScoreSettings {
  return { pass: 0.9, warning: 0.75, weights, ...rest };
}

const ids = ["api.health", "api.sessions", "redis.ping", "redis.hit-rate", "websocket.sessions", "test-data.cleanup"];
const globs = ["*", "api.*", "redis.*", "redis.hit-rate", "websocket.sessions", "nothing.*"];
const anyVerdict = fc.constantFrom<Verdict>(...badness, "skipped");
const anyChecks = fc.array(
  fc.tuple(fc.constantFrom(...ids), anyVerdict).map(([id, verdict]) => check(id, verdict)),
  {
    maxLength: 12,
  },
);
const anyWeights = fc.array(
  fc
    .record({
      check: fc.constantFrom(...globs),
      weight: fc.constantFrom(0.1, 0.5, 1, 2, 7.5, 1000),
      key: fc.boolean(),
      dryRun: fc.boolean(),
    })
    .map((rule) => ({ ...rule, dryRun: rule.dryRun && !rule.key })),
  { maxLength: 5 },
);
const anySettings = fc
  .record({ pass: fc.integer({ min: 0, max: 100 }), warning: fc.integer({ min: 0, max: 100 }), weights: anyWeights })
  .map(({ pass, warning, weights }) => ({
    pass: Math.max(pass, warning) / 100,
    warning: Math.min(pass, warning) / 100,
    weights,
  }));

describe("whatever the checks, the weights and the criteria", () => {
  test("a worse check never improves the verdict or the score", () => {
    fc.assert(
      fc.property(anyChecks, anySettings, fc.nat(), (checks, chosen, pick) => {
        const index = checks.length === 0 ? -1 : pick % checks.length;
        const worse = badness[badness.indexOf(checks[index]?.verdict ?? "error") + 1];
        if (!checks[index] || checks[index].verdict === "skipped" || worse === undefined) return;
        const before = scoreChecks(checks, chosen);
        const after = scoreChecks(checks.with(index, { ...checks[index], verdict: worse }), chosen);
        expect(badness.indexOf(after.verdict)).toBeGreaterThanOrEqual(badness.indexOf(before.verdict));
        expect(after.score.percent).toBeLessThanOrEqual(before.score.percent);
      }),
      { numRuns: 2_000 },
    );
  });

  test("a counted error makes the whole an error, and uncounted checks change nothing", () => {
    fc.assert(
      fc.property(anyChecks, anySettings, (checks, chosen) => {
        const { verdict, score } = scoreChecks(checks, chosen);
        const counted = checks.filter((one, index) => one.verdict !== "skipped" && !score.checks[index]?.dryRun);
        if (counted.some((one) => one.verdict === "error") || counted.length === 0) expect(verdict).toBe("error");
        expect(badness).toContain(verdict);
        expect(score.percent).toBeGreaterThanOrEqual(0);
        expect(score.percent).toBeLessThanOrEqual(100);
        const changed = checks.map((one, index) => (score.checks[index]?.dryRun ? { ...one, verdict: "failed" as const } : one));
        expect(scoreChecks(changed, chosen).verdict).toBe(verdict);
      }),
      { numRuns: 2_000 },
    );
  });

  test("all checks passed means passed, if every key indicator was checked", () => {
    fc.assert(
      fc.property(anyChecks, anySettings, (checks, chosen) => {
        const passed = checks.map((one) => ({ ...one, verdict: "passed" as const }));
        const { verdict, score } = scoreChecks(passed, chosen);
        const missing = chosen.weights.some(
          ({ check: glob, key }) => key && glob !== "*" && !passed.some(({ id }) => id.startsWith(glob.replace("*", ""))),
        );
        if (!missing && score.possible > 0 && !chosen.weights.some(({ key }) => key)) expect(verdict).toBe("passed");
        if (missing) expect(verdict).toBe("error");
      }),
    );
  });
});

test("no checks, or only skipped and dry-run checks, are an error", () => {
  expect(scoreChecks([], settings()).verdict).toBe("error");
  const dry = settings([line("api.*", { dryRun: true })]);
  expect(scoreChecks([check("api.health", "passed"), check("redis.ping", "skipped")], dry)).toMatchObject({
    verdict: "error",
    reason: "no check that counts has run",
  });
});

test("passed counts fully, degraded half, failed nothing, and the percentage is cut to one digit", () => {
  const checks = [check("api.health", "passed"), check("redis.ping", "degraded"), check("websocket.sessions", "failed")];
  const { score, verdict, reason } = scoreChecks(checks, settings([line("api.*", { weight: 10 })]));
  expect(score).toMatchObject({ reached: 10.5, possible: 12, percent: 87.5, pass: 90, warning: 75, unmatched: [] });
  expect(verdict).toBe("degraded");
  expect(reason).toBe("The score is 87.5 % of 90 % to pass. Title of websocket.sessions: failed");
  expect(scoreChecks(checks, settings([line("api.*", { weight: 13 })])).verdict).toBe("passed");
  expect(scoreChecks(checks, settings()).verdict).toBe("failed");
});

test("a score of exactly the pass criterion passes, despite floating-point sums", () => {
  const nine = Array.from({ length: 9 }, (_, index) => check(`api.${index}`, "passed"));
  const tenths = settings([line("*", { weight: 0.1 })]);
  expect(scoreChecks([...nine, check("api.last", "failed")], tenths)).toMatchObject({
    verdict: "passed",
    score: { percent: 90 },
  });
});

test("the last matching line decides, and lines without a matching check are reported", () => {
  const chosen = settings([line("*", { weight: 3 }), line("api.*", { dryRun: true }), line("api.health"), line("graphql.*")]);
  const { score } = scoreChecks([check("api.health", "passed"), check("api.other", "failed"), check("x", "passed")], chosen);
  expect(score.checks.map(({ weight, dryRun }) => [weight, dryRun])).toEqual([
    [1, false],
    [1, true],
    [3, false],
  ]);
  expect(score.unmatched).toEqual(["graphql.*"]);
  expect(score.percent).toBe(100);
});

test("a failed key indicator fails the whole, and an unchecked one is an error", () => {
  const many = Array.from({ length: 99 }, (_, index) => check(`other.${index}`, "passed"));
  const key = settings([line("api.*", { key: true })]);
  expect(scoreChecks([...many, check("api.health", "failed")], key)).toMatchObject({
    verdict: "failed",
    reason: "Key indicator: Title of api.health: failed",
    score: { percent: 99 },
  });
  expect(scoreChecks([...many, check("api.health", "degraded")], key).verdict).toBe("passed");
  expect(scoreChecks(many, key)).toMatchObject({ verdict: "error", reason: expect.stringContaining("api.*") });
  expect(scoreChecks([...many, check("api.health", "skipped")], key).verdict).toBe("error");
});

test.each([
  ...["test-data.cleanup", "test-data.books", "auth.sign-ins", "redis.writable"],
  ...["databricks.read-only", "redis.read-only", "sequence"],
])("%s can't be outvoted or put into dry run", (id) => {
  const many = Array.from({ length: 99 }, (_, index) => check(`other.${index}`, "passed"));
  const chosen = settings([line(id, { dryRun: true }), line("*", { dryRun: false })]);
  expect(scoreChecks([...many, check(id, "failed")], chosen).verdict).toBe("failed");
  expect(scoreChecks([...many, check(id, "failed")], settings([line(id, { dryRun: true })])).verdict).toBe("failed");
});

test("the baseline of a dry-run check does not count, unless a line names it", () => {
  const checks = [check("api.new", "passed"), check("baseline.api.new", "failed"), check("redis.ping", "passed")];
  const dry = line("api.new", { dryRun: true });
  expect(scoreChecks(checks, settings([dry])).verdict).toBe("passed");
  expect(scoreChecks(checks, settings([dry, line("baseline.*")])).verdict).toBe("failed");
  expect(scoreChecks(checks, settings()).verdict).toBe("failed");
});

test("a dry-run check keeps its own verdict and is marked", () => {
  const checks = [check("api.health", "failed"), check("redis.ping", "passed")];
  const { verdict, score } = scoreChecks(checks, settings([line("api.*", { dryRun: true })]));
  expect(verdict).toBe("passed");
  expect(withDryRunMarks(checks, score)).toMatchObject([{ verdict: "failed", dryRun: true }, { verdict: "passed" }]);
});

describe("a check that is declared flaky", () => {
  const runner = (times: number, signal = new AbortController().signal) =>
    checkRunner({ rules: [{ check: "websocket.*", times, reason: "#412" }], signal, pauseMs: 0 });
  const probing = (answers: Verdict[]) => {
    let probes = 0;
    return { probe: async () => ({ verdict: answers[probes++] ?? ("error" as const) }), probes: () => probes };
  };
  const title = "Sessions";

  test("is repeated, and the report says so", async () => {
    const { probe, probes } = probing(["failed", "passed"]);
    expect(await runner(2)("websocket.sessions", title, probe)).toEqual({
      id: "websocket.sessions",
      title,
      verdict: "passed",
      attempts: 2,
      message: "Only attempt 2 succeeded; the first was failed. Declared flaky: #412",
      durationMs: expect.any(Number),
    });
    expect(probes()).toBe(2);
  });

  test("is repeated as often as declared, and then has its last verdict", async () => {
    const { probe, probes } = probing(["failed", "failed", "error", "passed"]);
    expect(await runner(2)("websocket.sessions", title, probe)).toMatchObject({ verdict: "error", attempts: 3 });
    expect(probes()).toBe(3);
  });

  test.each<[string, Verdict]>([
    ["websocket.sessions", "passed"],
    ["websocket.sessions", "degraded"],
    ["api.health", "failed"],
  ])("%s that is %s runs once", async (id, verdict) => {
    const { probe, probes } = probing([verdict, "passed"]);
    const check = await runner(2)(id, title, probe);
    expect(check).toEqual({ id, title, verdict, durationMs: expect.any(Number) });
    expect(probes()).toBe(1);
  });

  test("is not repeated after the stage has ended", async () => {
    const ended = new AbortController();
    ended.abort();
    const { probe, probes } = probing(["failed", "passed"]);
    await runner(2, ended.signal)("websocket.sessions", title, probe);
    expect(probes()).toBe(1);
  });
});

describe("no score outvotes", () => {
  const many = Array.from({ length: 20 }, (_, index) => check(`api.${index}`, "passed"));

  test.each(["tests.report", "tests.pass-rate", "tests.ran", "test-data.books"])("%s that failed", (id) => {
    expect(scoreChecks([...many, check(id, "failed")], settings()).verdict).toBe("failed");
  });

  test.each(["tests.flaky", "test-data.books", "test-data.cleanup"])("a warning of %s", (id) => {
    const scored = scoreChecks([...many, check(id, "degraded")], settings());
    expect(scored).toMatchObject({ verdict: "degraded", reason: expect.stringContaining(`Title of ${id}`) });
  });

  test("other warnings can be outvoted", () => {
    expect(scoreChecks([...many, check("redis.hit-rate", "degraded")], settings()).verdict).toBe("passed");
  });
});
