import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { type LibraryWorld, startLibraryWorld } from "../../scripts/library-world.ts";
import { namespacesInUse } from "../../src/cleanup/propose/in-use.ts";
import { keyBeginnings, prefixCandidates } from "../../src/init/detect/in-use.ts";
import { repositoryOf } from "../../src/init/repository.ts";
import { freshBundle } from "../harness/process.ts";

/** What `init` says of an environment that this terminal can reach: counts, and no value of a row or a key that may be personal. */

const { GITHUB_ACTIONS: _runner, ...env } = process.env;
const configuration = ".github/env-actions.yml";
let [root, world, redis] = ["", {} as LibraryWorld, {} as RunningRedis];

beforeAll(async () => {
  [world, redis] = await Promise.all([startLibraryWorld(), startRedis()]);
  await world.warehouse.load(`
    INSERT INTO library.people.members VALUES
      ('member_e2e_1', 'E2E', 'member_e2e_1@example.com', now()), ('member_e2e_2', 'E2E', 'b@example.com', now()),
      ('anna_meier_test_1', 'Anna Meier', 'anna.meier@library.org', now()), ('guest', 'Guest', 'guest@example.com', now());
    INSERT INTO library.stock.books SELECT 'e2e_test_' || i, 'A book', 'Somebody', 1, now() FROM range(7) numbers(i);
    INSERT INTO library.lending.loans SELECT 'e2e_test_' || i, 'book-1', 'member-1', now(), NULL FROM range(3) numbers(i)`);
  const client = new Redis(redis.url);
  for (let number = 0; number < 40; number++) await client.set(`shop:cart:${number}`, "1");
  for (let number = 0; number < 5; number++) await client.set(`shop:test:${number}`, "1");
  for (const key of ["anna.meier:cart", "anna.meier:test:1", "berta@library.org", "test:7"]) await client.set(key, "1");
  client.disconnect();
});
afterAll(() => Promise.all([world.stop(), redis.stop()]));

function put(files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
}

async function init(variables: Record<string, string>): Promise<{ said: string; written: string }> {
  const child = spawn(process.execPath, [freshBundle, "init", "--yes"], { cwd: root, env: { ...env, ...variables } });
  const [said] = await Promise.all([text(child.stdout), once(child, "exit")]);
  return { said, written: readFileSync(join(root, configuration), "utf8") };
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "init-"));
  return () => rmSync(root, { recursive: true });
});

describe("a warehouse", () => {
  const files = {
    "package.json": JSON.stringify({
      name: "library",
      scripts: { start: "node a.js" },
      dependencies: { "@databricks/sql": "2" },
    }),
    "a.js": 'app.get("/health", up);\napp.listen(4680);\n',
    ".env.example": "DATABRICKS_HOST=localhost\nDATABRICKS_TOKEN=\nDATABRICKS_WAREHOUSE_ID=\nDATABRICKS_CATALOG=library\n",
  };

  test("prefixes of ids are counted, and the most frequent one is proposed with its question", async () => {
    put(files);
    const before = await world.fingerprint();
    const { said, written } = await init(world.env);
    expect(said).toContain("  ids           10 rows in 2 tables begin with e2e_test_\n");
    expect(parse(written).testData.prefixes).toEqual(["e2e_test_"]);
    expect(written).toMatch(/# TODO: let the ids of test data begin with this.*\n {2}prefixes: \[e2e_test_\]/);
    expect(await world.fingerprint()).toEqual(before);
  });

  test("rows that may be fixed accounts are counted, and proposed as a comment", async () => {
    put(files);
    const { said, written } = await init(world.env);
    // The members of this library have a reserved domain, too; rows with a prefix are no fixed accounts.
    expect(said).toMatch(/ {2}accounts {6}people\.members: 4\d rows with an e-mail address of a test domain, and no prefix\n/);
    expect(written).toMatch(/ {2}# keep:\n {2}# {3}people\.members: \[\] # of 4\d rows\n/);
    expect(parse(written).testData.keep).toBeUndefined();
  });

  test("no value that may be personal is printed or written", async () => {
    put(files);
    const { said, written } = await init(world.env);
    expect(said + written).not.toMatch(/anna|meier|guest|member_e2e|member-\d/i);
  });
});

describe("Redis", () => {
  const files = () => ({
    "package.json": JSON.stringify({ name: "shop", dependencies: { ioredis: "5" } }),
    ".env.example": `REDIS_URL=redis://127.0.0.1:${redis.port}\n`,
    "src/cart.js": "const key = `shop:cart:${id}`;\n",
  });

  test("keys are counted by the namespaces that the code names, by a user that may only read", async () => {
    put(files());
    const { said, written } = await init({ REDIS_URL: redis.readOnlyUrl });
    expect(said).toContain("Counting keys in 127.0.0.1, at most 20000 …\n");
    expect(said).toContain(
      "  Redis         49 keys: shop:test: 5 keys, test: 1 key, shop: 45 keys, 3 keys whose beginning the code doesn't name\n",
    );
    expect(written).toContain('  # keys: ["shop:test:*", "test:*"]\n  keys: []\n');
    expect(said + written).not.toMatch(/anna|berta/);
    expect(said).not.toContain(new URL(redis.readOnlyUrl).password);
  });

  test("another server than the one that the repository names is not asked, and one that refuses stops nothing", async () => {
    put(files());
    const elsewhere = await init({ REDIS_URL: redis.readOnlyUrl.replace("127.0.0.1", "localhost") });
    expect(elsewhere.said).not.toContain("Counting");
    rmSync(join(root, ".github"), { recursive: true });
    const refused = await init({ REDIS_URL: redis.readOnlyUrl.replace(/:[^:@]+@/, ":wrong-password@") });
    expect(refused.said).toContain("Note: the keys of Redis could not be counted: ");
    expect(refused.said).toContain(`wrote ${configuration}`);
    expect(refused.said).not.toContain("wrong-password");
  });
});

describe("a look has a limit", () => {
  const known = new Set(["shop:"]);

  test("of keys", async () => {
    let sent = 0;
    async function* endless() {
      for (;;) yield Array.from({ length: 500 }, () => `shop:${sent++}`);
    }
    const found = await namespacesInUse(endless(), known, { mostKeys: 1_200, withinMs: 60_000 });
    expect(found).toMatchObject({ seen: 1_200, isWhole: false, named: [{ namespace: "shop:", keys: 1_200 }] });
    expect(sent).toBe(1_500);
  });

  test("of time", async () => {
    async function* slow() {
      for (let batch = 0; ; batch++) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        yield [`shop:${batch}`];
      }
    }
    const found = await namespacesInUse(slow(), known, { mostKeys: 1_000_000, withinMs: 40 });
    expect(found.isWhole).toBe(false);
    expect(found.seen).toBeLessThan(100);
  });

  test("a keyspace that ends at the limit has been seen as a whole", async () => {
    async function* two() {
      yield ["shop:1"];
      yield ["shop:2"];
    }
    const found = await namespacesInUse(two(), known, { mostKeys: 10, withinMs: 60_000 });
    expect(found).toEqual({ seen: 2, isWhole: true, named: [{ namespace: "shop:", keys: 2 }], tests: [], others: 0 });
  });
});

test("what is looked for stands in the repository, or is a word of everybody's tests", () => {
  const repository = repositoryOf({
    "src/a.ts": 'get("shop:cart:1"); get("https://x"); const a = "cw:test:";\n',
    "tests/a.test.ts": 'const id = "basket_test_1";\n',
  });
  expect([...keyBeginnings(repository)]).toEqual(["shop:", "shop:cart:", "https:", "cw:", "cw:test:"]);
  const candidates = prefixCandidates(repository, { slug: "shop-api", prefix: "basket_test_" });
  expect(candidates.slice(0, 3)).toEqual(["basket_test_", "shop_api_test_", "shop-api-test-"]);
  expect(candidates).toContain("e2e_test_");
  expect(candidates.length).toBeLessThan(50);
});
