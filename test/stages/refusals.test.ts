import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { newRunId } from "../../src/cleanup/run-id.ts";
import { inParallel } from "../../src/lib/in-parallel.ts";
import { freshBundle } from "../harness/process.ts";

/**
 * Every bad input is refused before anything is written; a mistake in file or flags before anything is sent at all. The proof is not
 * what the suite says of itself but what the servers saw. There is test data to delete in both, so that only the refusal stops it.
 */

const expired = `integration_test_${Date.now() - 86_400_000}_1a2b3c4d`;

interface Case {
  input: string;
  /** Each text of the file → what stands there instead. */
  file?: Record<string, string>;
  args?: string[];
  env?: Record<string, string>;
  /** 1: we looked, and it is wrong; 2: a mistake; 3: we could not look. */
  status: 1 | 2 | 3;
  /** Place and cure. */
  says: (string | RegExp)[];
}

interface Ran extends Case {
  exit: number | null;
  output: string;
  statements: string[];
}

const execute = ["cleanup", "--scope", "expired", "--execute"];

/** The file of `configuration`, to which every case makes one change. */
const inTestData = (lines: string) => ({ "testData: {}": `testData:\n${lines.replaceAll(/^/gm, "  ")}` });

type Mistake = Omit<Case, "status">;

const mistakes: Mistake[] = [
  // Prefixes: what could begin the id of a production row is none.
  {
    input: "an empty prefix",
    file: inTestData('prefixes: ["", integration_test_, e2e_test_]'),
    says: ["c.yml:25:14", "expected at least 6 characters: a shorter prefix"],
  },
  {
    input: "a wildcard in a prefix",
    file: inTestData('prefixes: ["integration%", integration_test_, e2e_test_]'),
    says: ["c.yml:25:14", "expected literal text: a prefix has no wildcard"],
  },
  {
    input: "a prefix of digits, as a time is",
    file: inTestData('prefixes: ["176392", integration_test_, e2e_test_]'),
    says: ["c.yml:25:14", "such as integration_test_"],
  },
  {
    input: "a prefix as a UUID begins",
    file: inTestData("prefixes: [7b1c6c0e-, integration_test_, e2e_test_]"),
    says: ["c.yml:25:14", "such as integration_test_"],
  },
  {
    input: "a prefix of one letter",
    file: inTestData("prefixes: [xxxxxxxx, integration_test_, e2e_test_]"),
    says: ["c.yml:25:14", "3 different letters"],
  },
  {
    input: "a prefix that the ids of production have",
    file: inTestData("prefixes: [teacher_, integration_test_, e2e_test_]"),
    says: ["c.yml:25:14", "write a prefix that only tests use, such as teacher_test_"],
  },
  {
    input: "a prefix by which a stage's data would not be found",
    file: { "testData: {}": "testData:\n  prefixes: [integration_test_]\nstages: { e2e: { command: run } }" },
    says: ["c.yml:25:3", 'add "e2e_test_" here'],
  },
  // Tables.
  {
    input: "a protected table named for deletion",
    file: inTestData("tables:\n  compliance.audit_log:\n    match: [{ column: id, prefix: true }]"),
    says: ["c.yml:26:5", "remove it from one of the two"],
  },
  {
    input: "the legal evidence unprotected",
    file: inTestData("protectedTables: []"),
    says: ["c.yml:25:3", 'add "compliance.*" to the list'],
  },
  {
    input: "tables that hang on each other in a circle",
    file: inTestData("tables:\n  a.b: { parents: { c_id: { partOf: a.c } } }\n  a.c: { parents: { b_id: { partOf: a.b } } }"),
    says: ["c.yml:26:12", "remove one of the parents"],
  },
  {
    input: "a parent that is not declared",
    file: inTestData("tables:\n  a.b: { parents: { session_id: { partOf: sessions.classroom_session } } }"),
    says: ["c.yml:26:45", 'did you mean "sessions.classroom_sessions"?'],
  },
  {
    input: "a table without its schema",
    file: inTestData("tables:\n  notes: {}"),
    says: ["c.yml:26:5", "expected schema.table"],
  },
  {
    input: "a key that is no column",
    file: inTestData('tables:\n  a.b: { key: "id; DROP TABLE users.teachers" }'),
    says: ["c.yml:26:17", "expected a column name"],
  },
  {
    input: "a suffix that real domains end with",
    file: inTestData("tables:\n  a.b: { match: [{ column: email, suffix: .edu }] }"),
    says: ["c.yml:26:45", "a whole domain with @"],
  },
  // Redis.
  {
    input: "a namespace of every key",
    file: inTestData('keys: ["*"]'),
    says: ["c.yml:25:10", "with at least 6 literal characters"],
  },
  {
    input: "a namespace that covers a protected key",
    file: inTestData('keys: ["audit:*"]'),
    says: ["c.yml:25:10", "choose a narrower namespace"],
  },
  {
    input: "a namespace of the application's own keys",
    file: inTestData('keys: ["session:*"]'),
    says: ["c.yml:25:10", "choose a narrower namespace"],
  },
  // Limits.
  { input: "no row at all as a limit", file: inTestData("maxRows: 0"), says: ["c.yml:25:12", "expected 1 or more"] },
  { input: "a share over everything", file: inTestData("maxShare: 150%"), says: ["c.yml:25:13", 'from "0%" to "100%"'] },
  {
    input: "an age that a running test reaches",
    file: inTestData("expireAfter: 10m"),
    says: ["c.yml:25:16", "longer than stages.integration.budget"],
  },
  // Places.
  { input: "an unknown key", file: { "testData: {}": "testdata: {}" }, says: ["c.yml:24:1", 'did you mean "testData"?'] },
  {
    input: "no expected host where test data is written",
    file: { "      expect: { host: localhost }\n": "" },
    says: ["c.yml:6:5", "add expect: { host: … } with the host that it must be"],
  },
  {
    input: "an expected host that comes from where the host comes from",
    file: { "expect: { host: localhost }": 'expect: { host: "${HOST}" }' },
    says: ["c.yml:11:23", "expected the host itself, not a variable"],
  },
  {
    input: "a missing token",
    env: { TOKEN: "" },
    says: ["c.yml:8:14", "the environment variable TOKEN is empty", "set it"],
  },
  { input: "a token written into the file", file: { "${TOKEN}": "dapi-written-out" }, says: ["c.yml:8:14", /\$\{/] },
  {
    input: "an unknown environment",
    args: [...execute, "-e", "sandbix"],
    says: ["EA1014: --environment", 'did you mean "sandbox"?'],
  },
  // Flags.
  {
    input: "a read-only environment to delete from",
    args: [...execute, "-e", "production"],
    says: [/\bc\.yml:\d+:13 {2}environments\.production\.access {2}the environment is read-only/, "leave --execute out"],
  },
  {
    input: "all test data without the plan that was shown",
    args: ["cleanup", "--scope", "all", "--execute"],
    says: ["--scope all", "add --plan-digest"],
  },
  {
    input: "a digest that is none",
    args: [...execute, "--plan-digest", "12345"],
    says: ["--plan-digest", "64 hexadecimal digits"],
  },
  {
    input: "an unknown scope",
    args: ["cleanup", "--scope", "everything", "--execute"],
    says: ["--scope", "expected run, expired or all, got"],
  },
  { input: "a misspelt flag", args: [...execute, "--dryrun"], says: ["--dryrun"] },
];

/** What the file itself shows: it names another place than it expects. */
const elsewhere: Case[] = [
  {
    input: "another host",
    status: 1,
    file: { "expect: { host: localhost }": "expect: { host: adb-1.azuredatabricks.net }" },
    says: ["host: expected adb-1.azuredatabricks.net, got localhost (nothing was sent)"],
  },
  {
    input: "a host in which the expected one is contained",
    status: 1,
    file: { "expect: { host: localhost }": "expect: { host: local }" },
    says: ["host: expected local, got localhost (nothing was sent)"],
  },
  {
    input: "another port of the host",
    status: 1,
    file: { "expect: { host: localhost }": 'expect: { host: "localhost:443" }' },
    says: [/host: expected localhost:443, got localhost:\d+ \(nothing was sent\)/],
  },
  {
    input: "another catalog",
    status: 1,
    file: { "expect: { host: localhost }": "expect: { host: localhost, catalog: classwaves_test }" },
    says: ["catalog: expected classwaves_test, got classwaves (nothing was sent)"],
  },
  {
    input: "another Redis",
    status: 1,
    file: { "expect: { host: 127.0.0.1 }": "expect: { host: redis.internal }" },
    says: ["Redis host: expected redis.internal, got 127.0.0.1 (nothing was sent)"],
  },
  {
    input: "another port of Redis",
    status: 1,
    file: { "expect: { host: 127.0.0.1 }": 'expect: { host: "127.0.0.1:1" }' },
    says: [/Redis host: expected 127\.0\.0\.1:1, got 127\.0\.0\.1:\d+ \(nothing was sent\)/],
  },
  {
    input: "another database of Redis",
    status: 1,
    file: { "expect: { host: 127.0.0.1 }": "expect: { host: 127.0.0.1, database: 5 }" },
    says: ["Redis database: expected 5, got 0 (nothing was sent)"],
  },
];

const refusals: Case[] = [
  { input: "a catalog that is not there", status: 3, file: { "catalog: classwaves": "catalog: elsewhere" }, says: [/elsewhere/] },
  {
    input: "another principal",
    status: 1,
    file: { "expect: { host: localhost }": "expect: { host: localhost, principal: tester@school.example }" },
    says: ["principal: expected tester@school.example, got runner@school.example (nothing was written)"],
  },
  {
    input: "a digest of another plan",
    status: 1,
    args: ["cleanup", "--scope", "all", "--execute", "--plan-digest", "0".repeat(64)],
    says: ["The plan has changed since it was shown", "Nothing was deleted"],
  },
  {
    input: "more rows than the limit",
    status: 1,
    file: inTestData("maxRows: 1"),
    says: ["the plan deletes 2 rows, more than testData.maxRows (1)", "nothing was deleted"],
  },
];

let warehouse: Warehouse;
let redis: RunningRedis;
let keys: Redis;
let monitor: Redis;
let workspace: string;
/** What Redis was told by others than this test. */
let commands: string[] = [];

beforeAll(async () => {
  [warehouse, redis, workspace] = await Promise.all([
    startWarehouse({ principals: { "runner-token": { user: "runner@school.example", grants: [], admin: true } } }),
    startRedis(),
    mkdtemp(join(tmpdir(), "env-actions-refusals-")),
  ]);
  await warehouse.createTables({
    "classwaves.sessions.classroom_sessions": {
      columns: { id: "string", title: "string", teacher_id: "string", school_id: "string", created_at: "timestamp" },
    },
    "classwaves.compliance.audit_log": { columns: { id: "string", session_id: "string" } },
  });
  await warehouse.load(`
    INSERT INTO sessions.classroom_sessions (id, title) VALUES ('${expired}', 'one'), ('${expired}_2', 'two'), ('7b1c6c0e', 'real');
    INSERT INTO compliance.audit_log (id, session_id) VALUES ('a', '${expired}');`);
  keys = new Redis(redis.url);
  await keys.mset({ [`cw:test:${expired}`]: "1", "session:7b1c6c0e:access_code": "2", "audit:log": "3" });
  monitor = await keys.monitor();
  monitor.on("monitor", (_time: string, args: string[]) => commands.push(args.join(" ").toLowerCase()));
});
afterAll(async () => {
  monitor.disconnect();
  keys.disconnect();
  await Promise.all([warehouse.stop(), redis.stop(), rm(workspace, { recursive: true, force: true })]);
});

function configuration(): string {
  return `version: 1
defaultEnvironment: sandbox
environments:
  sandbox:
    access: test-data
    databricks:
      host: \${HOST}
      token: \${TOKEN}
      warehouse: ${warehouse.warehouseId}
      catalog: classwaves
      expect: { host: localhost }
      certificateAuthority: ${warehouse.certificateAuthority}
    redis:
      url: \${REDIS_URL}
      expect: { host: 127.0.0.1 }
  production:
    access: read-only
    databricks:
      host: \${HOST}
      token: \${TOKEN}
      warehouse: ${warehouse.warehouseId}
      certificateAuthority: ${warehouse.certificateAuthority}
    redis: { url: "\${REDIS_URL}" }
testData: {}
`;
}

/** One call of the real command line; what the warehouse saw of it is told by the run's id, which every statement carries. */
async function run(one: Case, index: number): Promise<Ran> {
  const directory = await mkdtemp(join(workspace, `${index}-`));
  let file = configuration();
  for (const [there, instead] of Object.entries(one.file ?? {})) {
    expect(file, "what the case replaces").toContain(there);
    file = file.replace(there, () => instead);
  }
  await writeFile(join(directory, "c.yml"), file);
  const runId = newRunId();
  const { GITHUB_ACTIONS: _runner, ...env } = process.env;
  const child = spawn(process.execPath, [freshBundle, ...(one.args ?? execute), "--config", "c.yml"], {
    cwd: directory,
    // Compiled once for all of them: starting is most of what they do.
    env: {
      ...env,
      NODE_COMPILE_CACHE: join(workspace, "compiled"),
      HOST: warehouse.host,
      TOKEN: "runner-token",
      REDIS_URL: redis.url,
      ENV_ACTIONS_RUN_ID: runId,
      ...one.env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const exit = await new Promise<number | null>((resolve) => child.once("close", resolve));
  const statements = warehouse.statements.filter(({ sql }) => sql.includes(runId)).map(({ sql }) => sql);
  return { ...one, exit, output, statements };
}

/** All that Redis has been told until now has reached us when it has told us of this. */
async function seenByRedis(): Promise<string[]> {
  const mark = `echo ${Math.random()}`;
  const seenMark = new Promise<void>((resolve) =>
    monitor.on("monitor", (_time: string, words: string[]) => words.join(" ") === mark && resolve()),
  );
  await keys.echo(mark.slice(5));
  await seenMark;
  expect(commands).toContain(mark);
  const seen = commands.filter((command) => !command.startsWith("echo "));
  commands = [];
  return seen;
}

async function connectionsOfRedis(): Promise<number> {
  return Number(/total_connections_received:(\d+)/.exec(await keys.info("stats"))?.[1]);
}

const atOnce = 3;
const writes = /\b(?:DELETE|INSERT|UPDATE|MERGE|TRUNCATE|DROP|CREATE|ALTER)\b/i;
const readsOfRedis = /^(?:auth|hello|select|client|ping|info|scan|pttl|acl|quit)(?: |$)/;

describe("a mistake in file or flags", () => {
  let ran: Ran[] = [];
  let statements: number;
  let connections: number;
  let told: string[];

  beforeAll(async () => {
    connections = await connectionsOfRedis();
    // And has told us of that question as well.
    await seenByRedis();
    statements = warehouse.statements.length;
    ran = await inParallel(atOnce, [...mistakes.keys()], (index) => run({ ...(mistakes[index] as Mistake), status: 2 }, index));
    told = await seenByRedis();
  });

  test.each(mistakes.map(({ input }, index) => [input, index] as const))(
    "%s: exit status 2, with position and fix",
    (_, index) => {
      const { exit, output, says } = ran[index] as Ran;
      expect(output).not.toMatch(/\n {4}at /);
      for (const text of says)
        expect(output).toEqual(typeof text === "string" ? expect.stringContaining(text) : expect.stringMatching(text));
      expect(exit).toBe(2);
    },
  );

  test("no run connected to the warehouse or Redis", async () => {
    expect(ran).toHaveLength(mistakes.length);
    expect(warehouse.statements.slice(statements)).toEqual([]);
    expect(told).toEqual([]);
    expect(await connectionsOfRedis()).toBe(connections);
  });
});

describe("a configuration that leads to another place than it expects", () => {
  let ran: Ran[] = [];
  let statements: number;
  let connections: number;
  let told: string[];

  beforeAll(async () => {
    connections = await connectionsOfRedis();
    await seenByRedis();
    statements = warehouse.statements.length;
    ran = await inParallel(atOnce, [...elsewhere.keys()], (index) => run(elsewhere[index] as Case, 200 + index));
    told = await seenByRedis();
  });

  test.each(elsewhere.map(({ input }, index) => [input, index] as const))("%s: fails and names the difference", (_, index) => {
    const { exit, output, says, status } = ran[index] as Ran;
    for (const text of says)
      expect(output).toEqual(typeof text === "string" ? expect.stringContaining(text) : expect.stringMatching(text));
    expect(exit).toBe(status);
  });

  test("no run connected to the warehouse or Redis", async () => {
    expect(warehouse.statements.slice(statements)).toEqual([]);
    expect(told).toEqual([]);
    expect(await connectionsOfRedis()).toBe(connections);
  });
});

describe("what only the servers can tell", () => {
  let ran: Ran[] = [];
  let told: string[];

  beforeAll(async () => {
    await seenByRedis();
    ran = await inParallel(atOnce, [...refusals.keys()], (index) => run(refusals[index] as Case, index));
    told = await seenByRedis();
  });

  test.each(refusals.map(({ input }, index) => [input, index] as const))("%s: refused after reading only", (_, index) => {
    const { exit, output, says, status, statements } = ran[index] as Ran;
    for (const text of says)
      expect(output).toEqual(typeof text === "string" ? expect.stringContaining(text) : expect.stringMatching(text));
    expect(statements.length).toBeGreaterThan(0);
    for (const sql of statements) expect(sql.replaceAll(/`[^`]*`|'[^']*'/g, "")).not.toMatch(writes);
    expect(exit).toBe(status);
  });

  test("Redis was only read, and all data is still there", async () => {
    expect(told.filter((command) => command.startsWith("scan ")).length).toBeGreaterThan(0);
    expect(told.filter((command) => !readsOfRedis.test(command))).toEqual([]);
    expect(await warehouse.query("SELECT count(*)::INT AS rows FROM sessions.classroom_sessions")).toEqual([{ rows: 3 }]);
    expect(await keys.dbsize()).toBe(3);
  });

  test("the same file without the mistake does delete, so these tests can fail", async () => {
    await seenByRedis();
    const { exit, statements, output } = await run({ input: "none", status: 1, says: [] }, refusals.length);
    expect(output).toContain("2 rows and 1 key deleted, 0 left");
    expect(exit, output).toBe(0);
    expect(statements.filter((sql) => writes.test(sql))).toHaveLength(1);
    expect((await seenByRedis()).filter((command) => !readsOfRedis.test(command))).toEqual([`unlink cw:test:${expired}`]);
    expect(await keys.keys("*").then((left) => left.sort())).toEqual(["audit:log", "session:7b1c6c0e:access_code"]);
    expect(await warehouse.query("SELECT id FROM sessions.classroom_sessions")).toEqual([{ id: "7b1c6c0e" }]);
    expect(await warehouse.query("SELECT id FROM compliance.audit_log")).toEqual([{ id: "a" }]);
  });
});
