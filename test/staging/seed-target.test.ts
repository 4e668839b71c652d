import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { SeedRequest } from "../../src/staging/seed/request.ts";
import { type Copy, catalog, classWavesTables, expected, openCopy } from "./seed-world.ts";

// What may be seeded and emptied: the copy, and only if it has no other rows.

let copy: Copy | undefined;
afterEach(async () => {
  await copy?.close();
  copy = undefined;
});

/** The tables of schools, teachers and students: enough to see whether rows are kept. */
async function openSmall(): Promise<Copy> {
  const all = Object.entries(await classWavesTables());
  const names = ["users.schools", "users.teachers", "users.students", "admin.districts"].map((name) => `${catalog}.${name}`);
  copy = await openCopy(Object.fromEntries(all.filter(([name]) => names.includes(name))));
  return copy;
}

const writes = (statements: readonly string[]) => statements.filter((sql) => /INSERT|TRUNCATE|DELETE|UPDATE/.test(sql));

describe("nothing is sent to anything but the copy", () => {
  let target: Copy;
  beforeAll(async () => {
    target = await openSmall();
    copy = undefined;
    await target.warehouse.load("INSERT INTO users.schools (id) VALUES ('s')");
  });
  afterAll(() => target.close());

  it.each<[string, Partial<SeedRequest>]>([
    ["the original's catalog", { readOnly: [{ environment: "production", catalog }] }],
    ["the original's catalog in other letters", { readOnly: [{ environment: "production", catalog: "STAGING" }] }],
    [
      "another read-only environment's catalog",
      {
        readOnly: [
          { environment: "production", catalog: "classwaves" },
          { environment: "demo", catalog },
        ],
      },
    ],
    ["no expectation", { copy: { catalog } }],
    ["another host", { copy: { catalog, expect: { ...expected, host: "staging.cloud.databricks.com" } } }],
    ["another port", { copy: { catalog, expect: { ...expected, host: "localhost:1" } } }],
    ["another principal", { copy: { catalog, expect: { ...expected, principal: "somebody@school.example" } } }],
    ["another expected catalog", { copy: { catalog, expect: { ...expected, catalog: "staging_2" } } }],
    ["a copy that is not the connection's catalog", { copy: { catalog: "staging_2", expect: expected } }],
  ])("%s", async (_, request) => {
    const { seed, sent, warehouse } = target;
    for (const reset of [true, false]) {
      const failure = await seed({ schools: 1, reset, ...request }).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(failure).toMatchObject({ code: "EA6130", message: expect.stringContaining("Nothing was written") });
    }
    expect(writes(sent())).toEqual([]);
    expect((await warehouse.checksum())["users.schools"]?.rows).toBe(1);
  });
});

it("a table whose rows may be production's is refused, also by a reset", async () => {
  const { seed, sent, warehouse, structure } = await openSmall();
  await warehouse.load("INSERT INTO users.schools (id) VALUES ('s')");
  Object.assign(structure.schemas.users?.tables.schools ?? {}, { type: "EXTERNAL" });
  sent();
  for (const reset of [true, false])
    await expect(seed({ schools: 1, reset })).rejects.toMatchObject({
      code: "EA6112",
      message: expect.stringContaining("users.schools"),
    });
  expect(writes(sent())).toEqual([]);
});

describe("a copy with other rows", () => {
  it("is refused, and its tables named; with add, its rows are kept", async () => {
    const { seed, sent, warehouse } = await openSmall();
    await warehouse.load("INSERT INTO users.students (id, display_name) VALUES ('own', 'Somebody')");
    sent();
    await expect(seed({ schools: 2 })).rejects.toMatchObject({
      code: "EA6131",
      message: expect.stringContaining("users.students (1)"),
    });
    expect(writes(sent())).toEqual([]);
    const added = await seed({ schools: 2, add: true });
    const students = await warehouse.query(
      `SELECT count(*) AS rows, count(CASE WHEN id = 'own' THEN 1 END) AS own FROM ${catalog}.users.students`,
    );
    expect(students).toEqual([
      { rows: BigInt((added.tables.find(({ table }) => table === "users.students")?.rows ?? 0) + 1), own: 1n },
    ]);
  });

  it("a larger seed with add keeps the rows of the smaller one", async () => {
    const { seed, warehouse } = await openSmall();
    await seed({ schools: 2 });
    const kept = await warehouse.query(
      `SELECT md5(string_agg(id || email, ',' ORDER BY id)) AS kept FROM ${catalog}.users.teachers`,
    );
    const ids = (await warehouse.query(`SELECT id FROM ${catalog}.users.teachers`)).map(({ id }) => `'${id}'`);
    const more = await seed({ schools: 5, add: true });
    expect(more.tables.find(({ table }) => table === "users.schools")).toEqual({ table: "users.schools", rows: 3 });
    expect(
      await warehouse.query(
        `SELECT md5(string_agg(id || email, ',' ORDER BY id)) AS kept FROM ${catalog}.users.teachers WHERE id IN (${ids.join(",")})`,
      ),
    ).toEqual(kept);
    const fresh = await openCopyLike();
    await fresh.seed({ schools: 5 });
    expect(await warehouse.checksum()).toEqual(await fresh.warehouse.checksum());
    await fresh.close();
  });

  it("two seeds with other numbers have no id in common", async () => {
    const { seed, warehouse } = await openSmall();
    await seed({ schools: 2, seed: 1 });
    await expect(seed({ schools: 2, seed: 2 })).rejects.toMatchObject({ code: "EA6131" });
    await seed({ schools: 2, seed: 2, add: true });
    const [found] = await warehouse.query(
      `SELECT (SELECT count(*) FROM ${catalog}.users.schools) AS schools, (SELECT count(*) - count(DISTINCT id) FROM ${catalog}.users.students) AS twice,
       (SELECT count(*) FROM ${catalog}.users.students c LEFT JOIN ${catalog}.users.schools p ON p.id = c.school_id WHERE p.id IS NULL) AS orphans`,
    );
    expect(found).toEqual({ schools: 4n, twice: 0n, orphans: 0n });
  });
});

async function openCopyLike(): Promise<Copy> {
  const before = copy;
  const another = await openSmall();
  copy = before;
  return another;
}

describe("a reset", () => {
  it("empties every table but env-actions' own, then seeds", async () => {
    copy = await openCopy({
      ...Object.fromEntries(
        Object.entries(await classWavesTables()).filter(([name]) => /\.users\.(schools|teachers)$/.test(name)),
      ),
      [`${catalog}.shop.orders`]: { columns: { id: "string" } },
      [`${catalog}.shop.nothing`]: { columns: { id: "string" } },
      [`${catalog}.env_actions.refreshes`]: { columns: { record: "string" } },
    });
    const { seed, warehouse, sent, events } = copy;
    await seed({ schools: 1 });
    const clean = await warehouse.checksum();
    await warehouse.load(
      "INSERT INTO users.schools (id) VALUES ('x'); INSERT INTO shop.orders VALUES ('o'); INSERT INTO env_actions.refreshes VALUES ('kept')",
    );
    sent();
    const result = await seed({ schools: 1, reset: true });
    expect(result.emptied).toEqual(["shop.orders", "users.schools", "users.teachers"]);
    expect(writes(sent()).filter((sql) => /TRUNCATE/.test(sql))).toHaveLength(3);
    expect(events.filter(({ what }) => what === "empty").map(({ table, rows }) => [table, rows])).toContainEqual([
      "shop.orders",
      1,
    ]);
    const after = await warehouse.checksum();
    expect(after["env_actions.refreshes"]?.rows).toBe(1);
    expect({ ...after, "env_actions.refreshes": undefined }).toEqual({ ...clean, "env_actions.refreshes": undefined });
  });

  it("that cannot empty a table says which, and seeds nothing", async () => {
    const { seed, warehouse, connection, events } = await openSmall();
    await warehouse.load("INSERT INTO users.schools (id) VALUES ('x')");
    const change = connection.change.bind(connection);
    connection.change = async (statement, ...rest) => {
      if (/TRUNCATE/.test(statement)) throw new Error("[DELTA_CANNOT_MODIFY_APPEND_ONLY] This table is append only");
      return await change(statement, ...rest);
    };
    await expect(seed({ schools: 1, reset: true })).rejects.toMatchObject({
      code: "EA6135",
      message: expect.stringContaining("users.schools"),
    });
    expect(events).toEqual([{ what: "empty", table: "users.schools", problem: expect.stringContaining("append only") }]);
    expect((await warehouse.checksum())["users.teachers"]?.rows).toBe(0);
  });
});

it("refuses numbers and days that don't exist, before it asks anything", async () => {
  const { seed, sent } = await openSmall();
  sent();
  const wrong: [Partial<SeedRequest>, string][] = [
    [{ seed: -1 }, "the seed is -1"],
    [{ seed: 0x10000000 }, "the seed is 268435456"],
    [{ day: "2026-02-30" }, 'the day is "2026-02-30"'],
    [{ day: "today" }, 'the day is "today"'],
    [{ schools: 1.5 }, "schools is 1.5"],
    [{ rows: -3 }, "rows is -3"],
  ];
  for (const [request, message] of wrong)
    await expect(seed(request)).rejects.toMatchObject({ code: "EA6136", message: expect.stringContaining(message) });
  expect(sent()).toEqual([]);
});
