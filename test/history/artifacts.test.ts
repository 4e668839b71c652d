import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { gitHub } from "../../src/github/api.ts";
import { listedArtifacts } from "../../src/github/run-artifacts.ts";
import { collectRun } from "../../src/history/collect.ts";
import { recordArtifact } from "../../src/history/store/artifacts.ts";
import type { HistoryStore } from "../../src/history/store/store.ts";
import type { HistoryRecord } from "../../src/model/history.ts";
import { type ArtifactsWorld, artifacts, branch, day, made, start, token, workflowRun, zipOf } from "./places.ts";

/** Records in artifacts, and their way into a store that jobs with tests can't write to. Anybody who can start a job can upload what it likes. */

let world: ArtifactsWorld;
let store: HistoryStore;
beforeEach(async () => {
  world = await artifacts();
  store = await world.open();
});
afterEach(() => world.close());

const several = (count: number) => Array.from({ length: count }, (_, index) => made(start + index));
const artifactOf = (record: HistoryRecord) => ({ name: recordArtifact(record), archive: zipOf(JSON.stringify(record)) });

describe("what others upload is no record", () => {
  const record = made(start + 1);
  const elsewhere = made(start + 1, { origin: { ...made(start).origin, workflowRun: "99" } });
  test.each([
    ["of a fork's run", () => ({ ...artifactOf(record), headRepository: 2 }), /another repository/],
    ["of another run", () => artifactOf(elsewhere), /another workflow run made it/],
    ["with another record's name", () => ({ ...artifactOf(record), name: recordArtifact(made(start + 2)) }), /another record's/],
    ["with a name that is taken", () => ({ ...artifactOf(made(start, { reason: "forged" })) }), /older artifact of this name/],
    ["that is no archive", () => ({ ...artifactOf(record), archive: Buffer.from("no archive") }), /not a ZIP archive/],
    ["that is too large", () => artifactOf(made(start + 1, { reason: "x".repeat(200_000) })), /larger than records are/],
    ["with another file", () => ({ ...artifactOf(record), archive: Buffer.from(zipOf("{}")) }), /no record of env-actions/],
  ])("%s", async (_, forged, why) => {
    await store.add(made(start));
    world.byHand.push(forged());
    const { records, unreadable } = await store.all();
    expect(records).toEqual([made(start)]);
    expect(unreadable).toEqual([expect.objectContaining({ name: forged().name, why: expect.stringMatching(why) })]);
  });

  test("nor are other artifacts and expired ones, which are not named", async () => {
    world.byHand.push({ name: "env-actions-smoke-production-1-1", archive: zipOf("{}") });
    world.byHand.push({ ...artifactOf(record), expired: true });
    expect(await store.all()).toEqual({ records: [], unreadable: [] });
  });
});

test("a record whose upload's answer is lost is there", async () => {
  world.run.faults.push({ call: "FinalizeArtifact", answer: "cut", times: 1 });
  await store.add(made(start));
  expect((await store.all()).records).toEqual([made(start)]);
});

test("only wanted artifacts are downloaded", async () => {
  for (const record of several(4)) await store.add(record);
  await store.add(made(start + day, { stage: "cleanup" }));
  const { stage, environment } = made(start);
  expect((await store.recent({ stage, environment: environment.name }, 2)).records).toEqual(several(4).slice(-2));
  expect(world.github.requests.filter(({ path }) => path.endsWith("/zip"))).toHaveLength(2);
});

test("outside of a runner's action nothing can be added, and the error says why", async () => {
  await expect((await world.open({ isOnRunner: false })).add(made(start))).rejects.toThrow(
    /artifacts of classwaves\/app.*no artifact service/s,
  );
  await expect((await world.open({ token: "nothing" })).all()).rejects.toThrow(/EA9003.*actions: read/s);
  await expect((await world.open({ token: "" })).all()).rejects.toMatchObject({ code: "EA8102" });
});

test("a run's records are collected once, by one commit, and what is forged is named", async () => {
  const records = several(20);
  for (const record of records) await store.add(record);
  world.byHand.push({ ...artifactOf(made(start + 50)), headRepository: 2 });
  world.byHand.push({ ...artifactOf(made(start + 60)), run: 12 });
  const to = await branch();
  try {
    const api = await gitHub(token, { GITHUB_API_URL: world.github.url });
    const into = await to.open();
    const from = () => listedArtifacts(api, { owner: "classwaves", repo: "app", run: workflowRun });
    const unreadable = [
      expect.objectContaining({ name: recordArtifact(made(start + 50)), why: expect.stringContaining("another repository") }),
    ];
    expect(await collectRun({ from: from(), into })).toEqual({ added: 20, unreadable });
    expect(await collectRun({ from: from(), into })).toEqual({ added: 0, unreadable });
    expect((await into.all()).records).toEqual(records);
    expect(to.git("rev-list", "--count", "env-actions-history")).toBe("1");
    await store.add(made(start + 70));
    expect(await collectRun({ from: from(), into })).toEqual({ added: 1, unreadable });
  } finally {
    await to.close();
  }
});
