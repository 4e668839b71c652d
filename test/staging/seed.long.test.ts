import { expect, it } from "vitest";
import { type Copy, catalog, classWavesTables, openCopy } from "./seed-world.ts";

// What takes longer: many schools, many rows, and seeds that are killed.

async function withCopy(pattern: RegExp, work: (copy: Copy) => Promise<void>): Promise<void> {
  const tables = Object.entries(await classWavesTables()).filter(([name]) => pattern.test(name));
  const copy = await openCopy(Object.fromEntries(tables));
  try {
    await work(copy);
  } finally {
    await copy.close();
  }
}

const people = /\.users\.(schools|teachers|students)$/;

it.each([0, 1, 2])("a seed that ends after %i tables is completed by the next", async (written) => {
  await withCopy(people, async ({ seed, warehouse, connection }) => {
    const change = connection.change.bind(connection);
    let left = written;
    connection.change = async (statement, ...rest) => {
      if (left-- <= 0) throw new Error("killed");
      return await change(statement, ...rest);
    };
    await expect(seed({ schools: 2 })).rejects.toThrow("killed");
    connection.change = change;
    await seed({ schools: 2 });
    await withCopy(people, async (fresh) => {
      await fresh.seed({ schools: 2 });
      expect(await warehouse.checksum()).toEqual(await fresh.warehouse.checksum());
    });
  });
});

it("many schools differ: two languages, all tiers, most of them active", async () => {
  await withCopy(people, async ({ seed, warehouse }) => {
    await seed({ schools: 150 });
    const [figures] = await warehouse.query(
      `SELECT count(*) FILTER (WHERE subscription_status = 'active') / count(*) AS active, count(DISTINCT subscription_tier) AS tiers, count(DISTINCT domain) / count(*) AS domains,
     (SELECT count(*) FILTER (WHERE timezone = 'America/Bogota') / count(*) FROM ${catalog}.users.teachers) AS spanish,
     (SELECT count(DISTINCT email) = count(email) FROM ${catalog}.users.students) AS unique_emails,
     (SELECT min(c) >= 60 AND max(c) <= 180 AND stddev(c) > 20 FROM (SELECT count(*) AS c FROM ${catalog}.users.students GROUP BY school_id)) AS sizes
     FROM ${catalog}.users.schools`,
    );
    expect(figures).toMatchObject({ tiers: 3n, unique_emails: true, sizes: true, domains: 1 });
    expect(Number(figures?.active)).toBeGreaterThan(0.7);
    expect(Number(figures?.active)).toBeLessThan(0.95);
    expect(Number(figures?.spanish)).toBeGreaterThan(0.12);
    expect(Number(figures?.spanish)).toBeLessThan(0.4);
  });
});

it.each([1, 10, 100])(
  "%i schools: as many statements, rows in proportion, and no orphans",
  async (schools) => {
    await withCopy(/\./, async ({ seed, sent, warehouse }) => {
      const started = performance.now();
      const { tables } = await seed({ schools });
      const rows = tables.reduce((sum, table) => sum + table.rows, 0);
      const statements = sent().length;
      console.log(
        `${schools} schools: ${rows} rows in ${statements} statements, ${Math.round(performance.now() - started)} ms, ${Math.round(process.memoryUsage().rss / 1e6)} MB with the warehouse`,
      );
      expect(statements).toBeLessThanOrEqual(60);
      expect(rows / schools).toBeGreaterThan(5_000);
      expect(rows / schools).toBeLessThan(30_000);
      expect(
        await warehouse.query(
          `SELECT (SELECT count(*) FROM ${catalog}.sessions.student_group_members m LEFT JOIN ${catalog}.users.students u ON u.id = m.student_id WHERE u.id IS NULL) AS members,
         (SELECT count(*) FROM ${catalog}.sessions.transcriptions t LEFT JOIN ${catalog}.sessions.student_groups g ON g.id = t.group_id WHERE g.id IS NULL) AS transcripts,
         (SELECT count(*) - count(DISTINCT id) FROM ${catalog}.sessions.transcriptions) AS twice`,
        ),
      ).toEqual([{ members: 0n, transcripts: 0n, twice: 0n }]);
    });
  },
  1_200_000,
);

it("a million rows are one statement", async () => {
  const copy = await openCopy({
    [`${catalog}.shop.customers`]: { columns: { id: "string", name: "string", score: "int", since: "timestamp" } },
  });
  try {
    const started = performance.now();
    const { tables } = await copy.seed({ rows: 1_000_000 });
    console.log(`1,000,000 rows: ${Math.round(performance.now() - started)} ms`);
    expect(tables).toEqual([{ table: "shop.customers", rows: 1_000_000 }]);
    expect(copy.sent().filter((sql) => sql.includes("INSERT"))).toHaveLength(1);
    expect(await copy.warehouse.query(`SELECT count(DISTINCT id) AS ids FROM ${catalog}.shop.customers`)).toEqual([
      { ids: 1_000_000n },
    ]);
  } finally {
    await copy.close();
  }
}, 1_200_000);
