import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { Catalog } from "../cleanup/test-stores.ts";
import { startWorld, type Told, type World } from "./user.ts";

/**
 * Nothing is called gone that was never looked at: what dist/index.js says about rows and keys that its cleanup cannot find, or must not
 * delete. Every configuration is also one of versions that did not keep these promises; see user.ts for how to ask one of those.
 */

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

const lesson = "sessions.classroom_sessions";
const teachers = "users.teachers";

/** As an application writes it: with an id of its own, and a title that the test chose. */
const makeLesson = (catalog: Catalog, id: string, title: string, as = "app") =>
  catalog.as(as, `INSERT INTO ${catalog.name}.${lesson} (id, title, created_at) VALUES ('${id}', '${title}', now())`);

/** A catalog with a teacher of 2024. */
async function classroom(other: Record<string, Record<string, string>> = {}): Promise<Catalog> {
  const catalog = await world.tables([teachers, lesson], other);
  await catalog.as(
    "production",
    `INSERT INTO ${catalog.name}.${teachers} (id, name, created_at) VALUES ('mira', 'Mira', TIMESTAMP '2024-03-01 08:00:00')`,
  );
  return catalog;
}

/** What the checks about test data say, those that did not pass. */
function doubts({ said }: Told): string {
  const about = said.checks.filter(({ id, verdict }) => id.startsWith("test-data.") && verdict !== "passed");
  return about.map(({ observed, message }) => `${observed}: ${message}`).join("\n");
}

describe("a test that makes rows and keys without the prefix", () => {
  it("gets the number and table of unexplained rows", async () => {
    const catalog = await classroom();
    const told = await world.integration({ catalog }, async (prefix) => {
      await makeLesson(catalog, "5c0f", `${prefix} a`);
      for (const id of ["5c11", "5c12", "5c13"]) await makeLesson(catalog, id, "Maths");
    });
    expect((await catalog.rows(lesson)).map(({ id }) => id).sort()).toEqual(["5c11", "5c12", "5c13"]);
    expect(told.said.verdict).not.toBe("passed");
    expect(doubts(told)).toMatch(/unexplained.*3/);
    expect(doubts(told)).toContain(lesson);
  });

  it("gets the number and beginning of unexplained keys", async () => {
    const catalog = await classroom();
    await world.stores.keys.flushall();
    const told = await world.integration({ catalog, redis: world.stores.redisUrl }, async (prefix) => {
      await makeLesson(catalog, "5c0f", `${prefix} a`);
      await world.stores.keys.mset("session:5c11", "1", "session:5c12", "1");
    });
    expect(await world.stores.keys.dbsize()).toBe(2);
    expect(told.said.verdict).not.toBe("passed");
    expect(doubts(told)).toMatch(/Redis keys unexplained .*2/);
    // They may be somebody else's, and sign him in.
    expect(told.out).toContain('"session:***"');
    expect(told.out).not.toContain("5c11");
  });

  it("gets a warning when nothing carries the prefix", async () => {
    const catalog = await classroom();
    const told = await world.integration({ catalog }, () => makeLesson(catalog, "5c11", "Maths", "token"));
    expect(told.said.verdict).not.toBe("passed");
    expect(doubts(told)).toMatch(/prefix/);
  });

  // The application signs in as somebody whom the configuration does not know, so that these may be production's rows.
  it("gets a warning when another principal wrote the rows, with the setting to add", async () => {
    const catalog = await classroom();
    const told = await world.integration({ catalog }, () => makeLesson(catalog, "5c11", "Maths"));
    expect(told.said.verdict).not.toBe("passed");
    expect(doubts(told)).toMatch(/cleanup found none of them by this run's prefix/);
    expect(doubts(told)).toContain("testData.principals");
  });

  it("gets a failure for rows with the prefix in an undeclared table", async () => {
    const catalog = await classroom({ "school.log": { id: "string", text: "string" } });
    const told = await world.integration({ catalog }, async (prefix) => {
      await makeLesson(catalog, "5c0f", `${prefix} a`);
      await catalog.as("app", `INSERT INTO ${catalog.name}.school.log (id, text) VALUES ('1', '${prefix} b')`);
    });
    expect(told).toMatchObject({ status: 1, said: { verdict: "failed" } });
    expect(doubts(told)).toContain("school.log");
  });
});

describe("a real row that the tests", () => {
  const changes: [string, string][] = [
    ["changed", `UPDATE $.${teachers} SET name = 'Mallory' WHERE id = 'mira'`],
    ["deleted", `DELETE FROM $.${teachers} WHERE id = 'mira'`],
  ];
  const work = (catalog: Catalog, sql: string) => async (prefix: string) => {
    await makeLesson(catalog, "5c0f", `${prefix} a`);
    await catalog.as("app", sql.replace("$", catalog.name));
  };

  // Nothing says here who signs in as the application, so that it may have been somebody else.
  it.each(changes)("%s is named, and the stage does not pass", async (_, sql) => {
    const catalog = await classroom();
    const told = await world.integration({ catalog }, work(catalog, sql));
    expect(told.said.verdict).not.toBe("passed");
    expect(doubts(told)).toContain(teachers);
  });

  // Older versions lack testData.principals: they end with a mistake in the configuration, whatever they would say.
  it.each(changes)("%s fails the stage when the tests' principal is known", async (_, sql) => {
    const catalog = await classroom();
    const testData = { principals: ["app@school.example", "runner@school.example"] };
    const told = await world.integration({ catalog, testData }, work(catalog, sql));
    expect(told).toMatchObject({ status: 1, said: { verdict: "failed" } });
    expect(doubts(told)).toMatch(/real rows touched 1 [\s\S]*users\.teachers \(mira\)/);
  });
});

// Only its owner knows who an application signs in as. Until the configuration says so, what anybody wrote may be the run's.
describe("an application that signs in as somebody whom the configuration does not name", () => {
  it("does not get a pass when it changes a real row and leaves rows behind", async () => {
    const catalog = await classroom();
    const told = await world.integration({ catalog }, async (prefix) => {
      await makeLesson(catalog, "5c0f", `${prefix} a`, "token");
      await makeLesson(catalog, "5c11", "Maths");
      await catalog.as("app", `UPDATE ${catalog.name}.${teachers} SET name = 'Mallory' WHERE id = 'mira'`);
    });
    expect(told.said.verdict).not.toBe("passed");
  });

  it("is not reported with 0 real rows touched when a real row was changed", async () => {
    const catalog = await classroom();
    await catalog.as(
      "production",
      `INSERT INTO ${catalog.name}.${lesson} (id, title, created_at) VALUES ('maths', 'Maths', TIMESTAMP '2024-03-01 08:00:00')`,
    );
    const told = await world.integration({ catalog }, (prefix) =>
      catalog.as("app", `UPDATE ${catalog.name}.${lesson} SET title = '${prefix} fractions' WHERE id = 'maths'`),
    );
    expect(told.out).toContain("1 real row changed by tests");
    expect(told.out).toMatch(/"line": "[^"]*real rows touched unknown \(at most 1\)/);
  });
});

describe("a test that", () => {
  it.each([
    ["drops a real table", `DROP TABLE $.${teachers}`, teachers],
    ["empties a real table", `TRUNCATE TABLE $.${teachers}`, teachers],
    ["makes a real table anew", `CREATE OR REPLACE TABLE $.${teachers} AS SELECT * FROM $.${teachers} WHERE id = 'x'`, teachers],
    [
      "changes a row of a protected table",
      "UPDATE $.compliance.audit_log SET description = 'x' WHERE id = 'real'",
      "compliance.audit_log",
    ],
  ])("%s: the table is named, and the stage does not pass", async (_, sql, table) => {
    const catalog = await world.tables([teachers, lesson, "compliance.audit_log"]);
    await catalog.as("production", `INSERT INTO ${catalog.name}.${teachers} (id, name) VALUES ('mira', 'Mira')`);
    await catalog.as("production", `INSERT INTO ${catalog.name}.compliance.audit_log (id, description) VALUES ('real', 'y')`);
    const told = await world.integration({ catalog }, async (prefix) => {
      await makeLesson(catalog, "5c0f", `${prefix} a`);
      await catalog.as("app", sql.replaceAll("$", catalog.name));
    });
    expect(told.said.verdict).not.toBe("passed");
    expect(doubts(told)).toContain(table);
  });
});

describe("is never called gone:", () => {
  it("test data in an environment without the preset's tables", async () => {
    const catalog = await world.tables([], { "school.log": { id: "string" } });
    const told = await world.integration({ catalog }, async () => undefined);
    expect(told.said.verdict).not.toBe("passed");
    expect(doubts(told)).toMatch(/none of the declared tables/);
  });

  it("test data in an environment without a warehouse and Redis", async () => {
    const told = await world.cleanup({});
    expect(told.status).not.toBe(0);
    expect(told.said.verdict).not.toBe("passed");
    expect(told.out).not.toMatch(/\b0 left\b/);
  });
});

describe("in Redis", () => {
  const keys = async () => (await world.stores.keys.keys("*")).sort();
  beforeEach(() => world.stores.keys.flushall());

  it("a production key named in the ledger stays, and the stage fails", async () => {
    await world.stores.keys.set("cw:production:config", "1");
    const redis = world.stores.redisUrl;
    const told = await world.integration({ redis }, async (_, note) => note({ key: "cw:production:config" }));
    expect(await keys()).toEqual(["cw:production:config"]);
    expect(told).toMatchObject({ status: 1, said: { verdict: "failed" } });
    expect(doubts(told)).toContain("cw:production:config");
  });

  it("keys of a real teacher stay although the ledger names the teacher under another table", async () => {
    const catalog = await classroom();
    const nora = "6b1f0c3e-7a55-4c0e-9d21-aa0f3b2c4d5e";
    await catalog.as("production", `INSERT INTO ${catalog.name}.${teachers} (id, name) VALUES ('${nora}', 'Nora')`);
    const noras = [`session:${nora}`, `teacher_sessions:${nora}`];
    for (const key of noras) await world.stores.keys.set(key, "1");
    const told = await world.integration({ catalog, redis: world.stores.redisUrl }, async (_, note) =>
      note({ table: lesson, id: nora }),
    );
    expect(await keys()).toEqual(noras);
    expect(told.said.verdict).not.toBe("passed");
    expect(told.out).toContain(`${lesson}: 1 row that the ledger names was not found`);
  });

  it("keys with the prefix inside a segment are deleted", async () => {
    const told = await world.integration({ redis: world.stores.redisUrl }, async (prefix) => {
      await world.stores.keys.mset(
        `cw:test:c:detail_${prefix}_x`,
        "1",
        `cw:test:e:x-${prefix}`,
        "1",
        `app:detail_${prefix}_x`,
        "1",
      );
    });
    expect(await keys()).toEqual([]);
    expect(told.status).toBe(0);
  });

  it("a Redis URL whose query selects another database is refused before tests run", async () => {
    const elsewhere = new Redis(`${world.stores.redisUrl}?db=3`);
    onTestFinished(() => elsewhere.disconnect());
    const told = await world.integration({ redis: `${world.stores.redisUrl}?db=3` }, async (prefix) => {
      await elsewhere.set(`cw:test:${prefix}`, "1");
    });
    expect(await elsewhere.keys("*")).toEqual([]);
    expect(told.status).toBe(2);
    expect(told.log).toMatch(/redis.*\/3/s);
  });
});
