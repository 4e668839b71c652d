import { spawn } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

/** `npm start` as a person types it, on an example that is broken in one way at a time. */
const start = join(import.meta.dirname, "..", "..", "scripts", "start.ts");

async function run(
  breakage: string,
  ...args: string[]
): Promise<{ exitCode: number | null; output: string; verdicts: string[] }> {
  const child = spawn(process.execPath, [start, ...args], { env: { ...process.env, CLASSROOM_BREAK: breakage } });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  const exitCode = await new Promise<number | null>((resolve) => child.once("close", resolve));
  const verdicts = [
    ...output.matchAll(/^ {2}\S (?:preflight|integration|e2e|smoke|cleanup) +(passed|degraded|failed|error|skipped) {2,}/gm),
  ].map((match) => match[1] ?? "");
  return { exitCode, output, verdicts };
}

const opens = expect.stringMatching(/^(passed|degraded)$/);

describe("the gate says what is wrong, with the right status, and leaves nothing behind", () => {
  test.each([
    {
      breakage: "",
      status: 0,
      verdicts: [opens, opens, opens, opens, opens],
      says: /rows made (\d+), deleted \1, unexplained 0; real rows touched 0 \(48 tables, .*; Redis keys unexplained 0[\s\S]*integration +passed/,
    },
    {
      breakage: "failing-test",
      status: 1,
      verdicts: [opens, "failed", "skipped", "skipped", "passed"],
      says: /4 tests failed: fails on purpose \(1\)/,
    },
    {
      breakage: "crashed-suite",
      status: 1,
      verdicts: [opens, "failed", "skipped", "skipped", "passed"],
      says: /could not run: tests\/integration\/breakages\/crashed\.test\.ts/,
    },
    {
      breakage: "e2e-failing-test",
      status: 1,
      verdicts: [opens, opens, "failed", "skipped", "passed"],
      says: /fails on purpose/,
    },
    {
      breakage: "backend-dies",
      status: 1,
      verdicts: ["failed", "skipped", "skipped", "skipped", "skipped"],
      says: /the backend dies on purpose/,
    },
    {
      breakage: "stopped-redis",
      status: 3,
      verdicts: ["error", "skipped", "skipped", "skipped", "skipped"],
      says: /preflight +error .*Redis does not answer/,
    },
    {
      breakage: "wrong-token",
      status: 3,
      verdicts: ["error", "skipped", "skipped", "skipped", "skipped"],
      says: /preflight +error .*refused the token.*Check DATABRICKS_TOKEN/,
    },
    {
      breakage: "sleeping-warehouse",
      args: ["--budget", "8s"],
      status: 3,
      verdicts: ["error", "skipped", "skipped", "skipped", "skipped"],
      says: /preflight +error .*had not started when the time of the stage was up/,
    },
  ])("$breakage", async ({ breakage, args = [], status, verdicts, says }) => {
    const ran = await run(breakage, ...args);
    expect(ran.output).toMatch(says);
    expect(ran.verdicts).toEqual(verdicts);
    expect(ran.output).toContain("production untouched");
    expect(ran.exitCode).toBe(status);
  });
});
