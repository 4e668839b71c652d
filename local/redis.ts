import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import { type RedisOptions as ClientOptions, Redis } from "ioredis";
import { makeCertificates } from "./warehouse/certificate.ts";

export interface RedisOptions {
  /** More ACL users: name → rules, such as `{ worker: "on >secret ~cw:test:* +@all" }`. */
  users?: Record<string, string>;
  /** Lines of redis.conf, such as `["maxmemory 64mb", "rename-command KEYS \"\""]`. */
  config?: string[];
  /** Speaks only TLS, with a certificate for this name (localhost if `true`) from its own authority. */
  tls?: boolean | string;
}

export interface RunningRedis {
  /** All commands are allowed; contains a password. */
  url: string;
  /**
   * The ACL user `reader`: may read keys and use PING, INFO, SCAN and TTL, but may not write or use KEYS. Contains a password.
   */
  readOnlyUrl: string;
  port: number;
  /** File with the authority's certificate (PEM); only with TLS. */
  certificateAuthority?: string;
  /** Stops the server and removes its folder. May be called twice. */
  stop(): Promise<void>;
}

export const startDeadlineMs = 10_000;
const stopDeadlineMs = 5_000;
/** Another process may take the free port before the server binds it. */
const portAttempts = 3;

/** INFO is in @dangerous, so it is allowed by name. ACL WHOAMI and GETUSER let a client examine its own rules. */
const readerRules = "~* &* -@all +@read +@connection -@dangerous +info +dbsize +scan +acl|whoami +acl|getuser";

/**
 * The server must not outlive us, even after SIGKILL: the shell reads our pipe, whose end means that we are gone. The server has
 * its own session, so that Ctrl-C reaches us first and the cleanup finds it running.
 */
const untilParentEnds = `
directory=$1; shift
exec 3<&0
"$@" 3<&- </dev/null & server=$!
{ cat <&3 >/dev/null; kill "$server" 2>/dev/null; } &
wait "$server"
rm -rf -- "$directory"`;

/**
 * Starts a real redis-server (or valkey-server) without persistence, on a free port of 127.0.0.1. Uses REDIS_SERVER, or the first
 * of redis-server and valkey-server on the PATH.
 * @throws Error with the server's last output if it cannot be started within 10 s
 */
export async function startRedis(options: RedisOptions = {}): Promise<RunningRedis> {
  return await onFreePort((port) => startOn(port, options));
}

/** Another process may take a free port before the server does; then another port is tried. */
export async function onFreePort<Started>(start: (port: number) => Promise<Started>): Promise<Started> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePort());
    } catch (error) {
      if (!(error instanceof PortTaken) || attempt === portAttempts) throw error;
    }
  }
}

export class PortTaken extends Error {}

async function startOn(port: number, { users = {}, config = [], tls }: RedisOptions): Promise<RunningRedis> {
  const directory = await mkdtemp(join(tmpdir(), "env-actions-redis-"));
  const password = randomBytes(12).toString("hex");
  const readerPassword = randomBytes(12).toString("hex");
  const authority =
    tls === undefined || tls === false ? undefined : await writeCertificates(directory, tls === true ? "localhost" : tls);
  const lines = [
    ...(authority === undefined ? [`port ${port}`] : tlsLines(directory, port)),
    'save ""',
    "appendonly no",
    "maxmemory 256mb",
    ...config,
    `user default on >${password} ~* &* +@all`,
    `user reader on >${readerPassword} ${readerRules}`,
    ...Object.entries(users).map(([name, rules]) => `user ${name} ${rules}`),
  ];
  const stop = await launch(directory, port, lines, {
    password,
    ...(authority === undefined ? {} : { tls: { rejectUnauthorized: false } }),
  });
  const [scheme, host] = authority === undefined ? ["redis", "127.0.0.1"] : ["rediss", "localhost"];
  return {
    url: `${scheme}://default:${password}@${host}:${port}`,
    readOnlyUrl: `${scheme}://reader:${readerPassword}@${host}:${port}`,
    port,
    ...(authority === undefined ? {} : { certificateAuthority: authority }),
    stop,
  };
}

/** @returns the authority's file */
async function writeCertificates(directory: string, host: string): Promise<string> {
  const { authority, certificate, key } = await makeCertificates([{ dns: host }]);
  const files = { authority, certificate, key };
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, `${name}.pem`), text, { mode: 0o600 });
  return join(directory, "authority.pem");
}

function tlsLines(directory: string, port: number): string[] {
  return [
    "port 0",
    `tls-port ${port}`,
    `tls-cert-file ${join(directory, "certificate.pem")}`,
    `tls-key-file ${join(directory, "key.pem")}`,
    `tls-ca-cert-file ${join(directory, "authority.pem")}`,
    "tls-auth-clients no",
  ];
}

/**
 * Starts a server in its own folder, which is removed when it ends, and waits until it answers.
 * @returns a function that stops it
 * @throws Error with its last output; PortTaken
 */
export async function launch(
  directory: string,
  port: number,
  lines: readonly string[],
  signIn: ClientOptions,
  flags: readonly string[] = [],
): Promise<() => Promise<void>> {
  const file = join(directory, "redis.conf");
  await writeFile(file, `${["bind 127.0.0.1", `dir "${directory}"`, ...lines].join("\n")}\n`, { mode: 0o600 });
  const child = spawn("sh", ["-c", untilParentEnds, "sh", directory, ...serverCommand(), file, ...flags], {
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const exited = once(child, "exit").then(() => undefined);
  const words = lastLines(child.stdout, child.stderr);

  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= (async () => {
      child.stdin.end();
      const inTime = await Promise.race([exited.then(() => true), wait(stopDeadlineMs, false, { ref: false })]);
      if (!inTime && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      await exited;
      // The shell has already done this, unless it was just killed.
      await rm(directory, { recursive: true, force: true });
    })();
    return stopped;
  };

  const outcome = await Promise.race([answersPing({ host: "127.0.0.1", port, ...signIn }), exited.then(() => "exited" as const)]);
  if (outcome === "answers") return stop;
  await stop();
  const said = words().join("\n");
  if (/Address already in use/.test(said)) throw new PortTaken(said);
  throw new Error(
    `redis-server ${outcome === "exited" ? "ended at once" : `did not answer within ${startDeadlineMs} ms`}:\n${said}`,
  );
}

/** `sh` finds the one on the PATH. Valkey replaces Redis in many distributions and takes the same configuration. */
function serverCommand(): string[] {
  const named = process.env.REDIS_SERVER;
  if (named) return [named];
  return ["sh", "-c", 'exec "$(command -v redis-server || command -v valkey-server || echo redis-server)" "$@"', "sh"];
}

async function answersPing(options: ClientOptions): Promise<"answers" | "silent"> {
  // The client's own retries are the wait: it asks again until the server has bound its port.
  const client = new Redis({
    ...options,
    lazyConnect: true,
    enableReadyCheck: false,
    retryStrategy: () => 10,
    maxRetriesPerRequest: null,
  });
  // Refused connections are expected until the server runs; the deadline below reports if it never does.
  client.on("error", () => undefined);
  try {
    const pong = client.ping().then(
      () => "answers" as const,
      () => "silent" as const,
    );
    return await Promise.race([pong, wait(startDeadlineMs, "silent" as const, { ref: false })]);
  } finally {
    client.disconnect();
  }
}

function lastLines(...streams: Readable[]): () => string[] {
  let kept: string[] = [];
  for (const stream of streams) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      kept = [...kept, ...text.split("\n").filter(Boolean)].slice(-20);
    });
  }
  return () => kept;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("the system gave no TCP port");
  return address.port;
}
