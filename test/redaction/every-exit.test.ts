import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { recordReport } from "../../src/app/record.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { secretsOfVariables } from "../../src/lib/redaction/variables.ts";
import type { Check } from "../../src/model/report.ts";
import { toAnnotations } from "../../src/report/annotations.ts";
import { toMarkdown } from "../../src/report/markdown.ts";
import { type Receiver, startReceiver } from "../notifications/receiver.ts";
import { newSetting, type Setting, smoke } from "../notifications/setting.ts";
import { anyCase, type Case } from "./cases.ts";
import { type Exit, newWorld, type World } from "./exits.ts";
import { leaks } from "./searcher.ts";

/**
 * Random secrets, encoded and coloured at random, through everything that leaves the suite; then somebody searches, who knows nothing of
 * the redactor. The short suite tries some, the long one 10,000.
 */

const cases = Number(process.env.CASES ?? (process.env.LONG ? 10_000 : 120));
const inOneRun = 120;

let world: World;
let setting: Setting;
let receiver: Receiver;
beforeAll(async () => {
  [world, setting, receiver] = await Promise.all([newWorld(), newSetting(), startReceiver()]);
});
afterAll(() => Promise.all([world.stop(), setting.stop(), receiver.stop()]));

function variablesOf(batch: readonly Case[]): Record<string, string> {
  return Object.fromEntries(batch.map(({ secret }, at) => [`CASE_${at}_SECRET`, secret]));
}

/** One of each kind of text, and what was found in it. */
function found(exits: readonly Exit[], batch: readonly Case[]): string[] {
  const secrets = batch.map(({ secret }) => secret);
  const seen = new Set<string>();
  return exits.flatMap(({ exit, content }) => {
    if (seen.has(content)) return [];
    seen.add(content);
    return leaks(content, secrets).map((leak) => {
      const { encoding, colouring, text } = batch.find(({ secret }) => secret === leak.secret) ?? {
        encoding: "",
        colouring: "",
        text: "",
      };
      return JSON.stringify({
        exit,
        encoding,
        colouring,
        secret: leak.secret,
        seen: leak.seen,
        text,
        content: content.slice(0, 400),
      });
    });
  });
}

/** What a stage says in its own words goes to alerts, the audit log and annotations, ten or twenty at a time. */
async function inWords(batch: readonly Case[]): Promise<Exit[]> {
  const exits: Exit[] = [];
  setting.secrets.guess(secretsOfVariables([variablesOf(batch)]));
  const log = new AuditLog(
    join(setting.records, "audit.jsonl"),
    { who: "somebody", run: "1763920000000_0a0b0c0d", environment: "here", stage: "smoke", key: undefined },
    setting.secrets.redact,
  );
  const alerts = {
    stages: ["smoke"],
    terminal: true,
    webhook: { url: `${receiver.url}/hook`, secret: "signs-what-is-sent-0" },
    slack: { url: `${receiver.url}/services/T0/B0/zzzzzzzz` },
    pagerDuty: { url: `${receiver.url}/v2/enqueue`, routingKey: "0123456789abcdef0123456789abcdef" },
    openTelemetry: { url: `${receiver.url}/v1/metrics` },
    window: "1s",
  };
  for (let start = 0; start < batch.length; start += 10) {
    const some = batch.slice(start, start + 10);
    const checks = some.map(
      ({ text }, at): Check => ({
        id: `c-${start}-${at}`,
        title: `GET ${text}`,
        verdict: "failed",
        message: text,
        observed: text,
        durationMs: 1,
      }),
    );
    const report = smoke("failed", { checks, reason: some[0]?.text ?? "", problems: some.map(({ text }) => text) });
    const announced = await setting.after(report, { alerts, env: {} });
    const { report: recorded, files } = await recordReport(announced, {
      records: setting.records,
      redact: setting.secrets.redact,
    });
    await log.write({
      action: "decision",
      details: Object.fromEntries(some.map(({ text }, at) => [`d${at}`, text])),
      counts: {},
    });
    exits.push(
      ...toAnnotations(recorded).flatMap(({ title, message }) => [
        { exit: "annotation", content: title },
        { exit: "annotation", content: message },
      ]),
      ...toMarkdown(recorded)
        .split("\n")
        .map((content) => ({ exit: "summary", content })),
      ...(await readFile(files.html, "utf8")).split(/<[^>]*>/).map((content) => ({ exit: "page", content })),
    );
  }
  for (const record of await setting.history())
    exits.push(...strings(record).map((content) => ({ exit: "record of the history", content })));
  for (const { path, body } of receiver.received.splice(0))
    exits.push(
      ...strings(path === "/v1/metrics" ? [body] : JSON.parse(body)).map((content) => ({ exit: `alert ${path}`, content })),
    );
  for (const line of (await readFile(join(setting.records, "audit.jsonl"), "utf8")).trim().split("\n"))
    exits.push(...strings(JSON.parse(line)).map((content) => ({ exit: "audit", content })));
  return exits;
}

function strings(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(strings) : [];
}

test(`of ${cases} secrets, none can be read out of anything that leaves the suite`, async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
  const all = fc.sample(anyCase, { numRuns: cases, seed });
  let texts = 0;
  for (let start = 0; start < all.length; start += inOneRun) {
    const batch = all.slice(start, start + inOneRun);
    const printed = batch.map(({ text }) => text);
    const exits = [
      ...(await world.run("action", printed, variablesOf(batch))),
      ...(await world.run("terminal", printed, variablesOf(batch))),
      ...(await world.run("post", printed, variablesOf(batch))),
      ...(await inWords(batch)),
    ];
    texts += exits.length;
    // That the texts went through: else nothing would be shown by this.
    for (const exit of ["log", "step-summary", "alert /hook", "audit", "annotation", "page", "--json"]) {
      expect(
        exits.some((one) => one.exit === exit && one.content.includes("***")),
        exit,
      ).toBe(true);
    }
    expect(found(exits, batch), `seed ${seed}`).toEqual([]);
  }
  if (process.env.LONG) console.log(`${cases} secrets, ${texts} texts at ${new Date().toISOString()}, seed ${seed}: 0 found`);
});
