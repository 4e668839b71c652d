import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { freePort } from "../harness/free-port.ts";
import { junit, runSuite } from "./suite.ts";

/** Migrations and seeds, which run before the servers start. */

const server = (port: number, before = "") =>
  `servers: { web: { command: '${before}exec node web.mjs ${port}', port: ${port}, ready: { tcp: ${port} } } }`;
const settings = "command: node tests.mjs\nreports: [r.xml]";
const files = {
  "web.mjs":
    'import { createServer } from "node:http"; createServer((q, r) => r.end("ok")).listen(process.argv[2], "127.0.0.1");',
  "tests.mjs": `import { writeFileSync } from "node:fs"; writeFileSync("r.xml", \`${junit()}\`);`,
};

test("they run in order, each to its end, before a server starts", async () => {
  const port = await freePort();
  const inside = [
    "tasks:",
    "  - { name: migrate, command: 'sleep 0.3; echo migrated >> order.txt; echo \"made $SCHEMA for $ENV_ACTIONS_RUN_ID\"', environment: { SCHEMA: shop } }",
    "  - { name: seed, command: 'cat order.txt > seen.txt; echo seeded >> ../order.txt', workingDirectory: ., timeout: 20s }",
    "  - { name: later, command: 'echo later >> order.txt', stages: [e2e] }",
    server(port, "cp seen.txt at-start.txt; "),
  ].join("\n");
  const ran = await runSuite("integration", { inside: inside.replace("../order.txt", "order.txt"), settings, files });
  expect(ran.report.verdict).toBe("passed");
  expect(await readFile(join(ran.workspace, "at-start.txt"), "utf8")).toBe("migrated\n");
  expect(await readFile(join(ran.workspace, "order.txt"), "utf8")).toBe("migrated\nseeded\n");
  expect(ran.report.commands.map(({ task, exitCode }) => [task, exitCode])).toEqual([
    ["migrate", 0],
    ["seed", 0],
    [undefined, 0],
  ]);
  const [migrate] = ran.report.commands;
  expect(migrate?.log).toMatch(/integration-task-migrate\.log$/);
  expect(await readFile(join(ran.workspace, migrate?.log ?? ""), "utf8")).toBe(`made shop for ${ran.report.runId}\n`);
  // A task is no check, so nothing is ticked for it.
  expect(ran.report.checks.map(({ id }) => id)).not.toContain("application");
});

describe("one that fails is named, and nothing after it runs", () => {
  test.each([
    ["exit status 3", "echo 'no such table'; exit 3", "failed", "task migrate ended with exit status 3", "no such table"],
    ["its deadline", "echo waiting; sleep 60", "failed", "task migrate did not end within 0.5 s", "waiting"],
    ["a signal", "kill -9 $$", "failed", "task migrate was ended by SIGKILL", ""],
  ])("by %s", async (_, command, verdict, observed, lastLine) => {
    const port = await freePort();
    const inside = `tasks:\n  - { name: migrate, command: "${command}", timeout: 500ms }\n  - { name: seed, command: touch seeded }\n${server(port)}`;
    const ran = await runSuite("preflight", { inside, settings: "budget: 30s", files });
    expect(ran.report).toMatchObject({ verdict, servers: [] });
    expect(ran.report.checks).toEqual([
      expect.objectContaining({
        id: "application",
        title: "Application starts",
        verdict,
        observed,
        message: expect.stringMatching(
          new RegExp(
            `^No server was started, because ${observed}${lastLine && `: ${lastLine}`}\\. Its log: .*preflight-task-migrate\\.log$`,
          ),
        ),
      }),
    ]);
    expect(ran.report.commands.map(({ task }) => task)).toEqual(["migrate"]);
    await expect(readFile(join(ran.workspace, "seeded"))).rejects.toThrow("ENOENT");
  });

  test("in a stage with tests, before they start", async () => {
    const inside = 'tasks: [{ name: seed, command: "exit 1" }]';
    const ran = await runSuite("integration", { inside, settings: "command: touch tested\nreports: [r.xml]", files });
    expect(ran.report.verdict).toBe("failed");
    await expect(readFile(join(ran.workspace, "tested"))).rejects.toThrow("ENOENT");
  });

  test("and what the stage's budget stops is unknown", async () => {
    const inside = 'tasks: [{ name: seed, command: "sleep 60", timeout: 1m }]';
    const ran = await runSuite("preflight", { inside, settings: "budget: 30s", files, budgetMs: 700 });
    expect(ran.report.verdict).toBe("error");
    expect(ran.check("application")).toMatchObject({ verdict: "error", observed: "task seed was stopped with the stage" });
  });
});
