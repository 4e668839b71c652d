import { plainText } from "./inert.ts";
import { type AlertSubject, type AlertView, alertView, type ToldEvent } from "./view/messages.ts";
import { cut } from "./words.ts";

/**
 * Formats alerts for each channel. Pure: the report must be redacted already. All its text is untrusted and is made safe here.
 */

const mostChecks = 20;

/** The body of the generic webhook. */
export function webhookBody(subject: AlertSubject, about: { id: string; at: string; server?: string }): object {
  const { event, title, key, reason, url, checks, data } = alertView(subject, about.server);
  const { stage, verdict, environment, run, commit, repository, score, rollback } = data;
  return {
    version: 1,
    id: about.id,
    at: about.at,
    event,
    title: cutTitle(title),
    key,
    stage,
    verdict,
    reason: plainText(reason),
    environment,
    run,
    commit,
    ...(repository ? { repository } : {}),
    ...(url ? { url } : {}),
    ...(score === undefined ? {} : { score }),
    checks: checks.slice(0, mostChecks).map(({ id, title, verdict, observed, expected, message }) => ({
      id,
      title: plainText(title),
      verdict,
      ...(observed === undefined ? {} : { observed: plainText(observed) }),
      ...(expected === undefined ? {} : { expected: plainText(expected) }),
      ...(message === undefined ? {} : { message: plainText(message) }),
    })),
    ...(rollback ? { rollback } : {}),
  };
}

const slackMarks: Record<ToldEvent, string> = { failed: "❌", error: "🛑", degraded: "⚠️", recovered: "✅" };

/** The message for a Slack incoming webhook: blocks, and the text for notifications. */
export function slackMessage(subject: AlertSubject, server?: string): object {
  const { event, title: what, reason, facts, checks: decisive, rollback, url } = alertView(subject, server);
  const title = `${slackMarks[event]} ${cutTitle(what)}`;
  const checks = event === "recovered" ? [] : decisive;
  const listed = checks.slice(0, 5).map(({ title, text }) => `• ${title} – ${text}`);
  const more = checks.length > listed.length ? [`and ${checks.length - listed.length} more`] : [];
  const fields = facts.map(({ name, value }) => mrkdwn(`*${name}*\n${slackText(value, 200)}`));
  const said = (text: string) => ({ type: "section", text: mrkdwn(slackText(text, 2_800)) });
  return {
    text: slackText(`${title}: ${reason}`, 1_000),
    blocks: [
      { type: "header", text: { type: "plain_text", text: slackText(title, 140), emoji: false } },
      ...(reason.trim() === "" ? [] : [said(reason)]),
      ...(listed.length > 0 ? [said([...listed, ...more].join("\n"))] : []),
      { type: "section", fields },
      ...(rollback ? [said(rollback)] : []),
      ...(url ? [{ type: "section", text: mrkdwn(`<${encodeURI(url)}|Open the run>`) }] : []),
    ],
  };
}

/** `verbatim` prevents Slack from turning text into links and mentions. */
function mrkdwn(text: string): object {
  return { type: "mrkdwn", text, verbatim: true };
}

/**
 * Text for Slack without mentions, links or formatting: characters with a meaning are escaped, or separated by a zero-width
 * space. The text is cut before escaping, so that no escape is cut in two, and cut further if escaping made it too long.
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

/** An event for PagerDuty's Events API v2. `recovered` resolves what the other events triggered. */
export function pagerDutyEvent(subject: AlertSubject, routingKey: string, server?: string): object {
  const { event, title, reason, checks, rollback, url, key, data }: AlertView = alertView(subject, server);
  const common = { routing_key: routingKey, dedup_key: key };
  if (event === "recovered") return { ...common, event_action: "resolve" };
  return {
    ...common,
    event_action: "trigger",
    client: "env-actions",
    ...(url ? { client_url: url, links: [{ href: url, text: "Open the run" }] } : {}),
    payload: {
      summary: cut(`${cutTitle(title)}: ${line(reason)}`, 900),
      source: cut(line(data.repository ?? data.environment), 200),
      severity: severities[event],
      timestamp: data.finishedAt,
      component: data.stage,
      group: line(data.environment),
      class: data.verdict,
      custom_details: {
        run: data.run,
        commit: data.commit,
        checks: checks.slice(0, mostChecks).map(({ id, text }) => cut(line(`${id}: ${text}`), 500)),
        ...(rollback ? { rollback } : {}),
      },
    },
  };
}

function cutTitle(title: string): string {
  return cut(line(title), 100);
}

function line(text: string): string {
  return plainText(text).replace(/\s+/g, " ").trim();
}
