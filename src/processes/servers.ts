import type { ServerReport } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import { localPort } from "./ready.ts";
import { type RunningServer, ServerFailed, type ServerOptions, type ServerSpec, startServer } from "./server.ts";

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
