import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseDocument, stringify, visit } from "yaml";
import { loadConfig } from "../../src/config/load.ts";
import { configSchema } from "../../src/config/schema.ts";
import { Secret } from "../../src/config/secret.ts";
import { keysOf, schemaNodeAt } from "../../src/config/shape.ts";
import { parseDuration, parsePercent } from "../../src/config/values.ts";
import { UserError } from "../../src/model/user-error.ts";
import { samples, writtenFor } from "../init/repositories.ts";
import { load } from "./file.ts";

const env = { REDIS_URL: "rediss://:password@localhost:6380/0", SECRET: "the-secret-value" };

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/);
const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });
/** In the file, a `$` that would begin a reference is written twice; other text is written unchanged. */
const plain = text.filter((value) => !value.includes("${"));
const path = plain.map((value) => `/${value}`);
const timeLimit = fc
  .tuple(fc.integer({ min: 1, max: 500 }), fc.constantFrom("ms", "s", "m", "h"))
  .map(([count, unit]) => `${count}${unit}`);
/** Longer than the budgets, as required for the age of expired test data. */
const age = fc.tuple(fc.integer({ min: 1, max: 999 }), fc.constantFrom("h", "d")).map(([count, unit]) => `${count}${unit}`);
const percent = fc.nat(100).map((value) => `${value}%`);
const some = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
const record = fc.dictionary(fc.stringMatching(/^[A-Z][A-Z_]{0,8}$/), plain, { maxKeys: 3 });

const endpoint = fc.record({
  path,
  name: some(plain),
  status: some(fc.array(fc.integer({ min: 100, max: 599 }), { minLength: 1, maxLength: 3 })),
  json: some(
    fc.array(
      fc.oneof(
        fc.record({ path: fc.constant("$.a"), equals: fc.oneof(plain, fc.integer(), fc.boolean(), fc.constant(null)) }),
        fc.record({ path: fc.constant("$.b"), notNull: fc.constant(true as const) }),
      ),
      { maxLength: 2 },
    ),
  ),
});

const environment = fc.record({
  access: fc.constantFrom("read-only" as const, "test-data" as const),
  token: some(fc.constant("${SECRET}")),
  redis: some(fc.record({ url: fc.constant("${REDIS_URL}"), expect: fc.record({ host: plain }) })),
  api: fc.record({
    url: fc.constant("http://localhost:3000"),
    headers: some(record),
    endpoints: some(fc.array(endpoint, { minLength: 1, maxLength: 2 })),
  }),
  environment: some(record),
});

const config = fc.record({
  version: fc.constant(1 as const),
  environments: fc.dictionary(name, environment, { minKeys: 1, maxKeys: 3 }),
  testData: some(fc.record({ expireAfter: some(age), maxRows: some(fc.integer({ min: 1, max: 1e6 })), maxShare: some(percent) })),
  stages: some(fc.record({ smoke: some(fc.record({ budget: some(timeLimit), redisHitRate: some(percent) })) })),
});

/** Replaces secrets by text, because secrets themselves cannot be compared. */
function revealed(value: unknown): unknown {
  if (value instanceof Secret) return `secret ${value.reveal()}`;
  if (Array.isArray(value)) return value.map(revealed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, revealed(part)]));
}

test("a random valid configuration is read back from its file unchanged", async () => {
  await fc.assert(
    fc.asyncProperty(config, async (written) => {
      const loaded = await load(stringify(written), { env });
      const names = Object.keys(written.environments);
      const expected = configSchema.parse(
        JSON.parse(JSON.stringify(written).replaceAll("${SECRET}", env.SECRET).replaceAll("${REDIS_URL}", env.REDIS_URL)),
      );
      expect(revealed(loaded.config)).toEqual(
        revealed({ ...expected, ...(names.length === 1 ? { defaultEnvironment: names[0] } : {}) }),
      );
    }),
    { numRuns: 150 },
  );
});

const { configuration: initial } = writtenFor(samples.ClassWaves);
const initialEnv = {
  DATABRICKS_HOST: "h.example",
  DATABRICKS_TOKEN: "the-databricks-token",
  DATABRICKS_WAREHOUSE_ID: "w",
  REDIS_URL: "redis://localhost",
  TEST_TOKEN_SECRET: "the-token-secret",
};

describe("a file with a typo", () => {
  /** The keys of fixed groups, with their position. Keys of records (names, headers, variables) may be anything. */
  const keys: { start: number; end: number; name: string; siblings: string[] }[] = [];
  visit(parseDocument(initial), {
    Pair(_, pair, parents) {
      const above = parents.flatMap((node) => ("key" in node ? [String(node.key)] : []));
      const schema = schemaNodeAt(configSchema, above)?.schema;
      const siblings = schema ? keysOf(schema) : [];
      const range = (pair.key as { range?: [number, number] }).range;
      if (range && siblings.length > 0) keys.push({ start: range[0], end: range[1], name: String(pair.key), siblings });
    },
  });

  test("in any one key is refused with the line and column of that key", async () => {
    expect(keys.length).toBeGreaterThan(40);
    const letter = fc.constantFrom(..."abcxyz_-019");
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...keys),
        fc.nat(),
        letter,
        fc.constantFrom("insert", "replace", "remove"),
        async (key, at, extra, how) => {
          const index = at % key.name.length;
          const typed =
            key.name.slice(0, index) + (how === "remove" ? "" : extra) + key.name.slice(how === "insert" ? index : index + 1);
          fc.pre(typed !== key.name && /^[a-zA-Z]/.test(typed) && !key.siblings.includes(typed));
          const before = initial.slice(0, key.start);
          const line = before.split("\n").length;
          const column = key.start - before.lastIndexOf("\n");
          await expect(load(before + typed + initial.slice(key.end), { env: initialEnv })).rejects.toThrow(
            `c.yml:${line}:${column}  `,
          );
        },
      ),
      { numRuns: 200 },
    );
  });

  test("anywhere is loaded or refused with positions, and never crashes", async () => {
    const edit = fc.tuple(fc.nat(initial.length), fc.nat(20), fc.string({ unit: "binary", maxLength: 5 }));
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
        const typed = edits.reduce(
          (file, [at, length, inserted]) => file.slice(0, at) + inserted + file.slice(at + length),
          initial,
        );
        const outcome = await load(typed, { env: initialEnv }).catch((error: unknown) => error);
        if (!(outcome instanceof Error)) return;
        expect(outcome).toBeInstanceOf(UserError);
        expect(outcome.message).toMatch(/^c\.yml(:\d+:\d+ {2}| has )/);
        for (const value of [initialEnv.DATABRICKS_TOKEN, initialEnv.TEST_TOKEN_SECRET])
          expect(outcome.message).not.toContain(value);
      }),
      { numRuns: 200 },
    );
  });
});

test("random bytes are refused as a mistake of the user", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      await expect(load(bytes)).rejects.toBeInstanceOf(UserError);
    }),
    { numRuns: 100 },
  );
  await expect(loadConfig({ file: "", cwd: "/", env: {} })).rejects.toBeInstanceOf(UserError);
});

test("durations and percentages are converted to numbers", () => {
  expect(["500ms", "1.5s", "2m", "4h", "7d"].map(parseDuration)).toEqual([500, 1_500, 120_000, 14_400_000, 604_800_000]);
  expect(["", "5", "m", "-1s", "1 s", "1S", "1e3s"].map(parseDuration)).toEqual(Array(7).fill(undefined));
  expect(["95%", "0%", "100%", "12.5%"].map(parsePercent)).toEqual([0.95, 0, 1, 0.125]);
  expect(["", "95", "100.1%", "-1%", "95 %"].map(parsePercent)).toEqual(Array(5).fill(undefined));
});
