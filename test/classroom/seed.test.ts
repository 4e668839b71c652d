import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { redisChecksum, seededKeys, seedRedis } from "../../examples/classroom/redis/seed.ts";
import { id } from "../../examples/classroom/warehouse/ids.ts";
import { nearMissIds } from "../../examples/classroom/warehouse/near-misses.ts";
import { readSchema } from "../../examples/classroom/warehouse/schema.ts";
import { seedClassroom } from "../../examples/classroom/warehouse/seed.ts";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";

/**
 * The gate compares the production rows before and after a run. If they differed at every start, or had no related rows, a cleanup
 * that deletes too much could go unnoticed.
 */
describe("the warehouse's production rows", () => {
  let warehouse: Warehouse;

  beforeAll(async () => {
    warehouse = await startWarehouse({ principals: {} });
    await seedClassroom(warehouse);
  });
  afterAll(() => warehouse.stop());

  /** Returns the single number of the single row. */
  async function count(sql: string): Promise<number> {
    const [row] = await warehouse.query(sql);
    return Number(Object.values(row ?? {})[0]);
  }

  it("fill all 48 tables, each with at least as many rows as the real one, and are more than 20,000", async () => {
    const schema = await readSchema();
    const rows = new Map<string, number>();
    for (const table of Object.keys(schema)) rows.set(table, await count(`SELECT count(*) FROM ${table}`));
    expect(rows.size).toBe(48);
    for (const [table, { rows: real }] of Object.entries(schema))
      expect([table, rows.get(table) ?? 0]).toSatisfy(([, n]) => n >= Math.max(1, real));
    expect([...rows.values()].reduce((sum, n) => sum + n, 0)).toBeGreaterThan(20_000);
  });

  it("are equal at every start", async () => {
    const again = await startWarehouse({ principals: {} });
    try {
      await seedClassroom(again);
      expect(await again.checksum()).toEqual(await warehouse.checksum());
    } finally {
      await again.stop();
    }
  });

  it.each([
    ["sessions.classroom_sessions", "teacher_id", "users.teachers"],
    ["sessions.classroom_sessions", "school_id", "users.schools"],
    ["sessions.student_groups", "session_id", "sessions.classroom_sessions"],
    ["sessions.student_groups", "leader_id", "users.students"],
    ["sessions.student_group_members", "group_id", "sessions.student_groups"],
    ["sessions.student_group_members", "student_id", "users.students"],
    ["sessions.participants", "group_id", "sessions.student_groups"],
    ["sessions.transcriptions", "group_id", "sessions.student_groups"],
    ["analytics.student_metrics", "participant_id", "sessions.participants"],
    ["analytics.session_events", "session_id", "sessions.classroom_sessions"],
    ["notifications.notification_queue", "user_id", "users.teachers"],
    ["users.teachers", "school_id", "users.schools"],
  ])("of %s.%s refer to existing rows of %s", async (table, column, parent) => {
    const orphans = `SELECT count(*) FROM classwaves.${table} WHERE id NOT LIKE 'near-%' AND ${column} NOT IN (SELECT id FROM classwaves.${parent})
      AND NOT list_contains([${nearMissIds.map((text) => `'${text}'`).join(", ")}], id)`;
    expect(await count(orphans)).toBe(0);
  });

  it("have the same session in a group and in its members", async () => {
    const astray = `SELECT count(*) FROM classwaves.sessions.student_group_members m JOIN classwaves.sessions.student_groups g ON g.id = m.group_id
      WHERE g.session_id <> m.session_id`;
    expect(await count(astray)).toBe(0);
  });

  it("make every group's leader one of its members", async () => {
    const strangers = `SELECT count(*) FROM classwaves.sessions.student_groups g WHERE g.leader_id IS NOT NULL AND NOT EXISTS
      (SELECT 1 FROM classwaves.sessions.student_group_members m WHERE m.group_id = g.id AND m.student_id = g.leader_id)`;
    expect(await count(strangers)).toBe(0);
  });

  it("have unique ids", async () => {
    for (const table of [
      "users.teachers",
      "sessions.classroom_sessions",
      "sessions.student_groups",
      "sessions.student_group_members",
    ])
      expect([table, await count(`SELECT count(*) - count(DISTINCT id) FROM classwaves.${table}`)]).toEqual([table, 0]);
  });

  it("have the ids that the Redis keys contain", async () => {
    for (const n of [0, 1, 119]) {
      expect(await count(`SELECT count(*) FROM classwaves.sessions.classroom_sessions WHERE id = '${id.session(n)}'`)).toBe(1);
      expect(await count(`SELECT count(*) FROM classwaves.users.teachers WHERE id = '${id.teacher(n)}'`)).toBe(1);
      expect(await count(`SELECT count(*) FROM classwaves.sessions.student_groups WHERE id = '${id.group(n)}'`)).toBe(1);
    }
  });

  it("include every id that resembles a test id, with dependent rows", async () => {
    for (const text of nearMissIds) {
      expect([text, await count(`SELECT count(*) FROM classwaves.sessions.classroom_sessions WHERE id = '${text}'`)]).toEqual([
        text,
        1,
      ]);
      expect([text, await count(`SELECT count(*) FROM classwaves.sessions.transcriptions WHERE session_id = '${text}'`)]).toEqual(
        [text, 1],
      );
    }
  });

  it("match too loose rules (LIKE, ignored case, a suffix without @), but no literal prefix", async () => {
    const sessions = "SELECT count(*) FROM classwaves.sessions.classroom_sessions WHERE";
    const teachers = "SELECT count(*) FROM classwaves.users.teachers WHERE";
    expect(await count(`${sessions} id LIKE 'integration_test_%'`)).toBeGreaterThan(0);
    expect(await count(`${sessions} id ILIKE 'integration\\_test\\_%' ESCAPE '\\'`)).toBeGreaterThan(0);
    expect(await count(`${sessions} contains(title, 'integration_test_')`)).toBeGreaterThan(0);
    expect(await count(`${teachers} ends_with(email, 'testschool.edu')`)).toBeGreaterThan(0);
    for (const prefix of ["integration_test_", "e2e_test_", "e2e-session-", "e2e-teacher-", "e2e-group-", "perf_test_"])
      expect([prefix, await count(`${sessions} starts_with(id, '${prefix}') OR starts_with(title, '${prefix}')`)]).toEqual([
        prefix,
        0,
      ]);
    expect(await count(`${teachers} ends_with(email, '@testschool.edu') OR ends_with(email, '@test.edu')`)).toBe(0);
  });

  it("include legal evidence with the id of a test", async () => {
    expect(
      await count("SELECT count(*) FROM classwaves.compliance.audit_log WHERE starts_with(session_id, 'integration_test_')"),
    ).toBe(1);
  });
});

/** The keys' checksum must change with every mistake that a cleanup could make, and must not change with time. */
describe("Redis' production keys", () => {
  let redis: RunningRedis;
  let client: Redis;
  let untouched: string;

  beforeAll(async () => {
    redis = await startRedis();
    client = new Redis(redis.url);
    await seedRedis(client);
    untouched = await redisChecksum(client);
  });
  afterAll(async () => {
    client.disconnect();
    await redis.stop();
  });

  it("are more than 500, and exactly those of the list", async () => {
    expect(seededKeys.length).toBeGreaterThan(500);
    expect(new Set(seededKeys).size).toBe(seededKeys.length);
    expect(await client.dbsize()).toBe(seededKeys.length);
  });

  it("include no test data", () => {
    const testData =
      /^(cw:test:|test:|(session|teacher_sessions):(integration_test_|e2e_test_|e2e-(session|teacher)-|perf_test_))/;
    expect(seededKeys.filter((key) => testData.test(key))).toEqual([]);
  });

  it("keep the audit log forever, and access codes for a day", async () => {
    expect(await client.type("audit:log")).toBe("stream");
    expect(await client.ttl("audit:log")).toBe(-1);
    expect(await client.ttl(`session:${id.session(0)}:access_code`)).toBeGreaterThan(23 * 3600);
  });

  it("have the same checksum in another Redis, and if other keys are written", async () => {
    const other = await startRedis();
    const otherClient = new Redis(other.url);
    try {
      await seedRedis(otherClient);
      await otherClient.set("cw:test:something", "else");
      expect(await redisChecksum(otherClient)).toBe(untouched);
    } finally {
      otherClient.disconnect();
      await other.stop();
    }
  });

  const session = `session:${id.session(0)}`;
  it.each<[string, (client: Redis) => Promise<unknown>]>([
    ["a key is removed", (c) => c.unlink(`${session}:access_code`)],
    ["a value changes", (c) => c.set(`${session}:access_code`, "0", "KEEPTTL")],
    ["a field changes", (c) => c.hset(`${session}:state`, "status", "gone")],
    ["a member is removed", (c) => c.srem("cw:production:schools:active", "school-7")],
    ["a score changes", (c) => c.zincrby("cw:production:leaderboard", 1, id.teacher(3))],
    ["a list grows", (c) => c.rpush("cw:production:jobs", "one more")],
    ["the audit log loses an entry", (c) => c.xdel("audit:log", "1757000000007-0")],
    ["a key no longer expires", (c) => c.persist(`${session}:access_code`)],
    ["a key begins to expire", (c) => c.expire("audit:log", 100)],
    ["a key that resembles a test key is removed", (c) => c.unlink("cw:tes?:cache:1")],
  ])("have another checksum when %s", async (_what, change) => {
    await change(client);
    expect(await redisChecksum(client)).not.toBe(untouched);
    await client.flushall();
    await seedRedis(client);
    expect(await redisChecksum(client)).toBe(untouched);
  });
});
