import { afterEach, beforeEach, expect, test } from "vitest";
import type { HistoryStore } from "../../src/history/store/store.ts";
import type { HistoryRecord } from "../../src/model/history.ts";
import { type BranchWorld, branch, branchName, day, made, start } from "./places.ts";

// Another writer moves the branch at any moment of a change, and several changes meet. Nothing is lost, and nothing is there twice.

let world: BranchWorld;
let onRequest: () => void;
beforeEach(async () => {
  onRequest = () => undefined;
  world = await branch(() => onRequest());
});
afterEach(async () => {
  expect(world.git("fsck", "--strict", "--no-dangling")).toBe("");
  await world.close();
});

const rules = { now: 0, joinBefore: start + 5 * day, removeBefore: 0 };
const pathOf = ({ runId, stage, environment }: HistoryRecord) =>
  `records/2026-10/${new Date(Number(runId.split("_")[0])).getUTCDate()}/${runId}.${stage}.${environment.name}.json`;
/** By hand, as another process would. */
const rival = (record: HistoryRecord) => world.put(pathOf(record), `${JSON.stringify(record)}\n`);
const ids = (records: readonly { runId: string }[]) => records.map(({ runId }) => runId).sort();
const files = () => world.git("ls-tree", "-r", "--name-only", branchName).split("\n");

test.each([
  ["a record", 4, (store, at) => store.add(made(start + at))],
  ["records", 4, (store, at) => store.addAll?.([10, 20, 30, 40].map((more) => made(start + at + more)))],
  ["a claim", 4, (store, at) => store.claim?.(`deployment ${at}`, { runId: "", at: "", what: "" })],
  ["joining days", 9, (store) => store.compact?.(rules)],
] as [string, number, (store: HistoryStore, at: number) => Promise<unknown> | undefined][])(
  "another writer at any request of %s",
  async (name, requests, change) => {
    const expected = [made(start), made(start + day)];
    await (await world.open()).addAll?.(expected);
    let at = 0;
    for (let moment = 1; moment <= requests; moment += name === "joining days" ? 2 : 3) {
      let seen = 0;
      const other = made(start + 1000 + at++);
      expected.push(other);
      onRequest = () => {
        seen += 1;
        if (seen === moment) rival(other);
      };
      const another = made(start + 2 * day + at);
      if (name === "joining days") {
        rival(another);
        expected.push(another);
      }
      await change(await world.open(), at);
      expect(seen).toBeGreaterThanOrEqual(moment);
      onRequest = () => undefined;
      if (name === "a claim") expect(files().filter((path) => path.startsWith("claims/"))).toHaveLength(at);
      const found = ids((await (await world.open()).all()).records);
      expect(found).toEqual(expect.arrayContaining(ids(expected)));
      if (name === "joining days") expect(found).toEqual(ids(expected));
    }
  },
);
