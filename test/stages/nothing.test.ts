import { expect, test } from "vitest";
import { folderForThisTest } from "../harness/folder.ts";
import { performIn } from "../harness/stage.ts";

async function looked(stage: "preflight" | "smoke", environment: object) {
  const config = { environments: { production: { access: "read-only", ...environment } } };
  const { report } = await performIn(await folderForThisTest(), { stage, config, env: { REGION: "eu-west-1" } });
  return report;
}

test.each(["preflight", "smoke"] as const)("%s of an environment that has nothing to check does not pass", async (stage) => {
  const report = await looked(stage, {});
  expect(report).toMatchObject({ verdict: "error", reason: expect.stringMatching(/^no check has run\. /) });
  expect(report.checks).toEqual([
    expect.objectContaining({
      id: "variables",
      verdict: "skipped",
      message: expect.stringContaining("has nothing to check"),
    }),
  ]);
});

test.each(["preflight", "smoke"] as const)("%s checks a WebSocket without an API", async (stage) => {
  const closed = "http://127.0.0.1:1";
  const report = await looked(stage, { websocket: { url: closed, namespaces: ["/sessions"], plain: [{ path: "/live" }] } });
  expect(report.verdict).toBe("error");
  expect(report.checks.filter(({ verdict }) => verdict === "error").map(({ id }) => id)).toEqual([
    "websocket.sessions",
    "websocket.sessions.wrong-token",
    "websocket.plain.live",
  ]);
});

test.each([
  ["a variable", { variables: ["REGION"] }],
  ["a server that is started", { servers: { web: { command: "sleep 60", ready: { log: "x", timeout: "1s" } } } }],
])("preflight checks an environment that has only %s", async (_, environment) => {
  const report = await looked("preflight", environment);
  expect(report.checks.filter(({ verdict }) => verdict !== "skipped")).toHaveLength(1);
});
