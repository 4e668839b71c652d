import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { ReadyCondition } from "../../src/processes/ready.ts";
import { startServer } from "../../src/processes/server.ts";
import { freePort } from "../harness/free-port.ts";
import { bench, expectNothingLeft, failureOf } from "./harness.ts";

// Servers that don't start, each in its own way. The user only has the message: it must name the server, what was waited for, and
// what was found instead. After each, no process or port is left.

interface Torture {
  kind: string;
  /** Replaces `http://localhost:<port>/` with status 200. */
  ready?: (port: number) => Partial<ReadyCondition>;
  says: RegExp;
}

const url = (port: number) => `http://localhost:${port}/`;
const onIpv4 = String.raw`(?:, but|,) http://localhost:\d+/\S* on 127\.0\.0\.1 `;
const seen = (what: string) => new RegExp(`was not ready after 6\\.5 s: expected .*${onIpv4}${what}`);

const endThemselves: Torture[] = [
  {
    kind: "dies-before-ready",
    says: /^server dies-before-ready was not ready: expected http:\/\/localhost:\d+\/ to answer 200, but it ended with exit code 3$/,
  },
  { kind: "kills-itself", says: /, but it was ended by SIGKILL$|, but it ended with exit code 137$/ },
  { kind: "exits-at-once", says: /, but it ended with exit code 0 \(a server must keep running in the foreground\)$/ },
  {
    kind: "daemonises",
    says: /, but it ended with exit code 0 \(a server must keep running in the foreground\)/,
  },
  {
    kind: "dies-and-leaves-a-child",
    ready: (port) => ({ url: url(port), status: [204] }),
    says: /, but it ended with exit code 5; some of its processes had to be killed$/,
  },
  {
    kind: "dies-at-the-second-look",
    ready: (port) => ({ url: url(port), stableForMs: 300_000 }),
    says: /expected http:\/\/localhost:\d+\/ to answer 200, for at least 300 s, but it ended with exit code 9$/,
  },
];

describe.concurrent("fails immediately, however long the deadline is:", () => {
  test.each(endThemselves)("$kind", async ({ kind, ready, says }) => {
    await using at = await bench();
    const port = await freePort();
    const condition = { ...(ready?.(port) ?? { url: url(port) }), timeoutMs: 600_000 };
    const error = await failureOf(startServer(at.spec(kind, port, { ready: condition }), at.options));
    expect(error.message).toMatch(says);
    expect(error).toMatchObject({ verdict: "failed", report: { name: kind, portFreed: true } });
    await expectNothingLeft(at, port);
  });
});

const json = (path: string, claim: object) => (port: number) => ({ url: url(port), json: [{ path, ...claim }] });

const neverReady: Torture[] = [
  { kind: "never-listens", says: seen("refused the connection") },
  { kind: "listens-elsewhere", says: /refused the connection; it listens on port \d+ instead$/ },
  { kind: "wrong-status", says: seen("answered 503") },
  { kind: "redirects", says: seen(String.raw`answered 302 \(to /login\)`) },
  { kind: "hangs-up", says: seen("closed the connection without an answer") },
  { kind: "accepts-and-says-nothing", says: seen("gave no answer within \\d") },
  { kind: "greets-like-ssh", says: seen("answered with something that is not HTTP") },
  { kind: "speaks-tls", says: seen("(closed the connection without an answer|answered with something that is not HTTP)") },
  {
    kind: "good",
    ready: (port) => ({ url: `https://localhost:${port}/` }),
    says: /answered without TLS: if the server speaks plain HTTP, write http:\/\//,
  },
  {
    kind: "is-starting",
    ready: json("$.status", { equals: "ok" }),
    says: /expected \S+ to answer 200 with \$\.status: "ok", but .* on 127\.0\.0\.1 answered 200, but \$\.status is "starting"/,
  },
  {
    kind: "is-starting",
    ready: json("$.checks.redis", { notNull: true }),
    says: seen(String.raw`answered 200, but \$\.checks\.redis is null`),
  },
  {
    kind: "answers-a-page",
    ready: json("$.status", { oneOf: ["ok", "degraded"] }),
    says: seen("answered 200, but the answer is not JSON: <!doctype html> <h1>It works!</h1>"),
  },
  {
    kind: "breaks-off-its-answer",
    ready: json("$.status", { matches: "^ok" }),
    says: seen("closed the connection without an answer"),
  },
  { kind: "never-ends-its-answer", ready: json("$.status", { matches: "^ok" }), says: seen("gave no answer within \\d") },
  {
    kind: "is-up-and-down",
    ready: (port) => ({ url: url(port), stableForMs: 2_000 }),
    says: seen("was ready for \\d(\\.\\d)? s, then answered 503"),
  },
  {
    kind: "says-it-is-ready",
    ready: () => ({ log: "never said" }),
    says: /expected a line of output that matches \/never said\/, but no such line was printed$/,
  },
  {
    kind: "good",
    ready: (port) => ({ socketIo: url(port) }),
    says: seen("answered 200, but the answer is not from Socket\\.IO: hello"),
  },
  {
    kind: "socket-io-that-refuses",
    ready: (port) => ({ socketIo: url(port) }),
    says: seen('answered 403, but the answer is not from Socket\\.IO: \\{"code":4,"message":"no entry"\\}'),
  },
];

describe.concurrent("fails at the deadline, and the message says what was found instead:", () => {
  test.each(neverReady)("$kind", async ({ kind, ready, says }) => {
    await using at = await bench();
    const port = await freePort();
    const condition = { ...(ready?.(port) ?? { url: url(port) }), timeoutMs: 6_500 };
    const error = await failureOf(startServer(at.spec(kind, port, { port, ready: condition }), at.options));
    expect(error.message).toMatch(says);
    expect(error.verdict).toBe("failed");
    expect(error.report).toMatchObject({ ended: "stopped because it was not ready in time", portFreed: true });
    await expectNothingLeft(at, port);
  });
});

describe.concurrent("starts anyway, and leaves nothing behind:", () => {
  test.each<{ kind: string; ready?: (port: number) => Partial<ReadyCondition> }>([
    { kind: "answers-slowly" },
    { kind: "closes-its-output" },
    { kind: "speaks-bytes" },
    { kind: "becomes-right", ready: json("$.status", { equals: "ok" }) },
    { kind: "settles-down", ready: (port) => ({ url: url(port), stableForMs: 500 }) },
    { kind: "says-it-is-ready", ready: () => ({ log: "listening", stableForMs: 100 }) },
    { kind: "socket-io", ready: (port) => ({ socketIo: url(port) }) },
    { kind: "socket-io-without-polling", ready: (port) => ({ socketIo: `http://127.0.0.1:${port}/socket.io/` }) },
  ])("$kind", async ({ kind, ready }) => {
    await using at = await bench();
    const port = await freePort();
    const condition = { ...(ready?.(port) ?? { url: url(port) }), timeoutMs: 25_000 };
    const server = await startServer(at.spec(kind, port, { port, ready: condition }), at.options);
    expect(await server.stop()).toMatchObject({ ended: "stopped", port, portFreed: true });
    await expectNothingLeft(at, port);
  });
});

describe.concurrent("doesn't stop when told to, and still leaves nothing behind:", () => {
  test("respawns", async () => {
    await using at = await bench();
    const port = await freePort();
    const server = await startServer(at.spec("respawns", port), at.options);
    expect(await server.stop()).toMatchObject({ ended: "killed", portFreed: true });
    await expectNothingLeft(at, port);
  });

  test("stops-when-asked", async () => {
    await using at = await bench();
    const port = await freePort();
    const server = await startServer(at.spec("stops-when-asked", port), at.options);
    const neverAnswered = fetch(`http://127.0.0.1:${port}/stop`).then(
      () => false,
      () => true,
    );
    await expect.poll(() => at.left().map(stateOf), { timeout: 10_000, interval: 10 }).toContain("T");
    expect(await server.stop()).toMatchObject({ ended: "killed", portFreed: true });
    expect(await neverAnswered).toBe(true);
    await expectNothingLeft(at, port);
  });
});

/** `T` for a process that a signal stopped. */
function stateOf(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[0];
}
