import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { id } from "../warehouse/ids.ts";

/** The "production" keys of the example's Redis, which a quality gate must leave unchanged. Values never change. */
type Value =
  | { kind: "string"; value: string }
  | { kind: "hash"; value: Record<string, string> }
  | { kind: "set"; value: string[] }
  | { kind: "list"; value: string[] }
  | { kind: "zset"; value: Record<string, number> }
  | { kind: "stream"; value: Record<string, string>[] };

interface Seed {
  key: string;
  content: Value;
  /** Absent: it never expires. */
  seconds?: number;
}

const hour = 3_600;
const day = 24 * hour;

/** Everything that the application writes twice. */
function twice(name: string, content: Value, seconds: number): Seed[] {
  return [`cw:production:${name}`, name].map((key) => ({ key, content, seconds }));
}

const sessionKeys = range(120).flatMap((n) => [
  ...twice(`session:${id.session(n)}:access_code`, { kind: "string", value: `${100_000 + n * 733}` }, day),
  ...twice(`session:${id.session(n)}:state`, { kind: "hash", value: { status: "active", groups: `${n % 6}` } }, day),
]);

const teacherKeys = range(50).flatMap((n) => [
  ...twice(`teacher_sessions:${id.teacher(n)}`, { kind: "set", value: [id.session(n), id.session(n + 222)] }, day),
  ...twice(
    `teacher_devices:${id.teacher(n)}`,
    { kind: "hash", value: { tablet: "online", phone: n % 2 ? "online" : "offline" } },
    7 * day,
  ),
  ...twice(`websocket_connections:sessions:${id.teacher(n)}`, { kind: "string", value: "1" }, hour),
]);

const promptKeys = range(30).flatMap((n) =>
  twice(`guidance:autoprompt:${id.session(n)}:${id.group(n)}`, { kind: "string", value: "scheduled" }, hour),
);

const lasting: Seed[] = [
  // Legal evidence that contains a test's id, and still must be kept.
  {
    key: "audit:log",
    content: {
      kind: "stream",
      value: range(60).map((n) => ({
        actor: n === 7 ? "integration_test_1757000000000_0a1b2c3d" : id.teacher(n),
        event: "session_created",
      })),
    },
  },
  { key: "cw:production:schools:active", content: { kind: "set", value: range(40).map((n) => `school-${n}`) } },
  {
    key: "cw:production:leaderboard",
    content: { kind: "zset", value: Object.fromEntries(range(40).map((n) => [id.teacher(n), n * 7])) },
  },
  { key: "cw:production:jobs", content: { kind: "list", value: range(25).map((n) => `job ${n}`) }, seconds: 30 * day },
];

/** Keys that look like test data but aren't: globs, ignoring case, or searching inside names would delete them. */
const nearMisses: Seed[] = [
  "cw:testing:cache:1",
  "cw:test",
  "cw:tests:a",
  "cw:Test:cache:1",
  "CW:TEST:cache:1",
  "cwXtest:cache:1",
  "my:cw:test:cache:1",
  "cw:[test]:cache:1",
  "cw:tes?:cache:1",
  "cw:test\\:cache",
  "cw:production:test:cw:test:1",
  "session:integrationXtestY1757000000000_0a1b2c3d:access_code",
  "session:integration-test_1757000000000_0a1b2c3d:access_code",
  "session:Integration_Test_1757000000000_0a1b2c3d:access_code",
  "teacher_sessions:e2e-teachers-1757000000000",
  "session:perf_tests_of_autumn:access_code",
  "audit:log:archive",
  "ключ:integration test",
].map((key) => ({ key, content: { kind: "string", value: `near ${key}` } }));

const seeds: readonly Seed[] = [...sessionKeys, ...teacherKeys, ...promptKeys, ...lasting, ...nearMisses];

/** The names of all seeded keys. Any other key in Redis was left by a test. */
export const seededKeys: readonly string[] = seeds.map(({ key }) => key);

/** Writes the production keys, more than 500, into Redis. @throws the first command's error */
export async function seedRedis(client: Redis): Promise<void> {
  const commands = client.pipeline();
  for (const { key, content, seconds } of seeds) {
    switch (content.kind) {
      case "string":
        commands.set(key, content.value);
        break;
      case "hash":
        commands.hset(key, content.value);
        break;
      case "set":
        commands.sadd(key, ...content.value);
        break;
      case "list":
        commands.rpush(key, ...content.value);
        break;
      case "zset":
        for (const [member, score] of Object.entries(content.value)) commands.zadd(key, score, member);
        break;
      case "stream":
        for (const [at, entry] of content.value.entries())
          commands.xadd(key, `${1_757_000_000_000 + at}-0`, ...Object.entries(entry).flat());
    }
    if (seconds !== undefined) commands.expire(key, seconds);
  }
  answersOf(await commands.exec());
}

/**
 * SHA-256, hex, of the names, types and contents of the seeded keys, and of whether each expires, but not when. A missing key
 * changes it. Unordered contents are sorted.
 * @throws the first command's error
 */
export async function redisChecksum(client: Redis): Promise<string> {
  const types = client.pipeline();
  for (const key of seededKeys) types.type(key).ttl(key);
  const looks = answersOf(await types.exec());

  const reads = client.pipeline();
  for (const [at, key] of seededKeys.entries()) read(reads, key, String(looks[at * 2]));
  const contents = answersOf(await reads.exec());

  const hash = createHash("sha256");
  for (const [at, key] of seededKeys.entries()) {
    const expires = Number(looks[at * 2 + 1]) >= 0;
    const type = looks[at * 2];
    hash.update(`${JSON.stringify([key, type, expires, ordered(type, contents[at])])}\n`);
  }
  return hash.digest("hex");
}

function read(commands: ReturnType<Redis["pipeline"]>, key: string, type: string): void {
  switch (type) {
    case "string":
      commands.get(key);
      break;
    case "hash":
      commands.hgetall(key);
      break;
    case "set":
      commands.smembers(key);
      break;
    case "list":
      commands.lrange(key, 0, -1);
      break;
    case "zset":
      commands.zrange(key, "0", "-1", "WITHSCORES");
      break;
    case "stream":
      commands.xrange(key, "-", "+");
      break;
    default:
      // Missing, or of a type that was never seeded: the type is in the checksum already.
      commands.exists(key);
  }
}

/** Sets and hashes have no order; in lists, sorted sets and streams the order is part of the content. */
function ordered(type: unknown, content: unknown): unknown {
  if (type === "set" && Array.isArray(content)) return content.toSorted();
  if (type === "hash" && typeof content === "object" && content !== null) return Object.entries(content).toSorted();
  return content;
}

function answersOf(answers: [Error | null, unknown][] | null): unknown[] {
  return (answers ?? []).map(([error, answer]) => {
    if (error) throw error;
    return answer;
  });
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}
