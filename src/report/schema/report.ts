import { z } from "../../lib/zod.ts";
import { alertChannels, type StageReport, stageNames, verdicts } from "../../model/report.ts";
import { staging } from "./staging.ts";
import { books, cleanup, isolation } from "./test-data.ts";
import { amount, attachment, flag, instant, measure, oneOf, pastRuns, percentage, tests, text, texts } from "./tests.ts";

/**
 * The shape of `.env-actions/reports/<stage>.json`, used to read reports back and for `schema/report.schema.json`. Strict,
 * because an unknown field may change the meaning of others. The assertion at the end compares it with the model's type.
 */

const latency = z
  .strictObject({
    count: amount("Number of samples."),
    p50: measure("Median, in milliseconds."),
    p95: measure("95th percentile, in milliseconds."),
    max: measure("Slowest sample, in milliseconds."),
    samples: z
      .array(z.number())
      .optional()
      .meta({ description: "Each sample in milliseconds, shortest first. Absent if there are more than 100." }),
    limit: measure("Limit of the 95th percentile, in milliseconds.").optional(),
  })
  .meta({ description: "Latency of `count` samples, in milliseconds." });

const earlier = z
  .strictObject({
    of: text("Id of the check whose latency was compared."),
    runs: amount("Number of earlier runs."),
    p50: measure("Median of all their samples, in milliseconds."),
    p95: measure("95th percentile of all their samples, in milliseconds."),
  })
  .meta({ description: "Latency of earlier runs that this check compares with." });

const pastLatency = z
  .strictObject({
    runs: amount("Number of earlier runs in which the check passed or was degraded, at most 20."),
    p50: measure("Median of their medians, in milliseconds."),
    p95: measure("Median of their 95th percentiles, in milliseconds."),
  })
  .meta({ description: "Latency of the check in earlier runs. Absent if there are none." });

const verdictText =
  "`passed`: as expected. `degraded`: in the warning range. `failed`: not as expected. `error`: could not be checked. `skipped`: not checked.";

const check = z.strictObject({
  id: text("Stable id in lower case, with dots, such as `redis.hit-rate`."),
  title: text("Name for people."),
  verdict: oneOf(verdicts, verdictText),
  observed: text("What was observed, in words or with a unit.").optional(),
  expected: text("What was expected.").optional(),
  message: text("What the result means, and what to do. Always there unless the check passed.").optional(),
  durationMs: measure("How long the check took, in milliseconds."),
  latency: latency.optional(),
  earlier: earlier.optional(),
  past: pastLatency.optional(),
  attempts: amount("Number of attempts, if the check is declared flaky.").optional(),
  dryRun: flag("The actual result is recorded, but does not count.").optional(),
  independent: z
    .literal(true)
    .optional()
    .meta({ description: "The failure belongs to this check itself, whatever else is broken." }),
  cause: text(
    "Id of another check that explains this one: it could not run and may be the cause, or this one only repeats its finding.",
  ).optional(),
  expires: z
    .array(
      z.strictObject({
        what: oneOf(
          ["certificate", "token", "exception", "copy"],
          "`certificate`, `token`, `exception`: a written exception of the configuration, `copy`: the retention of a copy's data.",
        ),
        name: text("Whose it is: a host, a variable, a key of the configuration, or a catalog. Never a token's value."),
        at: instant("When it ends."),
      }),
    )
    .optional()
    .meta({ description: "What the check saw that ends at a known time, even if that is far away." }),
});

const scoredCheck = z.strictObject({
  id: text("Id of the check."),
  weight: measure("Weight of the check: the most points that it can get."),
  key: flag("If this check fails, the stage fails, whatever the score."),
  dryRun: flag("The check does not count."),
  points: measure("Points that the check got."),
});

const score = z
  .strictObject({
    percent: percentage("Reached points in percent of the possible points, rounded down to one decimal place."),
    pass: percentage("Lowest percentage with which the stage passes."),
    warning: percentage("Lowest percentage with which the stage is degraded. Below it, the stage fails."),
    reached: measure("Sum of the points of all checks."),
    possible: measure("Most points that all checks together can get."),
    checks: z.array(scoredCheck).meta({ description: "Points of each check, in the order of the checks." }),
    unmatched: texts("Globs in the configuration that match no check of this run."),
  })
  .meta({ description: "How all checks were weighed together. Absent if the worst check decides." });

const rollback = z
  .strictObject({
    trigger: text("Event or command that triggers the rollback."),
    of: text("What is rolled back."),
    outcome: oneOf(
      ["fired", "dry-run", "already-fired", "not-fired", "failed", "unknown"],
      "`fired`: requested. `dry-run`: would have been requested. `already-fired`: requested by another run. `not-fired`: must not be requested now. `failed`: could not be requested. `unknown`: may have been requested.",
    ),
    at: instant("When it was requested or decided."),
    why: text("Reason for the outcome."),
    result: z
      .strictObject({
        run: z.int().positive().meta({ description: "Id of the workflow run." }),
        url: text("Address of the workflow run."),
        conclusion: text("How it ended, in GitHub's word, such as `success` or `failure`.").optional(),
        problem: text("Why it is unknown how it ended.").optional(),
      })
      .optional()
      .meta({ description: "What became of the workflow run that the rollback started. Only with `rollback.workflow.wait`." }),
  })
  .meta({ description: "Rollback after a bad verdict, triggered once per deployment." });

const alert = z.strictObject({
  channel: oneOf(alertChannels, "Where the alert was sent."),
  event: oneOf(
    ["failed", "error", "degraded", "recovered", "measured"],
    "What the alert is about. `recovered`: the first pass after a bad verdict. `measured`: metrics.",
  ),
  outcome: oneOf(["sent", "repeated", "failed"], "`repeated`: already sent within the window, so not sent again."),
  at: instant("When it was sent."),
  attempts: amount("Number of attempts to send it."),
  problem: text("Why it could not be sent.").optional(),
});

const logPath = "Path of the log, relative to the workspace.";
const tail = "Last lines of the output. Only if something went wrong.";

const server = z.strictObject({
  name: text("Name of the server in the configuration."),
  readyMs: measure("Milliseconds until the server was ready. Absent if it never was.").optional(),
  ended: text("How the server ended, such as `stopped` or `died with exit code 1`."),
  port: amount("Port of the server.").optional(),
  portFreed: flag("The port was free again after the end.").optional(),
  log: text(logPath).optional(),
  tail: texts(tail).optional(),
});

const command = z.strictObject({
  command: text("The command line."),
  task: text("Name of the task. Absent if the command is no task.").optional(),
  exitCode: z.int().nullable().meta({ description: "Exit status. `null` if a signal ended the command or it could not start." }),
  signal: z.string().nullable().meta({ description: "Signal that ended the command. `null` if none did." }),
  timedOut: flag("The command was stopped because it took too long."),
  durationMs: measure("How long the command ran, in milliseconds."),
  log: text(logPath).optional(),
  tail: texts(tail).optional(),
});

const origin = z
  .strictObject({
    kind: oneOf(["github", "terminal"], "`github`: a job of GitHub Actions. `terminal`: the command line."),
    repository: text("Repository as `owner/name`.").optional(),
    workflow: text("Name of the workflow.").optional(),
    workflowRun: text("Id of the workflow run.").optional(),
    attempt: text("Attempt of the workflow run.").optional(),
    job: text("Id of the job in the workflow file.").optional(),
    cell: text("Cell of the job's matrix.").optional(),
    step: text("Id of the step in the job.").optional(),
    actor: text("User who started the run.").optional(),
  })
  .meta({ description: "Where the stage ran." });

const environment = z
  .strictObject({
    name: text("Name of the environment in the configuration."),
    access: oneOf(
      ["read-only", "test-data"],
      "`read-only`: nothing is written. `test-data`: tests write data, and the cleanup deletes it.",
    ),
  })
  .meta({ description: "The environment that was checked." });

const commit = z
  .strictObject({
    sha: text("Commit that was checked out. For a pull request, the merge commit."),
    headSha: text("Head commit of the pull request, if it differs.").optional(),
  })
  .meta({ description: "The commit that was checked." });

export const reportSchema = z
  .strictObject({
    schemaVersion: z.literal(1).meta({ description: "Version of this format." }),
    stage: oneOf(stageNames, "Stage that wrote the report."),
    verdict: oneOf(verdicts, verdictText),
    reason: text("One sentence that explains the verdict."),
    environment,
    runId: text("Id of this execution of the stage: `<Unix milliseconds>_<8 hex digits>`."),
    gateId: text("Id shared by all stages of one gate: that of the workflow run, or of the preflight run.").optional(),
    commit,
    origin,
    startedAt: instant("When the stage started."),
    finishedAt: instant("When the stage finished."),
    durationMs: measure("How long the stage took, in milliseconds."),
    budgetMs: measure("Time budget of the stage, in milliseconds."),
    checks: z.array(check).meta({ description: "Everything that was checked, in the order of execution." }),
    score: score.optional(),
    tests: tests.optional(),
    attachments: z.array(attachment).optional().meta({ description: "Files that failed tests left behind." }),
    servers: z.array(server).meta({ description: "Servers that the stage started." }),
    commands: z.array(command).meta({ description: "Commands that the stage ran." }),
    cleanup: cleanup.optional(),
    books: books.optional(),
    staging: staging.optional(),
    isolation: isolation.optional(),
    past: pastRuns.optional().meta({
      description: "How a stage that failed or ended in an error ended before. Absent if nothing is known of earlier runs.",
    }),
    rollback: rollback.optional(),
    alerts: z.array(alert).optional().meta({ description: "Alerts of this run, and whether each was sent." }),
    leftOut: z.array(z.enum(stageNames)).optional().meta({
      description: "Stages that the configuration leaves out of the gate, because the project doesn't have them.",
    }),
    follows: z.literal("nothing").optional().meta({
      description:
        "Of smoke: neither evidence nor a deployment shows that what is deployed is what was tested. Absent if one does.",
    }),
    problems: texts("What could not be done, besides the checks."),
    auditHead: z
      .strictObject({
        sequence: amount("How many lines the audit log had by then."),
        hash: text("SHA-256 hash of the line in hex."),
      })
      .optional()
      .meta({
        description:
          "Last line of the audit log that this stage wrote. Verify it with `env-actions audit verify --head <sequence>:<hash>`.",
      }),
  })
  .meta({ title: "Report of a stage", description: "Result of one env-actions stage in one environment." });

/** Identical, not only assignable: if an optional field is missing on one side, both types are still assignable. */
type Identical<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Expands types at every level, so that interfaces compare equal to the schema's inferred types. */
type Flat<T> = T extends object ? { [Key in keyof T]: Flat<T[Key]> } : T;
true satisfies Identical<Flat<z.output<typeof reportSchema>>, Flat<StageReport>>;
