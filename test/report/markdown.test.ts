import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { StageReport } from "../../src/model/report.ts";
import type { TestCase } from "../../src/model/test-results.ts";
import { toHtml } from "../../src/report/html.ts";
import { toMarkdown } from "../../src/report/markdown.ts";
import { hostileText, withTexts } from "./hostile.ts";
import { degradedSmoke, dryCleanup, everyReport, failedIntegration, flakyE2e, passedPreflight, wholeGate } from "./sample.ts";

function bytes(text: string): number {
  return Buffer.byteLength(text);
}

/** Returns the text without fenced blocks, because those contain no Markdown. */
function outsideOfCode(markdown: string): string[] {
  const outside: string[] = [];
  let fence: string | undefined;
  for (const line of markdown.split("\n")) {
    const run = /^(`{3,})(text)?$/.exec(line)?.[1];
    if (fence === undefined && run) fence = run;
    else if (fence !== undefined && run === fence) fence = undefined;
    else if (fence === undefined) outside.push(line);
  }
  expect(fence, "every fence is closed").toBeUndefined();
  return outside;
}

/** Returns the number of columns in each line of a table. Borders in cells are written as references, so every | is a border. */
function columns(line: string): number {
  return line.split("|").length;
}

function manyFailures(many: number, test: (index: number) => Partial<TestCase>): StageReport {
  const report = failedIntegration();
  const failures = Array.from(
    { length: many },
    (_, index): TestCase => ({
      name: `case ${index} ends`,
      status: "failed",
      durationMs: 5,
      attempts: 1,
      file: "tests/many.test.ts",
      line: index,
      ...test(index),
    }),
  );
  if (report.tests) Object.assign(report.tests, { failures, failed: many, total: report.tests.passed + many });
  return report;
}

describe("the summary", () => {
  test("begins with the verdict and its reason, then shows what did not pass, and then the rest", () => {
    const text = toMarkdown(failedIntegration());
    expect(text.split("\n").slice(0, 3)).toEqual([
      "## ❌ Integration on staging: failed",
      "",
      "3 tests failed, 1 test file could not be loaded, and 3 rows of test data are still there.",
    ]);
    const places = [
      "#### ❌ 3 failed tests",
      "#### 💥 1 test file",
      "#### Problems",
      "**Every suite was loaded**",
      'Not counted again: "Command\'s exit status" (1, expected 0) follows from "Every suite was loaded".',
      "<b>Tests</b>: 187 passed, 3 failed, 4 skipped, in 3 min 42 s</summary>",
      "The expected environment for test data",
      "**3 left**",
    ];
    const found = places.map((place) => text.indexOf(place));
    expect(found).toEqual([...found].sort((a, b) => a - b));
    expect(found).not.toContain(-1);
  });

  test("shows every failed test with message, place and stack", () => {
    const text = toMarkdown(failedIntegration());
    expect(text).toContain("sessions › creates a session and shows its access code");
    expect(text).toContain("<code>tests/integration/sessions.test.ts:48</code>");
    expect(text.match(/AssertionError: expected 500 to be 201/g), "the message once, although the stack repeats it").toHaveLength(
      1,
    );
    expect(text).toContain("at createSession (tests/integration/sessions.test.ts:48:27)");
  });

  test("shows flaky tests, slowest tests, projects, servers, commands and problems", () => {
    const text = toMarkdown([failedIntegration(), flakyE2e()]);
    for (const part of [
      "2 flaky tests",
      "Slowest tests",
      "authenticated-chrome",
      "ended with exit code 1",
      "npm run test:integration",
      "UnhandledPromiseRejection",
      "#### Problems",
    ])
      expect(text).toContain(part);
  });

  test("shows critical tests, the quarantine and the attachments of failed tests", () => {
    const text = toMarkdown(failedIntegration());
    expect(text).toMatch(/\| ✅ \*\*passed\*\* \| <code>tests\/critical\/&#42;&#42;<\/code> \| 12 \| 0 \| 0 \|/);
    expect(text, "skipped is not run").toMatch(/\| ❌ \*\*none ran\*\* \| <code>.*critical.*<\/code> \| 0 \| 0 \| 2 \|/);
    expect(text).toContain("#### Quarantine: 2 entries");
    expect(text).toMatch(/2026-12-18 \| The mail server moves; .*mira \| 4 \| 1 \|/);
    expect(text).toMatch(/2026-11-01 \(expired\) \| Export is rewritten \| ⚠️ \*\*none\*\* \| 0 \|/);
    expect(text).toContain("<summary>2 files left behind by failed tests</summary>");
    expect(text).toMatch(/shot\.png<\/code> \| sessions › creates a session and shows its access code \| 48 kB \| kept \|/);
    expect(text).toContain("| 61.0 MB | ⚠️ **not kept: over the limit of 50 MiB** |");
  });

  test("lists failures that count before quarantined ones, which have an end date", () => {
    const text = toMarkdown(manyFailures(3, (index) => (index === 0 ? { quarantinedUntil: "2026-12-18" } : {})));
    const order = [1, 2, 0].map((index) => text.indexOf(`case ${index} ends`));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(text).toMatch(/case 0 ends.* · quarantined until 2026-12-18/);
    expect(text.match(/quarantined/g)).toHaveLength(1);
  });

  test("never shows unknown as a number", () => {
    const report = failedIntegration();
    if (report.cleanup) report.cleanup.leftOver = null;
    delete report.cleanup?.tables[0]?.deleted;
    const text = toMarkdown(report);
    expect(text).toContain("unknown whether anything is left");
    expect(text).toMatch(/student_group_members<\/code> \| 144 \| unknown \|/);
  });

  test("of a dry run says that nothing was deleted", () => {
    expect(toMarkdown(dryCleanup())).toContain("18 rows and 2 keys would be deleted; nothing was.");
  });

  test("of several stages begins with the overall verdict; no stage at all is no success", () => {
    expect(toMarkdown(wholeGate())).toMatch(/^# ❌ Quality gate: failed\n/);
    expect(toMarkdown([passedPreflight(), degradedSmoke()])).toMatch(
      /^# ⚠️ Quality gate so far: degraded\n[^#]*Not run: Integration, End to end\.\n/,
    );
    expect(toMarkdown([])).toMatch(/^# 🛑 No stage has reported\n\nNothing was checked, so nothing has passed\./);
  });
});

test("no text of the report adds active Markdown or HTML to the summary", () => {
  fc.assert(
    fc.property(fc.constantFrom(...everyReport()), fc.array(hostileText, { minLength: 1, maxLength: 40 }), (sample, texts) => {
      let next = 0;
      const markdown = toMarkdown(withTexts(sample, () => texts[next++ % texts.length] ?? ""));
      let header = 0;
      for (const line of outsideOfCode(markdown)) {
        const bare = line.replace(/&#\d+;/g, "").replace(/<\/?(details|details open|summary|code|b|br)>/g, "");
        expect(bare).not.toMatch(/[&<[\]`~\\!$@]/);
        expect(line).not.toMatch(/^\s*::|##\[|:\/\/|\bwww\./i);
        expect(bare, "# only where we write a heading").not.toMatch(/#(?<!^#{1,4})/);
        if (!line.startsWith("|")) header = 0;
        else if (header === 0) header = columns(line);
        else expect(columns(line), line).toBe(header);
      }
      const tags = (tag: string | RegExp) => outsideOfCode(markdown).join("\n").split(tag).length;
      expect(tags(/<details(?: open)?>/)).toBe(tags("</details>"));
    }),
    { numRuns: 300 },
  );
});

describe("the summary's size limit", () => {
  test("20,000 failures with long stacks fit into the limit, and every name is kept", () => {
    const stack = "    at somewhere (deep/file.ts:1:1)\n".repeat(12);
    const text = toMarkdown(manyFailures(20_000, () => ({ message: "expected 1 to be 2", stack })));
    expect(bytes(text)).toBeLessThanOrEqual(1_000_000);
    expect(new Set(text.match(/case \d+ ends/g)).size).toBe(20_000);
    expect(text).toContain("20,000 failed tests");
    expect(text).toMatch(
      /was left out: .*stacks of failed tests.*The whole report is in <code>\.env-actions\/reports\/integration\.json/,
    );
  });

  test("counts bytes, not characters", () => {
    const text = toMarkdown(
      manyFailures(3_000, (index) => ({ name: `漢字👩‍👩‍👧 ${index}`, stack: "字".repeat(900) })),
      { maxBytes: 300_000 },
    );
    expect(bytes(text)).toBeLessThanOrEqual(300_000);
    expect(bytes(text), "the room is used").toBeGreaterThan(200_000);
    expect(text).not.toContain("\ufffd");
  });

  test("the least important parts are left out first, and the text says so", () => {
    const whole = toMarkdown(failedIntegration());
    const slightly = toMarkdown(failedIntegration(), { maxBytes: bytes(whole) - 1 });
    expect(whole).not.toContain("left out");
    expect(slightly).toContain("1 list of slowest tests");
    expect(slightly).not.toContain("rebuilds the cache");
    expect(slightly).toContain("sessions › creates a session and shows its access code");
  });

  test("if not even the names fit, the count and the place of the full list are kept", () => {
    const text = toMarkdown(
      manyFailures(5_000, () => ({})),
      { maxBytes: 6_000 },
    );
    expect(bytes(text)).toBeLessThanOrEqual(6_000);
    expect(text).toContain("5,000 failed tests");
    expect(text).toMatch(/[\d,]+ names of failed tests/);
    expect(text).toContain(".env-actions/reports/integration.json");
    expect(text, "the first names are still there").toContain("case 0 ends");
  });

  test("holds for every limit and every text, and names are left out last", () => {
    const budgets = fc.integer({ min: 0, max: 40_000 });
    fc.assert(
      fc.property(budgets, fc.array(hostileText, { minLength: 1 }), fc.nat({ max: 60 }), (maxBytes, texts, many) => {
        let next = 0;
        const failed = manyFailures(many, () => ({ message: "m", stack: "s" }));
        const report = withTexts(failed, () => texts[next++ % texts.length] ?? "");
        const text = toMarkdown([report, passedPreflight()], { maxBytes });
        expect(bytes(text)).toBeLessThanOrEqual(maxBytes);
        if (text.includes("names of failed tests") || text.includes("name of a failed test")) {
          expect(text).not.toMatch(/<summary>(?:❌|💥)/u);
          expect(text, "no message, stack, log or statement").not.toMatch(/^`{3,}/m);
        }
      }),
      { numRuns: 100 },
    );
  });
});

test("the TTL of test keys is shown only if it is wrong, and an unknown count is not shown as zero", () => {
  const report = dryCleanup();
  const expected = "Redis test keys should have a TTL of at most 30 min. Without a TTL: 12; with a longer one: 3.";
  expect(toMarkdown(report)).toContain(expected);
  expect(toMarkdown(report)).toContain("autoprompt:1");
  expect(toHtml([report])).toContain(expected);

  const { cleanup } = report;
  if (!cleanup?.keys.ttl) throw new Error("the sample has no such part");
  Object.assign(cleanup, { dryRun: false, keys: { ...cleanup.keys, problem: "the connection was lost", left: 0 } });
  Object.assign(cleanup.keys.ttl ?? {}, { shortened: 14 });
  for (const text of [toMarkdown(report), toHtml([report])]) {
    expect(text).toContain("0 rows and an unknown number of keys deleted");
    expect(text).toContain("Set to 30 min: 14 of those that are kept.");
  }
  Object.assign(cleanup.keys, { ttl: { limitMs: 1_800_000, unlimited: 0, over: 0, samples: [] } });
  expect(toMarkdown(report)).not.toContain("TTL");
});

test("each test report is named, with what is unusual about it; those that could not be read first", () => {
  const report = failedIntegration();
  if (!report.tests) throw new Error("the sample has tests");
  const tests = {
    ...report.tests,
    sources: [
      { file: "a.xml", format: "junit", tests: 3, declared: 5, notes: ["2 bytes that are no character"] },
      { file: "b.json", format: "jest-json", tests: 1 },
    ],
    unreadable: [{ file: "c.xml", code: "EA6004", message: "c.xml, line 3: truncated", position: "line 3", tests: 2 }],
  };
  const rows = [
    "| <code>c.xml</code> | ❌ **not read** | 2 | EA6004: c.xml, line 3: truncated |",
    "| <code>a.xml</code> | junit | 3 | its header counts 5 tests; 2 bytes that are no character |",
    "| <code>b.json</code> | jest-json | 1 |  |",
  ];
  expect(toMarkdown({ ...report, tests })).toContain(`${rows.join("\n")}\n`);
});
