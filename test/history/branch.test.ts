import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { rateLimitExceeded, secondaryRateLimit, serverError, unprocessable } from "../../local/github/index.ts";
import { chooseStore } from "../../src/history/store/choose.ts";
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
  const records = several(8);
  await Promise.all(records.map(async (record) => (await world.open()).add(record)));
  expect(ids((await (await world.open()).all()).records)).toEqual(ids(records));
  // Without force: each commit has the one before as its only parent.
  expect(onBranch()).toBe("8");
  expect(world.git("rev-list", "--min-parents=2", branchName)).toBe("");
  expect(world.git("ls-tree", "--name-only", branchName).split("\n")).toEqual(["README.md", "records"]);
});

describe("requests", () => {
  const asked = async (work: () => Promise<unknown>): Promise<string[]> => {
    const before = world.github.requests.length;
    await work();
    return world.github.requests
      .slice(before)
      .map(
        ({ method, path }) =>
          `${method} ${path
            .replace("/repos/classwaves/app", "")
            .replace(/[0-9a-f]{40}.*/, "…")
            .replace(/%2F.*/, "/…")}`,
      )
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

describe("when GitHub fails", () => {
  const moves = ["git/update-ref", "git/create-ref"] as const;
  const operations = ["repos/get-branch", "repos/get-content", "git/create-tree", "git/create-commit", ...moves];
  const again = secondaryRateLimit(0);

  test("a lost answer, a 5xx or a rate limit at any request leaves one whole record", async () => {
    const { github } = world;
    const added: string[] = [];
    for (const operation of operations) {
      const isFirst = operation === "git/create-ref";
      const faults = [
        () => github.faults.dropConnections.push({ when: "after", operation, times: 1 }),
        () => github.faults.refuse.push({ answer: serverError(502), operation, when: "after", times: 1 }),
        () => github.faults.refuse.push({ answer: again, operation, times: 1 }),
      ];
      for (const fault of faults) {
        if (isFirst) world.git("update-ref", "-d", `refs/heads/${branchName}`);
        const record = made(start + added.length);
        if (isFirst) added.length = 0;
        added.push(record.runId);
        fault();
        await (await world.open()).add(record);
        expect(github.faults.dropConnections.length + github.faults.refuse.length).toBe(0);
        const commits = Number(onBranch());
        expect(commits).toBe(added.length);
      }
    }
    expect(ids((await (await world.open()).all()).records)).toEqual(added.slice(-1));
  });

  test("a claim whose answer is lost is still the claimant's, and only its", async () => {
    const claim = { runId: `${start}_00000000`, at: "2026-10-28T10:00:00.000Z", what: "rollback" };
    const store = await world.open();
    await store.add(made(start));
    for (const [index, when] of (["before", "after"] as const).entries()) {
      world.github.faults.dropConnections.push({ when, operation: "git/update-ref", times: 1 });
      expect(await store.claim?.(`deployment ${index}`, claim)).toEqual({ claimed: true });
      expect(await (await world.open()).claim?.(`deployment ${index}`, claim)).toEqual({ claimed: false, by: claim });
    }
  });

  test("joining whose answer is lost is done once, and says what it did", async () => {
    const store = await world.open();
    await store.addAll?.(several(3));
    world.github.faults.dropConnections.push({ when: "after", operation: "git/update-ref", times: 1 });
    const rules = { now: 0, joinBefore: start + 5 * day, removeBefore: 0 };
    expect(await store.compact?.(rules)).toEqual({ joined: 3, removed: 0 });
    expect(onBranch()).toBe("2");
    expect(ids((await store.all()).records)).toEqual(ids(several(3)));
  });

  test("a used-up hour is an error that says so, not a missing record", async () => {
    world.github.faults.refuse.push({ answer: rateLimitExceeded(Date.now() + 3_600_000), times: 1 });
    await expect((await world.open()).add(made(start))).rejects.toThrow(/EA9005.*rate limit lasts another 60 min/s);
  });

  test("a branch that a rule protects is an error with the reason, and soon", async () => {
    await (await world.open()).add(made(start));
    const answer = unprocessable("Repository rule violations found");
    world.github.faults.refuse.push({ answer, operation: "git/update-ref", times: 1000 });
    const error = await (await world.open()).add(made(start + 1)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "EA8104", message: expect.stringContaining("Repository rule violations found") });
    expect(world.github.requests.filter(({ method }) => method === "PATCH")).toHaveLength(6);
    world.github.faults.refuse.length = 0;
  });
});

describe("refused", () => {
  test("a token that may only read says which permission is missing", async () => {
    await (await world.open()).add(made(start));
    const reader = await world.open({ token: "reader" });
    await expect(reader.add(made(start + 1))).rejects.toThrow(/EA9003.*contents: write/s);
    expect((await reader.all()).records).toEqual([made(start)]);
    await expect((await world.open({ token: "nothing" })).all()).rejects.toThrow(/EA9003.*contents: read/s);
    await expect((await world.open({ token: "unknown" })).all()).rejects.toThrow(/EA9002/);
  });

  test("a branch with code gets no record", async () => {
    const before = world.git("rev-parse", "main");
    await expect((await world.open({ branch: "main" })).add(made(start))).rejects.toMatchObject({ code: "EA8106" });
    expect(world.git("rev-parse", "main")).toBe(before);
  });

  test("without a token or repository the error says what to set", async () => {
    const place = { store: { branch: branchName }, records: "/nowhere", workspace: "/nowhere" };
    await expect(chooseStore({ ...place, env: { GITHUB_REPOSITORY: "classwaves/app" } })).rejects.toMatchObject({
      code: "EA8102",
      message: expect.stringMatching(/contents: write.*GITHUB_TOKEN/s),
    });
    await expect(chooseStore({ ...place, env: {}, githubToken: "job" })).rejects.toMatchObject({
      code: "EA8102",
      message: expect.stringContaining("GITHUB_REPOSITORY"),
    });
  });
});

test("commits say nothing of the runs, and are a machine's", async () => {
  await (await world.open()).add(made(start, { reason: "a secret reason" }));
  await (await world.open()).claim?.("deployment 7", { runId: `${start}_00000000`, at: "", what: "a secret claim" });
  expect(
    world
      .git("log", "--format=%an <%ae> %cn <%ce> %B", branchName)
      .split("\n")
      .filter((line) => line !== ""),
  ).toEqual(
    ["Add a claim", "Add the record of a run"].map(
      (message) =>
        `github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com> github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com> ${message}`,
    ),
  );
});

test("a list that GitHub cuts off is read folder by folder", async () => {
  const repository = world.github.repositories.get("classwaves/app");
  if (repository) repository.mostListed = 4;
  const records = Array.from({ length: 5 }, (_, index) => made(start + index * day));
  const store = await world.open();
  await store.addAll?.(records);
  await store.addAll?.([...records, ...several(4, start + 10 * day)]);
  expect(ids((await store.recent(subject, 6)).records)).toEqual(ids([...records, ...several(4, start + 10 * day)].slice(-6)));
  expect(await store.compact?.({ now: 0, joinBefore: start + 8 * day, removeBefore: 0 })).toEqual({ joined: 5, removed: 0 });
  expect((await store.all()).records).toHaveLength(9);
});
