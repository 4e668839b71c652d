import type { Environment } from "../../config/schema.ts";
import { errorText } from "../../lib/error-text.ts";
import { directNote } from "../../lib/proxy/choice.ts";
import { connect } from "../connection.ts";
import type { CheckContext } from "../kind.ts";
import { type Finding, measured, milliseconds, numberedIds, type RunningCheck, slug } from "../run-check.ts";

type Server = Environment["tcp"][number];

/** A check for each server. */
export function run({ check, signal }: CheckContext, servers: readonly Server[]): RunningCheck[] {
  const ids = numberedIds(servers.map(({ name }) => `tcp.${slug(name) || "server"}`));
  return servers.map((server, index) =>
    check(ids[index] ?? "tcp.server", `TCP connection to ${server.name}`, () => probe(server, signal)),
  );
}

/** Connects, sends nothing, and closes. */
async function probe({ name, host, port, within }: Server, signal: AbortSignal): Promise<Finding> {
  const expected = `connected in < ${milliseconds(within)}`;
  try {
    const { tcpMs } = await connect({ host, port, tls: false }, { signal, timeoutMs: within * 2 });
    const found = { observed: `connected in ${milliseconds(tcpMs)}`, expected, ...measured([tcpMs]) };
    if (tcpMs < within) return { verdict: "passed", ...found };
    return { verdict: "failed", ...found, message: `${host}:${port} accepts connections, but too slowly.` };
  } catch (error) {
    // A refusal comes from the host: nothing listens there. Any other failure means that we could not look.
    if ((error as NodeJS.ErrnoException).code !== "ECONNREFUSED")
      throw new Error(`${errorText(error)}${directNote()}`, { cause: error });
    const message = `Nothing listens on ${host}:${port}${directNote()}. Start ${name}, or correct host and port.`;
    return { verdict: "failed", observed: "connection refused", expected, message };
  }
}
