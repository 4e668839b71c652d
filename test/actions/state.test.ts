import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { isPostStep, saveVisit } from "../../src/action/commands.ts";
import { type AskedState, saveAsked, saveBegun, saveCancelled, saveFinished, unfinishedStage } from "../../src/action/state.ts";

/** What a main step saves, and what its post step makes of it, in the runner's own way of handing it over. */

const asked: AskedState = {
  stage: "integration",
  config: "c.yml",
  environment: undefined,
  workspace: "/w",
  cell: "shard=1",
  mark: "m",
};
const begun = {
  runId: "1763920000000_0a0b0c0d",
  gateId: "github-77",
  environment: "here",
  startedAt: "2026-11-23T12:00:00.000Z",
};

function afterwards(main: (env: Record<string, string>) => void): Record<string, string> {
  const directory = mkdtempSync(join(tmpdir(), "env-actions-state-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "state");
  main({ GITHUB_STATE: file });
  const entries = readFileSync(file, "utf8").matchAll(/^(\w+)<<(\S+)\n([\s\S]*?)\n\2$/gm);
  return Object.fromEntries([...entries].map(([, name, , value]) => [`STATE_${name}`, value ?? ""]));
}

test("the state of a killed step holds its configuration and an earlier cancellation", () => {
  const configText = `version: 1\n# ${"é".repeat(5_000)}\n`;
  const env = afterwards((main) => {
    saveVisit(main);
    saveAsked(main, asked);
    saveBegun(main, { ...begun, configText });
    saveCancelled(main, "SIGINT");
  });
  expect(isPostStep(env)).toBe(true);
  expect(unfinishedStage(env)).toEqual({ asked, begun: { ...begun, configText }, cancelledBy: "SIGINT" });
});

test("a configuration that is too large for a variable is left out, and the rest is kept", () => {
  const random = Array.from({ length: 5_000 }, (_, index) => `${Math.imul(index, 2_654_435_761)}`).join("\n");
  const env = afterwards((main) => {
    saveAsked(main, asked);
    saveBegun(main, { ...begun, configText: random });
  });
  expect(unfinishedStage(env)).toEqual({ asked, begun: { ...begun, configText: undefined }, cancelledBy: undefined });
  for (const value of Object.values(env)) expect(value.length).toBeLessThan(32_000);
});

test.each<[string, (env: Record<string, string>) => void]>([
  ["wrong inputs", (main) => saveVisit(main)],
  ["a wrong configuration", (main) => [saveVisit(main), saveAsked(main, asked)]],
  [
    "a stage that ended",
    (main) => [saveVisit(main), saveAsked(main, asked), saveBegun(main, { ...begun, configText: "" }), saveFinished(main)],
  ],
])("the post step has nothing to do after %s", (_, main) => {
  const env = afterwards(main);
  expect(isPostStep(env)).toBe(true);
  expect(unfinishedStage(env)).toBeUndefined();
});
