import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { expect, test } from "vitest";
import { UserError } from "../../src/model/user-error.ts";
import { runCommand } from "../../src/processes/command.ts";
import { startServer } from "../../src/processes/server.ts";
import { freePort } from "../harness/free-port.ts";
import { type Bench, bench, expectNothingLeft, failureOf } from "./harness.ts";

// Real servers with typical faults. After each: the message for the user, and no process or port is left.

/** Waits for an expected line of output. */
async function lineSeen(at: Bench, line: RegExp): Promise<void> {
  await expect.poll(() => at.lines.some((one) => line.test(one)), { timeout: 10_000, interval: 10 }).toBe(true);
}

test.each([
  ["good", {}],
  ["good-on-ipv6-only", {}],
  ["forks-a-child", {}],
  ["answers-503-then-200", {}],
  ["wrong-status", { status: [503] }],
])("a server of kind %s starts, stops and releases its port", async (kind, ready) => {
  await using at = await bench();
  const port = await freePort();
  const spec = at.spec(kind, port);
  const server = await startServer({ ...spec, ready: { ...spec.ready, ...ready } }, at.options);
  expect(server.report()).toMatchObject({ name: kind, ended: "still running", port });
  expect(server.report().readyMs).toBeGreaterThan(0);

  expect(await server.stop()).toMatchObject({ ended: "stopped", portFreed: true });
  expect(server.report().tail).toBeUndefined();
  await expectNothingLeft(at, port);
});

test("the last lines of a server that exited are kept, including stderr", async () => {
  await using at = await bench();
  const error = await failureOf(startServer(at.spec("dies-before-ready", await freePort()), at.options));
  expect(error.report.tail).toEqual(expect.arrayContaining(["connecting to the database", "Error: no database at db:5432"]));
});

test.each(["127.0.0.1", "::1", "0.0.0.0", "::"])("a port in use on %s is refused, and its holder is named", async (host) => {
  await using at = await bench();
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen({ port: 0, host, ipv6Only: true }, resolve));
  const address = holder.address();
  const port = typeof address === "object" && address ? address.port : 0;
  try {
    const error = await failureOf(startServer(at.spec("good", port), at.options));
    expect(error.message).toContain(`server good was not started: port ${port} is already in use by pid ${process.pid} (`);
    expect(error.message).toMatch(/: end that process, or give the server another port, and the tests its new address$/);
    expect(error.report.ended).not.toContain("end that process");
    expect(at.left()).toEqual([]);
  } finally {
    await new Promise((resolve) => holder.close(resolve));
  }
});

test("another process that takes the port meanwhile and answers instead doesn't make the server ready", async () => {
  await using at = await bench();
  const port = await freePort();
  const start = failureOf(startServer(at.spec("comes-too-late", port), at.options));
  await expect.poll(() => at.left().length, { timeout: 10_000, interval: 10 }).toBeGreaterThan(0);
  const thief = createServer((_request, response) => response.end("not the one you want"));
  await new Promise<void>((resolve) => thief.listen(port, "127.0.0.1", resolve));
  try {
    const error = await start;
    expect(error.message).toMatch(/^server comes-too-late was not ready: expected .*, but it ended with exit code 1;/);
    expect(error.report.portFreed).toBe(false);
    expect(error.report.ended).toContain(`port ${port} is still in use by pid ${process.pid} (`);
    expect(error.report.tail?.join()).toContain("EADDRINUSE");
    expect(at.left()).toEqual([]);
  } finally {
    thief.closeAllConnections();
    await new Promise((resolve) => thief.close(resolve));
  }
});

test("a server that exits after it was ready is reported with its last lines", async () => {
  await using at = await bench();
  const port = await freePort();
  const server = await startServer(at.spec("dies-when-asked", port), at.options);
  await fetch(`http://127.0.0.1:${port}/die`).catch(() => undefined);
  const report = await server.died;
  expect(report).toMatchObject({ ended: "ended with exit code 7", portFreed: true, tail: ["Error: out of luck"] });
  expect(await server.stop()).toEqual(report);
  await expectNothingLeft(at, port);
});

test.each(["ignores-sigterm", "forks-a-stubborn-child"])("a server of kind %s is killed after the grace period", async (kind) => {
  await using at = await bench();
  const port = await freePort();
  const server = await startServer(at.spec(kind, port), at.options);
  expect(await server.stop()).toMatchObject({ ended: "killed", portFreed: true });
  await lineSeen(at, /SIGTERM\? no\./);
  await expectNothingLeft(at, port);
});

test("a daemon that left the process group and holds the pipe neither survives nor blocks the stop", async () => {
  await using at = await bench();
  const port = await freePort();
  const server = await startServer(at.spec("leaves-a-daemon", port), at.options);
  expect(await server.stop()).toMatchObject({ ended: "stopped", portFreed: true });
  await expectNothingLeft(at, port);
});

test("SIGTERM is sent once, because a second one would make some servers drop their requests", async () => {
  await using at = await bench();
  const port = await freePort();
  // Long enough for the server's own slow, clean exit.
  const server = await startServer(at.spec("counts-sigterm", port), { ...at.options, graceMs: 10_000 });
  const [first, second] = await Promise.all([server.stop(), server.stop()]);
  expect(second).toEqual(first);
  expect(first.ended).toBe("stopped");
  expect(at.lines.filter((line) => line.startsWith("SIGTERM"))).toEqual(["SIGTERM number 1"]);
});

test.each(["floods-lines", "floods-one-line"])("a server of kind %s makes neither lines nor tail grow", async (kind) => {
  await using at = await bench();
  const port = await freePort();
  let longest = 0;
  let count = 0;
  const onLine = (line: string) => {
    longest = Math.max(longest, line.length);
    count++;
  };
  const server = await startServer(at.spec(kind, port), { ...at.options, onLine });
  if (kind === "floods-lines") await expect.poll(() => count, { timeout: 10_000, interval: 10 }).toBeGreaterThan(20_000);
  const report = await server.stop();
  expect(longest).toBeLessThan(8_300);
  expect(report.tail?.length ?? 0).toBeLessThanOrEqual(40);
  await expectNothingLeft(at, port);
});

test("a line of output makes it ready, even in two chunks", async () => {
  await using at = await bench();
  const port = await freePort();
  const ready = { log: "server is listening on \\d+$", timeoutMs: 15_000 };
  const server = await startServer(at.spec("says-it-is-ready", port, { ready, port }), at.options);
  expect(at.lines).toContain(`server is listening on ${port}`);
  await server.stop();
  const notThere = { log: "never said", timeoutMs: 500 };
  const error = await failureOf(startServer(at.spec("says-it-is-ready", port, { ready: notThere, port }), at.options));
  expect(error.message).toContain("expected a line of output that matches /never said/, but no such line was printed");
  await expectNothingLeft(at, port);
});

test.each([
  ["in colours", "coloured", "ready on port %PORT%$"],
  ["after a line that it writes over", "coloured", "^ready on port"],
  ["with the colours in the pattern", "coloured", "\\[32mready"],
  ["without a line end", "asks-at-a-prompt", "server is up"],
])("a line %s makes it ready", async (_, kind, log) => {
  await using at = await bench();
  const port = await freePort();
  const ready = { log: log.replace("%PORT%", String(port)), timeoutMs: 15_000 };
  const server = await startServer(at.spec(kind, port, { ready, port }), at.options);
  expect(server.report().readyMs).toBeLessThan(15_000);
  // The line counts, but nothing is printed before it is complete.
  expect(at.lines).toEqual(kind === "coloured" ? [expect.stringContaining(String(port))] : []);
  await server.stop();
  await expectNothingLeft(at, port);
});

test("a server that ends with its standard input keeps running until it is stopped", async () => {
  await using at = await bench();
  const port = await freePort();
  const ready = { url: `http://localhost:${port}/`, stableForMs: 300, timeoutMs: 15_000 };
  const server = await startServer(at.spec("ends-with-its-input", port, { ready }), at.options);
  expect(server.fell()).toBe(false);
  expect(await server.stop()).toMatchObject({ ended: "stopped", portFreed: true });
  await expectNothingLeft(at, port);
});

test("a command that reads its standard input gets an empty one", async () => {
  await using at = await bench();
  const spec = { command: "cat; echo done", cwd: at.directory, env: at.env, logFile: join(at.directory, "command.log") };
  const report = await runCommand(spec, at.options);
  expect(report.exitCode).toBe(0);
  expect(at.lines).toEqual(["done"]);
});

test("a port that accepts a connection makes it ready", async () => {
  await using at = await bench();
  const port = await freePort();
  const server = await startServer(
    at.spec("accepts-and-says-nothing", port, { ready: { tcp: port, timeoutMs: 15_000 } }),
    at.options,
  );
  expect(await server.stop()).toMatchObject({ port, portFreed: true });
  await expectNothingLeft(at, port);
});

test("cancelling the start stops the server", async () => {
  await using at = await bench();
  const port = await freePort();
  const cancel = new AbortController();
  const start = failureOf(startServer(at.spec("never-listens", port), { ...at.options, signal: cancel.signal }));
  await lineSeen(at, /still compiling/);
  cancel.abort(new Error("the run was cancelled"));
  expect((await start).message).toContain("the start was cancelled");
  await expectNothingLeft(at, port);
});

test("all output is in the log, without secrets", async () => {
  await using at = await bench();
  const spec = at.spec("dies-before-ready", await freePort());
  const redaction = { lines: () => (lines: readonly string[]) => lines.map((line) => line.replaceAll("db:5432", "***")) };
  const error = await failureOf(startServer(spec, { ...at.options, redaction }));
  const log = await readFile(spec.logFile, "utf8");
  expect(log.split("\n").sort()).toEqual(["", "Error: no database at ***", "connecting to the database"]);
  expect(`${at.lines} ${error.report.tail}`).not.toContain("db:5432");
});

test("only the given environment reaches the server, and a mark", async () => {
  await using at = await bench();
  const command = `"${process.execPath}" -p "Object.keys(process.env).sort().join()"`;
  const spec = { ...at.spec("good", await freePort()), command };
  await failureOf(startServer(spec, at.options));
  const names = (at.lines[0] ?? "").split(",").filter((name) => !["PWD", "OLDPWD", "SHLVL", "_"].includes(name));
  expect(names).toEqual(["ENV_ACTIONS_PROCESS", "PATH", "TEST_BENCH"]);
});

test("a missing working directory and an invalid pattern are user errors", async () => {
  await using at = await bench();
  const spec = at.spec("good", await freePort());
  await expect(startServer({ ...spec, cwd: join(at.directory, "nowhere") }, at.options)).rejects.toThrow(UserError);
  await expect(startServer({ ...spec, ready: { log: "(", timeoutMs: 1 } }, at.options)).rejects.toThrow(UserError);
  expect(at.left()).toEqual([]);
});
