import { z } from "../lib/zod.ts";
import { alertChannels, stageNames } from "../model/report.ts";
import { secret, secretUrl } from "./secret.ts";
import { command, duration, exactlyOneOf, fetchedUrl, httpUrl, isGroup, timeLimit } from "./values.ts";

/** What happens after the verdict: alerts and rollbacks. */

const on = z
  .array(z.enum(["failed", "error", "degraded", "recovered"]))
  .min(1)
  .default(["failed", "error", "recovered"])
  .meta({
    description:
      "Verdicts that send an alert. `recovered` is the first `passed` after one of the others; `degraded` is no recovery.",
  });

const channels = [...alertChannels];

const alerts = z
  .strictObject({
    on,
    stages: z.array(z.enum(stageNames)).min(1).default(["smoke"]).meta({ description: "Stages whose verdicts send alerts." }),
    terminal: z
      .boolean()
      .default(false)
      .meta({ description: "Also sends alerts when a stage runs in a terminal. By default, only stages on a runner send them." }),
    window: duration.prefault("4h").meta({ description: "The same cause sends at most one alert within this time." }),
    webhook: z
      .strictObject({
        url: secretUrl("WEBHOOK_URL").meta({ description: "URL that receives a POST request with a JSON body." }),
        secret: secret("WEBHOOK_SECRET").meta({
          description: "Key that signs the request: HMAC-SHA256, in the header `X-Env-Actions-Signature`.",
        }),
      })
      .optional()
      .meta({ description: "Sends alerts to any server as a signed request." }),
    slack: z
      .strictObject({ url: secretUrl("SLACK_WEBHOOK_URL").meta({ description: "URL of a Slack incoming webhook." }) })
      .optional()
      .meta({ description: "Sends alerts to a Slack channel." }),
    pagerDuty: z
      .strictObject({
        routingKey: secret("PAGERDUTY_ROUTING_KEY").meta({
          description: "Integration key of a PagerDuty service (Events API v2).",
        }),
        url: fetchedUrl
          .default("https://events.pagerduty.com/v2/enqueue")
          .meta({ description: "Address of the Events API. For the EU, use `https://events.eu.pagerduty.com/v2/enqueue`." }),
      })
      .optional()
      .meta({ description: "Opens an incident in PagerDuty. A recovery resolves it." }),
    openTelemetry: z
      .strictObject({
        url: httpUrl.meta({
          description: "Address that receives metrics over OTLP/HTTP, such as `https://collector:4318/v1/metrics`.",
        }),
        headers: z
          .record(z.string(), secret("OTLP_KEY"))
          .default({})
          .meta({ description: "Headers sent with the metrics, such as an API key." }),
      })
      .optional()
      .meta({ description: "Sends metrics of every run, whatever the verdict." }),
  })
  .refine((alerts) => channels.some((channel) => (alerts as Record<string, unknown>)[channel] !== undefined), {
    error: `expected at least one of ${channels.join(", ")}`,
    when: isGroup,
  });

const triggers = exactlyOneOf("workflow", "event", "command");

const placeholders =
  "`{deployment}`, `{commit}`, `{environment}`, `{run}` and `{verdict}` are replaced with the values of this rollback. Unknown values are empty.";

const rollback = z
  .strictObject({
    workflow: z
      .strictObject({
        file: z
          .string()
          .regex(/^[\w.-]+\.ya?ml$|^\d+$/, { error: "expected the name of a file in .github/workflows, such as rollback.yml" })
          .meta({ description: "File name or id of the workflow. The workflow must have `on: workflow_dispatch`." }),
        ref: z.string().min(1).default("main").meta({ description: "Branch or tag whose version of the workflow runs." }),
        inputs: z
          .record(z.string(), z.string())
          .default({})
          .meta({ description: `Inputs of the workflow, which must declare them. ${placeholders}` }),
        wait: timeLimit.optional().meta({
          description:
            "How long smoke waits for the workflow run that it started, to report its result. By default it does not wait.",
        }),
      })
      .optional()
      .meta({ description: "Starts a workflow (`workflow_dispatch`). Needs the permission `actions: write`." }),
    event: z
      .strictObject({
        type: z
          .string()
          .min(1)
          .max(100)
          .meta({ description: "Event type, as listed in the workflow under `on: repository_dispatch`." }),
      })
      .optional()
      .meta({ description: "Sends a `repository_dispatch` event. Needs the permission `contents: write`." }),
    command: command.optional().meta({
      description:
        "Command that the shell runs. It receives `ENV_ACTIONS_DEPLOYMENT`, `ENV_ACTIONS_COMMIT`, `ENV_ACTIONS_ENVIRONMENT` and `ENV_ACTIONS_VERDICT`.",
    }),
    on: z
      .array(z.enum(["failed", "error"]))
      .min(1)
      .default(["failed"])
      .meta({
        description:
          "Verdicts that trigger the rollback. `failed`: a check found a problem. `error`: a check could not run, which does not prove that the deployment is bad.",
      }),
    dryRun: z.boolean().default(false).meta({ description: "Only reports the rollback that would be triggered." }),
    terminal: z.boolean().default(false).meta({
      description: "Also triggers the rollback when smoke runs in a terminal. By default, only smoke on a runner triggers it.",
    }),
    repository: z
      .string()
      .regex(/^[\w.-]+\/[\w.-]+$/, { error: "expected a repository as owner/name" })
      .optional()
      .meta({ description: "Repository of the workflow or event, as `owner/name`. Default: the repository of the run." }),
    token: secret("ROLLBACK_TOKEN").optional().meta({ description: "GitHub token to use instead of the job's own token." }),
    timeout: timeLimit.prefault("2m").meta({ description: "Time limit for `command`." }),
  })
  .refine(triggers.check, triggers.params);

export const alertsSchema = alerts.optional().meta({ description: "Where alerts about verdicts are sent." });

export const rollbackSchema = rollback
  .optional()
  .meta({ description: "Rollback that smoke triggers after a bad verdict, once per deployment." });
