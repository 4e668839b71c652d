import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

/** `npm start` refuses what it can't run before it starts anything. */

const script = join(import.meta.dirname, "..", "..", "scripts", "start.ts");

function start(...args: string[]) {
  // Without a Redis or a browser on the PATH, nothing could start.
  return spawnSync(process.execPath, [script, ...args], { encoding: "utf8", env: { PATH: "/nowhere", HOME: "/nowhere" } });
}

test("a mistyped example is refused, and those that exist are named", () => {
  const { status, stdout, stderr } = start("libary");
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(/^npm start: there is no example "libary"; did you mean "library"\?\n/);
  expect(stderr).toMatch(/npm start -- library .*examples\/library/);
  expect(stderr).toContain("examples/classroom");
});

test.each([
  [["--verbos"], /EA1103: unknown option --verbos of "gate"; did you mean "--verbose"\?/],
  [["-v", "library"], /EA1102: unexpected argument "library" after "gate": remove it/],
  [["library", "--budget", "soon"], /EA1104: --budget: expected a duration/],
])("options that the gate would refuse are refused at once: %j", (args, message) => {
  const { status, stdout, stderr } = start(...args);
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(message);
});
