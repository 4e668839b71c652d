import { createHash } from "node:crypto";
import type { AlertEvent, Check, StageReport } from "../model/report.ts";
import { plainText } from "./inert.ts";
import { cut, rollbackLine, shortSha, stageTitle } from "./words.ts";

/**
 * What alerts say, for each channel in its own shape. Pure: the report that is handed in must be redacted already, and everything in
 * it is untrusted text that comes out harmless.
 */

/** Events that are told to people; metrics are of every run. */
export type ToldEvent = Exclude<AlertEvent, "measured">;

export interface AlertSubject {
  event: ToldEvent;
  report: StageReport;
}

/** The same for one environment and stage, so that a recovery closes what a failure opened. */
export function alertKey({ environment, stage, origin }: StageReport): string {
  const key = `env-actions/${origin.repository ?? "terminal"}/${environment.name}/${stage}`;
  // PagerDuty takes 255 characters, and two of them must not become one by being cut.
  return key.length <= 255 ? key : createHash("sha256").update(key).digest("hex");
}

/** Checks that made the verdict what it is. */
export function decisiveChecks({ checks, verdict }: StageReport): Check[] {
  const counting = checks.filter((check) => !check.dryRun);
  const same = counting.filter((check) => check.verdict === verdict);
  return same.length > 0 ? same : counting.filter(({ verdict: own }) => own === "failed" || own === "error");
}

/** What the verdict is about, without what differs from run to run: two reports with the same cause are one alert. */
export function causeOf(report: StageReport): string {
  const ids = [...new Set(decisiveChecks(report).map(({ id }) => id))].sort();
  return `${report.verdict}: ${ids.length > 0 ? ids.join(", ") : "problems"}`;
}

/** `Smoke on production failed`, `Smoke on production: passed again`. */
export function alertTitle({ event, report }: AlertSubject): string {
  const what = `${stageTitle(report.stage)} on ${cut(line(report.environment.name), 60)}`;
  if (event === "recovered") return `${what}: passed again`;
  return event === "error" ? `${what}: could not look` : `${what}: ${event}`;
}

/** Where the run is, for people; undefined in a terminal. */
export function runUrl({ origin }: StageReport, server = "https://github.com"): string | undefined {
  if (!origin.repository || !origin.workflowRun) return undefined;
  const url = `${server}/${origin.repository}/actions/runs/${origin.workflowRun}`;
  return URL.canParse(url) ? new URL(url).href : undefined;
}

const mostChecks = 20;

/** The body of the generic webhook. */
export function webhookBody(subject: AlertSubject, facts: { id: string; at: string; server?: string }): object {
  const { event, report } = subject;
  const url = runUrl(report, facts.server);
  return {
    version: 1,
    id: facts.id,
    at: facts.at,
    event,
    title: alertTitle(subject),
    key: alertKey(report),
    stage: report.stage,
    verdict: report.verdict,
    reason: plainText(report.reason),
    environment: report.environment.name,
    run: report.runId,
    commit: report.commit.headSha ?? report.commit.sha,
    ...(report.origin.repository ? { repository: report.origin.repository } : {}),
    ...(url ? { url } : {}),
    ...(report.score ? { score: report.score.percent } : {}),
    checks: decisiveChecks(report)
      .slice(0, mostChecks)
      .map(({ id, title, verdict, observed, expected, message }) => ({
        id,
        title: plainText(title),
        verdict,
        ...(observed === undefined ? {} : { observed: plainText(observed) }),
        ...(expected === undefined ? {} : { expected: plainText(expected) }),
        ...(message === undefined ? {} : { message: plainText(message) }),
      })),
    ...(report.rollback ? { rollback: report.rollback } : {}),
  };
}

const slackMarks: Record<ToldEvent, string> = { failed: "❌", error: "🛑", degraded: "⚠️", recovered: "✅" };

/** The message for an incoming webhook of Slack's: blocks, and the text that notifications show. */
export function slackMessage(subject: AlertSubject, server?: string): object {
  const { event, report } = subject;
  const title = `${slackMarks[event]} ${alertTitle(subject)}`;
  const checks = event === "recovered" ? [] : decisiveChecks(report);
  const listed = checks.slice(0, 5).map(({ title, message, observed }) => `• ${title} – ${message ?? observed ?? ""}`);
  const more = checks.length > listed.length ? [`and ${checks.length - listed.length} more`] : [];
  const url = runUrl(report, server);
  const facts = [
    ["Environment", report.environment.name],
    ["Commit", shortSha(report.commit.headSha ?? report.commit.sha)],
    ["Run", report.runId],
  ].map(([name, value]) => ({ type: "mrkdwn", text: `*${name}*\n${slackText(value ?? "", 200)}`, verbatim: true }));
  const said = (text: string) => ({
    type: "section",
    text: { type: "mrkdwn", text: slackText(text, 2_800), verbatim: true },
  });
  return {
    text: slackText(`${title}: ${report.reason}`, 1_000),
    blocks: [
      { type: "header", text: { type: "plain_text", text: slackText(title, 140), emoji: false } },
      ...(report.reason.trim() === "" ? [] : [said(report.reason)]),
      ...(listed.length > 0 ? [said([...listed, ...more].join("\n"))] : []),
      { type: "section", fields: facts },
      ...(report.rollback ? [said(rollbackLine(report.rollback))] : []),
      ...(url ? [{ type: "section", text: { type: "mrkdwn", text: `<${encodeURI(url)}|To the run>`, verbatim: true } }] : []),
    ],
  };
}

/**
 * Text for Slack that mentions nobody, links nowhere and has no format: what Slack gives a meaning is escaped or kept apart by a space
 * without width. Cut before it is escaped, so that no escape is cut in two, and again shorter where escaping made it too long.
 */
export function slackText(text: string, most: number): string {
  const plain = plainText(text).trim();
  for (let length = most - 40; ; length = Math.floor(length / 2)) {
    const escaped = cut(plain, length)
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replace(/[@#*_~`:]|^&gt;/gm, (mark) => `\u200b${mark}\u200b`);
    if (escaped.length <= most || length <= 1) return escaped || "–";
  }
}

const severities: Record<Exclude<ToldEvent, "recovered">, string> = { failed: "critical", error: "error", degraded: "warning" };

/** An event of PagerDuty's Events API v2: `recovered` resolves what the others triggered. */
export function pagerDutyEvent(subject: AlertSubject, routingKey: string, server?: string): object {
  const { event, report } = subject;
  const common = { routing_key: routingKey, dedup_key: alertKey(report) };
  if (event === "recovered") return { ...common, event_action: "resolve" };
  const url = runUrl(report, server);
  const details = decisiveChecks(report).slice(0, mostChecks);
  return {
    ...common,
    event_action: "trigger",
    client: "env-actions",
    ...(url ? { client_url: url, links: [{ href: url, text: "The run" }] } : {}),
    payload: {
      summary: cut(`${alertTitle(subject)}: ${line(report.reason)}`, 900),
      source: cut(line(report.origin.repository ?? report.environment.name), 200),
      severity: severities[event],
      timestamp: report.finishedAt,
      component: report.stage,
      group: line(report.environment.name),
      class: report.verdict,
      custom_details: {
        run: report.runId,
        commit: report.commit.headSha ?? report.commit.sha,
        checks: details.map(({ id, message, observed }) => cut(line(`${id}: ${message ?? observed ?? ""}`), 500)),
        ...(report.rollback ? { rollback: rollbackLine(report.rollback) } : {}),
      },
    },
  };
}

function line(text: string): string {
  return plainText(text).replace(/\s+/g, " ").trim();
}
