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
    ...output.matchAll(/^ {2}\S (?:preflight|integration|e2e|smoke|cleanup) +(passed|degraded|failed|error|not run) {2,}/gm),
  ].map((match) => match[1] ?? "");
  return { exitCode, output, verdicts };
}

const opens = expect.stringMatching(/^(passed|degraded)$/);

describe("the gate says what is wrong, with the right status, and leaves nothing behind", () => {
  test.each([
    {
      breakage: "",
      args: ["-v"],
      status: 0,
      verdicts: [opens, opens, opens, opens, opens],
      says: /rows made (\d+), deleted \1, unexplained 0; real rows touched 0 \(48 tables, .*; Redis keys unexplained 0[\s\S]*integration +passed/,
    },
    {
      breakage: "failing-test",
      status: 1,
      verdicts: [opens, "failed", "not run", "not run", "passed"],
      says: /✘ fails on purpose \(1\) – AssertionError: [\s\S]*integration +failed .*4 tests failed/,
    },
    {
      breakage: "crashed-suite",
      status: 1,
      verdicts: [opens, "failed", "not run", "not run", "passed"],
      says: /✘ tests\/integration\/breakages\/crashed\.test\.ts could not be loaded – this suite crashes/,
    },
    {
      breakage: "e2e-failing-test",
      status: 1,
      verdicts: [opens, opens, "failed", "not run", "passed"],
      says: /fails on purpose/,
    },
    {
      breakage: "backend-dies",
      status: 1,
      verdicts: ["failed", "not run", "not run", "not run", "not run"],
      says: /the backend dies on purpose/,
    },
    {
      breakage: "stopped-redis",
      status: 3,
      verdicts: ["error", "not run", "not run", "not run", "not run"],
      says: /■ Redis PING – .*Redis does not answer[\s\S]*preflight +error .*Redis PING and/,
    },
    {
      breakage: "wrong-token",
      status: 3,
      verdicts: ["error", "not run", "not run", "not run", "not run"],
      says: /■ .*refused the token.*Check DATABRICKS_TOKEN[\s\S]*preflight +error .*Databricks connection and/,
    },
    {
      breakage: "sleeping-warehouse",
      args: ["--budget", "8s"],
      status: 3,
      verdicts: ["error", "not run", "not run", "not run", "not run"],
      says: /■ .*had not started when the time of the stage was up[\s\S]*preflight +error .*Databricks connection and/,
    },
  ])("$breakage", async ({ breakage, args = [], status, verdicts, says }) => {
    const ran = await run(breakage, ...args);
    expect(ran.output).toMatch(says);
    expect(ran.verdicts).toEqual(verdicts);
    expect(ran.output).toContain("production untouched");
    expect(ran.exitCode).toBe(status);
  });
});
