import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { findNode, type OtherNode, otherNodes } from "../../scripts/other-nodes.ts";
import { readLedger } from "../../src/cleanup/ledger/ledger.ts";
import { makeProject } from "../testkit/project.ts";
import { newWorkspace, readIn } from "./user.ts";

/** What package.json and the documentation promise about versions of Node, on the oldest of each. */
const repository = join(import.meta.dirname, "..", "..");
const entry = join(repository, "dist", "index.js");
const run = promisify(execFile);

for (const name of otherNodes) {
  const found = findNode(name);
  if ("missing" in found) console.warn(`SKIPPED: nothing was started on another Node. ${found.missing}`);
}

function nodeFor(name: OtherNode): string {
  const found = findNode(name);
  return "path" in found ? found.path : "";
}
const isThere = (...names: OtherNode[]) => names.every((name) => "path" in findNode(name));

test("package.json names the oldest Node of the command line, and that of the testkit is beside it", () => {
  const enginesIn = (...path: string[]) =>
    (JSON.parse(readFileSync(join(repository, ...path), "utf8")) as { engines: { node: string } }).engines.node;
  expect(enginesIn("package.json")).toBe(">=22");
  expect(enginesIn("dist", "testkit", "package.json")).toBe(">=18");
});

describe("the command line", () => {
  test.runIf(isThere("commandLine"))("runs a stage on the oldest Node that it supports", async () => {
    const here = { access: "test-data", variables: ["HOME"] };
    const workspace = newWorkspace({ "config.yml": JSON.stringify({ version: 1, environments: { here } }) });
    const { stdout } = await run(nodeFor("commandLine"), [entry, "preflight", "--config", "config.yml", "--json"], {
      cwd: workspace,
      env: { PATH: process.env.PATH ?? "", HOME: workspace },
    });
    expect(JSON.parse(stdout)).toMatchObject({ stage: "preflight", verdict: "passed" });
    expect(readIn(workspace, ".env-actions", "report.html")).toContain("</html>");
  });

  test.runIf(isThere("testkit", "between")).each<OtherNode>(["testkit", "between"])(
    "says which Node it needs where the version is too old (%s)",
    async (name) => {
      const ended = run(nodeFor(name), [entry, "help"]);
      await expect(ended).rejects.toMatchObject({
        code: 2,
        stdout: "",
        stderr: expect.stringMatching(/^env-actions: .*node (18|20)\.\d+\.\d+.*node 22 or later.*\n$/),
      });
    },
  );
});

describe("the testkit", () => {
  const code = (load: string) => `${load}
    const id = testId("integration_test_");
    console.log(id, track("sessions.classroom_sessions", id), trackKey("session:" + id));`;
  const names = "testId, track, trackKey";

  test.runIf(isThere(...otherNodes)).each(
    otherNodes.flatMap((name) => [
      { name, as: "an ES module", type: "module", load: `import { ${names} } from "@classwaves/env-actions/testkit";` },
      { name, as: "CommonJS", type: "commonjs", load: `const { ${names} } = require("@classwaves/env-actions/testkit");` },
    ]),
  )("records rows and keys as $as on the Node named $name", async ({ name, type, load }) => {
    const project = makeProject();
    try {
      const { status, stdout, stderr } = await project.run(
        nodeFor(name),
        [`--input-type=${type}`, "--eval", code(load)],
        project.identity,
      );
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      const [id = "", ...recorded] = stdout.trim().split(" ");
      expect(recorded).toEqual(["true", "true"]);
      expect(await readLedger(project.ledger)).toEqual({
        rows: new Map([["sessions.classroom_sessions", new Set([id])]]),
        keys: new Set([`session:${id}`]),
        problems: [],
      });
    } finally {
      project.remove();
    }
  });
});
