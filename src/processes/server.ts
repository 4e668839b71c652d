import { setTimeout as delay } from "node:timers/promises";
import { CodedError } from "../model/coded-error.ts";
import type { ErrorCode } from "../model/error-codes/catalogue.ts";
import type { ServerReport, Verdict } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import { launch } from "./command.ts";
import type { CapturedOutput, OutputOptions } from "./output.ts";
import { portState, waitUntilFree } from "./probes.ts";
import { describe, localPort, preparePatterns, type ReadyCondition, type ReadyWatch, watchReady } from "./ready.ts";
import { defaultGraceMs, type Exit, holderOf, type ProcessTree } from "./tree.ts";

/** How long the kernel may take to release a port after its processes ended. */
const portFreeMs = 2_000;

/** If another process answers on its port, a server usually exits within this time. */
const stolenPortMs = 1_000;

export interface ServerSpec {
  name: string;
  /** Run by the system's shell; must stay in the foreground. */
  command: string;
  cwd: string;
  /** The whole environment of the server. */
  env: Record<string, string>;
  /** Must be free before and after. Taken from `ready` if that names a port on this machine. */
  port?: number;
  ready: ReadyCondition;
  logFile: string;
}

export interface ServerOptions {
  /** Stops the start, not the server: once started, it runs until `stop()`. */
  signal: AbortSignal;
  onLine: (line: string, server: string) => void;
  /** Called when the process has started, before it answers. */
  onLaunched?: () => void;
  /** Redacts lines before anything else gets them. */
  redaction?: OutputOptions["redaction"];
  /** The time between SIGTERM and SIGKILL. */
  graceMs?: number;
}

export interface RunningServer {
  name: string;
  /** Resolves when it exits by itself; never after `stop()`. */
  died: Promise<ServerReport>;
  /** Whether it exited by itself. Known at once, while `died` waits for the cleanup. */
  fell(): boolean;
  /** Stops it with everything it started, and checks that its port is free again. Can be called again. */
  stop(): Promise<ServerReport>;
  report(): ServerReport;
}

/** A server that could not be started. Nothing of it is left running; the message has the server's name and the cause. */
export class ServerFailed extends CodedError {
  override name = "ServerFailed";
  /** `failed`: the server is broken. `error`: it was not allowed to start or not given enough time, so its state is unknown. */
  readonly verdict: Extract<Verdict, "failed" | "error">;
  readonly report: ServerReport;

  constructor(code: ErrorCode, message: string, verdict: ServerFailed["verdict"], report: ServerReport, options?: ErrorOptions) {
    super(code, message, options);
    this.verdict = verdict;
    this.report = report;
  }
}

/** Resolves when it is ready. @throws ServerFailed; UserError if `cwd` doesn't exist or `ready.log` is an invalid pattern */
export async function startServer(spec: ServerSpec, options: ServerOptions): Promise<RunningServer> {
  const port = spec.port ?? localPort(spec.ready);
  await preparePatterns(spec.ready);
  const watch = watchReady(spec.ready);
  if (options.signal.aborted) throw notStarted(spec, port, "the start was cancelled", { reason: options.signal.reason });
  if (port !== undefined && (await portState(port)) === "taken")
    throw notStarted(spec, port, `port ${port} is already in use by ${await holderOf(port)}`, {
      cure: "end that process, or give the server another port, and the tests its new address",
    });

  const startedAt = performance.now();
  const launched = { ...spec, keepsInput: true };
  const { tree, output } = await launch(launched, {
    onLine(line) {
      watch.onLine(line);
      options.onLine(line, spec.name);
    },
    onUnfinished: watch.onLine,
    redaction: options.redaction,
  });
  options.onLaunched?.();
  const server = new ServerProcess({ spec, port, tree, output, graceMs: options.graceMs ?? defaultGraceMs });
  await server.waitUntilReady(watch, startedAt, options.signal);
  return server;
}

/** @param cure what to do, if anything */
function notStarted(
  spec: ServerSpec,
  port: number | undefined,
  cause: string,
  { cure, reason }: { cure?: string; reason?: unknown },
): ServerFailed {
  const report: ServerReport = { name: spec.name, ended: `not started: ${cause}`, port };
  const message = `server ${spec.name} was not started: ${cause}${cure === undefined ? "" : `: ${cure}`}`;
  return new ServerFailed("EA5001", message, "error", report, { cause: reason });
}

interface ServerParts {
  spec: ServerSpec;
  port: number | undefined;
  tree: ProcessTree;
  output: CapturedOutput;
  graceMs: number;
}

class ServerProcess implements RunningServer {
  readonly name: string;
  readonly died: Promise<ServerReport>;
  readonly #parts: ServerParts;
  #report: ServerReport;
  #closing: Promise<ServerReport> | undefined;
  #fell = false;

  constructor(parts: ServerParts) {
    this.name = parts.spec.name;
    this.#parts = parts;
    this.#report = { name: parts.spec.name, ended: "still running", port: parts.port, log: parts.spec.logFile };
    const own = Promise.withResolvers<ServerReport>();
    this.died = own.promise;
    void parts.tree.exited.then((exit) => {
      if (this.#closing) return;
      this.#fell = true;
      own.resolve(this.#close(inWords(exit)));
    });
  }

  fell(): boolean {
    return this.#fell;
  }

  report(): ServerReport {
    return this.#report;
  }

  stop(): Promise<ServerReport> {
    return this.#close();
  }

  /** @throws ServerFailed once nothing of the server is left */
  async waitUntilReady(watch: ReadyWatch, startedAt: number, signal: AbortSignal): Promise<void> {
    const { spec } = this.#parts;
    const over = new AbortController();
    const deadline = AbortSignal.timeout(spec.ready.timeoutMs);
    const ready = this.#ready(watch, AbortSignal.any([signal, deadline, over.signal])).then(
      () => "ready" as const,
      async (error: unknown) => {
        if (signal.aborted || deadline.aborted || over.signal.aborted) return "not ready" as const;
        // A bug of ours must not look like a slow server.
        await this.#close("stopped because of an unexpected error");
        throw error;
      },
    );
    try {
      // Not `died`, which waits for the cleanup: meanwhile another process could answer in place of the dead server.
      const first = await Promise.race([this.#parts.tree.exited, ready]);
      if (first === "ready") {
        this.#report = { ...this.#report, readyMs: Math.round(performance.now() - startedAt) };
        return;
      }
      if (first !== "not ready") {
        const report = await this.died;
        const cause = `was not ready: expected ${describe(spec.ready)}, but it ${report.ended}`;
        throw new ServerFailed("EA5002", `server ${this.name} ${cause}`, "failed", report);
      }
      throw signal.aborted ? await this.#cancelled(signal) : await this.#late(watch);
    } finally {
      over.abort();
    }
  }

  async #ready(watch: ReadyWatch, signal: AbortSignal): Promise<void> {
    await watch.wait(signal);
    const { port, tree } = this.#parts;
    if (port === undefined) return;
    // Another process may have taken the port just before the server, and answers instead. Give the server time to exit because
    // of it. If it doesn't, the listener is something legitimate in between, such as Docker's proxy.
    if (!tree.listensOn(port)) await delay(stolenPortMs, undefined, { signal });
  }

  async #cancelled(signal: AbortSignal): Promise<ServerFailed> {
    const report = await this.#close("stopped before it was ready");
    const message = `server ${this.name} was stopped before it was ready: the start was cancelled`;
    return new ServerFailed("EA5001", message, "error", report, { cause: signal.reason });
  }

  async #late(watch: ReadyWatch): Promise<ServerFailed> {
    const { spec, port, tree } = this.#parts;
    const others = tree.ports().filter((one) => one !== port);
    const elsewhere = port !== undefined && others.length > 0 ? `; it listens on port ${others.join(" and ")} instead` : "";
    const seen = watch.lastSeen() || "no answer was seen";
    const report = await this.#close("stopped because it was not ready in time");
    const cause = `was not ready after ${spec.ready.timeoutMs / 1000} s: expected ${describe(spec.ready)}, but ${seen}${elsewhere}`;
    return new ServerFailed("EA5003", `server ${this.name} ${cause}`, "failed", report);
  }

  /** `trouble`: how it ended, if it wasn't asked to. */
  #close(trouble?: string): Promise<ServerReport> {
    this.#closing ??= this.#end(trouble);
    return this.#closing;
  }

  async #end(trouble: string | undefined): Promise<ServerReport> {
    const { port, tree, output, graceMs } = this.#parts;
    const outcome = await tree.end(graceMs);
    await output.close();
    const state = port === undefined ? undefined : await waitUntilFree(port, portFreeMs);
    const words = [
      trouble ?? (outcome === "ended" ? "stopped" : "killed"),
      ...(trouble !== undefined && outcome === "killed" ? ["some of its processes had to be killed"] : []),
      ...(outcome === "left" ? ["some of its processes could not be killed"] : []),
      ...(port !== undefined && state === "taken" ? [`port ${port} is still in use by ${await holderOf(port)}`] : []),
    ];
    this.#report = { ...this.#report, ended: words.join("; ") };
    if (state === "free" || state === "taken") this.#report.portFreed = state === "free";
    if (words.length > 1 || words[0] !== "stopped") this.#report.tail = output.tail();
    return this.#report;
  }
}

function inWords(exit: Exit): string {
  if (exit.signal !== null) return `was ended by ${exit.signal}`;
  const advice = exit.code === 0 ? " (a server must keep running in the foreground)" : "";
  return `ended with exit code ${exit.code}${advice}`;
}

/** Starts all servers at the same time. If one fails or exits meanwhile, the others are stopped, and its error is thrown. */
export async function startServers(specs: readonly ServerSpec[], options: ServerOptions): Promise<RunningServer[]> {
  refuseSharedPorts(specs);
  const failure = new AbortController();
  const signal = AbortSignal.any([options.signal, failure.signal]);
  const starts = await Promise.allSettled(
    specs.map(async (spec) => {
      try {
        const server = await startServer(spec, { ...options, signal });
        void server.died.then((report) => failure.abort(died(report)));
        return server;
      } catch (error) {
        failure.abort(error);
        throw error;
      }
    }),
  );
  const running = starts.filter((start) => start.status === "fulfilled").map((start) => start.value);
  if (!failure.signal.aborted) return running;
  await Promise.all(running.map((server) => server.stop()));
  throw failure.signal.reason;
}

function died(report: ServerReport): ServerFailed {
  return new ServerFailed(
    "EA5002",
    `server ${report.name} ${report.ended} while other servers were being started`,
    "failed",
    report,
  );
}

function refuseSharedPorts(specs: readonly ServerSpec[]): void {
  const owners = new Map<number, string>();
  for (const spec of specs) {
    const port = spec.port ?? localPort(spec.ready);
    if (port === undefined) continue;
    const owner = owners.get(port);
    if (owner !== undefined)
      throw new UserError("EA1018", `the servers ${owner} and ${spec.name} have the same port ${port}: give each its own port`);
    owners.set(port, spec.name);
  }
}
