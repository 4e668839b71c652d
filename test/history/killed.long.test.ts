import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import type { HistoryRecord } from "../../src/model/history.ts";
import { branch, branchName, day, made, repository, start, token } from "./places.ts";

// Processes that write to the branch are killed at 50 moments: at each of their requests, before and after GitHub carried it out. Each record
// is whole or absent, those that were confirmed are there, and the branch can always be read.

const kills = 50;

test("a killed writer leaves each record whole or absent", { timeout: 900_000 }, async () => {
  let child: ChildProcess | undefined;
  let countdown = Number.POSITIVE_INFINITY;
  const world = await branch(() => {
    countdown -= 1;
    if (countdown === 0) child?.kill("SIGKILL");
  });
  const sent = new Map<string, HistoryRecord>();
  const confirmed = new Set<string>();
  const claims = new Set<string>();
  const ends = { killed: 0, absent: 0, there: 0 };
  try {
    for (let index = 0; index < kills; index++) {
      const one = (number: number) => made(start + (index % 10) * day + index * 100 + number, { reason: `${index}.${number}` });
      const orders = [
        { records: [one(0)] },
        { claim: `deployment ${index}` },
        { records: [one(1), one(2), one(3), one(4), one(5)] },
        { compact: start + ((index % 10) - 2) * day },
        { records: [one(6)] },
      ];
      // After the child is up, it sends some 20 requests.
      countdown = 1 + (index % 23);
      child = spawn(
        process.execPath,
        ["--no-warnings", join(import.meta.dirname, "writer.ts"), world.github.url, repository, branchName, token],
        { stdio: ["pipe", "pipe", "inherit"] },
      );
      const out = text(child.stdout ?? process.stdin);
      child.stdin?.end(orders.map((order) => JSON.stringify(order)).join("\n"));
      const [, signal] = (await once(child, "close")) as [number | null, string | null];
      countdown = Number.POSITIVE_INFINITY;
      if (signal === "SIGKILL") ends.killed += 1;
      const done = (await out)
        .split("\n")
        .filter((line) => /^\d+$/.test(line))
        .map(Number);
      for (const [number, { records = [], claim }] of orders.entries()) {
        for (const record of records) {
          sent.set(record.runId, record);
          if (done.includes(number)) confirmed.add(record.runId);
        }
        if (claim && done.includes(number)) claims.add(claim);
      }
      const { records, unreadable } = await (await world.open()).all();
      expect(unreadable).toEqual([]);
      const there = new Map(records.map((record) => [record.runId, record]));
      for (const runId of confirmed) expect(there.has(runId), `${runId} was confirmed`).toBe(true);
      for (const [runId, record] of there) expect(record.reason).toBe(sent.get(runId)?.reason);
      for (const runId of [...sent.keys()].filter((key) => !confirmed.has(key))) {
        if (there.has(runId)) ends.there += 1;
        else ends.absent += 1;
        // Known by now.
        if (there.has(runId)) confirmed.add(runId);
        else sent.delete(runId);
      }
      expect(world.git("fsck", "--strict", "--no-dangling")).toBe("");
    }
    console.log(
      `${kills} writers, ${ends.killed} killed: of ${ends.absent + ends.there} unconfirmed records ${ends.there} were whole and ${ends.absent} absent; ${confirmed.size} in the end`,
    );
    expect(ends.killed).toBeGreaterThan(kills * 0.7);
    expect(ends.absent).toBeGreaterThan(0);
    const store = await world.open();
    for (const claim of claims) expect((await store.claim?.(claim, { runId: "", at: "", what: "" }))?.claimed).toBe(false);
  } finally {
    child?.kill("SIGKILL");
    await world.close();
  }
});
