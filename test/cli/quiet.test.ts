import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { timeSpent } from "../../src/cli/gate.ts";
import { terminal } from "../../src/cli/main.ts";
import { json, serve } from "../checks/api.ts";
import { folderForThisTest } from "../harness/folder.ts";
import { junit } from "../stages/suite.ts";

/** `gate --quiet` says the verdict and what failed, and nothing else. */

async function quietGate(cases?: string): Promise<{ status: number; lines: string[] }> {
  const api = await serve((_, response) => json(response, 200, {}));
  const config = {
    version: 1,
    preset: "none",
    environments: { sandbox: { access: "test-data", api: { url: api.url, endpoints: [{ path: "/health" }], samples: 1 } } },
    stages: { integration: { command: "node tests.mjs", reports: ["reports/junit.xml"] }, e2e: false, smoke: false },
  };
  const tests = `import { writeFileSync } from "node:fs"; writeFileSync("reports/junit.xml", ${JSON.stringify(junit(cases))});`;
  const cwd = await folderForThisTest({ "config.yml": JSON.stringify(config), "tests.mjs": tests });
  let text = "";
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  }) as unknown as NodeJS.WriteStream;
  const env = { PATH: process.env.PATH };
  const status = await terminal(["gate", "--quiet", "--config", "config.yml"], { cwd, env, stdout: stream, stderr: stream });
  return { status, lines: text.split("\n").filter((line) => line !== "") };
}

test("a gate that passed is one line", async () => {
  const { status, lines } = await quietGate();
  expect({ status, lines }).toMatchObject({ status: 0 });
  expect(lines).toEqual([expect.stringMatching(/^ {2}✔ gate passed on sandbox in [\d.]+ m?s$/)]);
});

test("a gate that failed says what failed, and ends with the verdict", async () => {
  const { status, lines } = await quietGate('<testcase name="b"><failure message="no"/></testcase>');
  expect(status).toBe(1);
  expect(lines.at(-1)).toMatch(/^ {2}✘ gate failed on sandbox in [\d.]+ m?s: integration failed$/);
  expect(lines.join("\n")).toMatch(/ {4}✘ b – no/);
  expect(lines.join("\n")).not.toMatch(/○|Total|report\.html|✔/);
});

test("waiting for a server that never was ready counts as waiting for servers", () => {
  const report = { durationMs: 61_000, commands: [], servers: [{ name: "api", ended: "stopped" }] };
  const checks = [{ id: "application", durationMs: 60_000 }];
  const [end] = [{ answer: { report: { ...report, checks } } }] as unknown as Parameters<typeof timeSpent>[0];
  if (!end) throw new Error("no end");
  expect(timeSpent([end])).toEqual({ total: 61_000, tests: 0, servers: 60_000, suite: 1_000 });
});
