// Servers with typical faults: `node misbehaving-server.mjs <kind> <port>`. The table's keys are the kinds.
import { spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { createServer } from "node:http";
import { connect, createServer as createTcpServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";

const [kind = "", portText = "0"] = process.argv.slice(2);
const port = Number(portText);

function answer(status, host = "127.0.0.1", then = () => console.log("listening")) {
  return createServer((_request, response) => response.writeHead(status).end("hello")).listen(port, host, then);
}

/** Answers each request with the next of `texts`, and then always with the last one. */
function say(texts, status = 200, headers = {}) {
  let asked = 0;
  const next = () => texts[Math.min(asked++, texts.length - 1)];
  return createServer((_request, response) => response.writeHead(status, headers).end(next())).listen(port, "127.0.0.1");
}

async function socketIo(options) {
  const { Server } = await import("socket.io");
  const server = createServer((_request, response) => response.end("hello"));
  new Server(server, options);
  server.listen(port, "127.0.0.1");
}

function again(kind, options = {}) {
  return spawn(process.execPath, [import.meta.filename, kind, portText], { stdio: "inherit", ...options });
}

const stay = () => setInterval(() => undefined, 1_000);

const kinds = {
  good: () => answer(200),
  // Dev servers write the port in another colour than the rest, and overwrite the line before.
  coloured: () =>
    answer(200, "127.0.0.1", () =>
      process.stdout.write(`- starting\r\u001b[K\u001b[32mready\u001b[39m on port \u001b[36m${port}\u001b[39m\n`),
    ),
  "asks-at-a-prompt": () => answer(200, "127.0.0.1", () => process.stdout.write("server is up, press q to quit> ")),
  // Watchers that must not outlive their parent.
  "ends-with-its-input": () => {
    process.stdin.on("end", () => process.exit(0)).resume();
    answer(200);
  },
  "good-on-ipv6-only": () => answer(200, "::1"),
  "dies-before-ready": () => {
    console.log("connecting to the database");
    console.error("Error: no database at db:5432");
    process.exitCode = 3;
  },
  "kills-itself": () => process.kill(process.pid, "SIGKILL"),
  // The test requests it with GET /die, so that nothing depends on time.
  "dies-when-asked": () =>
    createServer((request, response) => {
      response.end("hello");
      if (request.url !== "/die") return;
      console.error("Error: out of luck");
      process.exit(7);
    }).listen(port, "127.0.0.1"),
  "never-listens": () => {
    console.log("still compiling");
    stay();
  },
  "wrong-status": () => answer(503),
  "accepts-and-says-nothing": () => createTcpServer(() => undefined).listen(port, "127.0.0.1"),
  "hangs-up": () => createTcpServer((socket) => socket.destroy()).listen(port, "127.0.0.1"),
  "answers-503-then-200": () => {
    let looks = 0;
    createServer((_request, response) => response.writeHead(++looks < 5 ? 503 : 200).end()).listen(port, "127.0.0.1");
  },
  // Listens only once another process does, so that the port is certainly taken.
  "comes-too-late": function comesTooLate() {
    connect(port, "127.0.0.1")
      .once("connect", () => answer(200))
      .once("error", () => setTimeout(comesTooLate, 5));
  },
  "ignores-sigterm": () => {
    process.on("SIGTERM", () => console.log("SIGTERM? no."));
    answer(200);
  },
  // The child listens and holds the pipe; the parent only waits for it.
  "forks-a-child": () => again("good"),
  // The child ignores SIGTERM, so it outlives its parent.
  "forks-a-stubborn-child": () => again("ignores-sigterm"),
  // Leaves the process group and the session, as a daemon does, and its parent exits at once.
  daemonises: () => again("good", { detached: true, stdio: "ignore" }).unref(),
  // Serves by itself, and leaves an unrelated daemon that holds the output pipe.
  "leaves-a-daemon": () => {
    again("holds-the-pipe", { detached: true }).unref();
    answer(200);
  },
  "holds-the-pipe": stay,
  "floods-lines": () => {
    answer(200);
    const lines = "flood ".repeat(20).concat("\n").repeat(500);
    const write = () => process.stdout.write(lines, write);
    write();
  },
  "floods-one-line": () => {
    answer(200);
    const piece = "x".repeat(65_536);
    const write = () => process.stdout.write(piece, write);
    write();
  },
  "says-it-is-ready": () => {
    process.stdout.write("starting…\nserver is lis");
    answer(200, "127.0.0.1", () => console.log("tening on %d", port));
  },
  "counts-sigterm": () => {
    let heard = 0;
    process.on("SIGTERM", () => {
      heard++;
      console.log(`SIGTERM number ${heard}`);
      setTimeout(() => process.exit(0), 150);
    });
    answer(200);
  },
  "exits-at-once": () => undefined,
  "listens-elsewhere": () => createServer((_request, response) => response.end()).listen(0, "127.0.0.1", stay),
  redirects: () => say([""], 302, { location: "/login" }),
  "speaks-tls": () => createTlsServer(() => undefined).listen(port, "127.0.0.1"),
  "greets-like-ssh": () =>
    createTcpServer((socket) => socket.on("error", stay).end("SSH-2.0-OpenSSH_9.2\r\n")).listen(port, "127.0.0.1"),
  "is-starting": () => say(['{"status":"starting","checks":{"redis":null}}']),
  "answers-a-page": () => say(["<!doctype html> <h1>It works!</h1>"]),
  "becomes-right": () => say(["<h1>compiling</h1>", '{"status":"starting"}', '{"status":"starting"}', '{"status":"ok"}']),
  "breaks-off-its-answer": () =>
    createServer((_request, response) => {
      response.write('{"status":');
      setTimeout(() => response.destroy(), 20);
    }).listen(port, "127.0.0.1"),
  "never-ends-its-answer": () => createServer((_request, response) => response.write('{"status":')).listen(port, "127.0.0.1"),
  // The first probes time out before that; a later one must wait long enough.
  "answers-slowly": () =>
    createServer((_request, response) => setTimeout(() => response.end("hello"), 1_200)).listen(port, "127.0.0.1"),
  "is-up-and-down": () => {
    let looks = 0;
    createServer((_request, response) => response.writeHead(++looks % 2 ? 200 : 503).end()).listen(port, "127.0.0.1");
  },
  "settles-down": () => {
    let looks = 0;
    createServer((_request, response) => response.writeHead(++looks === 2 ? 503 : 200).end()).listen(port, "127.0.0.1");
  },
  "dies-at-the-second-look": () => {
    let looks = 0;
    createServer((_request, response) => {
      if (++looks === 2) process.exit(9);
      response.end();
    }).listen(port, "127.0.0.1");
  },
  // The child holds the port and ignores SIGTERM.
  "dies-and-leaves-a-child": () => {
    const child = spawn(process.execPath, [import.meta.filename, "ignores-sigterm", portText]);
    child.stdout.once("data", () => process.exit(5));
  },
  // A supervisor: if only its child is killed, it starts another one.
  respawns: function respawn() {
    process.removeAllListeners("SIGTERM").on("SIGTERM", () => console.log("still here"));
    again("good").once("exit", respawn);
  },
  "stops-when-asked": () =>
    createServer((request, response) => {
      if (request.url === "/stop") process.kill(process.pid, "SIGSTOP");
      response.end("hello");
    }).listen(port, "127.0.0.1"),
  "closes-its-output": () => {
    closeSync(1);
    closeSync(2);
    answer(200, "127.0.0.1", () => undefined);
  },
  "speaks-bytes": () =>
    answer(200, "127.0.0.1", () => process.stdout.write(Buffer.from([0xff, 0xfe, 0x00, 0x1b, 0x5b, 0x33, 0x0a]))),
  "socket-io": () => socketIo({}),
  "socket-io-without-polling": () => socketIo({ transports: ["websocket"] }),
  "socket-io-that-refuses": () => socketIo({ allowRequest: (_request, answer) => answer("no entry", false) }),
};

const run = kinds[kind];
if (!run) throw new Error(`unknown kind ${kind}`);
run();
