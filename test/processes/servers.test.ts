import { expect, test } from "vitest";
import { type RunningServer, type ServerSpec, startServers } from "../../src/processes/server.ts";
import { freePort } from "../harness/free-port.ts";
import { type Bench, bench, expectNothingLeft, failureOf } from "./harness.ts";

async function specsFor(at: Bench, kinds: string[]): Promise<ServerSpec[]> {
  return Promise.all(kinds.map(async (kind) => at.spec(kind, await freePort())));
}

test("several servers start together", async () => {
  await using at = await bench();
  const servers: RunningServer[] = await startServers(await specsFor(at, ["good", "good-on-ipv6-only"]), at.options);
  expect(servers.map((server) => server.name)).toEqual(["good", "good-on-ipv6-only"]);
  await Promise.all(servers.map((server) => server.stop()));
  expect(at.left()).toEqual([]);
});

test("if one of several fails, the others are stopped, even if still starting, and its error is thrown", async () => {
  await using at = await bench();
  const specs = await specsFor(at, ["good", "never-listens", "dies-before-ready"]);
  const error = await failureOf(startServers(specs, at.options));
  expect(error.message).toMatch(/^server dies-before-ready was not ready: expected .*, but it ended with exit code 3$/);
  for (const spec of specs) await expectNothingLeft(at, Number(new URL(spec.ready.url ?? "").port));
});

test("two servers with the same port are refused before anything starts", async () => {
  await using at = await bench();
  const port = await freePort();
  const start = startServers([at.spec("good", port), at.spec("wrong-status", port)], at.options);
  await expect(start).rejects.toThrow(`the servers good and wrong-status have the same port ${port}: give each its own port`);
  expect(at.lines).toEqual([]);
});
