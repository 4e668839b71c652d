import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findBrowsers } from "../../examples/classroom/tests/e2e/browsers.ts";
import { dashboardSummary } from "../../src/action/dashboard-summary.ts";
import { dashboardHtml } from "../../src/dashboard/page.ts";
import { dashboardView } from "../../src/dashboard/view/view.ts";
import { bounded } from "../../src/history/record/bounded.ts";
import { recordOf } from "../../src/history/record/of-report.ts";
import { readRecord } from "../../src/history/record/schema.ts";
import { nameOf, recordPath } from "../../src/history/store/layout.ts";
import type { HistoryRecord } from "../../src/model/history.ts";
import type { StageName } from "../../src/model/report.ts";
import { folderForEachTest } from "../harness/folder.ts";
import { freshBundle, run } from "../harness/process.ts";
import { everyReport, hostileNames } from "../report/sample.ts";

/**
 * Somebody who can write where the history is writes records by hand: they never went through recordOf, and each text is an attack on
 * whatever shows it. Whoever looks at them must see text, and nothing else.
 */

const folder = folderForEachTest();
const now = Date.now();

const corpus = [
  ...hostileNames,
  "\u001b]0;owned\u0007\u001b[2J\u009b31m\r\u0000\u0008overwritten\u202e\u2066",
  "::stop-commands::x\n::set-output name=publish::true\n##[add-path]/tmp",
  "javascript:alert(1)",
  'x" onload="window.owned=1" style="position:fixed;inset:0',
  "</script><script>window.owned=1</script><svg/onload=window.owned=1>",
  "</style><form action=https://evil.example><input name=a autofocus onfocus=window.owned=1>",
  "data:text/html,<script>window.owned=1</script>",
  "__proto__",
  "${{ github.token }} $(id) `id`",
  "--><!-- <iframe src=https://evil.example></iframe> <base href=https://evil.example>",
  '=HYPERLINK("https://evil.example")',
  "x".repeat(5_000),
];

/** Words of which there are a few, and times, which decide where a record is found. */
const closed = new Set(["stage", "verdict", "access", "kind", "scope", "outcome", "what", "by", "branch of data"]);

let turn = 0;
function attacked(value: unknown, key = ""): unknown {
  if (typeof value === "string") return closed.has(key) ? value : corpus[turn++ % corpus.length];
  if (Array.isArray(value)) return value.map((item) => attacked(item, key));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, attacked(member, name)]));
}

/** Times stay times: a record with others is refused. */
function forged(record: HistoryRecord, at: number): HistoryRecord {
  const hostile = attacked(record) as HistoryRecord;
  const [startedAt, finishedAt] = [new Date(at).toISOString(), new Date(at + 60_000).toISOString()];
  return {
    ...hostile,
    ...{ schemaVersion: 1, runId: `${at}_0a0b0c0d` },
    ...{ startedAt, finishedAt },
    ...(hostile.copy && record.copy ? { copy: record.copy } : {}),
    ...(hostile.rollback && record.rollback ? { rollback: { ...hostile.rollback, at: record.rollback.at } } : {}),
    ...(hostile.drift && record.drift ? { drift: record.drift } : {}),
    ...(hostile.expires
      ? { expires: hostile.expires.map((end) => ({ ...end, at: new Date(now + 86_400_000).toISOString() })) }
      : {}),
  };
}

const branches = corpus.map((branch) => ({ branch, event: branch }));

/** Several of each stage and environment, so that rates, series and leads are made of them. */
function forgedRecords(): HistoryRecord[] {
  turn = 0;
  const records: HistoryRecord[] = [];
  for (let index = 0; index < corpus.length * 3; index++)
    for (const [number, report] of everyReport().entries()) {
      const at = now - 3_600_000 * (corpus.length * 3 - index) + number * 60_000;
      const expires = ["certificate", "token", "quarantine"].map((what) => ({ what, name: "x", at: "x" }) as never);
      const made = { ...recordOf(report, branches[index % branches.length] ?? {}), expires };
      const record = forged(made, at);
      // Of some, the environment is one name, so that a series gets long.
      const name = ["staging", "production"][index % 3] ?? corpus[index % corpus.length] ?? "x";
      const environment = { ...record.environment, name };
      const latency = { count: 9, p50: 5, p95: 9, max: 9, samples: [1, 5, 9], isBaseline: true as const };
      const checks = record.checks.map((check, place) => ({ ...check, id: corpus[place % corpus.length] ?? "x", latency }));
      records.push({ ...record, environment, checks });
    }
  return records;
}

const records = forgedRecords();

test("a text in the place of a time makes no record", () => {
  const [record] = records;
  for (const text of corpus) {
    expect(() => readRecord({ ...record, finishedAt: text })).toThrow(/finishedAt/);
    expect(() => readRecord({ ...record, expires: [{ what: "token", name: "x", at: text }] })).toThrow(/expires/);
  }
});

test("such records are read", () => {
  for (const record of records) expect(() => readRecord(JSON.parse(JSON.stringify(record)))).not.toThrow();
  for (const text of corpus) expect(JSON.stringify(records)).toContain(JSON.stringify(text).slice(1, -1));
  expect(() => bounded(records[0] as HistoryRecord)).not.toThrow();
});

/** Control characters, by which a terminal is told things, and those that hide or reorder text. A line may end. */
const obeyed = new RegExp(
  `[${[
    [0, 9],
    [0xb, 0x1f],
    [0x7f, 0x9f],
    [0x2028, 0x202e],
    [0x2066, 0x2069],
  ]
    .map(([from = 0, to = 0]) => `\\u{${from.toString(16)}}-\\u{${to.toString(16)}}`)
    .join("")}]`,
  "u",
);

describe("the page", () => {
  let browser: Browser;
  beforeAll(async () => {
    const chrome = findBrowsers(process.env).found.find(({ name }) => name === "chrome");
    if (!chrome) throw new Error("these tests need a Chrome or Chromium: node scripts/setup/main.mjs finds or installs one");
    browser = await chromium.launch(chrome.launch);
  });
  afterAll(async () => await browser?.close());

  test("runs no script of theirs, asks for nothing, and has no form and no link out", async () => {
    const html = dashboardHtml(records, {
      ...{ now, staleAfterMs: 86_400_000 },
      unreadable: corpus.map((name) => ({ name, why: name })),
    });
    const file = join(folder.path, "page.html");
    writeFileSync(file, html);
    const context = await browser.newContext();
    try {
      const page = await context.newPage();
      const asked: string[] = [];
      const complaints: string[] = [];
      page.on("request", (request) => asked.push(request.url()));
      page.on("console", (message) => complaints.push(message.text()));
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("dialog", (dialog) => {
        complaints.push(dialog.message());
        void dialog.dismiss();
      });
      await page.goto(pathToFileURL(file).href);
      await page.evaluate('for (const one of document.querySelectorAll("details")) one.open = true');
      const foreign = await page.evaluate<Record<string, unknown>>(`({
        owned: window.owned,
        elements: ["form", "input", "iframe", "base", "img", "object", "embed", "link", "video"].filter((name) => document.querySelector(name)),
        scripts: document.scripts.length,
        handlers: [...document.querySelectorAll("*")].flatMap((one) => [...one.attributes]).filter(({ name }) => name.startsWith("on")).length,
        links: [...document.querySelectorAll("[href],[src],[action]")].map((one) => one.getAttribute("href") ?? one.getAttribute("src") ?? "").filter((to) => !to.startsWith("#")),
        refresh: document.querySelector('meta[http-equiv="refresh" i]') !== null,
        text: document.body.innerText,
      })`);
      const { text, ...rest } = foreign;
      expect(rest).toEqual({ elements: [], scripts: 1, handlers: 0, links: [], refresh: false });
      // They are there, as text.
      expect(text).toContain("<img src=x onerror=alert(1)>");
      expect(html).not.toMatch(/\u202e|\u2066|\u009b/);
      expect(complaints).toEqual([]);
      expect(asked).toEqual([pathToFileURL(file).href]);
    } finally {
      await context.close();
    }
  });
});

test("the job summary has no markup, mention, link or command of theirs", () => {
  const view = dashboardView(records, { now, staleAfterMs: 86_400_000 });
  const summary = dashboardSummary(view, { notes: [...corpus], decision: corpus[0] ?? "" });
  expect(summary).toContain("| Environment | State |");
  expect(summary.length).toBeLessThan(20_000);
  const ours = summary.replaceAll(/<\/?code>|<br>/g, "");
  expect(ours).not.toMatch(obeyed);
  expect(ours).not.toMatch(/<[a-z!/]|!\[|\]\(|@octocat|https:\/\/|^\s*::|##\[|\*\*|```/im);
  // Each row of the table has three cells, whatever is in them.
  const rows = ours.split("\n").filter((line) => line.startsWith("|"));
  for (const row of rows) expect(row.split("|")).toHaveLength(5);
});

describe("the terminal", () => {
  function forge(): void {
    mkdirSync(join(folder.path, ".github"), { recursive: true });
    writeFileSync(
      join(folder.path, ".github", "env-actions.yml"),
      "version: 1\nenvironments:\n  staging: { access: read-only }\n  production: { access: read-only }\n",
    );
    for (const record of records) {
      // The file's name can't be hostile: only such names are read.
      const file = join(folder.path, ".env-actions/history", recordPath({ ...nameOf(record), environment: fileNameOf(record) }));
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, JSON.stringify(record));
    }
  }
  const fileNameOf = ({ environment: { name } }: HistoryRecord) => (name === "production" ? name : "staging");
  const stages: StageName[] = ["integration", "smoke"];
  const commands: [string, ...string[]][] = [
    ["history"],
    ["history", "tests"],
    ["history", "test", hostileNames[0]],
    ["history", "checks"],
    ["history", "check", hostileNames[1]],
    ["history", "check", "nothing of this name"],
    ...stages.map((stage): [string, ...string[]] => ["history", "diff", "--stage", stage]),
    ["compare", "staging", "production"],
    ["dashboard"],
  ];

  test("gets text alone, and --json stays JSON", async () => {
    forge();
    for (const args of commands)
      for (const json of [false, true]) {
        const { status, stdout, stderr } = await run(freshBundle, {
          args: json ? [...args, "--json"] : args,
          cwd: folder.path,
          deadlineMs: 60_000,
        });
        const where = `${args.join(" ")}${json ? " --json" : ""}`;
        expect([0, 1, 2], `${where}: ${stderr}`).toContain(status);
        expect(`${stdout}${stderr}`.match(obeyed)?.[0], `${where}: ${JSON.stringify(stdout.slice(0, 500))}`).toBeUndefined();
        if (args[0] === "compare") expect(stdout).toContain("onload=");
        if (json && status === 0) expect(() => JSON.parse(stdout), where).not.toThrow();
        // A command of the runner begins a line, or stands anywhere in brackets.
        if (!json) expect(`${stdout}${stderr}`, where).not.toMatch(/^\s*::|##\[/m);
      }
    expect(readFileSync(join(folder.path, ".env-actions/dashboard.html"), "utf8")).not.toMatch(/<img|<iframe|<form/);
  });
});
