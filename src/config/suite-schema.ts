import { z } from "../lib/zod.ts";
import { orLeftOut } from "./left-out.ts";
import { withCode } from "./mistakes.ts";
import { score } from "./score-schema.ts";
import { prefixSchema } from "./test-data-schema.ts";
import { budgetDescription, command, duration, isGroup, parsePercent, percent, timeLimit } from "./values.ts";

const mostStars = 3;

/** How tests are run, and what they must fulfil, in the stages integration and e2e. */

/** A list that matches every test would leave nothing to judge. */
const testGlob = z.string().regex(/[^*?/.\s]/, {
  error: "expected a glob for file and name that selects some tests, such as tests/critical/** or *[critical]*",
});

/**
 * Node's glob turns patterns into regular expressions. Nested groups or many stars in one name make them exponentially slow for
 * names that a test can choose.
 */
const fileGlob = z
  .string()
  .min(1)
  .refine((text) => !/[@+*?!]\(/.test(text), {
    error: "expected a glob without groups such as +(…): for alternatives, write {a,b}",
  })
  .refine((text) => text.split("/").every((part) => part === "**" || (part.match(/\*+/g) ?? []).length <= mostStars), {
    error: `expected at most ${mostStars} stars in one part of a glob`,
  })
  .refine((text) => (text.match(/\*\*/g) ?? []).length <= mostStars, {
    error: `expected ** at most ${mostStars} times in a glob`,
  });

const quarantineEntry = z.strictObject({
  test: testGlob.meta({
    description:
      "Glob for the file or the full name of the tests: `describe` blocks and title, joined with ` › `. `*` matches any text, `/` too. Brackets and capital letters count as written.",
  }),
  until: z.iso
    .date({ error: "expected the last day as a date, such as 2026-12-31" })
    .meta({ description: "Last day, in UTC, on which a failure does not count. After it, a failure fails the stage." }),
  reason: z
    .string({ error: "expected the reason why the test may fail, and who will fix it" })
    .regex(/\S/, { error: "expected the reason why the test may fail, and who will fix it" })
    .meta({ description: "Why the tests may fail until then. Shown with every failure." }),
});

const flakyForm = { error: 'expected the number of tests that may be flaky, such as 3, or their share, such as "2%"' };

/** A number of tests, or a share (0 to 1) of those that ran. */
const flakyBudget = z
  .union([z.int().min(0), z.string().regex(/^\d+%?$|^\d+\.\d+%$/)], flakyForm)
  .refine((value) => typeof value === "number" || !value.endsWith("%") || parsePercent(value) !== undefined, flakyForm)
  .transform((value): { tests: number } | { share: number } => {
    const share = typeof value === "string" ? parsePercent(value) : undefined;
    return share === undefined ? { tests: Number(value) } : { share };
  });

const reportGlobs = z
  .union(
    [
      z.array(fileGlob),
      z.strictObject({
        files: z.array(fileGlob).min(1).meta({ description: "Globs for the reports." }),
        all: z.boolean().default(false).meta({ description: "Whether each glob must match a file." }),
      }),
    ],
    { error: "expected a list of globs, such as [reports/*.xml], or { files: [reports/*.xml, reports/*.json], all: true }" },
  )
  .transform((value) => (Array.isArray(value) ? { files: value, all: false } : value));

const suite = z.strictObject({
  score,
  command: command.optional(),
  workingDirectory: z.string().default(".").meta({ description: "Working directory of the command, relative to the workspace." }),
  reports: reportGlobs.prefault([]).meta({
    description:
      "Globs for the reports that the command writes, relative to `workingDirectory`. At least one must match a file. With `{ files: [...], all: true }`, each must. Their folders are created before the command runs.",
  }),
  environment: z
    .record(z.string(), z.string())
    .default({})
    .meta({ description: "Environment variables for the command, in addition to `environments.<name>.environment`." }),
  critical: z.array(testGlob).default([]).meta({
    description:
      "Globs for the file or the full name of critical tests: `describe` blocks and title, joined with ` › `. `*` matches any text, `/` too. None of them may fail, whatever the pass rate and `quarantine`, and at least one test per glob must run.",
  }),
  quarantine: z.array(quarantineEntry).default([]).meta({
    description:
      "Tests whose failures do not count, each until a date and for a reason. They still run, and a failure is a warning.",
  }),
  flaky: flakyBudget.optional().meta({
    description:
      'Maximum number or share of flaky tests, such as `3` or `"2%"`: tests that failed, were retried by the test tool, and passed. With more, the stage is `failed`. Up to it, or without this key, flaky tests are a warning. In the pass rate, they count as passed.',
  }),
  testTime: duration
    .optional()
    .meta({ description: "Maximum duration of a single test. If one takes longer, the stage is `failed`; nothing is stopped." }),
  commandTime: duration.optional().meta({
    description:
      "Maximum duration of the test command. If it takes longer, the stage is `failed`; only `budget` stops the tests.",
  }),
});

const passRateDescription = {
  description:
    "More than this share of the tests that ran must pass; with `100%`, all of them. If more than this share passed and a test failed, the stage is `degraded`.",
};

const integration = suite.extend({
  budget: timeLimit.prefault("15m").meta(budgetDescription),
  prefix: prefixSchema.default("integration_test_"),
  passRate: percent().prefault("95%").meta(passRateDescription),
});

export const integrationSchema = orLeftOut(integration)
  .prefault({})
  .meta({ description: "Runs the integration tests. `false`: this project has none, and the gate leaves the stage out." });

const browser = z.enum(["chromium", "firefox", "webkit"]);

const e2e = suite
  .extend({
    budget: timeLimit.prefault("30m").meta(budgetDescription),
    prefix: prefixSchema.default("e2e_test_"),
    passRate: percent().prefault("90%").meta(passRateDescription),
    requiredProjects: z.array(z.string().min(1)).min(1).optional().meta({
      description:
        "Globs for Playwright projects. At least one test of each must have run. With `preset: classwaves` and `databricks` in the environment, the default is `authenticated-*` and `unauthenticated-*`; otherwise none is required.",
    }),
    browsers: z.array(browser).default([]).meta({
      description:
        "Browsers in which at least one test must have run, each in a project named after the browser (`chrome`, `safari` and so on).",
    }),
    install: z.boolean().default(false).meta({ description: "Lets Playwright install missing `browsers` before the tests." }),
    shards: z.int().min(1).max(32).default(1).meta({
      description:
        "How many times the command runs in parallel. Each run receives `ENV_ACTIONS_SHARD` (from 1) and `ENV_ACTIONS_SHARDS`. Use them as `--shard=$ENV_ACTIONS_SHARD/$ENV_ACTIONS_SHARDS`.",
    }),
    attachments: z.array(fileGlob).default(["test-results/**/*.{png,zip,webm}"]).meta({
      description:
        "Globs for files that failed tests leave behind, relative to `workingDirectory`. They are kept with the report and, on a runner, uploaded for 7 days. Traces contain what the tests sent. `[]` keeps nothing.",
    }),
  })
  .refine(({ install, browsers }) => !(install === true && !browsers?.length), {
    path: ["install"],
    error: "requires browsers: add the ones to install, such as browsers: [chromium, firefox, webkit]",
    params: { ...withCode("EA1017") },
    when: isGroup,
  })
  .refine(({ shards, command }) => !(Number(shards) > 1 && typeof command === "string" && !namesShard(command)), {
    path: ["shards"],
    error: "every shard would run all tests: add --shard=$ENV_ACTIONS_SHARD/$ENV_ACTIONS_SHARDS to the command",
    params: { ...withCode("EA5006") },
    when: isGroup,
  });

export const e2eSchema = orLeftOut(e2e)
  .prefault({})
  .meta({ description: "Runs the browser tests. `false`: this project has none, and the gate leaves the stage out." });

/** Whether a command that runs several times at once can tell which tests are its own. */
export function namesShard(command: string): boolean {
  return command.includes("ENV_ACTIONS_SHARD");
}
