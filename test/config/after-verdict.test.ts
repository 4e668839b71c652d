import { expect, test } from "vitest";
import { load, minimal, mistakes } from "./file.ts";

/** Scores, alerts and rollbacks as users write them. */

const env = {
  SLACK_URL: "https://hooks.slack.com/services/T0/B0/x",
  KEY: "key-0123456789",
  PD: "r".repeat(32),
  HOOK: "https://a.b",
};

test("every setting is read, and its secrets are returned for masking", async () => {
  const { config, secrets } = await load(
    minimal({
      inside: `alerts:
  on: [failed, degraded]
  stages: [preflight, smoke]
  slack: { url: "\${SLACK_URL}" }
  pagerDuty: { routingKey: "\${PD}" }
  webhook: { url: "\${HOOK}", secret: "\${KEY}" }
  openTelemetry: { url: http://localhost:4318/v1/metrics, headers: { api-key: "\${KEY}" } }
rollback:
  event: { type: roll-back }
  on: [failed, error]
  token: "\${KEY}"`,
      below: `stages:
  smoke:
    score: { warning: 60%, weights: [{ check: "api.*", weight: 2.5, key: true }] }
    retries: [{ check: "websocket.*", reason: "#412" }]
  integration:
    score: {}`,
    }),
    { env },
  );
  const { alerts, rollback } = config.environments.sandbox ?? {};
  expect(alerts).toMatchObject({
    window: 14_400_000,
    terminal: false,
    pagerDuty: { url: "https://events.pagerduty.com/v2/enqueue" },
  });
  expect(alerts?.openTelemetry?.headers["api-key"]?.reveal()).toBe(env.KEY);
  expect(rollback).toMatchObject({ dryRun: false, terminal: false, timeout: 120_000 });
  expect(config.stages.smoke).toMatchObject({
    score: { pass: 0.9, warning: 0.6, weights: [{ check: "api.*", weight: 2.5, key: true, dryRun: false }] },
    retries: [{ times: 1 }],
  });
  expect(config.stages.integration.score).toEqual({ pass: 0.9, warning: 0.75, weights: [] });
  expect(config.stages.preflight.score).toBeUndefined();
  expect(new Set(secrets.map((secret) => secret.reveal()))).toEqual(new Set(Object.values(env)));
});

const smoke = (text: string) => minimal({ below: `stages:\n  smoke:\n    ${text}` });

test.each<[string, string, RegExp]>([
  [
    "a literal secret in a header",
    minimal({ inside: "alerts:\n  openTelemetry: { url: http://a.b, headers: { k: hunter2 } }" }),
    /secret must not be written in this file/,
  ],
  [
    "a literal Slack address",
    minimal({ inside: "alerts:\n  slack: { url: https://hooks.slack.com/x }" }),
    /secret must not be written in this file/,
  ],
  [
    "a group of alerts without a receiver",
    minimal({ inside: "alerts:\n  on: [failed]" }),
    /expected at least one of webhook, slack, pagerDuty, openTelemetry/,
  ],
  [
    "a rollback with two triggers",
    minimal({ inside: "rollback:\n  event: { type: x }\n  command: y" }),
    /expected exactly one of workflow, event and command/,
  ],
  ["a rollback after a pass", minimal({ inside: "rollback:\n  command: y\n  on: [passed]" }), /rollback\.on/],
  [
    "a path in place of a workflow's file name",
    minimal({ inside: "rollback:\n  workflow: { file: ../x.yml }" }),
    /such as rollback\.yml/,
  ],
  ["a weight of 0", smoke("score: { weights: [{ check: api.*, weight: 0 }] }"), /dryRun: true/],
  [
    "a key check in dry run",
    smoke("score: { weights: [{ check: api.*, key: true, dryRun: true }] }"),
    /key and dryRun cannot be combined/,
  ],
  ["a warning limit above the pass limit", smoke("score: { pass: 80%, warning: 85% }"), /expected at most the value of pass/],
  [
    "a check with three retries",
    smoke('retries: [{ check: api.*, times: 3, reason: "x" }]'),
    /expected 1 or 2: a check that needs more repetitions is broken/,
  ],
  ["a retry without a reason", smoke("retries: [{ check: api.* }]"), /expected a reason|reason {2}missing/],
])("%s is refused", async (_, file, says) => {
  const found = await mistakes(file);
  expect(found).toEqual([expect.stringMatching(says)]);
  expect(found.join("\n")).not.toMatch(/hunter2|hooks\.slack/);
});
