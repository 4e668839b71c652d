import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Faults, noFaults } from "../../local/warehouse/faults.ts";
import { executeCleanup, prove, type WritingPorts } from "../../src/cleanup/execute/execute.ts";
import { judgeCleanup } from "../../src/cleanup/execute/verdict.ts";
import { planCleanup } from "../../src/cleanup/plan/plan-cleanup.ts";
import type { Table } from "../../src/config/schema.ts";
import { opensTheGate } from "../../src/model/report.ts";
import type { CleanupResult } from "../../src/model/test-data.ts";
import type { TestDataWarehouse } from "../../src/warehouse/access.ts";
import { type Catalog, requestFor, runId, runStarted, startTestStores, type TestStores, table } from "./test-stores.ts";

// A warehouse fails at any moment of a cleanup, in any way. Whatever happens, no production row is touched, "nothing is left" is
// only reported if it is true, and the next cleanup deletes the rest.
/** Many of them wait for one or two retries. */
const cases = Number(process.env.CASES ?? (process.env.LONG ? 400 : 18));
/** Warehouses in parallel, because most of the time is waiting for a retry. */
const lanes = 6;

const mine = `integration_test_${runId}`;
const old = new Date(runStarted - 86_400_000).toISOString();
const during = new Date(runStarted + 60_000).toISOString();

const tables: Record<string, Table> = {
  "sessions.lessons": table({ match: [{ column: "title", prefix: true }], time: "created_at" }),
  "sessions.groups": table({ parents: { lesson_id: { partOf: "sessions.lessons" } }, time: "created_at" }),
  "sessions.seats": table({ parents: { group_id: { partOf: "sessions.groups" } }, time: "created_at" }),
};
const columns = { id: "string", title: "string", lesson_id: "string", group_id: "string", created_at: "timestamp" };
const empty = { title: null, lesson_id: null, group_id: null };

/** A warehouse with a Redis and a school. Each test has its own, because a fault affects the whole warehouse. */
interface Lane {
  stores: TestStores;
  school: Catalog;
}

let lane: Lane[] = [];

beforeAll(async () => {
  lane = await Promise.all(Array.from({ length: lanes }, startLane));
});
afterAll(async () => {
  await Promise.all(
    lane.map(async ({ stores, school }) => {
      await school.close();
      await stores.stop();
    }),
  );
});

async function startLane(): Promise<Lane> {
  const stores = await startTestStores();
  const school = await stores.catalog("faults", {
    "sessions.lessons": { columns },
    "sessions.groups": { columns },
    "sessions.seats": { columns },
  });
  await insert(school, "production", old, "Maths");
  return { stores, school };
}

/**
 * Lessons that identify themselves, groups that depend on them, and seats that depend on those: each is only found through the
 * one before.
 */
async function insert(school: Catalog, who: string, created_at: string, title: string): Promise<void> {
  const numbers = [1, 2, 3];
  const rows = (thing: string, more: (n: number) => object) =>
    numbers.map((n) => ({ id: `${who}-${thing}-${n}`, ...empty, created_at, ...more(n) }));
  await school.insert(
    "sessions.lessons",
    rows("lesson", () => ({ title })),
  );
  await school.insert(
    "sessions.groups",
    rows("group", (n) => ({ lesson_id: `${who}-lesson-${n}` })),
  );
  await school.insert(
    "sessions.seats",
    rows("seat", (n) => ({ group_id: `${who}-group-${n}` })),
  );
}

async function there({ stores, school }: Lane): Promise<{ mine: number; production: number }> {
  const ids = await Promise.all(Object.keys(tables).map(async (name) => (await school.rows(name)).map((row) => String(row.id))));
  const count = (who: string) => ids.flat().filter((id) => id.startsWith(who)).length;
  return { mine: count("mine") + (await stores.keys.exists("session:mine-lesson-1:code")), production: count("production") };
}

interface Fault {
  name: string;
  /** Whether a cleanup is expected to recover by itself. */
  survivable: boolean;
  strike(faults: Faults, abort: () => void): void;
}

const rpc = fc.constantFrom(
  "ExecuteStatement" as const,
  "GetOperationStatus" as const,
  "FetchResults" as const,
  "CloseOperation" as const,
);

const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc
    .record({ status: fc.constantFrom(429 as const, 503 as const), times: fc.integer({ min: 1, max: 2 }) })
    .map(({ status, times }) => ({
      name: `${times} × HTTP ${status}`,
      survivable: true,
      strike: (faults: Faults) => faults.refuse.push({ status, times }),
    })),
  fc.constantFrom(429 as const, 503 as const).map((status) => ({
    name: `HTTP ${status} for ever`,
    survivable: false,
    strike: (faults: Faults) => faults.refuse.push({ status, times: 1000 }),
  })),
  fc.record({ when: fc.constantFrom("before" as const, "after" as const), rpc }).map(({ when, rpc }) => ({
    name: `a socket cut ${when} ${rpc}`,
    survivable: true,
    strike: (faults: Faults) => faults.dropSockets.push({ when, rpc, times: 1 }),
  })),
  fc.constant({
    name: "sockets cut for ever",
    survivable: false,
    strike: (faults: Faults) => faults.dropSockets.push({ when: "after", times: 1000 }),
  }),
  fc.constant({
    name: "an expired token",
    survivable: false,
    strike: (faults: Faults) => {
      faults.tokenExpiresAfterStatements = 0;
    },
  }),
  fc.constant({
    name: "a warehouse that falls asleep for a moment",
    survivable: true,
    strike: (faults: Faults) => {
      faults.coldStart = { seconds: 0.3 };
    },
  }),
  fc.integer({ min: 1, max: 3 }).map((rows) => ({
    name: `${rows} rows that come back`,
    survivable: true,
    strike: (faults: Faults) => {
      faults.reappearingRows = rows;
    },
  })),
  fc.constant({
    name: "rows that come back for ever",
    survivable: false,
    strike: (faults: Faults) => {
      faults.reappearingRows = 10_000;
    },
  }),
  fc.constantFrom(-1, 1, 5).map((more) => ({
    name: `a count that is wrong by ${more}`,
    survivable: true,
    strike: (faults: Faults) => {
      faults.wrongDeleteCount = more;
    },
  })),
  fc.constant({
    name: "every statement answered late",
    survivable: true,
    strike: (faults: Faults) => {
      Object.assign(faults, { directResultsMs: 0, latencyMs: 5 });
    },
  }),
  fc.constant({ name: "the end of its time", survivable: false, strike: (_: Faults, abort: () => void) => abort() }),
);

/** Strikes just before the n-th statement is sent. */
function struck(warehouse: TestDataWarehouse, at: number, strike: () => void): TestDataWarehouse {
  let sent = 0;
  const counted = () => {
    if (sent++ === at) strike();
  };
  return {
    ...warehouse,
    query(...rest) {
      counted();
      return warehouse.query(...rest);
    },
    deleteRows(...rest) {
      counted();
      return warehouse.deleteRows(...rest);
    },
  };
}

async function cleanUp(ports: WritingPorts): Promise<CleanupResult | { thrown: unknown }> {
  try {
    const [proven, plan] = await Promise.all([prove(ports), planCleanup(ports, requestFor(tables))]);
    return await executeCleanup(proven, plan);
  } catch (thrown) {
    return { thrown };
  }
}

const all = { mine: 10, production: 9 };
const gone = { mine: 0, production: 9 };

it("reports that nothing is left only if that is true, whatever the warehouse does and when", async () => {
  const share = Math.ceil(cases / lanes);
  await Promise.all(lane.map((one) => fc.assert(nothingIsClaimed(one), { numRuns: share, endOnFailure: true })));
}, 1_700_000);

function nothingIsClaimed(one: Lane) {
  const { stores, school } = one;
  const { faults } = stores.warehouse;
  return fc.asyncProperty(fc.array(fault, { minLength: 1, maxLength: 2 }), fc.nat({ max: 14 }), async (chosen, at) => {
    await insert(school, "mine", during, `${mine} maths`);
    await stores.keys.set("session:mine-lesson-1:code", "1");
    expect(await there(one)).toEqual(all);
    const stopped = new AbortController();
    const ports = await school.reopened(stopped.signal);
    const warehouse = struck(ports.warehouse, at, () => {
      for (const { strike } of chosen) strike(faults, () => stopped.abort(new Error("the time is up")));
    });
    const result = await cleanUp({ ...ports, warehouse });
    Object.assign(faults, noFaults());
    await ports.warehouse.close();

    const left = await there(one);
    expect(left.production).toBe(9);
    const clean = !("thrown" in result) && result.leftOver === 0;
    if (clean) expect(left).toEqual(gone);
    if (!clean && !("thrown" in result)) expect(opensTheGate(judgeCleanup(result, 1).verdict)).toBe(false);
    if (chosen.every(({ survivable }) => survivable)) expect([clean, result]).toEqual([true, result]);

    const again = await cleanUp(school.ports());
    expect(again).toMatchObject({ leftOver: 0, problems: [] });
    expect(await there(one)).toEqual(gone);
  });
}

it("two cleanups of the same run at the same time: both report the truth, and nothing else is deleted", async () => {
  const [one] = lane as [Lane];
  for (let round = 0; round < 5; round++) {
    await insert(one.school, "mine", during, `${mine} maths`);
    await one.stores.keys.set("session:mine-lesson-1:code", "1");
    const results = await Promise.all([cleanUp(one.school.ports()), cleanUp(one.school.ports())]);
    for (const result of results) expect(result).toMatchObject({ leftOver: 0, problems: [] });
    expect(await there(one)).toEqual(gone);
  }
});
