import { describe, expect, test } from "vitest";
import { passedSecrets, passedVars } from "../../src/lib/passed-variables.ts";
import { junit, runSuite } from "./suite.ts";

/** What the test command of a job is told that shares the tests with other jobs, and which variables it gets from a workflow. */

const tests = `import * as fs from "node:fs";
const { ENV_ACTIONS_SHARD: shard, ENV_ACTIONS_SHARDS: shards } = process.env;
fs.writeFileSync("r-" + shard + ".xml", ${JSON.stringify(junit())});
console.log("has part " + shard + " of " + shards);
console.log("empty: " + Object.keys(process.env).filter((name) => process.env[name] === "").sort().join());
`;
const settings = "command: node tests.mjs $ENV_ACTIONS_SHARD\nreports: ['r-*.xml']";
const job = (shard: string, shards: string) => ({ ENV_ACTIONS_SHARD: shard, ENV_ACTIONS_SHARDS: shards });
const parts = (said: readonly string[]) => said.flatMap((line) => /has (part \S+ of \S+)$/.exec(line)?.[1] ?? []).sort();

describe("jobs that share the tests", () => {
  test("tell the command which part is theirs", async () => {
    const { report, said } = await runSuite("integration", { settings, files: { "tests.mjs": tests } }, job("2", "3"));
    expect(report.verdict).toBe("passed");
    expect(new Set(parts(said))).toEqual(new Set(["part 2 of 3"]));
    expect(report.commands?.map(({ command }) => command)).toEqual([expect.stringContaining("(shard 2 of 3)")]);
  });

  test("may be counted by the list of their numbers", async () => {
    const { said } = await runSuite("integration", { settings, files: { "tests.mjs": tests } }, job("2", "[1, 2, 3]"));
    expect(new Set(parts(said))).toEqual(new Set(["part 2 of 3"]));
  });

  test("may divide their part again", async () => {
    const project = { settings: `${settings}\nshards: 2`, files: { "tests.mjs": tests } };
    const { report, said } = await runSuite("e2e", project, job("2", "3"));
    expect(report.verdict).toBe("passed");
    expect(new Set(parts(said))).toEqual(new Set(["part 3 of 6", "part 4 of 6"]));
  });

  test.each([{}, job("", ""), job("1", "1")])("without others, a job has all tests: %j", async (env) => {
    const { said } = await runSuite("integration", { settings, files: { "tests.mjs": tests } }, env);
    expect(new Set(parts(said))).toEqual(new Set(["part 1 of 1"]));
  });

  test.each([
    ["2", ""],
    ["", "3"],
    ["0", "3"],
    ["4", "3"],
    ["1.5", "3"],
    ["one", "three"],
    ["-1", "-1"],
  ])("%s of %s is refused before anything is started", async (shard, shards) => {
    const project = { settings, files: { "tests.mjs": tests } };
    await expect(runSuite("integration", project, job(shard, shards))).rejects.toMatchObject({
      codes: ["EA5010"],
      message: expect.stringContaining(`expected two whole numbers such as 2 and 3, got "${shard}" and "${shards}"`),
    });
  });

  test("are refused if the command would run all tests in each of them", async () => {
    const project = { settings: "command: node tests.mjs\nreports: ['r-*.xml']", files: { "tests.mjs": tests } };
    await expect(runSuite("integration", project, job("2", "3"))).rejects.toMatchObject({
      codes: ["EA5006"],
      message: expect.stringMatching(/^every one of the 3 shards would run all the tests/),
    });
  });
});

test("a variable that the workflow passes on and GitHub does not have is none; other empty ones stay", async () => {
  const empty = Object.fromEntries([...passedSecrets, ...passedVars, "OTHER"].map((name) => [name, ""]));
  const { said } = await runSuite("integration", { settings, files: { "tests.mjs": tests } }, empty);
  expect(said.find((line) => line.includes("empty: "))).toMatch(/empty: OTHER$/);
});
