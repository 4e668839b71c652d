import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Release, serverError } from "../../local/github/index.ts";
import { assetNames } from "../../scripts/release/assets.ts";
import { publish } from "../../scripts/release/publish.ts";
import { parseVersion } from "../../scripts/release/version.ts";
import type { Attempt, Built } from "./place.ts";
import {
  build,
  commitVersion,
  giveUp,
  placeIn,
  refsOf,
  rehearsalIn,
  release,
  releasesOf,
  startWorld,
  type World,
} from "./world.ts";

/**
 * A release of 1.2.3 after 1.2.2 is broken at each of its steps: by an answer, by a cut connection, by a push that is refused, and by
 * the end of its process. Then v1 is where it was, nothing is half published, and a second attempt ends well.
 */

let world: World;
let built: Built;
let before: Record<string, string>;
let releasesBefore: Release[];
let after: Record<string, string>;
let asked: string[];

let requests = 0;
let fault: { at: number; happen: () => void } | undefined;

beforeAll(async () => {
  world = await startWorld();
  world.onRequest = () => {
    if (++requests === fault?.at) fault.happen();
  };
  commitVersion(world, "1.2.2");
  await release(world, "1.2.2");
  commitVersion(world, "1.2.3");
  built = build(world, "1.2.3");
  before = refsOf(world);
  releasesBefore = releasesOf(world).map((one) => ({ ...one }));
  cpSync(world.remote, join(world.scratch, "before.git"), { recursive: true });

  const seen = world.github.requests.length;
  await attempt();
  after = refsOf(world);
  asked = world.github.requests
    .slice(seen)
    .map(({ method, path }) => `${method} ${path.replace(/\?.*/, "").replace(/\d+/g, "N")}`);
}, 300_000);
afterAll(() => world.stop());

beforeEach(reset);

async function attempt(): Promise<boolean> {
  return await publish(placeIn(world), built.sources, built.commits, built.files);
}

/** The numbers of the first and the last request of each kind, from 1. */
function places(): number[] {
  const kinds = [...new Set(asked)];
  return [...new Set(kinds.flatMap((kind) => [asked.indexOf(kind), asked.lastIndexOf(kind)]))].map((index) => index + 1);
}

const newRelease = () => releasesOf(world).filter(({ tag }) => tag === "v1.2.3");
const isPublished = () => newRelease().some(({ draft }) => !draft);

/** What holds at any moment. */
function expectNothingHalf(): void {
  const refs = refsOf(world);
  for (const tag of ["v1", "v1-portable"]) {
    const allowed = isPublished() ? [before[`refs/tags/${tag}`], after[`refs/tags/${tag}`]] : [before[`refs/tags/${tag}`]];
    expect(allowed, tag).toContain(refs[`refs/tags/${tag}`]);
  }
  // Both lines move together.
  expect(refs["refs/tags/v1"] === before["refs/tags/v1"]).toBe(refs["refs/tags/v1-portable"] === before["refs/tags/v1-portable"]);
  expect(refs["refs/tags/v1.2.2"]).toBe(before["refs/tags/v1.2.2"]);
  if (isPublished()) expectComplete(refs);
}

function expectComplete(refs: Record<string, string>): void {
  expect(newRelease().map(({ draft }) => draft)).toEqual([false]);
  expect(newRelease()[0]?.assets.map(({ name }) => name)).toEqual(assetNames(parseVersion("1.2.3")));
  for (const tag of ["v1.2.3", "v1.2.3-portable"]) expect(refs[`refs/tags/${tag}`]).toBe(after[`refs/tags/${tag}`]);
}

async function expectSecondAttemptEndsWell(): Promise<void> {
  fault = undefined;
  expect(await attempt()).toBe(true);
  expect(refsOf(world)).toEqual(after);
  expectComplete(refsOf(world));
  expect(releasesOf(world)).toHaveLength(2);
  expect(world.github.violations).toEqual([]);
}

/** Deletes what the attempt has left, and nothing else. */
async function expectRemovable(): Promise<void> {
  await giveUp(world, "1.2.3");
  expect(refsOf(world)).toEqual(before);
  expect(releasesOf(world).map(({ tag }) => tag)).toEqual(["v1.2.2"]);
}

async function breakAt(at: number, happen: () => void): Promise<void> {
  fault = { at, happen };
  const before = requests;
  await expect(attempt()).rejects.toThrow(/^release 1\.2\.3 stopped: (.|\n)*(Start the workflow again|Nothing was changed)/);
  expect(requests - before).toBe(at);
  expectNothingHalf();
}

test("a release asks GitHub in this order", () => {
  const files = assetNames(parseVersion("1.2.3"));
  const assets = "/repos/classwaves/env-actions/releases/assets/N";
  expect(asked).toEqual([
    "GET /repos/classwaves/env-actions/releases",
    "POST /repos/classwaves/env-actions/releases",
    ...files.map(() => "POST /repos/classwaves/env-actions/releases/N/assets"),
    "GET /repos/classwaves/env-actions/releases/N",
    ...files.flatMap(() => [`GET ${assets}`, "GET /-/storage/N"]),
    "PATCH /repos/classwaves/env-actions/releases/N",
    "GET /repos/classwaves/env-actions/releases",
  ]);
});

describe.each([
  ["an answer 502", () => world.github.faults.refuse.push({ times: 1, answer: serverError(502) })],
  ["a connection that is cut before the request", () => world.github.faults.dropConnections.push({ times: 1, when: "before" })],
  ["a connection that is cut after the request", () => world.github.faults.dropConnections.push({ times: 1, when: "after" })],
])("%s, at each kind of request:", (name, happen) => {
  test("v1 stays, nothing is half published, and a second attempt ends well", async () => {
    for (const [index, at] of places().entries()) {
      // The storage is not the API: it has no refusal of its own here.
      if (name === "an answer 502" && asked[at - 1]?.includes("storage")) continue;
      if (index > 0) reset();
      await breakAt(at, happen);
      if (index % 2 === 1 && !isPublished()) await expectRemovable();
      await expectSecondAttemptEndsWell();
    }
  }, 600_000);
});

/** Back to the state after 1.2.2. */
function reset(): void {
  rmSync(world.remote, { recursive: true });
  cpSync(join(world.scratch, "before.git"), world.remote, { recursive: true });
  releasesOf(world).splice(0, Infinity, ...releasesBefore.map((one) => ({ ...one })));
  requests = 0;
  fault = undefined;
}

/** A script that the remote runs at a push. @param number of the push at which the command runs */
function hook(name: "pre-receive" | "post-receive", number: number, command: string): void {
  const counter = join(world.scratch, "pushes");
  writeFileSync(counter, "");
  const script = `#!/bin/sh\necho x >> ${counter}\nif [ "$(wc -l < ${counter})" -eq ${number} ]; then ${command}; fi\n`;
  mkdirSync(join(world.remote, "hooks"), { recursive: true });
  writeFileSync(join(world.remote, "hooks", name), script, { mode: 0o755 });
}

describe.each([
  ["of the version's tags", 1],
  ["of v1", 2],
])("a push %s that is refused", (_, number) => {
  test("moves nothing, and a second attempt ends well", async () => {
    hook("pre-receive", number, "echo 'refused by a rule' >&2; exit 1");
    await expect(attempt()).rejects.toThrow("refused by a rule");
    expectNothingHalf();
    expect(refsOf(world)["refs/tags/v1"]).toBe(before["refs/tags/v1"]);
    expect(refsOf(world)["refs/tags/v1.2.3"] !== undefined).toBe(number === 2);
    if (!isPublished()) await expectRemovable();
    await expectSecondAttemptEndsWell();
  });
});

/** An attempt in a process of its own. @returns when the process has ended, however */
async function attemptThatIsKilled(arm: (pid: number) => void): Promise<void> {
  const own: Attempt = { ...rehearsalIn(world), built };
  const file = join(own.scratch, "attempt.json");
  writeFileSync(file, JSON.stringify(own));
  const child = spawn(process.execPath, [join(import.meta.dirname, "attempt.ts"), file], { stdio: "ignore" });
  arm(child.pid ?? 0);
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  expect({ code, signal }).toEqual({ code: null, signal: "SIGKILL" });
}

describe("a process that is killed", () => {
  test("at each kind of request leaves v1 where it was, and a second attempt ends well", async () => {
    const kinds = [...new Set(asked)];
    for (const [index, kind] of kinds.entries()) {
      if (index > 0) reset();
      await attemptThatIsKilled((pid) => {
        fault = { at: asked.lastIndexOf(kind) + 1, happen: () => process.kill(pid, "SIGKILL") };
      });
      expectNothingHalf();
      await expectSecondAttemptEndsWell();
    }
  }, 600_000);

  test.each([
    ["pre-receive", 1],
    ["post-receive", 1],
    ["pre-receive", 2],
    ["post-receive", 2],
  ] as const)("in the %s of push %i leaves nothing half, and a second attempt ends well", async (name, number) => {
    const pidFile = join(world.scratch, "pid");
    hook(name, number, `kill -9 "$(cat ${pidFile})"`);
    await attemptThatIsKilled((pid) => writeFileSync(pidFile, String(pid)));
    expectNothingHalf();
    await expectSecondAttemptEndsWell();
  });
});
