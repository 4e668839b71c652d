// Servers as they go wrong: `node misbehaving-server.mjs <kind> <port>`. The table's keys are the kinds.
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { connect, createServer as createTcpServer } from "node:net";

const [kind = "", portText = "0"] = process.argv.slice(2);
const port = Number(portText);

function answer(status, host = "127.0.0.1", then = () => console.log("listening")) {
  return createServer((_request, response) => response.writeHead(status).end("hello")).listen(port, host, then);
}

function again(kind, options = {}) {
  return spawn(process.execPath, [import.meta.filename, kind, portText], { stdio: "inherit", ...options });
}

const stay = () => setInterval(() => undefined, 1_000);

const kinds = {
  good: () => answer(200),
  "good-on-ipv6-only": () => answer(200, "::1"),
  "dies-before-ready": () => {
    console.log("connecting to the database");
    console.error("Error: no database at db:5432");
    process.exitCode = 3;
  },
  "kills-itself": () => process.kill(process.pid, "SIGKILL"),
  // The test asks for it with GET /die, so that nothing depends on time.
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
  // Listens only once somebody else does, so that the port is surely taken by then.
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
  // Leaves the process group and the session, as a daemon does, and its parent ends at once.
  daemonises: () => again("good", { detached: true, stdio: "ignore" }).unref(),
  // Serves by itself, and keeps a daemon beside it that nobody asked for and that holds the output pipe.
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
};

const run = kinds[kind];
if (!run) throw new Error(`unknown kind ${kind}`);
run();
