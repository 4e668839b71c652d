import { createHmac } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import type { StageReport } from "../../src/model/report.ts";
import { slackText } from "../../src/report/alert.ts";
import { hostileNames } from "../report/sample.ts";
import { type Receiver, startReceiver } from "./receiver.ts";
import { impatient, newSetting, type Setting, smoke } from "./setting.ts";

/** Sends alerts over real HTTP. The receivers check them against the documentation of each service. */

const signingSecret = "whsec-0123456789abcdef";
const routingKey = "0123456789abcdef0123456789abcdef";

let setting: Setting;
let receiver: Receiver;

beforeEach(async () => {
  [setting, receiver] = await Promise.all([newSetting(), startReceiver()]);
});
afterEach(() => Promise.all([setting.stop(), receiver.stop()]));

const webhook = () => ({ webhook: { url: `${receiver.url}/hook`, secret: signingSecret } });
const slack = () => ({ slack: { url: `${receiver.url}/services/T0/B0/abc` } });
const pagerDuty = () => ({ pagerDuty: { url: `${receiver.url}/v2/enqueue`, routingKey } });

/** https://docs.slack.dev/reference/block-kit/blocks: what an incoming webhook accepts, with its limits. */
const slackPlain = z.strictObject({
  type: z.literal("plain_text"),
  text: z.string().min(1).max(150),
  emoji: z.boolean().optional(),
});
const slackMarkdown = (most: number) =>
  z.strictObject({ type: z.literal("mrkdwn"), text: z.string().min(1).max(most), verbatim: z.boolean().optional() });
const slackPayload = z.strictObject({
  text: z.string().min(1).max(40_000),
  blocks: z
    .array(
      z.discriminatedUnion("type", [
        z.strictObject({ type: z.literal("header"), text: slackPlain }),
        z
          .strictObject({
            type: z.literal("section"),
            text: slackMarkdown(3_000).optional(),
            fields: z.array(slackMarkdown(2_000)).min(1).max(10).optional(),
          })
          .refine(({ text, fields }) => text !== undefined || fields !== undefined),
      ]),
    )
    .max(50),
});

/** https://developer.pagerduty.com/docs/send-alert-event */
const pagerDutyPayload = z.discriminatedUnion("event_action", [
  z.strictObject({
    event_action: z.literal("trigger"),
    routing_key: z.string().length(32),
    dedup_key: z.string().min(1).max(255),
    client: z.string(),
    client_url: z.url().optional(),
    links: z.array(z.strictObject({ href: z.url(), text: z.string() })).optional(),
    payload: z.strictObject({
      summary: z.string().min(1).max(1024),
      source: z.string().min(1).max(255),
      severity: z.enum(["critical", "error", "warning", "info"]),
      timestamp: z.iso.datetime(),
      component: z.string(),
      group: z.string(),
      class: z.string(),
      custom_details: z.record(z.string(), z.unknown()),
    }),
  }),
  z.strictObject({
    event_action: z.literal("resolve"),
    routing_key: z.string().length(32),
    dedup_key: z.string().min(1).max(255),
  }),
]);

const bodies = () => receiver.received.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
const outcomes = (report: StageReport) => report.alerts?.map(({ channel, event, outcome }) => `${channel} ${event} ${outcome}`);

describe("an alert to a webhook", () => {
  test("has a signature of its time and body that an independent implementation confirms", async () => {
    await setting.after(smoke("failed"), { alerts: webhook() });
    const [seen] = receiver.received;
    const header = String(seen?.headers["x-env-actions-signature"]);
    const { t, v1 } = Object.fromEntries(header.split(",").map((part) => part.split("=")));
    expect(Math.abs(Number(t) * 1000 - Date.now())).toBeLessThan(60_000);
    const mac = createHmac("sha256", Buffer.from(signingSecret, "utf8"));
    mac.write(`${t}.`);
    mac.write(seen?.body ?? "");
    mac.end();
    expect(v1).toBe((mac.read() as Buffer).toString("hex"));
    expect(seen?.headers["x-env-actions-event"]).toBe("failed");
    expect(bodies()[0]).toMatchObject({
      version: 1,
      id: seen?.headers["x-env-actions-delivery"],
      event: "failed",
      verdict: "failed",
      environment: "production",
      url: expect.stringMatching(/^https:\/\/github\.com\/classwaves\/classwaves\/actions\/runs\/\d+$/),
      checks: [{ id: "api.health", verdict: "failed", message: "HTTP 503: it is down" }],
    });
  });

  test("is retried after 500, 429 and a lost connection, with the same delivery id", async () => {
    receiver.next.push({ status: 500 }, { status: 429, headers: { "retry-after": "0" } });
    const report = await setting.after(smoke("failed"), { alerts: webhook() });
    expect(report.alerts).toMatchObject([{ outcome: "sent", attempts: 3 }]);
    expect(new Set(receiver.received.map(({ headers }) => headers["x-env-actions-delivery"])).size).toBe(1);
    receiver.next.push("cut");
    const again = await setting.after(smoke("error"), { alerts: webhook() });
    expect(again.alerts).toMatchObject([{ outcome: "sent", attempts: 2 }]);
  });

  test.each([400, 401, 404, 410])("is not retried after %i", async (status) => {
    receiver.next.push({ status });
    const report = await setting.after(smoke("failed"), { alerts: webhook() });
    expect(report).toMatchObject({
      verdict: "failed",
      alerts: [{ outcome: "failed", attempts: 1, problem: `the answer was HTTP ${status}` }],
    });
  });

  test("does not follow a redirect", async () => {
    receiver.next.push({ status: 307, headers: { location: `${receiver.url}/elsewhere` } });
    const report = await setting.after(smoke("failed"), { alerts: webhook() });
    expect(report.alerts).toMatchObject([{ outcome: "failed", attempts: 1 }]);
    expect(receiver.received.map(({ path }) => path)).toEqual(["/hook"]);
  });

  test("ends at the deadline if nobody answers", async () => {
    receiver.next.push("hang", "hang", "hang");
    const report = await setting.after(smoke("failed"), { alerts: webhook(), limits: impatient });
    expect(report.alerts).toMatchObject([
      { outcome: "failed", attempts: 3, problem: expect.stringContaining("no answer within") },
    ]);
  });

  test("to an unreachable host is a problem that does not reveal the address; the verdict stays", async () => {
    await receiver.stop();
    for (const verdict of ["failed", "error"] as const) {
      const report = await setting.after(smoke(verdict), { alerts: webhook() });
      expect(report.verdict).toBe(verdict);
      expect(report.alerts).toMatchObject([{ outcome: "failed", attempts: 3, problem: "no connection: ECONNREFUSED" }]);
    }
  });

  test("stops when the run is cancelled; a cancelled run sends none", async () => {
    const cancel = new AbortController();
    receiver.next.push("hang");
    const sending = setting.after(smoke("failed"), {
      alerts: webhook(),
      cancel: cancel.signal,
      limits: { attemptMs: 60_000, totalMs: 60_000, attempts: 3, firstPauseMs: 1 },
    });
    while (receiver.received.length === 0) await new Promise(setImmediate);
    cancel.abort();
    expect((await sending).alerts).toMatchObject([{ outcome: "failed", problem: "the run was cancelled" }]);
    expect((await setting.after(smoke("failed"), { alerts: webhook(), cancelled: true })).alerts).toBeUndefined();
    expect(receiver.received).toHaveLength(1);
  });
});

describe("each service gets its own format", () => {
  test.each(["failed", "error", "degraded"] as const)("for %s, and for the recovery after it", async (verdict) => {
    const alerts = { on: ["failed", "error", "degraded", "recovered"], ...slack(), ...pagerDuty() };
    expect(outcomes(await setting.after(smoke(verdict), { alerts }))).toEqual([
      `slack ${verdict} sent`,
      `pagerDuty ${verdict} sent`,
    ]);
    expect(outcomes(await setting.after(smoke("passed"), { alerts }))).toEqual([
      "slack recovered sent",
      "pagerDuty recovered sent",
    ]);
    const slackSeen = receiver.received.filter(({ path }) => path.startsWith("/services"));
    const pagerSeen = receiver.received.filter(({ path }) => path === "/v2/enqueue");
    for (const { body } of slackSeen) slackPayload.parse(JSON.parse(body));
    const [trigger, resolve] = pagerSeen.map(({ body }) => pagerDutyPayload.parse(JSON.parse(body)));
    expect(trigger?.event_action).toBe("trigger");
    expect(resolve?.event_action).toBe("resolve");
    expect(resolve?.dedup_key).toBe(trigger?.dedup_key);
  });

  test.each([
    ...hostileNames,
    "<!channel> <@U123|x> <https://evil.example|Open the run> @here #general *x* &lt;!here&gt;",
    "&".repeat(9_000),
  ])("hostile text %# mentions nobody and adds no link", async (text) => {
    const report = smoke("failed", { reason: text, environment: { name: text, access: "read-only" } });
    const check = { id: "api.health", title: text, verdict: "failed" as const, message: text, durationMs: 1 };
    await setting.after({ ...report, checks: [check] }, { alerts: { ...slack(), ...pagerDuty(), ...webhook() } });
    expect(receiver.received).toHaveLength(3);
    for (const { path, body } of receiver.received) {
      const payload = JSON.parse(body) as unknown;
      if (path === "/v2/enqueue") pagerDutyPayload.parse(payload);
      if (!path.startsWith("/services")) continue;
      const { blocks, text: fallback } = slackPayload.parse(payload);
      const texts = [
        fallback,
        ...blocks
          .flatMap((block) => ("fields" in block ? [block.text, ...(block.fields ?? [])] : [block.text]))
          .map((part) => part?.text ?? ""),
      ];
      for (const one of texts) {
        // The one link is ours.
        const others = one.replace(/^<https:\/\/github\.com\/[^|>]*\|Open the run>$/, "");
        expect(others).not.toMatch(/[<>]/);
        expect(others).not.toMatch(/&(?!amp;|lt;|gt;)/);
        expect(others).not.toMatch(/[@#][\w!]/);
      }
    }
  });

  test("text is never cut inside an escape", () => {
    for (let most = 60; most < 90; most++) {
      const text = slackText("<&>".repeat(200), most);
      expect(text.length).toBeLessThanOrEqual(most);
      expect(text).not.toMatch(/&(?!amp;|lt;|gt;)|[<>]/);
    }
  });

  test("no secret is in an alert or in a stored file", async () => {
    setting.secrets.add("hunter2-hunter2");
    setting.secrets.add(`${receiver.url}/services/T0/B0/abc`);
    const reason = `redis://:hunter2-hunter2@host refused; ${receiver.url}/services/T0/B0/abc`;
    const report = await setting.after(smoke("failed", { reason }), { alerts: { ...slack(), ...pagerDuty(), ...webhook() } });
    expect(receiver.received).toHaveLength(3);
    for (const { body } of receiver.received) expect(body).not.toMatch(/hunter2|services/);
    expect(JSON.stringify(report.alerts)).not.toMatch(/hunter2|services/);
    const [record] = await setting.history();
    expect(record?.alerts?.slack?.open).toBe(true);
    expect(JSON.stringify(record)).not.toMatch(/hunter2|services/);
  });
});

describe("repeated alerts", () => {
  test("the same cause is sent once within the window; another cause and the first pass are sent", async () => {
    const told = async (report: StageReport) => outcomes(await setting.after(report, { alerts: webhook() }));
    expect(await told(smoke("passed"))).toBeUndefined();
    expect(await told(smoke("failed"))).toEqual(["webhook failed sent"]);
    expect(await told(smoke("failed", { reason: "another wording" }))).toEqual(["webhook failed repeated"]);
    expect(await told(smoke("failed", {}, ["api.sessions"]))).toEqual(["webhook failed sent"]);
    expect(await told(smoke("error"))).toEqual(["webhook error sent"]);
    expect(await told(smoke("degraded"))).toBeUndefined();
    expect(await told(smoke("passed"))).toEqual(["webhook recovered sent"]);
    expect(await told(smoke("passed"))).toBeUndefined();
    expect(await told(smoke("failed"))).toEqual(["webhook failed sent"]);
  });

  test("the next run sends an alert or a recovery that did not arrive", async () => {
    receiver.next.push({ status: 400 });
    await setting.after(smoke("failed"), { alerts: webhook() });
    expect(outcomes(await setting.after(smoke("failed"), { alerts: webhook() }))).toEqual(["webhook failed sent"]);
    receiver.next.push({ status: 400 });
    await setting.after(smoke("passed"), { alerts: webhook() });
    expect(outcomes(await setting.after(smoke("passed"), { alerts: webhook() }))).toEqual(["webhook recovered sent"]);
  });

  test("an alert whose answer was lost is resolved by the next pass, and sent again by the next failure", async () => {
    const alerts = pagerDuty();
    const lost = () => receiver.next.push("hang", "hang", "hang");
    lost();
    expect(outcomes(await setting.after(smoke("failed"), { alerts, limits: impatient }))).toEqual(["pagerDuty failed failed"]);
    expect(outcomes(await setting.after(smoke("passed"), { alerts }))).toEqual(["pagerDuty recovered sent"]);
    expect(bodies().map(({ event_action }) => event_action)).toEqual(["trigger", "trigger", "trigger", "resolve"]);
    expect(new Set(bodies().map(({ dedup_key }) => dedup_key)).size).toBe(1);
    lost();
    await setting.after(smoke("failed"), { alerts, limits: impatient });
    expect(outcomes(await setting.after(smoke("failed"), { alerts }))).toEqual(["pagerDuty failed sent"]);
  });

  test("two runs at the same time send one alert", async () => {
    const both = await Promise.all([1, 2].map(() => setting.after(smoke("failed"), { alerts: webhook() })));
    expect(both.flatMap((report) => outcomes(report) ?? []).sort()).toEqual(["webhook failed repeated", "webhook failed sent"]);
    expect(receiver.received).toHaveLength(1);
  });

  test("an unreadable list of sent alerts is reported, and the alert is sent", async () => {
    await writeFile(join(setting.records, "alerts.json"), '{"version":1,"pla');
    const report = await setting.after(smoke("failed"), { alerts: webhook() });
    expect(report.alerts).toMatchObject([
      { outcome: "sent", problem: expect.stringMatching(/may be sent again.*cannot be read: it is not JSON/) },
    ]);
    expect(outcomes(await setting.after(smoke("failed"), { alerts: webhook() }))).toEqual(["webhook failed repeated"]);
  });

  test("only configured stages send alerts, and a terminal only if configured", async () => {
    expect((await setting.after({ ...smoke("failed"), stage: "preflight" }, { alerts: webhook() })).alerts).toBeUndefined();
    const terminal = smoke("failed", { origin: { kind: "terminal", actor: "mira" } });
    expect((await setting.after(terminal, { alerts: webhook() })).alerts).toBeUndefined();
    expect(outcomes(await setting.after(terminal, { alerts: { ...webhook(), terminal: true } }))).toEqual([
      "webhook failed sent",
    ]);
  });
});

/** The parts of an OTLP/HTTP request that these tests check. */
const otlp = z.looseObject({
  resourceMetrics: z
    .array(
      z.looseObject({
        resource: z.looseObject({ attributes: z.array(z.looseObject({ key: z.string() })) }),
        scopeMetrics: z.array(
          z.looseObject({
            metrics: z.array(
              z.looseObject({
                name: z.string(),
                gauge: z.looseObject({ dataPoints: z.array(z.looseObject({ attributes: z.array(z.unknown()) })).min(1) }),
              }),
            ),
          }),
        ),
      }),
    )
    .length(1),
});

describe("OpenTelemetry", () => {
  const openTelemetry = () => ({ openTelemetry: { url: `${receiver.url}/v1/metrics`, headers: { "api-key": "otel-key-1" } } });

  test.each(["passed", "failed"] as const)("gets the measurements of a run that %s", async (verdict) => {
    const checks = [
      { id: "api.health", title: "x", verdict, durationMs: 1, latency: { count: 10, p50: 80, p95: 120, max: 130 } },
    ];
    const report = await setting.after({ ...smoke(verdict), checks }, { alerts: openTelemetry() });
    expect(outcomes(report)).toEqual(["openTelemetry measured sent"]);
    const [seen] = receiver.received;
    expect(seen).toMatchObject({ path: "/v1/metrics", headers: { "api-key": "otel-key-1", "content-type": "application/json" } });
    const metrics = otlp.parse(JSON.parse(seen?.body ?? "")).resourceMetrics[0]?.scopeMetrics[0]?.metrics ?? [];
    expect(metrics.map(({ name }) => name)).toEqual([
      "env_actions.stage.verdict",
      "env_actions.stage.duration",
      "env_actions.stage.checks",
      "env_actions.check.latency.p95",
      "env_actions.check.latency.p50",
    ]);
    expect(metrics[0]?.gauge.dataPoints).toHaveLength(4);
    expect(JSON.stringify(metrics[3])).toContain("120");
  });

  test("that refuses them or does not answer is a problem, and the time limit holds", async () => {
    receiver.next.push({ status: 400 });
    const report = await setting.after(smoke("failed"), { alerts: openTelemetry() });
    expect(report).toMatchObject({ verdict: "failed", alerts: [{ channel: "openTelemetry", outcome: "failed" }] });
    receiver.next.push("hang");
    const late = await setting.after(smoke("failed"), {
      alerts: openTelemetry(),
      limits: { attemptMs: 100, totalMs: 200, attempts: 1, firstPauseMs: 1 },
    });
    expect(late.alerts).toMatchObject([{ outcome: "failed" }]);
  });
});
