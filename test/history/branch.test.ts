import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { rateLimitExceeded, secondaryRateLimit, serverError, unprocessable } from "../../local/github/index.ts";
import { type BranchWorld, branch, branchName, day, made, start } from "./places.ts";

/** The history on a branch, when others write at the same time and when GitHub fails. It could lose a record, write one twice, or guess. */

let world: BranchWorld;
beforeEach(async () => {
  world = await branch();
});
afterEach(async () => {
  expect(world.git("fsck", "--strict", "--no-dangling")).toBe("");
  await world.close();
});

const { stage, environment } = made(start);
const subject = { stage, environment: environment.name };
/** Each of an execution of its own. */
const several = (count: number, from = start) => Array.from({ length: count }, (_, index) => made(from + index));
const ids = (records: readonly { runId: string }[]) => records.map(({ runId }) => runId);
const onBranch = () => world.git("rev-list", "--count", branchName);

test("parallel writers lose nothing, the first ones included", async () => {
  const records = several(12);
  await Promise.all(records.map(async (record) => (await world.open()).add(record)));
  expect(ids((await (await world.open()).all()).records)).toEqual(ids(records));
  // Without force: each commit has the one before as its only parent.
  expect(onBranch()).toBe("12");
  expect(world.git("rev-list", "--min-parents=2", branchName)).toBe("");
  expect(world.git("ls-tree", "--name-only", branchName).split("\n")).toEqual(["README.md", "records"]);
});

describe("requests", () => {
  const asked = async (work: () => Promise<unknown>): Promise<string[]> => {
    const before = world.github.requests.length;
    await work();
    return world.github.requests
      .slice(before)
      .map(({ method, path }) => `${method} ${path.replace("/repos/classwaves/app", "").replace(/[0-9a-f]{40}.*/, "…").replace(/%2F.*/, "/…")}`)
      .filter((line) => !line.includes("/-/"));
  };

  test("a record takes five, the first one four, and two hundred five", async () => {
    const store = await world.open();
    expect(await asked(() => store.add(made(start)))).toEqual([
      "GET /branches/env-actions-history",
      ...["POST /git/trees", "POST /git/commits", "POST /git/refs"],
    ]);
    expect((await asked(() => store.add(made(start + 1)))).sort()).toEqual([
      ...["GET /branches/env-actions-history", "GET /contents/records/…"],
      ...["PATCH /git/refs/heads/…", "POST /git/commits", "POST /git/trees"],
    ]);
    expect(await asked(() => store.addAll?.(several(200)) ?? Promise.reject())).toHaveLength(5);
    expect(ids((await store.all()).records)).toEqual(ids(several(200)));
  });

  test("the newest records take two and one for each, and never more than ten more", async () => {
    await (await world.open()).addAll?.(several(60));
    const store = await world.open();
    expect(await asked(() => store.recent(subject, 3))).toEqual([
      ...["GET /branches/env-actions-history", "GET /git/trees/…"],
      ...["GET /git/blobs/…", "GET /git/blobs/…", "GET /git/blobs/…"],
    ]);
    expect(await asked(() => store.recent(subject, 60))).toEqual(["GET /branches/env-actions-history", "GET /zipball/…"]);
    expect(await asked(() => store.recent(subject, 50))).toEqual(["GET /branches/env-actions-history"]);
    expect(await asked(() => store.all())).toEqual(["GET /branches/env-actions-history", "GET /zipball/…"]);
  });
});
