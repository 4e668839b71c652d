import { z } from "zod";
import { alertChannels, stageNames } from "../model.ts";
import { secret, secretUrl } from "./secret.ts";
import { duration, timeLimit } from "./units.ts";
import { command, exactlyOneOf, fetchedUrl, httpUrl, isGroup } from "./values.ts";

/** What follows from a verdict: who is told, and what is rolled back. */

const on = z
  .array(z.enum(["failed", "error", "degraded", "recovered"]))
  .min(1)
  .default(["failed", "error", "recovered"])
  .meta({ description: "The verdicts that are told; recovered is the first passed after one of the others." });

const channels = [...alertChannels];

export const alertsSchema = z
  .strictObject({
    on,
    stages: z.array(z.enum(stageNames)).min(1).default(["smoke"]).meta({ description: "The stages that are told of." }),
    terminal: z
      .boolean()
      .default(false)
      .meta({ description: "Also when a stage runs in somebody's terminal; otherwise only on a runner." }),
    window: duration.prefault("4h").meta({ description: "The same cause is told once in this time." }),
    webhook: z
      .strictObject({
        url: secretUrl("WEBHOOK_URL").meta({ description: "Gets a POST of JSON." }),
        secret: secret("WEBHOOK_SECRET").meta({ description: "Signs it: HMAC-SHA256, in the header X-Env-Actions-Signature." }),
      })
      .optional()
      .meta({ description: "Any server, by a signed request." }),
    slack: z
      .strictObject({ url: secretUrl("SLACK_WEBHOOK_URL").meta({ description: "An incoming webhook of Slack's." }) })
      .optional()
      .meta({ description: "A channel in Slack." }),
    pagerDuty: z
      .strictObject({
        routingKey: secret("PAGERDUTY_ROUTING_KEY").meta({ description: "The integration key of a service (Events API v2)." }),
        url: fetchedUrl
          .default("https://events.pagerduty.com/v2/enqueue")
          .meta({ description: "Another for the EU: https://events.eu.pagerduty.com/v2/enqueue." }),
      })
      .optional()
      .meta({ description: "An incident in PagerDuty, resolved by the recovery." }),
    openTelemetry: z
      .strictObject({
        url: httpUrl.meta({ description: "Where metrics are taken by OTLP/HTTP, such as https://collector:4318/v1/metrics." }),
        headers: z
          .record(z.string(), secret("OTLP_KEY"))
          .default({})
          .meta({ description: "Sent with them, such as an API key." }),
      })
      .optional()
      .meta({ description: "Metrics of every run, whatever its verdict." }),
  })
  .refine((alerts) => channels.some((channel) => (alerts as Record<string, unknown>)[channel] !== undefined), {
    error: `expected at least one of ${channels.join(", ")}: who is to be told?`,
    when: isGroup,
  });

const triggers = exactlyOneOf("workflow", "event", "command");

const placeholders =
  "{deployment}, {commit}, {environment}, {run} and {verdict} stand for what is rolled back; what is not known is empty.";

export const rollbackSchema = z
  .strictObject({
    workflow: z
      .strictObject({
        file: z
          .string()
          .regex(/^[\w.-]+\.ya?ml$|^\d+$/, { error: "expected the file's name below .github/workflows, such as rollback.yml" })
          .meta({ description: "Name of the workflow's file, or its id. It must have on: workflow_dispatch." }),
        ref: z.string().min(1).default("main").meta({ description: "The branch or tag whose workflow runs." }),
        inputs: z
          .record(z.string(), z.string())
          .default({})
          .meta({ description: `Its inputs, which it must declare. ${placeholders}` }),
      })
      .optional()
      .meta({ description: "Start a workflow (workflow_dispatch); needs actions: write." }),
    event: z
      .strictObject({ type: z.string().min(1).max(100).meta({ description: "The type that on: repository_dispatch names." }) })
      .optional()
      .meta({ description: "Send a repository_dispatch; needs contents: write." }),
    command: command.optional().meta({
      description:
        "Run by the shell, with ENV_ACTIONS_DEPLOYMENT, ENV_ACTIONS_COMMIT, ENV_ACTIONS_ENVIRONMENT and ENV_ACTIONS_VERDICT.",
    }),
    on: z
      .array(z.enum(["failed", "error"]))
      .min(1)
      .default(["failed"])
      .meta({
        description: "failed: we looked, and it is wrong. error: we could not look, which is no proof of a bad deployment.",
      }),
    dryRun: z.boolean().default(false).meta({ description: "Only say what would be asked for." }),
    terminal: z
      .boolean()
      .default(false)
      .meta({ description: "Also when smoke runs in somebody's terminal; otherwise only on a runner." }),
    repository: z
      .string()
      .regex(/^[\w.-]+\/[\w.-]+$/, { error: "expected owner/name" })
      .optional()
      .meta({ description: "Where the workflow or event is; the run's own repository if left out." }),
    token: secret("ROLLBACK_TOKEN").optional().meta({ description: "For GitHub, in place of the job's own token." }),
    timeout: timeLimit.prefault("2m").meta({ description: "How long the command may take." }),
  })
  .refine(triggers.check, triggers.params);
