import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { makeCertificates } from "../../local/warehouse/certificate.ts";
import { noFaults } from "../../local/warehouse/faults.ts";
import type { Warehouse } from "../../local/warehouse/index.ts";
import { openReader } from "../../src/warehouse/access.ts";
import { failureOf as driverFailure } from "../../src/warehouse/failure.ts";
import { rowsWith } from "../harness/deletion.ts";
import { deletes, failureOf, reads, settingsFor, startSchool } from "./harness.ts";

// The driver's errors come in five forms, and only their kind decides what happens next. The unmodified driver produces every
// kind here, against a real server.
let school: Warehouse;

beforeAll(async () => {
  school = await startSchool();
});
afterEach(() => {
  Object.assign(school.faults, noFaults());
});
afterAll(() => school.stop());

const one = "SELECT 1 AS one";

const folder = mkdtempSync(join(tmpdir(), "authority-"));
const anotherAuthority = join(folder, "another.pem");
writeFileSync(anotherAuthority, (await makeCertificates([{ dns: "localhost" }])).authority);
afterAll(() => rmSync(folder, { recursive: true }));

describe("never there: reported immediately, without retries", () => {
  it.each([
    ["a wrong token", { token: "nonsense" }, "sign-in", /HTTP 403.*Invalid access token/],
    ["a host without a name", { host: "no-such-host.invalid" }, "unreachable", /(?:ENOTFOUND|EAI_AGAIN).*Check DATABRICKS_HOST/],
    ["a port without a server", { host: "localhost:1" }, "unreachable", /ECONNREFUSED.*Check DATABRICKS_HOST/],
    ["an unknown authority", { certificateAuthority: undefined }, "unreachable", /PEM file in databricks\.certificateAuthority/],
    ["a missing certificate file", { certificateAuthority: "/nowhere/ca.pem" }, "unreachable", /ENOENT/],
    [
      "an invalid certificate file",
      { certificateAuthority: import.meta.filename },
      "unreachable",
      /expected a PEM file that begins with a cert/,
    ],
    ["another authority of the same name", { certificateAuthority: anotherAuthority }, "unreachable", /certificate/i],
    ["another warehouse id", { path: "/sql/1.0/warehouses/another" }, "unreachable", /HTTP 404/],
  ])("%s", async (_, changes, kind, message) => {
    const failure = await failureOf(reads({ ...settingsFor(school), ...changes }, (reader) => reader.query(one)));
    expect(failure).toMatchObject({ kind, message: expect.stringMatching(message) });
  });

  it("a token that expires during a session is a sign-in failure, not a lost connection", async () => {
    const failure = await reads(settingsFor(school), async (reader) => {
      school.faults.tokenExpiresAfterStatements = 1;
      const seen = school.statements.length;
      const refused = await failureOf(reader.query(one));
      expect(school.statements).toHaveLength(seen);
      return refused;
    });
    expect(failure.kind).toBe("sign-in");
  });
});

describe("wrong statements: never sent twice", () => {
  it.each([
    ["SELECT FROM WHERE", "statement", "42601"],
    ["SELECT * FROM sessions.nothing", "statement", "42P01"],
    ["SELECT certificate, network FROM sessions.classroom_sessions", "statement", "42703"],
  ])("%s", async (statement, kind, sqlState) => {
    const seen = school.statements.length;
    const failure = await reads(settingsFor(school), (reader) => failureOf(reader.query(statement)));
    expect(failure).toMatchObject({ kind, sqlState });
    expect(school.statements.slice(seen).filter(({ sql }) => sql.includes(statement))).toHaveLength(1);
  });

  it("a missing privilege is denied", async () => {
    const failure = await deletes(settingsFor(school, { token: "reader" }), (warehouse) =>
      failureOf(warehouse.deleteRows(rowsWith("sessions.classroom_sessions", "id", "a"))),
    );
    expect(failure).toMatchObject({ kind: "denied", sqlState: "42501", message: expect.stringContaining("MODIFY") });
  });
});

describe("rejected without execution: sent again", () => {
  it.each([429, 503] as const)("a burst of %i, with Retry-After", async (status) => {
    const rows = await reads(settingsFor(school), async (reader) => {
      school.faults.refuse.push({ status, times: status === 429 ? 2 : 1, retryAfter: 0, rpc: "ExecuteStatement" });
      return await reader.query(one);
    });
    expect(rows).toEqual([{ one: 1 }]);
    expect(school.faults.refuse).toEqual([]);
  });

  it("a burst at the opening is waited for, and not reported as a stopped warehouse", async () => {
    const said: string[] = [];
    school.faults.refuse.push({ status: 429, times: 1, rpc: "OpenSession" });
    const options = { signal: new AbortController().signal, onWaking: (text: string) => said.push(text) };
    expect(await reads(settingsFor(school), (reader) => reader.query(one), options)).toEqual([{ one: 1 }]);
    expect(said).toEqual([]);
  });

  it("a Retry-After longer than the start's time limit is not waited for", async () => {
    school.faults.refuse.push({ status: 503, times: 1, retryAfter: 3600 });
    const failure = await failureOf(reads(settingsFor(school), (reader) => reader.query(one)));
    expect(failure).toMatchObject({ kind: "waking", message: expect.stringContaining("did not start within 10 s") });
  });
});

describe("lost answers", () => {
  it.each(["before", "after"] as const)("a read is sent again if its socket breaks %s it ran", async (when) => {
    const rows = await reads(settingsFor(school), async (reader) => {
      school.faults.dropSockets.push({ when, times: 1, rpc: "ExecuteStatement" });
      return await reader.query("SELECT count(*) AS n FROM sessions.classroom_sessions");
    });
    expect(rows).toEqual([{ n: 3n }]);
  });

  it("a socket that breaks at the opening is retried", async () => {
    school.faults.dropSockets.push({ when: "before", times: 1, rpc: "OpenSession" });
    expect(await reads(settingsFor(school), (reader) => reader.query(one))).toEqual([{ one: 1 }]);
  });

  it.each([
    ["the socket broke before", () => school.faults.dropSockets.push({ when: "before", times: 1, rpc: "ExecuteStatement" })],
    ["the socket broke after", () => school.faults.dropSockets.push({ when: "after", times: 1, rpc: "ExecuteStatement" })],
    [
      "the result was refused with 503 after it ran",
      () => {
        school.faults.directResultsMs = 0;
        school.faults.refuse.push({ status: 503, times: 1, rpc: "FetchResults" });
      },
    ],
  ])("the number of deleted rows is unknown, not zero, if %s", async (_, misbehave) => {
    await school.load("INSERT INTO sessions.classroom_sessions (id) VALUES ('lost')");
    const affected = await deletes(settingsFor(school), async (warehouse) => {
      misbehave();
      return await warehouse.deleteRows(rowsWith("sessions.classroom_sessions", "id", "lost"));
    });
    expect(affected).toBeUndefined();
    expect(await school.query("SELECT id FROM sessions.classroom_sessions WHERE id = 'lost'")).toEqual([]);
  });

  it("a count that the warehouse contradicts is unknown", async () => {
    await school.load("INSERT INTO sessions.classroom_sessions (id) VALUES ('x'), ('x')");
    const affected = await deletes(settingsFor(school), async (warehouse) => {
      const nothing = await warehouse.deleteRows(rowsWith("sessions.classroom_sessions", "id", "not there"));
      school.faults.wrongDeleteCount = 3;
      return [nothing, await warehouse.deleteRows(rowsWith("sessions.classroom_sessions", "id", "x"))];
    });
    expect(affected).toEqual([0, undefined]);
  });
});

it.each([
  ["\n[PARSE_SYNTAX_ERROR] Syntax error at or near end of input. SQLSTATE: 42601", "PARSE_SYNTAX_ERROR"],
  [
    "org.apache.hive.service.cli.HiveSQLException: Error running query: [DELTA_VERSION_NOT_FOUND] Cannot time travel",
    "DELTA_VERSION_NOT_FOUND",
  ],
  ["org.apache.spark.SparkException: [FAILED_READ_FILE.FILE_NOT_EXIST] Encountered error", "FAILED_READ_FILE.FILE_NOT_EXIST"],
  ["a value [IN_BRACKETS] is no condition", undefined],
])("the condition of %j is %s", async (message, condition) => {
  const failure = await driverFailure({ response: { errorMessage: message, sqlState: "42601" } });
  expect(failure).toMatchObject({ kind: "statement", message: message.trim() });
  expect(failure.condition).toBe(condition);
});

describe("conflicts of writers", () => {
  const deletion = rowsWith("sessions.classroom_sessions", "id", "meets-others");
  it("are repeated, and the count stays known, because Delta committed nothing", async () => {
    await school.load("INSERT INTO sessions.classroom_sessions (id) VALUES ('meets-others')");
    const affected = await deletes(settingsFor(school), async (warehouse) => {
      school.faults.conflictingWrites = 3;
      return await warehouse.deleteRows(deletion);
    });
    expect(affected).toBe(1);
  });

  it("that never end are a failure of their own", async () => {
    await school.load("INSERT INTO sessions.classroom_sessions (id) VALUES ('meets-others')");
    const seen = school.statements.length;
    const failure = await deletes(settingsFor(school), async (warehouse) => {
      school.faults.conflictingWrites = 100;
      return await failureOf(warehouse.deleteRows(deletion));
    });
    expect(failure).toMatchObject({ kind: "conflict", sqlState: "2D521", code: "EA3014" });
    expect(school.statements.slice(seen).filter(({ sql }) => sql.includes("DELETE"))).toHaveLength(8);
  });
});

describe("a stopped warehouse", () => {
  it("is started, reported once, and waited for, however it rejects statements", async () => {
    const said: string[] = [];
    school.faults.coldStart = { seconds: 2 };
    const options = { signal: new AbortController().signal, onWaking: (text: string) => said.push(text) };
    expect(await reads(settingsFor(school), (reader) => reader.query(one), options)).toEqual([{ one: 1 }]);
    expect(said).toEqual([expect.stringContaining("was asked to start")]);
  });

  it("that never starts fails at the start's time limit", async () => {
    school.faults.neverWakes = true;
    const failure = await failureOf(reads(settingsFor(school, { startTimeoutMs: 1_200 }), (reader) => reader.query(one)));
    expect(failure).toMatchObject({ kind: "waking", message: expect.stringContaining("did not start within 1 s") });
  });
});

describe("cancelled", () => {
  it.each([0, 5_000])("a slow statement ends with the signal (answers directly within %i ms)", async (directResultsMs) => {
    const controller = new AbortController();
    Object.assign(school.faults, { directResultsMs, slowOperation: { seconds: 30, matching: "slow_one" } });
    await reads(
      settingsFor(school),
      async (reader) => {
        const failure = failureOf(reader.query("SELECT 1 AS slow_one"));
        await expect.poll(() => school.statements.at(-1)?.sql).toContain("slow_one");
        controller.abort(new Error("the stage's time is up"));
        expect(await failure).toMatchObject({ kind: "cancelled", message: expect.stringContaining("the stage's time is up") });
        // What is sent after that is never sent out.
        const seen = school.statements.length;
        expect(await failureOf(reader.query(one))).toMatchObject({ kind: "cancelled" });
        expect(school.statements).toHaveLength(seen);
      },
      { signal: controller.signal },
    );
  });

  it("a silent warehouse is not waited for at the end", async () => {
    const [host = "", port] = school.host.split(":");
    let silent = false;
    const between = createServer((client) => {
      const server = connect(Number(port), host);
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        from.on("data", (data) => void (silent || to.write(data)));
        from.on("error", () => undefined);
        from.on("close", () => to.destroy());
      }
    });
    between.listen(0, "127.0.0.1");
    await once(between, "listening");
    try {
      const settings = settingsFor(school, { host: `${host}:${(between.address() as AddressInfo).port}` });
      const controller = new AbortController();
      const reader = await openReader(settings, { signal: controller.signal });
      expect(await reader.query(one)).toHaveLength(1);
      silent = true;
      controller.abort(new Error("the stage's time is up"));
      // Otherwise it would take two minutes per session.
      await reader.close();
    } finally {
      between.close();
    }
  }, 60_000);

  it("waiting for a stopped warehouse ends with the signal, and reports what the time was spent on", async () => {
    const controller = new AbortController();
    school.faults.neverWakes = true;
    const options = { signal: controller.signal, onWaking: () => controller.abort(new Error("stop")) };
    const failure = await failureOf(reads(settingsFor(school), (reader) => reader.query(one), options));
    expect(failure).toMatchObject({
      kind: "waking",
      message: expect.stringContaining("had not started when the time of the stage was up"),
    });
  });

  it("while the warehouse is asked to start, it still reports that the warehouse was stopped", async () => {
    const controller = new AbortController();
    school.faults.neverWakes = true;
    const [host = "", port] = school.host.split(":");
    let connections = 0;
    const between = createServer((client) => {
      // The first connection is the driver's, the second one asks the warehouse to start.
      if (++connections === 2) controller.abort(new Error("stop"));
      const server = connect(Number(port), host);
      client.pipe(server).pipe(client);
      for (const socket of [client, server]) socket.on("error", () => undefined);
    });
    between.listen(0, "127.0.0.1");
    await once(between, "listening");
    onTestFinished(() => void between.close());
    const settings = settingsFor(school, { host: `${host}:${(between.address() as AddressInfo).port}` });
    const failure = await failureOf(reads(settings, (reader) => reader.query(one), { signal: controller.signal }));
    expect(failure).toMatchObject({
      kind: "waking",
      message: expect.stringContaining("had not started when the time of the stage was up"),
    });
    expect(connections).toBe(2);
  });
});
