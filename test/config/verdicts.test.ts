import { describe, expect, test } from "vitest";
import { load, minimal, mistakes } from "./file.ts";

/** The settings for verdicts on tests. If a date or a reason were silently dropped, a test would stay in quarantine forever. */

function integration(lines: string): string {
  return minimal({ below: `stages:\n  integration:\n${lines.replaceAll(/^/gm, "    ")}` });
}

const good = 'quarantine: [{ test: "*mail*", until: 2026-12-31, reason: mail server moves }]';

test.each([
  ["flaky: 3", { tests: 3 }],
  ['flaky: "3"', { tests: 3 }],
  ['flaky: "2%"', { share: 0.02 }],
  ['flaky: "0.5%"', { share: 0.005 }],
])("%s", async (line, budget) => {
  expect((await load(integration(line))).config.stages.integration.flaky).toEqual(budget);
});

test("a date is read unchanged", async () => {
  expect((await load(integration(good))).config.stages.integration.quarantine).toEqual([
    { test: "*mail*", until: "2026-12-31", reason: "mail server moves" },
  ]);
});

describe("mistakes are reported with their position", () => {
  const reason = "expected the reason why the test may fail, and who will fix it";
  const date = "expected the last day as a date, such as 2026-12-31";
  const path = "stages.integration.quarantine[0]";
  test.each([
    [good.replace(", reason: mail server moves", ""), `c.yml:7:18  EA1008: ${path}.reason  missing: ${reason}`],
    [good.replace("mail server moves", '" "'), `c.yml:7:63  EA1010: ${path}.reason  ${reason}`],
    [good.replace("2026-12-31", "2026-02-30"), `c.yml:7:43  EA1010: ${path}.until  ${date}`],
    [good.replace("2026-12-31", "tomorrow"), `c.yml:7:43  EA1010: ${path}.until  ${date}`],
    [good.replace("until: 2026-12-31, ", ""), `c.yml:7:18  EA1008: ${path}.until  missing: ${date}`],
    [
      good.replace("*mail*", "**/*"),
      `c.yml:7:26  EA1010: ${path}.test  expected a glob for file and name that selects some tests, such as tests/critical/** or *[critical]*`,
    ],
    [
      'flaky: "200%"',
      'c.yml:7:12  EA1010: stages.integration.flaky  expected the number of tests that may be flaky, such as 3, or their share, such as "2%"',
    ],
  ])("%s", async (line, says) => {
    expect(await mistakes(integration(line))).toEqual([says]);
  });

  test.each([
    [
      "command: playwright test\nshards: 2",
      "c.yml:8:13  EA5006: stages.e2e.shards  every shard would run all tests: add --shard=$ENV_ACTIONS_SHARD/$ENV_ACTIONS_SHARDS to the command",
    ],
    [
      "install: true",
      "c.yml:7:14  EA1017: stages.e2e.install  requires browsers: add the ones to install, such as browsers: [chromium, firefox, webkit]",
    ],
    ["browsers: [safari]", 'c.yml:7:16  EA1010: stages.e2e.browsers[0]  expected "chromium" or "firefox" or "webkit"'],
  ])("%s", async (lines, says) => {
    expect(await mistakes(integration(lines).replace("integration:", "e2e:"))).toEqual([says]);
  });

  test("a command that uses the shard variables is accepted", async () => {
    const lines = 'command: "playwright test --shard=$ENV_ACTIONS_SHARD/${ENV_ACTIONS_SHARDS}"\nshards: 2';
    const { config } = await load(integration(lines).replace("integration:", "e2e:"));
    expect(config.stages.e2e.command).toBe("playwright test --shard=$ENV_ACTIONS_SHARD/${ENV_ACTIONS_SHARDS}");
  });
});
