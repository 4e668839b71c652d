import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { HistoryStore } from "../../src/history/store/store.ts";
import { day, made, type Place, places, start } from "./places.ts";

/** A history, wherever it is: what was added is found again. It could break if joining records loses one, or if two writers meet. */

describe.each(Object.entries(places))("in the %s", (_, opened) => {
  let place: Place;
  let store: HistoryStore;
  beforeEach(async () => {
    place = await opened();
    store = await place.open();
  });
  afterEach(() => place.close());
  const subject = { stage: made(start).stage, environment: made(start).environment.name };

  test("a history that nobody wrote to is empty", async () => {
    expect(await store.all()).toEqual({ records: [], unreadable: [] });
    expect(await store.recent(subject, 3)).toEqual({ records: [], unreadable: [] });
  });

  test("what was added is found again, oldest first, and once if it was added twice", async () => {
    const [first, second] = [made(start), made(start + day)];
    for (const record of [second, first, second]) await store.add(record);
    expect(await store.all()).toEqual({ records: [first, second], unreadable: [] });
    expect(await (await place.open()).all()).toEqual({ records: [first, second], unreadable: [] });
  });

  test("a record that is there is never replaced", async () => {
    await store.add(made(start));
    await store.add(made(start, { reason: "something else" }));
    expect((await store.all()).records).toEqual([made(start)]);
  });

  test("the newest records of a stage in an environment are found, oldest first", async () => {
    const all = Array.from({ length: 5 }, (_, index) => made(start + index * day));
    for (const record of all) await store.add(record);
    await store.add(made(start + 20 * day, { stage: "cleanup" }));
    await store.add(made(start + 20 * day, { environment: { name: "elsewhere", access: "read-only" } }));
    expect((await store.recent(subject, 3)).records).toEqual(all.slice(-3));
    expect((await store.recent(subject, 50)).records).toEqual(all);
  });

  test("a file that is no record is named, and the others are read", async () => {
    await store.add(made(start));
    const name = `${start + 1}_00000000.${subject.stage}.${subject.environment}`;
    place.put(`records/2026-10/28/${name}.json`, "{}");
    const { records, unreadable } = await store.all();
    expect(records).toEqual([made(start)]);
    expect(unreadable.map((one) => one.name)).toEqual([expect.stringContaining(name)]);
    expect((await store.recent(subject, 1)).records).toEqual([made(start)]);
  });

  test("joined records are found like all others, without their samples, and old months are removed", async () => {
    if (!store.compact) return;
    const all = Array.from({ length: 6 }, (_, index) => made(start + index * day));
    for (const record of all) await store.add(record);
    const rules = { now: 0, joinBefore: start + 5 * day, removeBefore: 0 };
    expect(await store.compact(rules)).toEqual({ joined: 5, removed: 0 });
    expect(await store.compact(rules)).toEqual({ joined: 0, removed: 0 });
    const { records, unreadable } = await store.all();
    expect(unreadable).toEqual([]);
    expect(records.map(({ runId }) => runId)).toEqual(all.map(({ runId }) => runId));
    expect((await store.recent(subject, 4)).records.map(({ runId }) => runId)).toEqual(all.slice(2).map(({ runId }) => runId));
    // A late one of a month that is joined.
    const late = made(start + 5);
    await store.add(late);
    expect(await store.compact(rules)).toEqual({ joined: 1, removed: 0 });
    expect((await store.all()).records).toHaveLength(7);
    expect(await store.compact({ ...rules, removeBefore: Date.parse("2026-11-01T00:00:00Z") })).toEqual({
      joined: 0,
      removed: 5,
    });
    expect((await store.all()).records.map(({ runId }) => runId)).toEqual(all.slice(4).map(({ runId }) => runId));
  });

  test("a file that can't be read is not lost when days are joined", async () => {
    if (!store.compact) return;
    await store.add(made(start));
    const path = `records/2026-10/28/${start + 1}_00000000.smoke.production.json`;
    place.put(path, "{}");
    expect(await store.compact({ now: 0, joinBefore: start + 5 * day, removeBefore: 0 })).toEqual({ joined: 1, removed: 0 });
    const { records, unreadable } = await store.all();
    expect(records).toHaveLength(1);
    expect(unreadable).toEqual([{ name: path, why: expect.any(String) }]);
  });

  test("of all who claim a key, one gets it, even if all claim the same", async () => {
    if (!store.claim) return;
    const claim = { runId: `${start}_00000000`, at: "2026-10-28T10:00:00.000Z", what: "rollback" };
    const stores = await Promise.all(Array.from({ length: 6 }, () => place.open()));
    const answers = await Promise.all(stores.map((one) => one.claim?.("deployment 7", claim)));
    expect(answers.filter((answer) => answer?.claimed)).toHaveLength(1);
    expect(answers.filter((answer) => !answer?.claimed)).toEqual(Array(5).fill({ claimed: false, by: claim }));
    expect(await store.claim("deployment 7", claim)).toEqual({ claimed: false, by: claim });
    expect(await store.claim("deployment 8", claim)).toEqual({ claimed: true });
  });
});
